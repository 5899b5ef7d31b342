//! Evidence, trust and time in; a verified signature or attestation out, or
//! the one reason why there is none.
//!
//! The crate opens no socket and no file and reads no clock. Everything in a
//! [`Candidate`] is untrusted. A [`VerifiedSignature`] or
//! [`VerifiedAttestation`] has private fields and no public constructor: who
//! holds one knows that [`verify`] made it.

mod authority;
mod candidate;
mod checks;
mod key;
mod rejection;
mod verified;

pub use authority::{Authority, Demand, KeyAuthority, Trust, TrustedRoot};
pub use candidate::{Candidate, CandidateContent, Origin, Place};
pub use checks::{Check, Checks};
pub use key::{KeyAlgorithm, KeyError, PublicKey};
pub use rejection::Rejection;
pub use verified::{Format, Signer, Verified, VerifiedAttestation, VerifiedSignature};

/// What is asked of a candidate.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Wanted<'a> {
    /// The digest of the image manifest, index or blob that it must be about.
    pub subject: &'a waxseal_oci::Digest,
    /// Whether the predicate is kept for a condition (it can be large).
    pub keep_predicate: bool,
}

/// Verifies one candidate for one authority at one time.
///
/// # Errors
/// The most specific [`Rejection`].
pub fn verify(
    _candidate: &Candidate,
    _wanted: &Wanted<'_>,
    _authority: &Authority,
    _trust: &Trust<'_>,
    _now: jiff::Timestamp,
) -> Result<Verified, Rejection> {
    Err(Rejection::Malformed(
        "verification is not there yet".to_owned(),
    ))
}
