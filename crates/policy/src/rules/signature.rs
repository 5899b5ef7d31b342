//! The rule that an image is signed.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use waxseal_oci::Annotations;
use waxseal_verify::Verified;

use super::{Miss, Requirement, Rule};
use crate::codes;

/// A signature with at least these annotations. An attestation is none,
/// whatever it says and whoever signed it.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) annotations: Annotations,
}

impl Signature {
    pub(crate) fn weigh(&self, verified: &Verified) -> Result<(), Box<Miss>> {
        let signature = match verified {
            Verified::Signature(signature) => signature,
            Verified::Attestation(attestation) => {
                let reason = format!(
                    "it is an attestation of type {}; an attestation is not a signature",
                    attestation.predicate_type()
                );
                return Err(Miss::other(codes::NOT_A_SIGNATURE, reason));
            }
        };
        for (key, wanted) in &self.annotations {
            let found = signature.annotations().get(key);
            if found != Some(wanted) {
                let has = found.map_or_else(|| "missing".to_owned(), |v| format!("`{v}`"));
                let reason = format!("the annotation `{key}` is {has}, not `{wanted}`");
                return Err(Miss::near(codes::ANNOTATION, reason));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signature")?;
        for (n, (key, value)) in self.annotations.iter().enumerate() {
            let before = if n == 0 { " with" } else { "," };
            write!(f, "{before} {key}={value}")?;
        }
        Ok(())
    }
}

/// A signature of the image.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Signature")]
pub(crate) struct Raw {
    /// How many distinct keys or identities it takes; 1 where it is left out.
    #[serde(default)]
    threshold: Option<usize>,
    /// Who may sign, by their names under `authorities`.
    #[serde(default)]
    from: Vec<String>,
    /// What the signature must have been annotated with.
    #[serde(default)]
    annotations: Annotations,
}

impl Raw {
    pub(crate) fn compile(self) -> Requirement {
        let rule = Rule::Signature(Signature {
            annotations: self.annotations,
        });
        Requirement {
            from: self.from,
            threshold: self.threshold.unwrap_or(1),
            rule,
        }
    }
}
