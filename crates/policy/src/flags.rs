//! A policy made of command-line flags.

use waxseal_oci::Annotations;
use waxseal_verify::Authority;

use crate::policy::{Policy, authority_count};
use crate::requirement::{self, Requirement, What};
use crate::{Mode, Platforms, PolicyError};

/// What the flags of `verify` say. They compile to the same [`Policy`] as a file.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Flags {
    /// Whom to trust, by a name for people.
    pub authorities: Vec<(String, Authority)>,
    /// How many distinct signers it takes.
    pub threshold: usize,
    /// Annotations that the signature must have.
    pub annotations: Annotations,
    /// Attestation types that must be there, by cosign's names or by URI. Where
    /// there is one, no signature is required.
    pub attestations: Vec<String>,
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
        let from: Vec<String> = flags
            .authorities
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        let mut requirements = Vec::new();
        for (n, kind) in flags.attestations.iter().enumerate() {
            let what = requirement::attestation(kind, None, n + 1)?;
            requirements.push(Requirement {
                from: from.clone(),
                threshold: flags.threshold,
                what,
            });
        }
        if requirements.is_empty() {
            let what = What::Signature {
                annotations: flags.annotations,
            };
            requirements.push(Requirement {
                from,
                threshold: flags.threshold,
                what,
            });
        }
        let keys = authority_count(flags.authorities.iter().map(|(_, a)| a));
        if flags.threshold == 0 || flags.threshold > keys {
            return Err(PolicyError::Threshold {
                requirement: 1,
                threshold: flags.threshold,
                keys,
            });
        }
        Ok(Self {
            name: "flags".to_owned(),
            images: None,
            namespaces: None,
            authorities: flags.authorities,
            requirements,
            mode: Mode::Enforce,
            platforms: flags.platforms,
        })
    }
}
