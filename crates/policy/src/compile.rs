//! From a document to a policy: everything that could let everybody in, or
//! nobody, is refused here.

use std::collections::BTreeSet;

use waxseal_verify::{Authority, Demand, KeyAuthority, PublicKey};

use crate::document::{self, KeySource, authority};
use crate::rules::Requirement;
use crate::{ImagePattern, Platforms, Policy, PolicyError, identity, limits};

/// How a key's source is read.
pub(crate) type Read<'a> = &'a dyn Fn(&KeySource) -> Result<Vec<u8>, String>;

pub(crate) fn compile(raw: document::Raw, read: Read<'_>) -> Result<Policy, PolicyError> {
    let name = raw.metadata.name.clone();
    let inside = |error| PolicyError::In {
        policy: name.clone(),
        error: Box::new(error),
    };
    if raw.api_version != API_VERSION {
        return Err(PolicyError::ApiVersion(raw.api_version));
    }
    if raw.kind != KIND {
        return Err(PolicyError::Kind(raw.kind));
    }
    if !is_name(&name) {
        return Err(PolicyError::Name(name));
    }
    spec(name.clone(), raw.spec, read).map_err(inside)
}

fn spec(name: String, spec: document::Spec, read: Read<'_>) -> Result<Policy, PolicyError> {
    if spec.matching.images.is_empty() {
        return Err(PolicyError::NoImages);
    }
    if spec.authorities.is_empty() {
        return Err(PolicyError::NoAuthorities);
    }
    if spec.require.is_empty() {
        return Err(PolicyError::NoRequirements);
    }
    let counts = [
        ("match.images", spec.matching.images.len()),
        ("authorities", spec.authorities.len()),
        ("require", spec.require.len()),
    ];
    if let Some((list, _)) = counts.iter().find(|(_, n)| *n > limits::POLICY_ENTRIES) {
        return Err(PolicyError::TooMany { list });
    }
    let patterns: Result<Vec<_>, _> = spec
        .matching
        .images
        .iter()
        .map(|p| ImagePattern::parse(p))
        .collect();
    let images = patterns?;
    let namespaces = spec.matching.namespaces.map(|n| n.compile()).transpose()?;
    let mut authorities = Vec::new();
    let mut roots = Vec::new();
    for (name, raw) in spec.authorities {
        if let Some(keyless) = &raw.keyless {
            let demand = identity::root_demand(&name, keyless)?;
            roots.extend(demand.map(|demand| (name.clone(), demand)));
        }
        let authority = compile_authority(&name, raw, read)?;
        authorities.push((name, authority));
    }
    let mut requirements = Vec::new();
    for (n, raw) in spec.require.into_iter().enumerate() {
        let requirement = raw.compile(n + 1)?;
        check(&requirement, n + 1, &authorities)?;
        requirements.push(requirement);
    }
    Ok(Policy {
        name,
        images: Some(images),
        namespaces,
        authorities,
        roots,
        requirements,
        mode: spec.mode,
        platforms: spec
            .platforms
            .map_or(Ok(Platforms::Index), document::platforms::Raw::compile)?,
    })
}

/// Checks a requirement against the authorities that there are.
pub(crate) fn check(
    requirement: &Requirement,
    number: usize,
    authorities: &[(String, Authority)],
) -> Result<(), PolicyError> {
    let mut trusted = Vec::new();
    let mut named = BTreeSet::new();
    for name in &requirement.from {
        let Some((_, authority)) = authorities.iter().find(|(n, _)| n == name) else {
            return Err(PolicyError::UnknownAuthority {
                requirement: number,
                name: name.clone(),
            });
        };
        if !named.insert(name) {
            return Err(PolicyError::RepeatedFrom {
                requirement: number,
                name: name.clone(),
            });
        }
        trusted.push(authority);
    }
    for name in requirement.rule.others() {
        if !authorities.iter().any(|(n, _)| n == name) {
            return Err(PolicyError::UnknownAuthority {
                requirement: number,
                name: name.clone(),
            });
        }
    }
    let threshold = requirement.threshold;
    if threshold == 0 {
        return Err(PolicyError::ThresholdZero(number));
    }
    let keys = distinct_signers(trusted.into_iter());
    if threshold > keys {
        return Err(PolicyError::Threshold {
            requirement: number,
            threshold,
            keys,
        });
    }
    Ok(())
}

/// How many distinct signers these authorities can stand for. One key under
/// two names is one signer; a pattern can be met by any number of identities.
fn distinct_signers<'a>(authorities: impl Iterator<Item = &'a Authority>) -> usize {
    let mut signers = BTreeSet::new();
    for authority in authorities {
        match authority {
            Authority::Key(key) => signers.insert(key.key.id().to_owned()),
            Authority::Keyless(keyless) if identity::is_one(keyless) => {
                signers.insert(format!("{} {}", keyless.issuer, keyless.subject))
            }
            _ => return usize::MAX,
        };
    }
    signers.len()
}

fn compile_authority(
    name: &str,
    raw: authority::Raw,
    read: Read<'_>,
) -> Result<Authority, PolicyError> {
    if !is_authority_name(name) {
        return Err(PolicyError::AuthorityName(name.to_owned()));
    }
    if raw.notation.is_some() {
        return Err(PolicyError::Unsupported(format!(
            "authorities.{name}.notation"
        )));
    }
    match (raw.key, raw.keyless) {
        (Some(key), None) => compile_key(name, key, read).map(Authority::Key),
        (None, Some(keyless)) => identity::compile(name, keyless, read).map(Authority::Keyless),
        _ => Err(PolicyError::AuthorityKind(name.to_owned())),
    }
}

fn compile_key(
    name: &str,
    raw: authority::Key,
    read: Read<'_>,
) -> Result<KeyAuthority, PolicyError> {
    let refuse = |reason| PolicyError::Key {
        authority: name.to_owned(),
        reason,
    };
    let bytes = match &raw.source {
        KeySource::Unclear => return Err(PolicyError::KeySource(name.to_owned())),
        KeySource::Unsupported(what) => {
            return Err(PolicyError::Unsupported(format!(
                "authorities.{name}.{what}"
            )));
        }
        KeySource::Pem(pem) => pem.clone().into_bytes(),
        KeySource::File(_) | KeySource::TrustRoot(_) => read(&raw.source).map_err(refuse)?,
    };
    let public = PublicKey::from_pem(&bytes).map_err(|e| refuse(e.to_string()))?;
    let mut authority = KeyAuthority::new(public);
    authority.log = demand(raw.log);
    authority.timestamp = demand(raw.timestamp);
    Ok(authority)
}

pub(crate) fn demand(raw: authority::Demand) -> Demand {
    match raw {
        authority::Demand::Whether(authority::Whether::Optional) => Demand::Optional,
        authority::Demand::Whether(authority::Whether::Required) => Demand::Required,
        authority::Demand::Distinct(distinct) => Demand::Distinct(distinct.threshold),
    }
}

/// A DNS subdomain, as the name of a Kubernetes object is.
fn is_name(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    name.len() <= 253
        && edge(name.chars().next())
        && edge(name.chars().next_back())
        && name.chars().all(inner)
}

fn is_authority_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=63).contains(&name.len()) && name.chars().all(inner)
}

const API_VERSION: &str = "waxseal.dev/v1alpha1";
const KIND: &str = "ImagePolicy";
