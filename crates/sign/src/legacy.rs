//! What cosign 2 writes: simple-signing payloads for the tag `.sig`, DSSE
//! envelopes for the tag `.att`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use waxseal_attestation::{dsse, simple_signing};
use waxseal_oci::{Annotations, Descriptor, Digest, Repository, media};

use crate::bundle::{around_base64, sign_payload};
use crate::check;
use crate::{Parts, SignError, Signer};

/// A layer for the manifest of one of cosign's tags.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LegacyLayer {
    /// Its descriptor, with the annotations that cosign reads.
    pub descriptor: Descriptor,
    /// Its content.
    pub bytes: Bytes,
}

/// Signs an image in cosign 2's way.
///
/// # Errors
/// [`SignError`], also where what was signed does not verify.
pub fn legacy_signature(
    signer: &dyn Signer,
    repository: &Repository,
    image: &Digest,
    annotations: &Annotations,
    now: Timestamp,
) -> Result<LegacyLayer, SignError> {
    let payload =
        simple_signing::Payload::new(&repository.to_string(), image.clone(), annotations.clone());
    let payload = Bytes::from(payload.to_json());
    let signature = signer.sign(&mut Parts::new(&[&payload]))?;
    let mut descriptor = Descriptor::of(media::SIMPLE_SIGNING, &payload);
    descriptor.annotations =
        Annotations::from([(SIGNATURE.to_owned(), STANDARD.encode(signature))]);
    check::simple_signing(
        signer.public_key(),
        &payload,
        &descriptor.annotations,
        image,
        now,
    )?;
    Ok(LegacyLayer {
        descriptor,
        bytes: payload,
    })
}

/// Signs an in-toto statement about `image` in cosign 2's way.
///
/// # Errors
/// [`SignError`], also where what was signed does not verify.
pub fn legacy_attestation(
    signer: &dyn Signer,
    statement: Vec<u8>,
    predicate_type: &str,
    image: &Digest,
    now: Timestamp,
) -> Result<LegacyLayer, SignError> {
    let signature = sign_payload(signer, &statement)?;
    let head = format!(
        r#"{{"payloadType":"{}","payload":""#,
        dsse::PAYLOAD_TYPE_INTOTO
    );
    let tail = format!(
        r#"","signatures":[{{"keyid":"","sig":"{}"}}]}}"#,
        STANDARD.encode(signature)
    );
    let envelope = around_base64(&head, &statement, &tail);
    drop(statement);
    let mut descriptor = Descriptor::of(media::DSSE_ENVELOPE, &envelope);
    // cosign wants the first annotation to be there, and reads the signature
    // from the envelope.
    descriptor.annotations = Annotations::from([
        (SIGNATURE.to_owned(), String::new()),
        ("predicateType".to_owned(), predicate_type.to_owned()),
    ]);
    check::legacy_attestation(
        signer.public_key(),
        &envelope,
        &descriptor.annotations,
        image,
        now,
    )?;
    Ok(LegacyLayer {
        descriptor,
        bytes: envelope,
    })
}

const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
