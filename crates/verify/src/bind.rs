//! The one place where a log entry is held against what it came with.
//!
//! An entry that is genuine but belongs to another signature proves nothing
//! about this one (CVE-2022-36056, CVE-2026-22703). Every form of evidence,
//! with a key or a certificate, with a trust root or without, goes through
//! [`bind_entry`], and nothing else compares entries.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use waxseal_attestation::json::{self, Budget, Fields, shown};
use waxseal_oci::{Algorithm, Digest};

use crate::bundle::digest_of;
use crate::entry::{LogEntry, hash_algorithm};
use crate::key::PublicKey;
use crate::rejection::{EntryPart, Rejection};

/// What an entry has to be about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound<'a> {
    pub(crate) signature: &'a [u8],
    pub(crate) signer: Signer<'a>,
    /// The digests of the bytes that were signed.
    pub(crate) digests: &'a [Digest],
    /// The payload type and the payload's SHA-256, if it was an envelope.
    pub(crate) envelope: Option<(&'a str, &'a Digest)>,
    /// The SHA-256 of the envelope as a document, if the evidence is one.
    pub(crate) document: Option<&'a Digest>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Signer<'a> {
    Key(&'a PublicKey),
    Certificate(&'a [u8]),
}

/// Checks that `entry` is about `bound`.
pub(crate) fn bind_entry(entry: &LogEntry<'_>, bound: &Bound<'_>) -> Result<(), Rejection> {
    let mut body = Fields::new("body", json::parse(&entry.body, BUDGET)?)?;
    let kind = body.need_string("kind")?;
    let version = body.need_string("apiVersion")?;
    if kind != entry.kind || version != entry.version {
        return Err(mismatch(EntryPart::Kind));
    }
    let spec = body.need_object("spec")?;
    match (kind.as_ref(), version.as_ref(), bound.envelope) {
        ("intoto", "0.0.1", Some((_, payload))) if bound.document.is_some() => {
            intoto_v1(spec, bound, payload)
        }
        ("hashedrekord", "0.0.1", None) => hashed_rekord_v1(spec, bound),
        ("hashedrekord", "0.0.2", _) => hashed_rekord_v2(spec, bound),
        ("dsse", "0.0.1", Some((_, payload))) => dsse_v1(spec, bound, payload),
        ("dsse", "0.0.2", Some((_, payload))) => dsse_v2(spec, bound, payload),
        ("intoto", "0.0.2", Some((payload_type, payload))) => {
            intoto_v2(spec, bound, payload_type, payload)
        }
        ("hashedrekord", "0.0.1", Some(_)) | ("dsse" | "intoto", _, None) => {
            Err(mismatch(EntryPart::Kind))
        }
        _ => Err(Rejection::LogEntryKind {
            kind: shown(&kind),
            version: shown(&version),
        }),
    }
}

fn hashed_rekord_v1(mut spec: Fields<'_>, bound: &Bound<'_>) -> Result<(), Rejection> {
    let hash = spec.need_object("data")?.need_object("hash")?;
    same_hex_digest(hash, bound.digests)?;
    let mut signature = spec.need_object("signature")?;
    same_signature(&signature.need_bytes("content")?, bound)?;
    let verifier = signature.need_object("publicKey")?.need_bytes("content")?;
    same_pem_signer(&verifier, bound)
}

fn hashed_rekord_v2(mut spec: Fields<'_>, bound: &Bound<'_>) -> Result<(), Rejection> {
    let mut record = spec.need_object("hashedRekordV002")?;
    same_digest(record.need_object("data")?, bound.digests)?;
    let mut signature = record.need_object("signature")?;
    same_signature(&signature.need_bytes("content")?, bound)?;
    same_signer(signature.need_object("verifier")?, bound)
}

/// The envelope's own hash is not compared: it is over whatever JSON was sent
/// to the log. The payload and the signature are what it is made of.
fn dsse_v1(mut spec: Fields<'_>, bound: &Bound<'_>, payload: &Digest) -> Result<(), Rejection> {
    same_hex_digest(
        spec.need_object("payloadHash")?,
        std::slice::from_ref(payload),
    )?;
    let mut signature = only(&mut spec, "signatures")?;
    same_signature(&signature.need_bytes("signature")?, bound)?;
    same_pem_signer(&signature.need_bytes("verifier")?, bound)
}

fn dsse_v2(mut spec: Fields<'_>, bound: &Bound<'_>, payload: &Digest) -> Result<(), Rejection> {
    let mut record = spec.need_object("dsseV002")?;
    same_digest(
        record.need_object("payloadHash")?,
        std::slice::from_ref(payload),
    )?;
    let mut signature = only(&mut record, "signatures")?;
    same_signature(&signature.need_bytes("content")?, bound)?;
    same_signer(signature.need_object("verifier")?, bound)
}

/// The entry has no signature, but the hash of the document that has it.
fn intoto_v1(mut spec: Fields<'_>, bound: &Bound<'_>, payload: &Digest) -> Result<(), Rejection> {
    let mut content = spec.need_object("content")?;
    let document = bound.document.map(std::slice::from_ref);
    same_hex_digest(content.need_object("hash")?, document.unwrap_or_default())?;
    if let Some(hash) = content.object("payloadHash")? {
        same_hex_digest(hash, std::slice::from_ref(payload))?;
    }
    same_pem_signer(&spec.need_bytes("publicKey")?, bound)
}

fn intoto_v2(
    mut spec: Fields<'_>,
    bound: &Bound<'_>,
    payload_type: &str,
    payload: &Digest,
) -> Result<(), Rejection> {
    let mut content = spec.need_object("content")?;
    same_hex_digest(
        content.need_object("payloadHash")?,
        std::slice::from_ref(payload),
    )?;
    let mut envelope = content.need_object("envelope")?;
    if envelope.need_string("payloadType")? != payload_type {
        return Err(mismatch(EntryPart::PayloadType));
    }
    let mut signature = only(&mut envelope, "signatures")?;
    // The signature was base64 already when it was put into the entry.
    let inner = STANDARD
        .decode(signature.need_bytes("sig")?)
        .map_err(|_| mismatch(EntryPart::Signature))?;
    same_signature(&inner, bound)?;
    same_pem_signer(&signature.need_bytes("publicKey")?, bound)
}

/// The only element of a list: an entry for two signatures is about neither.
fn only<'a>(fields: &mut Fields<'a>, name: &'static str) -> Result<Fields<'a>, Rejection> {
    let mut items = fields.array(name, 32)?;
    match (items.pop(), items.is_empty()) {
        (Some(item), true) => Ok(Fields::new(name, item)?),
        _ => Err(mismatch(EntryPart::Signature)),
    }
}

fn same_signature(found: &[u8], bound: &Bound<'_>) -> Result<(), Rejection> {
    if found == bound.signature {
        Ok(())
    } else {
        Err(mismatch(EntryPart::Signature))
    }
}

/// `{"algorithm": "sha256", "value": "<hex>"}`.
fn same_hex_digest(mut fields: Fields<'_>, digests: &[Digest]) -> Result<(), Rejection> {
    let algorithm = Algorithm::from_name(&fields.need_string("algorithm")?);
    let value = fields.need_string("value")?;
    let found = algorithm.and_then(|algorithm| Digest::from_hex(algorithm, &value).ok());
    contains(digests, found)
}

/// `{"algorithm": "SHA2_256", "digest": "<base64>"}`.
fn same_digest(mut fields: Fields<'_>, digests: &[Digest]) -> Result<(), Rejection> {
    let algorithm = hash_algorithm(&fields.need_string("algorithm")?);
    let value = fields.need_bytes("digest")?;
    contains(
        digests,
        algorithm.and_then(|algorithm| digest_of(algorithm, &value)),
    )
}

fn contains(digests: &[Digest], found: Option<Digest>) -> Result<(), Rejection> {
    match found {
        Some(found) if digests.contains(&found) => Ok(()),
        _ => Err(mismatch(EntryPart::Digest)),
    }
}

/// A PEM block: the key, or the certificate.
fn same_pem_signer(text: &[u8], bound: &Bound<'_>) -> Result<(), Rejection> {
    if let Signer::Certificate(der) = bound.signer
        && is_pem_of(text, der)
    {
        return Ok(());
    }
    let blocks = pem::parse_many(text).unwrap_or_default();
    let [block] = blocks.as_slice() else {
        return Err(mismatch(EntryPart::Signer));
    };
    match (block.tag(), bound.signer) {
        ("CERTIFICATE", Signer::Certificate(der)) if block.contents() == der => Ok(()),
        ("PUBLIC KEY", Signer::Key(key)) if block.contents() == key.spki_der() => Ok(()),
        _ => Err(mismatch(EntryPart::Signer)),
    }
}

/// Whether `text` is the certificate as logs write it, which is told sooner
/// than what else it could be.
fn is_pem_of(text: &[u8], certificate: &[u8]) -> bool {
    let lines = text
        .strip_prefix(b"-----BEGIN CERTIFICATE-----\n")
        .and_then(|text| text.strip_suffix(b"\n-----END CERTIFICATE-----\n"));
    let encoded = STANDARD.encode(certificate);
    lines.is_some_and(|lines| {
        let wanted = encoded.as_bytes().chunks(PEM_LINE);
        lines.split(|byte| *byte == b'\n').eq(wanted)
    })
}

/// `{"publicKey": {"rawBytes": …}}` or `{"x509Certificate": {"rawBytes": …}}`.
fn same_signer(mut fields: Fields<'_>, bound: &Bound<'_>) -> Result<(), Rejection> {
    let key = fields.object("publicKey")?;
    let certificate = fields.object("x509Certificate")?;
    let same = match (key, certificate, bound.signer) {
        (Some(mut found), None, Signer::Key(key)) => {
            found.need_bytes("rawBytes")? == key.spki_der()
        }
        (None, Some(mut found), Signer::Certificate(der)) => found.need_bytes("rawBytes")? == der,
        _ => false,
    };
    if same {
        Ok(())
    } else {
        Err(mismatch(EntryPart::Signer))
    }
}

fn mismatch(part: EntryPart) -> Rejection {
    Rejection::LogEntryMismatch(part)
}

/// The characters of a line of PEM (RFC 7468, 2).
const PEM_LINE: usize = 64;

/// The largest kind of body has some thirty values.
const BUDGET: Budget = Budget::new(256, 16);
