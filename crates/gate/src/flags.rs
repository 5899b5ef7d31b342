//! A policy made of command-line flags, in a form that can be kept.

use serde::{Deserialize, Serialize};
use waxseal_oci::{Annotations, Platform};
use waxseal_policy::{Flags, Platforms, Policy, SbomDemand};
use waxseal_verify::{Authority, Demand, KeyAuthority, KeylessAuthority, Matcher, PublicKey};

use crate::policy_set::PolicySetError;

/// What the flags of `verify` say, as they were written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it in")]
pub struct FlagsSource {
    /// The keys that are trusted, by name.
    pub keys: Vec<NamedKey>,
    /// The identities that are trusted, by name.
    pub identities: Vec<NamedIdentity>,
    /// How many distinct signers it takes; 0 stands for 1.
    pub threshold: usize,
    /// Annotations that the signature must have.
    pub annotations: Annotations,
    /// The attestation types that must be there; where there is one, no
    /// signature is asked for.
    pub attestations: Vec<String>,
    /// Where an SBOM has to list what is in the image, what it may leave out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sbom_omits: Option<Vec<String>>,
    /// Whether a transparency log entry is required.
    pub require_log: bool,
    /// Whether a timestamp is required.
    pub require_timestamp: bool,
    /// Which platforms of an index are looked at.
    pub platforms: PlatformsFlag,
}

/// A key and what people call it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it in")]
pub struct NamedKey {
    /// Its name, such as that of its file.
    pub name: String,
    /// The key in PEM.
    pub pem: String,
}

/// An identity and what people call it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it in")]
pub struct NamedIdentity {
    /// Its name.
    pub name: String,
    /// The identity provider.
    pub issuer: Expected,
    /// The identity.
    pub subject: Expected,
}

/// What a text has to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum Expected {
    /// This.
    Exactly(String),
    /// What this regular expression matches as a whole.
    Matching(String),
}

/// Which images of an index are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum PlatformsFlag {
    /// The index itself.
    #[default]
    Index,
    /// Each image of it.
    All,
    /// The images for these platforms.
    Only(Vec<Platform>),
}

impl From<PlatformsFlag> for Platforms {
    fn from(flag: PlatformsFlag) -> Self {
        match flag {
            PlatformsFlag::Index => Self::Index,
            PlatformsFlag::All => Self::All,
            PlatformsFlag::Only(list) => Self::Only(list),
        }
    }
}

impl FlagsSource {
    pub(crate) fn compile(&self) -> Result<Policy, PolicySetError> {
        let demand = |required: bool| match required {
            true => Demand::Required,
            false => Demand::Optional,
        };
        let mut authorities = Vec::new();
        for key in &self.keys {
            let public =
                PublicKey::from_pem(key.pem.as_bytes()).map_err(|e| PolicySetError::Key {
                    name: key.name.clone(),
                    reason: e.to_string(),
                })?;
            let mut authority = KeyAuthority::new(public);
            authority.log = demand(self.require_log);
            authority.timestamp = demand(self.require_timestamp);
            authorities.push((key.name.clone(), Authority::Key(authority)));
        }
        for identity in &self.identities {
            let mut authority =
                KeylessAuthority::new(identity.issuer.matcher()?, identity.subject.matcher()?);
            authority.timestamp = demand(self.require_timestamp);
            authorities.push((identity.name.clone(), Authority::Keyless(authority)));
        }
        Policy::from_flags(Flags {
            authorities,
            threshold: self.threshold.max(1),
            annotations: self.annotations.clone(),
            attestations: self.attestations.clone(),
            sbom: self
                .sbom_omits
                .clone()
                .map(|may_omit| SbomDemand { may_omit }),
            platforms: self.platforms.clone().into(),
        })
        .map_err(PolicySetError::Flags)
    }
}

impl Expected {
    fn matcher(&self) -> Result<Matcher, PolicySetError> {
        match self {
            Self::Exactly(text) => Matcher::exact(text),
            Self::Matching(pattern) => Matcher::regex(pattern),
        }
        .map_err(|e| PolicySetError::Identity(e.to_string()))
    }
}

impl From<Platforms> for PlatformsFlag {
    fn from(platforms: Platforms) -> Self {
        match platforms {
            Platforms::Index => Self::Index,
            Platforms::All => Self::All,
            Platforms::Only(list) => Self::Only(list),
        }
    }
}
