//! What cosign 2 left behind tags, a blob and the rest in annotations, and
//! beside files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use waxseal_attestation::dsse::EncodedEnvelope;
use waxseal_attestation::json::{self, Budget, Fields, JsonError, shown};
use waxseal_oci::Annotations;

use crate::entry::{self, LogEntry};
use crate::evidence::{Content, Evidence, SignedWith};
use crate::key::PublicKey;
use crate::limits;
use crate::rejection::Rejection;
use crate::verified::Format;

/// Reads a layer of a `.sig` manifest. Both arguments are untrusted.
pub(crate) fn signature<'a>(
    payload: &'a [u8],
    annotations: &'a Annotations,
) -> Result<Evidence<'a>, Rejection> {
    let text = annotations
        .get(SIGNATURE)
        .filter(|text| !text.is_empty())
        .ok_or(Rejection::SignatureMissing(SIGNATURE))?;
    let signature = STANDARD.decode(text).map_err(|_| JsonError::Base64 {
        at: "annotations",
        name: SIGNATURE,
    })?;
    let content = Content::SimpleSigning { payload, signature };
    evidence(Format::SimpleSigning, content, None, annotations)
}

/// Reads a layer of a `.att` manifest. Both arguments are untrusted.
pub(crate) fn attestation<'a>(
    envelope: &'a [u8],
    annotations: &'a Annotations,
) -> Result<Evidence<'a>, Rejection> {
    let content = Content::Envelope(EncodedEnvelope::parse(envelope)?);
    let document = Some(envelope);
    evidence(Format::LegacyAttestation, content, document, annotations)
}

/// Reads what cosign 2 writes beside a blob (`sign-blob --output-signature`, or
/// `--bundle` without `--new-bundle-format`). `bytes` are untrusted.
pub(crate) fn blob(bytes: &[u8]) -> Result<Evidence<'_>, Rejection> {
    let text = bytes.trim_ascii();
    let of = |signature| Content::Artifact {
        digest: None,
        signature,
    };
    let by_key = |hint| SignedWith::Key { hint };
    let (content, material, entries) = if text.first() == Some(&b'{') {
        let mut fields = Fields::new("bundle", json::parse(text, BUDGET)?)?;
        let signature = fields.need_bytes("base64Signature")?;
        let material = match fields.bytes("cert")? {
            None => by_key(String::new()),
            Some(pem) => signer(&pem)?,
        };
        let entries = match fields.object("rekorBundle")? {
            None => Vec::new(),
            Some(entry) => vec![log_entry_of(entry)?],
        };
        fields.finish()?;
        (of(signature), material, entries)
    } else {
        let signature = STANDARD.decode(text).ok().filter(|s| !s.is_empty());
        let signature = signature.ok_or(JsonError::Base64 {
            at: "file",
            name: "signature",
        })?;
        (of(signature), by_key(String::new()), Vec::new())
    };
    Ok(Evidence {
        format: Format::LegacyBlob,
        content,
        material,
        entries,
        timestamps: Vec::new(),
        document: None,
    })
}

/// cosign calls it a certificate, and puts a public key there where there is none.
fn signer(pem: &[u8]) -> Result<SignedWith, Rejection> {
    if let Ok(key) = PublicKey::from_pem(pem) {
        return Ok(SignedWith::Key { hint: key.hint() });
    }
    let text = str::from_utf8(pem).unwrap_or_default();
    Ok(SignedWith::Certificates(certificates(text, "")?))
}

fn evidence<'a>(
    format: Format,
    content: Content<'a>,
    document: Option<&'a [u8]>,
    annotations: &'a Annotations,
) -> Result<Evidence<'a>, Rejection> {
    let material = match annotations.get(CERTIFICATE).filter(|text| !text.is_empty()) {
        None => SignedWith::Key {
            hint: String::new(),
        },
        Some(certificate) => {
            let chain = annotations.get(CHAIN).map_or("", String::as_str);
            SignedWith::Certificates(certificates(certificate, chain)?)
        }
    };
    let entries = match annotations.get(BUNDLE).filter(|text| !text.is_empty()) {
        None => Vec::new(),
        Some(text) => vec![log_entry(text)?],
    };
    let timestamps = match annotations.get(TIMESTAMP).filter(|text| !text.is_empty()) {
        None => Vec::new(),
        Some(text) => {
            let mut fields =
                Fields::new("rfc3161timestamp", json::parse(text.as_bytes(), BUDGET)?)?;
            let timestamp = fields.need_bytes("SignedRFC3161Timestamp")?;
            fields.finish()?;
            vec![timestamp]
        }
    };
    Ok(Evidence {
        format,
        content,
        material,
        entries,
        timestamps,
        document,
    })
}

fn certificates(leaf: &str, chain: &str) -> Result<Vec<Vec<u8>>, Rejection> {
    let wrong = |why: String| Rejection::Certificate(why);
    let blocks = |text: &str| {
        let blocks = pem::parse_many(text).map_err(|e| wrong(format!("annotation: {e}")))?;
        match blocks.iter().find(|block| block.tag() != "CERTIFICATE") {
            Some(other) => Err(wrong(format!("`{}` in an annotation", shown(other.tag())))),
            None => Ok(blocks),
        }
    };
    let leaf = blocks(leaf)?;
    if leaf.len() != 1 {
        return Err(wrong(format!(
            "{} certificates in one annotation",
            leaf.len()
        )));
    }
    let above = blocks(chain)?;
    if above.is_empty() && !chain.is_empty() {
        return Err(wrong("a chain without certificates".to_owned()));
    }
    let certificates: Vec<Vec<u8>> = leaf
        .into_iter()
        .chain(above)
        .map(pem::Pem::into_contents)
        .collect();
    if certificates.len() > limits::CERTIFICATES {
        return Err(JsonError::TooMany {
            name: "certificates",
            limit: limits::CERTIFICATES,
            found: certificates.len(),
        }
        .into());
    }
    Ok(certificates)
}

/// The log's answer, as Rekor's first generation gave it and cosign kept it.
fn log_entry(text: &str) -> Result<LogEntry<'_>, Rejection> {
    log_entry_of(Fields::new(
        "bundle",
        json::parse(text.as_bytes(), BUDGET)?,
    )?)
}

fn log_entry_of(mut fields: Fields<'_>) -> Result<LogEntry<'_>, Rejection> {
    let promise = fields.need_bytes("SignedEntryTimestamp")?;
    let mut payload = fields.need_object("Payload")?;
    fields.finish()?;
    let wrong = |name, wanted| JsonError::Type {
        at: "Payload",
        name,
        wanted,
    };
    let (encoded, body) = payload.need_encoded("body")?;
    let seconds = payload
        .unsigned("integratedTime")?
        .ok_or(JsonError::Missing {
            at: "Payload",
            name: "integratedTime",
        })?;
    let index = payload.unsigned("logIndex")?.unwrap_or_default();
    // The promise is over the text, which has to be the one that is signed.
    let name = payload.need_string("logID")?;
    let log = hex::decode(name.as_ref())
        .ok()
        .filter(|log| hex::encode(log) == name)
        .ok_or_else(|| wrong("logID", "lower-case hexadecimal"))?;
    payload.finish()?;
    // The kind stands only in the body; binding reads it again from there.
    let mut entry = Fields::new("body", json::parse(&body, BUDGET)?)?;
    let kind = entry.need_string("kind")?.into_owned().into();
    let version = entry.need_string("apiVersion")?.into_owned().into();
    drop(entry);
    Ok(LogEntry {
        index,
        log,
        kind,
        version,
        integrated_at: Some(entry::time(seconds)?),
        promise: Some(promise),
        proof: None,
        body,
        encoded,
    })
}

/// Annotation: the signature, in base64.
pub(crate) const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// Annotation: the signing certificate, in PEM.
pub(crate) const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
/// Annotation: the certificates above it, in PEM.
const CHAIN: &str = "dev.sigstore.cosign/chain";
/// Annotation: the log's promise.
const BUNDLE: &str = "dev.sigstore.cosign/bundle";
/// Annotation: an RFC 3161 timestamp.
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

const BUDGET: Budget = Budget::new(512, 16);
