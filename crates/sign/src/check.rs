//! Nothing is handed out that does not verify: what was just signed goes
//! through the verifier that everybody else's signatures go through.

use bytes::Bytes;
use jiff::Timestamp;
use waxseal_oci::{Annotations, Digest};
use waxseal_verify::{
    Authority, Candidate, CandidateContent, KeyAlgorithm, KeyAuthority, Origin, Place, PublicKey,
    Rejection, Trust, Wanted,
};

use crate::{Blob, Message as _, SignError};

/// Verifies a bundle over a statement about `subject`.
pub(crate) fn bundle(
    key: &PublicKey,
    bundle: &Bytes,
    subject: &Digest,
    now: Timestamp,
) -> Result<(), SignError> {
    let authority = Authority::Key(KeyAuthority::new(key.clone()));
    bundle_by(&authority, &Trust { root: None }, bundle, subject, now)
}

/// Verifies a bundle as whoever demands this of it will.
pub(crate) fn bundle_by(
    authority: &Authority,
    trust: &Trust<'_>,
    bundle: &Bytes,
    subject: &Digest,
    now: Timestamp,
) -> Result<(), SignError> {
    let content = CandidateContent::Bundle(bundle.clone());
    let candidate = candidate(Place::Referrer, content, bundle, subject);
    settle(&candidate, authority, trust, subject, now)
}

/// Verifies a simple-signing payload with the signature in its annotations.
pub(crate) fn simple_signing(
    key: &PublicKey,
    payload: &Bytes,
    annotations: &Annotations,
    image: &Digest,
    now: Timestamp,
) -> Result<(), SignError> {
    let content = CandidateContent::SimpleSigning {
        payload: payload.clone(),
        annotations: annotations.clone(),
    };
    verify(key, Place::SignatureTag, content, payload, image, now)
}

/// Verifies a DSSE envelope as it lies under the tag `.att`.
pub(crate) fn legacy_attestation(
    key: &PublicKey,
    envelope: &Bytes,
    annotations: &Annotations,
    image: &Digest,
    now: Timestamp,
) -> Result<(), SignError> {
    let content = CandidateContent::LegacyAttestation {
        envelope: envelope.clone(),
        annotations: annotations.clone(),
    };
    verify(key, Place::AttestationTag, content, envelope, image, now)
}

/// Verifies the signature of a blob.
///
/// A signature over a digest is checked against the digest, so that a blob of
/// any size is read once; one over the content has it read again.
pub(crate) fn blob<R: std::io::Read>(
    key: &PublicKey,
    signature: &[u8],
    digest: &Digest,
    blob: &mut Blob<R>,
) -> Result<(), SignError> {
    let outcome = if key.algorithm() == KeyAlgorithm::Ed25519 {
        let mut verifier = key.verifier(signature);
        blob.read(&mut |piece| verifier.update(piece))?;
        verifier.finish()
    } else {
        key.verify_digests(std::slice::from_ref(digest), signature)
    };
    outcome
        .map(|_| ())
        .map_err(|_| SignError::Unverified(Rejection::SignatureInvalid))
}

fn verify(
    key: &PublicKey,
    place: Place,
    content: CandidateContent,
    bytes: &Bytes,
    subject: &Digest,
    now: Timestamp,
) -> Result<(), SignError> {
    let authority = Authority::Key(KeyAuthority::new(key.clone()));
    let candidate = candidate(place, content, bytes, subject);
    settle(&candidate, &authority, &Trust { root: None }, subject, now)
}

fn candidate(
    place: Place,
    content: CandidateContent,
    bytes: &Bytes,
    subject: &Digest,
) -> Candidate {
    let origin = Origin {
        place,
        manifest: None,
        // Nothing is looked up by it: the bytes are in hand.
        blob: subject.clone(),
        size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        predicate_hint: None,
    };
    Candidate { origin, content }
}

fn settle(
    candidate: &Candidate,
    authority: &Authority,
    trust: &Trust<'_>,
    subject: &Digest,
    now: Timestamp,
) -> Result<(), SignError> {
    let wanted = Wanted {
        subject,
        keep_predicate: false,
    };
    waxseal_verify::verify(candidate, &wanted, authority, trust, now)
        .map(|_| ())
        .map_err(SignError::Unverified)
}
