//! Evidence that nobody has looked at yet.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use waxseal_oci::{Annotations, Digest};

/// One piece of evidence, as it was fetched: untrusted bytes.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers build it from what they fetched"
)]
pub struct Candidate {
    /// Where it was found.
    pub origin: Origin,
    /// What was found.
    pub content: CandidateContent,
}

/// The forms that evidence has.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CandidateContent {
    /// A Sigstore bundle of any version.
    Bundle(Bytes),
    /// A layer of a cosign 2 `.sig` manifest.
    SimpleSigning {
        /// The layer's blob: what was signed.
        payload: Bytes,
        /// The layer's annotations: the signature and what goes with it.
        annotations: Annotations,
    },
    /// A layer of a cosign 2 `.att` manifest.
    LegacyAttestation {
        /// The layer's blob: a DSSE envelope.
        envelope: Bytes,
        /// The layer's annotations: what goes with the signature.
        annotations: Annotations,
    },
}

/// Where a candidate was found. Not signed: for answers, never for decisions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers build it from what they fetched"
)]
pub struct Origin {
    /// The kind of place.
    pub place: Place,
    /// The manifest that it hangs on, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
    /// The digest of the bytes.
    pub blob: Digest,
    /// How many bytes.
    pub size: u64,
    /// The predicate type that an annotation claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate_hint: Option<String>,
}

/// The kinds of places that evidence is found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Place {
    /// The referrers API of the registry.
    Referrer,
    /// The referrers tag schema.
    FallbackTag,
    /// cosign's `.sig` tag.
    SignatureTag,
    /// cosign's `.att` tag.
    AttestationTag,
    /// A file.
    File,
}
