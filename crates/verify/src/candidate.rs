//! Evidence that was found and not yet verified.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use waxseal_oci::{Annotations, Digest};

/// Untrusted evidence and where it was found.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Candidate {
    /// Where it was found.
    pub origin: Origin,
    /// The bytes.
    pub content: CandidateContent,
}

/// The bytes of a candidate, by the form they claim to have.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CandidateContent {
    /// A Sigstore bundle of any version.
    Bundle(Bytes),
    /// A DSSE envelope, a layer of cosign's `.att` manifest.
    LegacyAttestation {
        /// The layer's content.
        envelope: Bytes,
        /// The layer's annotations.
        annotations: Annotations,
    },
    /// A simple-signing payload, a layer of cosign's `.sig` manifest.
    SimpleSigning {
        /// The layer's content.
        payload: Bytes,
        /// The layer's annotations, which hold the signature.
        annotations: Annotations,
    },
}

/// Where a candidate was found. Shown to people; decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Origin {
    /// The kind of place.
    pub place: Place,
    /// The manifest that lists it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
    /// The digest of its bytes.
    pub blob: Digest,
    /// The number of its bytes.
    pub size: u64,
    /// The predicate type that an unsigned annotation names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate_hint: Option<String>,
}

/// A kind of place where evidence lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Place {
    /// cosign's `.att` tag.
    AttestationTag,
    /// The fallback tag of a registry without the referrers API.
    FallbackTag,
    /// A file.
    File,
    /// The referrers API.
    Referrer,
    /// cosign's `.sig` tag.
    SignatureTag,
}
