//! What a policy requires of an image.

use serde::Deserialize;
use waxseal_attestation::PredicateType;
use waxseal_oci::Annotations;

use crate::{Condition, PolicyError};

/// One requirement, compiled.
#[derive(Clone, Debug)]
pub(crate) struct Requirement {
    /// Who may satisfy it, by their names in the policy. Never empty.
    pub(crate) from: Vec<String>,
    /// How many distinct signers it takes. Never zero.
    pub(crate) threshold: usize,
    /// What they must have signed.
    pub(crate) what: What,
}

/// What must have been signed.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// An attestation of this type that meets the condition.
    Attestation {
        types: Vec<String>,
        label: String,
        condition: Option<Condition>,
    },
    /// A signature with at least these annotations.
    Signature { annotations: Annotations },
}

impl Requirement {
    /// The requirement in words.
    pub(crate) fn title(&self) -> String {
        let who = self.from.join(", ");
        let what = match &self.what {
            What::Attestation {
                label, condition, ..
            } => match condition {
                Some(condition) => {
                    format!("attestation of type {label} where {}", condition.source())
                }
                None => format!("attestation of type {label}"),
            },
            What::Signature { annotations } if annotations.is_empty() => "signature".to_owned(),
            What::Signature { annotations } => {
                let pairs: Vec<_> = annotations
                    .iter()
                    .map(|(k, v)| format!("{k}={v}"))
                    .collect();
                format!("signature with {}", pairs.join(", "))
            }
        };
        match self.threshold {
            1 => format!("{what} by {who}"),
            n => format!("{what} by {n} of {who}"),
        }
    }
}

/// A requirement as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Raw {
    #[serde(default)]
    signature: Option<RawSignature>,
    #[serde(default)]
    attestation: Option<RawAttestation>,
    #[serde(default)]
    sbom: Option<RawSbom>,
    #[serde(default)]
    vulnerabilities: Option<serde::de::IgnoredAny>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawSignature {
    #[serde(default)]
    threshold: Option<usize>,
    #[serde(default)]
    from: Vec<String>,
    #[serde(default)]
    annotations: Annotations,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawAttestation {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    threshold: Option<usize>,
    #[serde(default)]
    from: Vec<String>,
    #[serde(default, rename = "where")]
    condition: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawSbom {
    #[serde(default)]
    threshold: Option<usize>,
    #[serde(default)]
    from: Vec<String>,
    #[serde(default)]
    matches_image: Option<bool>,
    #[serde(default)]
    deny: Option<serde::de::IgnoredAny>,
}

/// Compiles the requirement that is counted `number`, from 1.
pub(crate) fn compile(raw: Raw, number: usize) -> Result<Requirement, PolicyError> {
    if raw.vulnerabilities.is_some() {
        return Err(PolicyError::Unsupported("vulnerabilities".into()));
    }
    let (from, threshold, what) = match (raw.signature, raw.attestation, raw.sbom) {
        (Some(s), None, None) => (
            s.from,
            s.threshold,
            What::Signature {
                annotations: s.annotations,
            },
        ),
        (None, Some(a), None) => (
            a.from,
            a.threshold,
            attestation(&a.kind, a.condition, number)?,
        ),
        (None, None, Some(s)) => {
            if s.matches_image.is_some() {
                return Err(PolicyError::Unsupported("sbom.matchesImage".into()));
            }
            if s.deny.is_some() {
                return Err(PolicyError::Unsupported("sbom.deny".into()));
            }
            (s.from, s.threshold, sbom())
        }
        _ => return Err(PolicyError::RequirementKind(number)),
    };
    if from.is_empty() {
        return Err(PolicyError::NoFrom(number));
    }
    Ok(Requirement {
        from,
        threshold: threshold.unwrap_or(1),
        what,
    })
}

/// An attestation of a type by cosign's name or by URI.
pub(crate) fn attestation(
    kind: &str,
    condition: Option<String>,
    number: usize,
) -> Result<What, PolicyError> {
    let parsed: PredicateType = kind.parse().map_err(|e| PolicyError::Type {
        requirement: number,
        reason: format!("{e}"),
    })?;
    let condition = condition
        .map(|source| Condition::compile(&source))
        .transpose()
        .map_err(|source| PolicyError::Condition {
            requirement: number,
            source,
        })?;
    Ok(What::Attestation {
        types: vec![parsed.uri().to_owned()],
        label: kind.to_owned(),
        condition,
    })
}

fn sbom() -> What {
    What::Attestation {
        types: SBOM_TYPES.map(str::to_owned).to_vec(),
        label: "cyclonedx or spdxjson".to_owned(),
        condition: None,
    }
}

const SBOM_TYPES: [&str; 2] = ["https://cyclonedx.org/bom", "https://spdx.dev/Document"];
