//! What the tests have in common.
#![expect(clippy::unwrap_used, reason = "a test")]

use bytes::Bytes;
use jiff::Timestamp;
use waxseal_oci::{Annotations, Digest};
use waxseal_verify::{Candidate, CandidateContent, Origin, Place};

/// A moment after everything in the fixtures was signed.
pub(crate) fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

pub(crate) fn bundle(bytes: impl Into<Bytes>) -> Candidate {
    let bytes = bytes.into();
    candidate(
        Place::Referrer,
        &bytes.clone(),
        CandidateContent::Bundle(bytes),
    )
}

pub(crate) fn beside_blob(bytes: impl Into<Bytes>) -> Candidate {
    let bytes = bytes.into();
    candidate(
        Place::File,
        &bytes.clone(),
        CandidateContent::beside_blob(bytes),
    )
}

/// The signature of a blob, by itself or as cosign 2 kept it.
pub(crate) fn legacy_blob(bytes: impl Into<Bytes>) -> Candidate {
    let bytes = bytes.into();
    candidate(
        Place::File,
        &bytes.clone(),
        CandidateContent::LegacyBlob(bytes),
    )
}

pub(crate) fn signature(payload: impl Into<Bytes>, annotations: Annotations) -> Candidate {
    let payload = payload.into();
    candidate(
        Place::SignatureTag,
        &payload.clone(),
        CandidateContent::SimpleSigning {
            payload,
            annotations,
        },
    )
}

pub(crate) fn attestation(envelope: impl Into<Bytes>, annotations: Annotations) -> Candidate {
    let envelope = envelope.into();
    candidate(
        Place::AttestationTag,
        &envelope.clone(),
        CandidateContent::LegacyAttestation {
            envelope,
            annotations,
        },
    )
}

fn candidate(place: Place, bytes: &[u8], content: CandidateContent) -> Candidate {
    let origin = Origin {
        place,
        manifest: None,
        blob: Digest::sha256(bytes),
        size: u64::try_from(bytes.len()).unwrap(),
        predicate_hint: None,
    };
    Candidate { origin, content }
}
