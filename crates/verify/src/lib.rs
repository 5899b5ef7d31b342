//! Evidence, trust and time in; a verified signature or attestation, or the
//! reason why not, out.
//!
//! A candidate is bytes that somebody found beside an image: a Sigstore
//! bundle, or what cosign 2 left behind a tag. [`verify()`] holds it against one
//! authority and one digest. It opens no file and no socket and is told the
//! time. What it refuses to do: to accept anything because a field in the
//! candidate says so, to call a check done that was not done, and to take an
//! attestation for a signature.
//!
//! ```
//! use waxseal_verify::{
//!     Authority, Candidate, CandidateContent, KeyAuthority, Origin, Place, PublicKey, Trust,
//!     Verified, Wanted, verify,
//! };
//!
//! # macro_rules! fixture { ($name:literal) => { include_bytes!(concat!(
//! #     env!("CARGO_MANIFEST_DIR"), "/../../fixtures/cosign/cosign3-sign/", $name)) } }
//! let bundle: &'static [u8] = fixture!("bundle.json");
//! let key = PublicKey::from_pem(fixture!("key.pub"))?;
//! let image = "sha256:6625e2ac007fb9dff482d9b3048755fc3f9a0ceb52b0a3c410af0d7fc93434f1".parse()?;
//! let candidate = Candidate {
//!     origin: Origin {
//!         place: Place::Referrer,
//!         manifest: None,
//!         blob: waxseal_oci::Digest::sha256(bundle),
//!         size: 659,
//!         predicate_hint: None,
//!     },
//!     content: CandidateContent::Bundle(bundle.into()),
//! };
//! let wanted = Wanted { subject: &image, keep_predicate: false };
//! let authority = Authority::Key(KeyAuthority::new(key));
//! let now = "2026-11-23T12:00:00Z".parse()?;
//! let verified = verify(&candidate, &wanted, &authority, &Trust::default(), now)?;
//! assert!(matches!(verified, Verified::Signature(_)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Certificates and proofs are checked by `webpki` and the `sigstore-*` crates,
//! timestamps are read by `cms`; this crate hides them from all others. A
//! strict parser stands before theirs, because two readers of one bundle must
//! not see two bundles; and one function binds every log entry to the
//! signature that it came with, whatever form the evidence has.

mod authority;
mod bind;
mod blob;
mod bundle;
mod candidate;
mod certificate;
mod chain;
mod entry;
mod envelope;
mod evidence;
mod identity;
mod inspect;
mod key;
mod keyless;
mod legacy;
pub mod limits;
mod links;
mod log;
mod names;
mod published;
mod rejection;
mod sct;
mod timestamp;
mod token;
mod trust;
mod trusted_key;
mod verified;
mod verify;

pub use authority::{Authority, Demand, KeyAuthority, KeylessAuthority, LogProof};
pub use blob::BlobVerifier;
pub use candidate::{Candidate, CandidateContent, Origin, Place};
pub use certificate::{CertificateClaims, certificate_claims};
pub use identity::{Matcher, MatcherError};
pub use inspect::{Inspection, inspect};
pub use key::{KeyAlgorithm, KeyError, PublicKey, Scheme, StreamVerifier};
pub use names::claim_names;
pub use published::{PublishedError, published};
pub use rejection::{EntryPart, Material, Rejection};
pub use trust::{Trust, TrustedRoot, TrustedRootError};
pub use verified::{
    Check, Checks, Format, Signer, Verified, VerifiedAttestation, VerifiedSignature,
};
pub use verify::{Wanted, verify};
