//! What a policy requires of an image: one rule a file.

pub(crate) mod attestation;
pub(crate) mod sbom;
pub(crate) mod signature;
pub(crate) mod vulnerabilities;

use schemars::JsonSchema;
use serde::Deserialize;
use waxseal_verify::Verified;

use crate::{Facts, Needs, Policy, PolicyError, codes};

/// One requirement, compiled.
#[derive(Clone, Debug)]
pub(crate) struct Requirement {
    /// Who may satisfy it, by their names in the policy. Never empty.
    pub(crate) from: Vec<String>,
    /// How many distinct signers it takes. Never zero.
    pub(crate) threshold: usize,
    /// What they must have signed.
    pub(crate) rule: Rule,
}

/// What must have been signed.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    Attestation(attestation::Attestation),
    Sbom(Box<sbom::Sbom>),
    Signature(signature::Signature),
    Vulnerabilities(Box<vulnerabilities::Vulnerabilities>),
}

/// Why verified evidence does not satisfy a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Miss {
    /// How near it came.
    pub(crate) rank: u32,
    pub(crate) code: &'static str,
    pub(crate) reason: String,
}

impl Miss {
    /// It is of another kind.
    pub(crate) fn other(code: &'static str, reason: String) -> Box<Self> {
        Box::new(Self {
            rank: VERIFIED,
            code,
            reason,
        })
    }

    /// It is of the right kind and does not say what is wanted.
    pub(crate) fn near(code: &'static str, reason: String) -> Box<Self> {
        Box::new(Self {
            rank: VERIFIED + 1,
            code,
            reason,
        })
    }
}

impl Requirement {
    /// The requirement in words.
    pub(crate) fn title(&self) -> String {
        let (who, what) = (self.from.join(", "), self.rule.to_string());
        match self.threshold {
            1 => format!("{what} by {who}"),
            n => format!("{what} by {n} of {who}"),
        }
    }
}

impl Rule {
    /// Whether verified evidence about the right digest satisfies the rule, with
    /// what people should know of how.
    pub(crate) fn weigh(
        &self,
        verified: &Verified,
        policy: &Policy,
        facts: &Facts<'_>,
    ) -> Result<Vec<String>, Box<Miss>> {
        let weighed = match self {
            Self::Attestation(rule) => rule.weigh(verified, facts),
            Self::Sbom(rule) => rule.weigh(verified, facts),
            Self::Signature(rule) => rule.weigh(verified),
            Self::Vulnerabilities(rule) => return rule.weigh(verified, policy, facts),
        };
        weighed.map(|()| Vec::new())
    }

    /// The authorities that it speaks of besides those who may satisfy it.
    pub(crate) fn others(&self) -> &[String] {
        match self {
            Self::Vulnerabilities(rule) => &rule.vex,
            Self::Attestation(_) | Self::Sbom(_) | Self::Signature(_) => &[],
        }
    }

    /// Adds which evidence the rule needs.
    pub(crate) fn needs(&self, needs: &mut Needs) {
        match self {
            Self::Attestation(rule) => rule.needs(needs),
            Self::Sbom(rule) => rule.needs(needs),
            Self::Signature(_) => needs.signature = true,
            Self::Vulnerabilities(rule) => rule.needs(needs),
        }
    }

    /// What it is called where it is missing.
    pub(crate) fn noun(&self) -> String {
        match self {
            Self::Attestation(rule) => format!("attestation of type {}", rule.label()),
            Self::Sbom(_) => "attested SBOM".to_owned(),
            Self::Signature(_) => "signature".to_owned(),
            Self::Vulnerabilities(_) => "acceptable vulnerability scan".to_owned(),
        }
    }

    /// The code of its absence.
    pub(crate) fn absence(&self) -> &'static str {
        match self {
            Self::Attestation(_) => codes::NO_ATTESTATION,
            Self::Sbom(_) => codes::NO_SBOM,
            Self::Signature(_) => codes::NO_SIGNATURE,
            Self::Vulnerabilities(_) => codes::NO_SCAN,
        }
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Attestation(rule) => rule.fmt(f),
            Self::Sbom(rule) => rule.fmt(f),
            Self::Signature(rule) => rule.fmt(f),
            Self::Vulnerabilities(rule) => rule.fmt(f),
        }
    }
}

/// One requirement: exactly one of its fields.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Requirement")]
pub(crate) struct Raw {
    #[serde(default)]
    signature: Option<signature::Raw>,
    #[serde(default)]
    attestation: Option<attestation::Raw>,
    #[serde(default)]
    sbom: Option<sbom::Raw>,
    #[serde(default)]
    vulnerabilities: Option<vulnerabilities::Raw>,
}

impl Raw {
    /// Compiles the requirement that is counted `number`, from 1.
    pub(crate) fn compile(self, number: usize) -> Result<Requirement, PolicyError> {
        let requirement = match (
            self.signature,
            self.attestation,
            self.sbom,
            self.vulnerabilities,
        ) {
            (Some(raw), None, None, None) => raw.compile(),
            (None, Some(raw), None, None) => raw.compile(number)?,
            (None, None, Some(raw), None) => raw.compile(number)?,
            (None, None, None, Some(raw)) => raw.compile(number)?,
            _ => return Err(PolicyError::RequirementKind(number)),
        };
        if requirement.from.is_empty() {
            return Err(PolicyError::NoFrom(number));
        }
        Ok(requirement)
    }
}

/// Above every rejection of the verifier: what verified came nearer.
const VERIFIED: u32 = 1_000;
