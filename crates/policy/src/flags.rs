//! A policy made of command-line flags.

use waxseal_oci::Annotations;
use waxseal_verify::Authority;

use crate::rules::attestation::{Attestation, predicate_type};
use crate::rules::sbom::SbomDemand;
use crate::rules::signature::Signature;
use crate::rules::{Requirement, Rule};
use crate::{Mode, Platforms, Policy, PolicyError, RootDemand, compile, document, identity};

/// What the flags of `verify` say. They compile to the same [`Policy`] as a file.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Flags {
    /// Whom to trust, by a name for people.
    pub authorities: Vec<(String, Authority)>,
    /// By whose name a trust root of its own was found, and what is asked of it.
    pub roots: Vec<(String, RootDemand)>,
    /// How many distinct signers it takes.
    pub threshold: usize,
    /// Annotations that the signature must have.
    pub annotations: Annotations,
    /// Attestation types that must be there, by cosign's names or by URI. Where
    /// there is one, a signature is required only if it must have annotations.
    pub attestations: Vec<String>,
    /// What an attested SBOM has to be, where one is required.
    pub sbom: Option<SbomDemand>,
    /// Which platforms of an index are looked at.
    pub platforms: Platforms,
}

impl Policy {
    /// The policy that these flags stand for. It covers every image that it is asked about.
    ///
    /// # Errors
    /// [`PolicyError`] with the first thing that is wrong.
    pub fn from_flags(flags: Flags) -> Result<Self, PolicyError> {
        if flags.authorities.is_empty() {
            return Err(PolicyError::NoAuthorities);
        }
        for (name, authority) in &flags.authorities {
            if let Authority::Keyless(identity) = authority {
                identity::refuse_everybody(identity).map_err(|reason| PolicyError::Identity {
                    authority: name.clone(),
                    reason,
                })?;
            }
        }
        document::distinct(flags.authorities.iter().map(|(name, _)| name.as_str()))?;
        let from: Vec<String> = flags
            .authorities
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        let mut rules = Vec::new();
        let attested = flags.sbom.is_some() || !flags.attestations.is_empty();
        if !attested || !flags.annotations.is_empty() {
            rules.push(Rule::Signature(Signature {
                annotations: flags.annotations,
            }));
        }
        for (n, kind) in flags.attestations.iter().enumerate() {
            let kind = predicate_type(kind, n + 1)?;
            rules.push(Rule::Attestation(Attestation::of(kind)));
        }
        if let Some(demand) = flags.sbom {
            rules.push(Rule::Sbom(Box::new(demand.into())));
        }
        let mut requirements = Vec::new();
        for (n, rule) in rules.into_iter().enumerate() {
            let requirement = Requirement {
                from: from.clone(),
                threshold: flags.threshold,
                rule,
            };
            compile::check(&requirement, n + 1, &flags.authorities)?;
            requirements.push(requirement);
        }
        Ok(Self {
            name: "flags".to_owned(),
            images: None,
            namespaces: None,
            authorities: flags.authorities,
            roots: flags.roots,
            requirements,
            mode: Mode::Enforce,
            platforms: flags.platforms,
        })
    }
}
