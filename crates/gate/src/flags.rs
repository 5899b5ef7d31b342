//! A policy made of command-line flags, in a form that can be kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waxseal_oci::{Annotations, Platform};
use waxseal_policy::{Flags, Platforms, Policy, RootDemand, SbomDemand};
use waxseal_verify::{
    Authority, Demand, KeyAuthority, KeylessAuthority, Matcher, MatcherError, PublicKey,
    TrustedRoot,
};

use crate::policy_set::{KnownRoot, PolicySetError};

/// What the flags of `verify` say, as they were written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it in")]
pub struct FlagsSource {
    /// The keys that are trusted, by name.
    pub keys: Vec<NamedKey>,
    /// The identities that are trusted, by name.
    pub identities: Vec<NamedIdentity>,
    /// The trust roots of identities that have their own, by the operator's names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roots: BTreeMap<String, KnownRoot>,
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
    /// What else the certificate has to say, by the names of Fulcio's extensions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Expected>,
    /// Whether it is certified in an instance without logs, where a timestamp
    /// takes their place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_logs: bool,
    /// Whether a log entry need not be there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log_optional: bool,
    /// Whether the certificate need not be in a certificate transparency log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sct_optional: bool,
    /// Which of the [`roots`](FlagsSource::roots) certifies it, if not the one
    /// that all share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}

impl NamedIdentity {
    /// An identity that `issuer` vouches for, under the shared trust root.
    #[must_use]
    pub fn new(name: impl Into<String>, issuer: Expected, subject: Expected) -> Self {
        Self {
            name: name.into(),
            issuer,
            subject,
            claims: BTreeMap::new(),
            without_logs: false,
            log_optional: false,
            sct_optional: false,
            root: None,
        }
    }

    /// The same, to be verified with. Its trust root is not in it.
    ///
    /// # Errors
    /// [`MatcherError`] of an expression that is none, or that everybody matches.
    pub fn authority(&self) -> Result<KeylessAuthority, MatcherError> {
        let (issuer, subject) = (self.issuer.matcher()?, self.subject.matcher()?);
        let mut authority = if self.without_logs {
            KeylessAuthority::without_logs(issuer, subject)
        } else {
            KeylessAuthority::new(issuer, subject)
        };
        if self.log_optional {
            authority.log = Demand::Optional;
        }
        if self.sct_optional {
            authority.sct = Demand::Optional;
        }
        for (claim, expected) in &self.claims {
            authority.claims.insert(claim.clone(), expected.matcher()?);
        }
        Ok(authority)
    }
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
        let mut roots = Vec::new();
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
            let refuse = |e: MatcherError| PolicySetError::Identity(e.to_string());
            let mut authority = identity.authority().map_err(refuse)?;
            if self.require_timestamp {
                authority.timestamp = Demand::Required;
            }
            if let Some(name) = &identity.root {
                let root = self.roots.get(name).ok_or_else(|| {
                    PolicySetError::Identity(format!("the trust root `{name}` is not at hand"))
                })?;
                authority.root = Some(TrustedRoot::from_json(root.document.as_bytes())?);
                roots.push((identity.name.clone(), RootDemand::new(name)));
            }
            authorities.push((identity.name.clone(), Authority::Keyless(authority)));
        }
        Policy::from_flags(Flags {
            authorities,
            roots,
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
    fn matcher(&self) -> Result<Matcher, MatcherError> {
        match self {
            Self::Exactly(text) => Matcher::exact(text),
            Self::Matching(pattern) => Matcher::regex(pattern),
        }
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
