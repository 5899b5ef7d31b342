//! The rule that the image has an attested SBOM.

use schemars::JsonSchema;
use serde::Deserialize;
use waxseal_verify::Verified;

use super::{Miss, Requirement, Rule, attestation};
use crate::PolicyError;
use crate::document::Later;

/// An SBOM attestation of any of the types that producers write.
#[derive(Clone, Debug)]
pub(crate) struct Sbom;

impl Sbom {
    pub(crate) fn weigh(&self, verified: &Verified) -> Result<(), Box<Miss>> {
        attestation::of_type(verified, |found| TYPES.contains(&found)).map(|_| ())
    }
}

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
    #[serde(default)]
    matches_image: Option<Later>,
    #[serde(default)]
    deny: Option<Later>,
}

impl Raw {
    pub(crate) fn compile(self) -> Result<Requirement, PolicyError> {
        if self.matches_image.is_some() {
            return Err(PolicyError::Unsupported("sbom.matchesImage".into()));
        }
        if self.deny.is_some() {
            return Err(PolicyError::Unsupported("sbom.deny".into()));
        }
        Ok(Requirement {
            from: self.from,
            threshold: self.threshold.unwrap_or(1),
            rule: Rule::Sbom(Sbom),
        })
    }
}

/// cosign writes the types without a version; GitHub's action and others write
/// SPDX's with one.
pub(crate) const TYPES: [&str; 10] = [
    "https://cyclonedx.org/bom",
    "https://cyclonedx.org/bom/v1.4",
    "https://cyclonedx.org/bom/v1.5",
    "https://cyclonedx.org/bom/v1.6",
    "https://cyclonedx.org/bom/v1.7",
    "https://spdx.dev/Document",
    "https://spdx.dev/Document/v2.2",
    "https://spdx.dev/Document/v2.3",
    "https://spdx.dev/Document/v3.0",
    "https://spdx.dev/Document/v3.0.1",
];
