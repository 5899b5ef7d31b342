//! Evidence, trust and time in; a verified signature or attestation, or the
//! reason why not, out.
//!
//! A candidate is bytes that somebody found beside an image: a Sigstore
//! bundle, or what cosign 2 left behind a tag. [`verify`] holds it against one
//! authority and one digest. It opens no file and no socket and is told the
//! time. What it refuses to do: to accept anything because a field in the
//! candidate says so, to call a check done that was not done, and to take an
//! attestation for a signature.
//!
//! ```
//! use waxseal_verify::{PublicKey, KeyError};
//!
//! let error = PublicKey::from_pem(b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
//! assert_eq!(error, Err(KeyError::Label("CERTIFICATE".into())));
//! ```
//!
//! Certificates, proofs and timestamps are checked by the `sigstore-*` crates,
//! which this crate hides from all others. A strict parser stands before
//! theirs, because two readers of one bundle must not see two bundles; and one
//! function binds every log entry to the signature that it came with, whatever
//! form the evidence has.

mod authority;
mod bind;
mod blob;
mod bundle;
mod candidate;
mod entry;
mod envelope;
mod evidence;
mod identity;
mod inspect;
mod key;
mod keyless;
mod legacy;
pub mod limits;
mod log;
mod rejection;
mod trust;
mod verified;
mod verify;

pub use authority::{Authority, Demand, KeyAuthority, KeylessAuthority, LogProof};
pub use blob::BlobVerifier;
pub use candidate::{Candidate, CandidateContent, Origin, Place};
pub use identity::{Matcher, MatcherError};
pub use inspect::{Inspection, inspect};
pub use key::{KeyAlgorithm, KeyError, PublicKey, Scheme, StreamVerifier};
pub use rejection::{EntryPart, Material, Rejection};
pub use trust::{Trust, TrustedRoot, TrustedRootError};
pub use verified::{
    Check, Checks, Format, Signer, Verified, VerifiedAttestation, VerifiedSignature,
};
pub use verify::{Wanted, verify};
