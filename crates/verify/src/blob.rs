//! Blobs, which are hashed as they stream by.

use jiff::Timestamp;

use crate::authority::Authority;
use crate::candidate::Candidate;
use crate::rejection::Rejection;
use crate::trust::Trust;
use crate::verified::Verified;

/// A check of a candidate against a blob that comes in pieces and is never
/// held.
#[derive(Debug)]
pub struct BlobVerifier<'a> {
    _candidate: &'a Candidate,
}

impl<'a> BlobVerifier<'a> {
    /// Reads the candidate and finds out what has to be computed over the blob.
    ///
    /// # Errors
    /// What is wrong with the candidate, whatever the blob.
    pub fn new(
        candidate: &'a Candidate,
        _authority: &'a Authority,
        _trust: Trust<'a>,
        _now: Timestamp,
    ) -> Result<Self, Rejection> {
        Ok(Self {
            _candidate: candidate,
        })
    }

    /// The same, keeping an attestation's predicate.
    #[must_use]
    pub fn keep_predicate(self) -> Self {
        self
    }

    /// Takes the next bytes of the blob.
    pub fn update(&mut self, _bytes: &[u8]) {}

    /// Whether the candidate counts for the blob.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn finish(self) -> Result<Verified, Rejection> {
        Err(Rejection::SignatureInvalid)
    }
}
