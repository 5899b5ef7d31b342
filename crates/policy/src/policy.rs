//! The compiled policy.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use waxseal_oci::{Platform, Reference};
use waxseal_verify::{Authority, Demand, KeyAuthority, KeylessAuthority, Matcher, PublicKey};

use crate::document::{self, KeySource, RawDemand, RawPlatforms};
use crate::requirement::{self, Requirement, What};
use crate::{ImagePattern, PolicyError};

/// The labels of a namespace.
pub type NamespaceLabels = BTreeMap<String, String>;

/// A compiled policy: it covers some images, trusts somebody, and requires something.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) images: Option<Vec<ImagePattern>>,
    pub(crate) namespaces: Option<NamespaceLabels>,
    pub(crate) authorities: Vec<(String, Authority)>,
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) mode: Mode,
    pub(crate) platforms: Platforms,
}

/// What a refusal does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum Mode {
    /// It refuses.
    #[default]
    Enforce,
    /// It lets the image in with a warning.
    Warn,
    /// It lets the image in and is recorded.
    Audit,
}

/// Which members of an index are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum Platforms {
    /// The index: it is what was signed, its members inherit by digest.
    #[default]
    Index,
    /// Each member on its own.
    All,
    /// The members for these platforms, through the index or on their own.
    Only(Vec<Platform>),
}

/// Which evidence a policy needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers read it")]
pub struct Needs {
    /// Whether it needs signatures.
    pub signature: bool,
    /// Which attestations it needs, by the URI of their type.
    pub attestations: BTreeSet<String>,
    /// Of which attestations it reads the predicate.
    pub keep_predicate_of: BTreeSet<String>,
}

impl Policy {
    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a refusal does.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Which members of an index are looked at.
    #[must_use]
    pub fn platforms(&self) -> &Platforms {
        &self.platforms
    }

    /// Whether the policy is for this image, in a namespace with these labels.
    ///
    /// Where the labels are not known, a policy that selects namespaces covers
    /// the image: not to know is no reason to let it in.
    #[must_use]
    pub fn covers(&self, image: &Reference, labels: Option<&NamespaceLabels>) -> bool {
        let in_namespace = match (&self.namespaces, labels) {
            (Some(wanted), Some(labels)) => wanted.iter().all(|(k, v)| labels.get(k) == Some(v)),
            _ => true,
        };
        let named = self
            .images
            .as_ref()
            .is_none_or(|i| i.iter().any(|p| p.covers(image)));
        in_namespace && named
    }

    /// Whether the policy is for this image in a namespace of which only some
    /// labels are known. One that is not known is taken to be as the policy
    /// wants it: not to know is no reason to let the image in.
    #[must_use]
    pub fn may_cover(&self, image: &Reference, known: &NamespaceLabels) -> bool {
        let ruled_out = self.namespaces.as_ref().is_some_and(|wanted| {
            wanted
                .iter()
                .any(|(key, value)| known.get(key).is_some_and(|found| found != value))
        });
        !ruled_out && self.covers(image, None)
    }

    /// Whether the policy selects namespaces by their labels.
    #[must_use]
    pub fn selects_namespaces(&self) -> bool {
        self.namespaces.is_some()
    }

    /// Whom the policy trusts.
    pub fn authorities(&self) -> impl Iterator<Item = (&str, &Authority)> {
        self.authorities
            .iter()
            .map(|(name, authority)| (name.as_str(), authority))
    }

    /// The authorities that may satisfy a signature requirement, or one for an attestation of this type.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let mut needs = Needs::default();
        for requirement in &self.requirements {
            match &requirement.what {
                What::Signature { .. } => needs.signature = true,
                What::Attestation {
                    types, condition, ..
                } => {
                    needs.attestations.extend(types.iter().cloned());
                    if condition.is_some() {
                        needs.keep_predicate_of.extend(types.iter().cloned());
                    }
                }
            }
        }
        needs
    }

    /// What the policy means, for people: whom it covers, and who would be let in.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut lines = vec![format!("policy {} ({})", self.name, mode_word(self.mode))];
        if let Some(images) = &self.images {
            let list: Vec<_> = images.iter().map(ToString::to_string).collect();
            lines.push(format!("  covers {}", list.join(", ")));
        }
        if let Some(labels) = &self.namespaces {
            let list: Vec<_> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
            lines.push(format!(
                "  in namespaces with {} (ignored outside a cluster)",
                list.join(", ")
            ));
        }
        for (name, authority) in &self.authorities {
            lines.push(format!("  trusts {name}: {}", describe(authority)));
        }
        for requirement in &self.requirements {
            lines.push(format!("  requires {}", requirement.title()));
        }
        lines.join("\n")
    }

    /// What loads and is probably not meant.
    #[must_use]
    pub fn lints(&self) -> Vec<String> {
        let used: BTreeSet<&String> = self.requirements.iter().flat_map(|r| &r.from).collect();
        let mut lints: Vec<String> = self
            .authorities
            .iter()
            .filter(|(name, _)| !used.contains(name))
            .map(|(name, _)| format!("authority `{name}` is trusted by no requirement"))
            .collect();
        if self.mode != Mode::Enforce {
            lints.push(format!(
                "mode is `{}`: nothing is refused",
                mode_word(self.mode)
            ));
        }
        lints
    }
}

fn describe(authority: &Authority) -> String {
    match authority {
        Authority::Key(key) => {
            let asks = |d: Demand, what: &str| match d {
                Demand::Required => format!(", with {what}"),
                Demand::Optional => String::new(),
            };
            format!(
                "the holder of key {}{}{}",
                key.key.id(),
                asks(key.log, "a log entry"),
                asks(key.timestamp, "a timestamp")
            )
        }
        Authority::Keyless(_) => "whoever proves the identity with a certificate".to_owned(),
        _ => "an authority".to_owned(),
    }
}

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Warn => "warn",
        Mode::Audit => "audit",
    }
}

pub(crate) fn compile(
    raw: document::Raw,
    read: &dyn Fn(&KeySource) -> Result<Vec<u8>, String>,
) -> Result<Policy, PolicyError> {
    if raw.api_version != API_VERSION {
        return Err(PolicyError::ApiVersion(raw.api_version));
    }
    if raw.kind != KIND {
        return Err(PolicyError::Kind(raw.kind));
    }
    if raw.metadata.name.is_empty() {
        return Err(PolicyError::Name);
    }
    let spec = raw.spec;
    if spec.matching.images.is_empty() {
        return Err(PolicyError::NoImages);
    }
    if spec.authorities.is_empty() {
        return Err(PolicyError::NoAuthorities);
    }
    if spec.require.is_empty() {
        return Err(PolicyError::NoRequirements);
    }
    let images: Result<Vec<_>, _> = spec
        .matching
        .images
        .iter()
        .map(|p| ImagePattern::parse(p))
        .collect();
    let mut authorities = Vec::new();
    for (name, source) in spec.authorities {
        let authority = authority(&name, source, read)?;
        authorities.push((name, authority));
    }
    let mut requirements = Vec::new();
    for (n, raw) in spec.require.into_iter().enumerate() {
        let requirement = requirement::compile(raw, n + 1)?;
        check(&requirement, n + 1, &authorities)?;
        requirements.push(requirement);
    }
    Ok(Policy {
        name: raw.metadata.name,
        images: Some(images?),
        namespaces: spec.matching.namespaces.map(|n| n.match_labels),
        authorities,
        requirements,
        mode: spec.mode,
        platforms: spec.platforms.map_or(Ok(Platforms::Index), platforms)?,
    })
}

fn check(
    requirement: &Requirement,
    number: usize,
    authorities: &[(String, Authority)],
) -> Result<(), PolicyError> {
    let mut trusted = Vec::new();
    for name in &requirement.from {
        let found = authorities.iter().find(|(n, _)| n == name);
        let Some((_, authority)) = found else {
            return Err(PolicyError::UnknownAuthority {
                requirement: number,
                name: name.clone(),
            });
        };
        trusted.push(authority);
    }
    let keys = authority_count(trusted.into_iter());
    let threshold = requirement.threshold;
    if threshold == 0 || threshold > keys {
        return Err(PolicyError::Threshold {
            requirement: number,
            threshold,
            keys,
        });
    }
    Ok(())
}

/// How many distinct signers these authorities can stand for.
pub(crate) fn authority_count<'a>(authorities: impl Iterator<Item = &'a Authority>) -> usize {
    let mut keys = BTreeSet::new();
    let mut identities = 0_usize;
    for authority in authorities {
        match authority {
            Authority::Key(key) => {
                keys.insert(key.key.id().to_owned());
            }
            // A pattern can be met by any number of identities.
            _ => identities = MANY,
        }
    }
    keys.len() + identities
}

fn authority(
    name: &str,
    source: document::AuthoritySource,
    read: &dyn Fn(&KeySource) -> Result<Vec<u8>, String>,
) -> Result<Authority, PolicyError> {
    if source.notation.is_some() {
        return Err(PolicyError::Unsupported("notation".into()));
    }
    match (source.key, source.keyless) {
        (Some(key), None) => {
            match &key.source {
                KeySource::Unclear => return Err(PolicyError::KeySource(name.to_owned())),
                KeySource::Unsupported(what) => return Err(PolicyError::Unsupported(what.clone())),
                KeySource::File(_) | KeySource::Pem(_) => {}
            }
            let refuse = |reason: String| PolicyError::Key {
                authority: name.to_owned(),
                reason,
            };
            let bytes = match &key.source {
                KeySource::Pem(pem) => pem.clone().into_bytes(),
                other => read(other).map_err(refuse)?,
            };
            let public = PublicKey::from_pem(&bytes).map_err(|e| refuse(e.to_string()))?;
            let mut authority = KeyAuthority::new(public);
            authority.log = demand(key.log);
            authority.timestamp = demand(key.timestamp);
            Ok(Authority::Key(authority))
        }
        (None, Some(keyless)) => identity(name, keyless).map(Authority::Keyless),
        _ => Err(PolicyError::AuthorityKind(name.to_owned())),
    }
}

fn identity(name: &str, raw: document::RawKeyless) -> Result<KeylessAuthority, PolicyError> {
    let refuse = |reason: String| PolicyError::Identity {
        authority: name.to_owned(),
        reason,
    };
    let one = |what: &str, exact: Option<String>, pattern: Option<String>| match (exact, pattern) {
        (Some(text), None) if text.contains('*') => {
            Matcher::glob(text).map_err(|e| refuse(format!("`{what}`: {e}")))
        }
        (Some(text), None) => Matcher::exact(text).map_err(|e| refuse(format!("`{what}`: {e}"))),
        (None, Some(text)) => {
            Matcher::regex(text).map_err(|e| refuse(format!("`{what}RegExp`: {e}")))
        }
        (None, None) => Err(refuse(format!("`{what}` is missing"))),
        (Some(_), Some(_)) => Err(refuse(format!(
            "`{what}` and `{what}RegExp` are both there"
        ))),
    };
    let issuer = one("issuer", raw.issuer, raw.issuer_reg_exp)?;
    let subject = one("subject", raw.subject, raw.subject_reg_exp)?;
    let mut authority = KeylessAuthority::new(issuer, subject);
    for (claim, value) in raw.claims {
        authority
            .claims
            .insert(claim.clone(), one(&claim, Some(value), None)?);
    }
    Ok(authority)
}

fn demand(raw: RawDemand) -> Demand {
    match raw {
        RawDemand::Optional => Demand::Optional,
        RawDemand::Required => Demand::Required,
    }
}

fn platforms(raw: RawPlatforms) -> Result<Platforms, PolicyError> {
    match raw {
        RawPlatforms::Word(word) => match word.as_str() {
            "index" => Ok(Platforms::Index),
            "all" => Ok(Platforms::All),
            "runnable" => Err(PolicyError::Unsupported("platforms: runnable".into())),
            _ => Err(PolicyError::Platforms(word)),
        },
        RawPlatforms::List(list) if list.is_empty() => Err(PolicyError::Platforms("[]".into())),
        RawPlatforms::List(list) => list
            .iter()
            .map(|p| Platform::parse(p).ok_or_else(|| PolicyError::Platforms(p.clone())))
            .collect::<Result<_, _>>()
            .map(Platforms::Only),
    }
}

const API_VERSION: &str = "waxseal.dev/v1alpha1";
const KIND: &str = "ImagePolicy";
const MANY: usize = 1_000;
