//! The way from a candidate to what it establishes.

use jiff::Timestamp;
use waxseal_oci::Digest;

use crate::authority::Authority;
use crate::candidate::Candidate;
use crate::rejection::Rejection;
use crate::trust::Trust;
use crate::verified::Verified;

/// What a candidate has to be about.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Wanted<'a> {
    /// The digest of the image, index or blob.
    pub subject: &'a Digest,
    /// Whether an attestation's predicate is to be kept.
    pub keep_predicate: bool,
}

/// Checks one candidate against one authority.
///
/// `candidate` is untrusted. `now` is the time at which it is judged: nothing
/// may have been signed after it.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify(
    _candidate: &Candidate,
    _wanted: &Wanted<'_>,
    _authority: &Authority,
    _trust: &Trust<'_>,
    _now: Timestamp,
) -> Result<Verified, Rejection> {
    Err(Rejection::SignatureInvalid)
}
