//! Evidence that nobody has looked at yet.

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use waxseal_oci::{Annotations, Digest};

use crate::limits;

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
    /// What cosign 2 writes beside a blob: the signature in base64, or a
    /// document with that and what goes with it.
    LegacyBlob(Bytes),
}

impl CandidateContent {
    /// What a file called a bundle holds: a Sigstore bundle, or what cosign 2
    /// called one (`{"base64Signature": …}`). `bytes` are untrusted.
    #[must_use]
    pub fn beside_blob(bytes: Bytes) -> Self {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Shape {
            base64_signature: Option<IgnoredAny>,
            media_type: Option<IgnoredAny>,
        }
        let small = bytes.len() <= limits::LEGACY_BLOB_BYTES;
        let shape = small.then(|| serde_json::from_slice::<Shape>(&bytes));
        match shape {
            Some(Ok(Shape {
                base64_signature: Some(_),
                media_type: None,
            })) => Self::LegacyBlob(bytes),
            _ => Self::Bundle(bytes),
        }
    }

    /// The document itself.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        match self {
            Self::Bundle(bytes)
            | Self::LegacyBlob(bytes)
            | Self::SimpleSigning { payload: bytes, .. }
            | Self::LegacyAttestation {
                envelope: bytes, ..
            } => bytes,
        }
    }
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
