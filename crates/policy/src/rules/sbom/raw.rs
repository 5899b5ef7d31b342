//! The rule as it is written in a policy.

use schemars::JsonSchema;
use serde::Deserialize;

use super::elements::Element;
use super::{Sbom, attestation};
use crate::rules::{Requirement, Rule};
use crate::{Condition, PolicyError, limits};

/// An attested SBOM, CycloneDX or SPDX.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Sbom")]
pub(crate) struct Raw {
    /// How many distinct keys or identities it takes; 1 where it is left out.
    #[serde(default)]
    threshold: Option<usize>,
    /// Who may attest, by their names under `authorities`.
    #[serde(default)]
    from: Vec<String>,
    /// Whether it is compared with the packages in the image's layers: what it
    /// leaves out, or names in another version or content, makes it worthless.
    #[serde(default)]
    matches_image: bool,
    /// What it may leave out all the same: types of packages such as `npm`, package
    /// URLs without a version such as `pkg:npm/left-pad`, or files and folders, such as
    /// `/opt/vendor`, of which something cannot be read.
    #[serde(default)]
    may_omit: Vec<String>,
    /// Conditions in CEL over `component` (`name`, `version`, `purl`,
    /// `ecosystem`, `supplier`, `licenses`), which no component may meet.
    #[serde(default)]
    deny: Vec<String>,
    /// Whether each component has to have a licence.
    #[serde(default)]
    require_license: bool,
    /// What it has to state: of itself `author` and `timestamp`, of each
    /// component `version`, `supplier` and `identifier`, and `relations`
    /// between them.
    #[serde(default)]
    minimum_elements: Vec<Element>,
    /// How old it may be, such as `30d`, by a time that a log or a timestamp proves.
    #[serde(default)]
    max_age: Option<String>,
}

impl Raw {
    /// Compiles the rule of the requirement that is counted `number`, from 1.
    pub(crate) fn compile(self, number: usize) -> Result<Requirement, PolicyError> {
        for (what, count) in [
            ("`sbom.deny`", self.deny.len()),
            ("`sbom.mayOmit`", self.may_omit.len()),
        ] {
            if count > limits::POLICY_ENTRIES {
                return Err(PolicyError::Sbom {
                    requirement: number,
                    reason: format!("{what} has more than {} entries", limits::POLICY_ENTRIES),
                });
            }
        }
        let refuse = |reason: &str| {
            Err(PolicyError::Sbom {
                requirement: number,
                reason: reason.to_owned(),
            })
        };
        if !self.may_omit.is_empty() && !self.matches_image {
            return refuse("`sbom.mayOmit` says nothing without `matchesImage: true`");
        }
        if self.may_omit.iter().any(|text| text.trim().is_empty()) {
            return refuse("an entry of `sbom.mayOmit` is empty");
        }
        let mut deny = Vec::new();
        for source in &self.deny {
            let compiled = Condition::compile_for_component(source);
            deny.push(compiled.map_err(|source| PolicyError::Condition {
                requirement: number,
                source,
            })?);
        }
        let max_age = self
            .max_age
            .map(|text| attestation::parse_age(text, number));
        Ok(Requirement {
            from: self.from,
            threshold: self.threshold.unwrap_or(1),
            rule: Rule::Sbom(Box::new(Sbom {
                matches_image: self.matches_image,
                may_omit: self.may_omit,
                deny,
                require_license: self.require_license,
                minimum: self.minimum_elements,
                max_age: max_age.transpose()?,
            })),
        })
    }
}
