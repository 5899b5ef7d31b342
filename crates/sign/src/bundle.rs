//! Sigstore bundles v0.3, as cosign 3 writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use waxseal_attestation::dsse;
use waxseal_oci::{Annotations, Descriptor, Digest, Manifest, empty_config, media};

use crate::check;
use crate::{Blob, Message as _, Parts, SignError, Signer};

/// Signs an in-toto statement about `subject` and returns the bundle: DSSE,
/// with the hint of the public key, without certificate, log entry or time.
///
/// The statement is given away so that a large one is not held beside its
/// bundle for longer than it takes to encode it.
///
/// # Errors
/// [`SignError`], also where what was signed does not verify.
pub fn sign_statement(
    signer: &dyn Signer,
    statement: Vec<u8>,
    subject: &Digest,
    now: Timestamp,
) -> Result<Bytes, SignError> {
    let signature = sign_payload(signer, &statement)?;
    let head = format!(
        r#"{{"mediaType":"{}","verificationMaterial":{{"publicKey":{{"hint":"{}"}}}},"dsseEnvelope":{{"payload":""#,
        media::SIGSTORE_BUNDLE_V03,
        signer.public_key().hint(),
    );
    // cosign refuses an envelope whose signature has any `keyid`.
    let tail = format!(
        r#"","payloadType":"{}","signatures":[{{"sig":"{}"}}]}}}}"#,
        dsse::PAYLOAD_TYPE_INTOTO,
        STANDARD.encode(signature),
    );
    let bundle = around_base64(&head, &statement, &tail);
    drop(statement);
    check::bundle(signer.public_key(), &bundle, subject, now)?;
    Ok(bundle)
}

/// Signs a blob and returns its bundle, a message signature, with the blob's digest.
///
/// The blob is read by pieces: once and hashed for ECDSA and RSA, four times
/// for Ed25519, which signs and verifies the content itself.
///
/// # Errors
/// [`SignError`], also where what was signed does not verify.
pub fn sign_blob<R: std::io::Read>(
    signer: &dyn Signer,
    blob: &mut Blob<R>,
) -> Result<(Bytes, Digest), SignError> {
    let sha256 = blob.sha256()?;
    let digest = blob.digest()?;
    let signature = signer.sign(blob)?;
    check::blob(signer.public_key(), &signature, &digest, blob)?;
    let bundle = format!(
        r#"{{"mediaType":"{}","verificationMaterial":{{"publicKey":{{"hint":"{}"}}}},"messageSignature":{{"messageDigest":{{"algorithm":"SHA2_256","digest":"{}"}},"signature":"{}"}}}}"#,
        media::SIGSTORE_BUNDLE_V03,
        signer.public_key().hint(),
        STANDARD.encode(sha256),
        STANDARD.encode(signature),
    );
    Ok((Bytes::from(bundle), digest))
}

/// The manifest that hangs a bundle on its subject, as cosign 3 writes it: an
/// artifact with the empty configuration and the bundle as its only layer.
///
/// cosign also writes `artifactType` into the configuration's descriptor,
/// which its own fallback list then passes on wrongly; that is left out.
///
/// # Errors
/// None in practice: see [`Manifest::to_bytes`].
pub fn bundle_manifest(
    bundle: &Descriptor,
    predicate_type: &str,
    subject: &Descriptor,
    created: Timestamp,
) -> Result<Vec<u8>, SignError> {
    let (_, config) = empty_config();
    let mut manifest = Manifest::new(config, vec![bundle.clone()]);
    manifest.artifact_type = Some(media::SIGSTORE_BUNDLE_V03.to_owned());
    manifest.subject = Some(Descriptor::new(
        subject.media_type.clone(),
        subject.digest.clone(),
        subject.size,
    ));
    let second = Timestamp::from_second(created.as_second()).unwrap_or(created);
    manifest.annotations = Annotations::from([
        (
            media::ANNOTATION_BUNDLE_CONTENT.to_owned(),
            "dsse-envelope".to_owned(),
        ),
        (
            media::ANNOTATION_PREDICATE_TYPE.to_owned(),
            predicate_type.to_owned(),
        ),
        (media::ANNOTATION_CREATED.to_owned(), second.to_string()),
    ]);
    manifest.to_bytes().map_err(|cause| SignError::Write {
        what: "manifest",
        cause: cause.to_string(),
    })
}

/// The descriptor of a bundle as a layer.
#[must_use]
pub fn bundle_descriptor(bundle: &[u8]) -> Descriptor {
    Descriptor::of(media::SIGSTORE_BUNDLE_V03, bundle)
}

/// The DSSE signature over an in-toto statement.
pub(crate) fn sign_payload(signer: &dyn Signer, payload: &[u8]) -> Result<Vec<u8>, SignError> {
    let prefix = dsse::pae_prefix(dsse::PAYLOAD_TYPE_INTOTO, payload.len());
    signer.sign(&mut Parts::new(&[&prefix, payload]))
}

/// `head`, the base64 of `content` and `tail`, in one buffer of the right size.
pub(crate) fn around_base64(head: &str, content: &[u8], tail: &str) -> Bytes {
    let encoded = base64::encoded_len(content.len(), true).unwrap_or_default();
    let mut out = Vec::with_capacity(head.len() + encoded + tail.len());
    out.extend_from_slice(head.as_bytes());
    // Multiples of three end without padding, so the pieces join.
    let mut piece = [0; PIECE / 3 * 4];
    for chunk in content.chunks(PIECE) {
        let written = STANDARD.encode_slice(chunk, &mut piece).unwrap_or_default();
        out.extend_from_slice(piece.get(..written).unwrap_or_default());
    }
    out.extend_from_slice(tail.as_bytes());
    Bytes::from(out)
}

const PIECE: usize = 12 * 1024;
