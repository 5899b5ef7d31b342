//! Sigstore bundles, read strictly.
//!
//! A library that ignores what it does not know, takes the last of two equal
//! keys or the first of two contents reads another bundle than the next
//! library does. All of that is refused here, before anything is verified.
//!
//! > If a bundle […] MUST contain exactly one of `message_signature` or
//! > `dsse_envelope`.
//! > — protobuf-specs, sigstore_bundle.proto

use waxseal_attestation::dsse::EncodedEnvelope;
use waxseal_attestation::json::{self, Budget, Fields, JsonError, shown};
use waxseal_oci::{Algorithm, Digest};

use crate::entry::{self, LogEntry};
use crate::evidence::{Content, Evidence, SignedWith};
use crate::limits;
use crate::rejection::Rejection;
use crate::verified::Format;

/// Reads a bundle. `bytes` are untrusted.
pub(crate) fn parse(bytes: &[u8]) -> Result<Evidence<'_>, Rejection> {
    let budget = Budget::new(limits::BUNDLE_VALUES, limits::BUNDLE_DEPTH);
    let mut fields = Fields::new("bundle", json::parse(bytes, budget)?)?;
    let format = version(&fields.need_string("mediaType")?)?;
    let mut verification = fields.need_object("verificationMaterial")?;
    let content = content(&mut fields)?;
    fields.finish()?;

    let material = material(&mut verification, format)?;
    let entries = verification
        .array("tlogEntries", limits::LOG_ENTRIES)?
        .into_iter()
        .map(|value| entry::parse(Fields::new("tlogEntries", value)?))
        .collect::<Result<Vec<_>, JsonError>>()?;
    let timestamps = match verification.object("timestampVerificationData")? {
        None => Vec::new(),
        Some(mut data) => {
            let timestamps = data
                .array("rfc3161Timestamps", limits::TIMESTAMPS)?
                .into_iter()
                .map(|value| {
                    let mut fields = Fields::new("rfc3161Timestamps", value)?;
                    let timestamp = fields.need_bytes("signedTimestamp")?;
                    fields.finish()?;
                    Ok(timestamp)
                })
                .collect::<Result<Vec<_>, JsonError>>()?;
            data.finish()?;
            timestamps
        }
    };
    verification.finish()?;
    entry::check_distinct(&entries)?;
    check_evidence(format, &entries)?;
    Ok(Evidence {
        format,
        content,
        material,
        entries,
        timestamps,
        document: None,
    })
}

fn version(media_type: &str) -> Result<Format, Rejection> {
    match media_type {
        "application/vnd.dev.sigstore.bundle+json;version=0.1" => Ok(Format::BundleV01),
        "application/vnd.dev.sigstore.bundle+json;version=0.2" => Ok(Format::BundleV02),
        "application/vnd.dev.sigstore.bundle+json;version=0.3"
        | "application/vnd.dev.sigstore.bundle.v0.3+json" => Ok(Format::BundleV03),
        other => Err(Rejection::MediaType(shown(other))),
    }
}

fn content<'a>(fields: &mut Fields<'a>) -> Result<Content<'a>, Rejection> {
    let envelope = fields.object("dsseEnvelope")?;
    let message = fields.object("messageSignature")?;
    match (envelope, message) {
        (Some(envelope), None) => Ok(Content::Envelope(EncodedEnvelope::from_fields(envelope)?)),
        (None, Some(mut message)) => {
            let digest = match message.object("messageDigest")? {
                None => None,
                Some(fields) => Some(message_digest(fields)?),
            };
            let signature = message.need_bytes("signature")?;
            message.finish()?;
            Ok(Content::Artifact { digest, signature })
        }
        (Some(_), Some(_)) => Err(Rejection::Ambiguous {
            first: "dsseEnvelope",
            second: "messageSignature",
        }),
        (None, None) => Err(JsonError::Missing {
            at: "bundle",
            name: "dsseEnvelope or messageSignature",
        }
        .into()),
    }
}

fn message_digest(mut fields: Fields<'_>) -> Result<Digest, JsonError> {
    let wrong = |name, wanted| JsonError::Type {
        at: "messageDigest",
        name,
        wanted,
    };
    let algorithm = entry::hash_algorithm(&fields.need_string("algorithm")?)
        .ok_or_else(|| wrong("algorithm", "SHA2_256, SHA2_384 or SHA2_512"))?;
    let value = fields.need_bytes("digest")?;
    fields.finish()?;
    digest_of(algorithm, &value).ok_or_else(|| wrong("digest", "a digest of its algorithm"))
}

pub(crate) fn digest_of(algorithm: Algorithm, value: &[u8]) -> Option<Digest> {
    Digest::from_hex(algorithm, &hex::encode(value)).ok()
}

/// The key or certificate: exactly one of the three that there can be.
fn material(fields: &mut Fields<'_>, format: Format) -> Result<SignedWith, Rejection> {
    let key = fields.object("publicKey")?;
    let certificate = fields.object("certificate")?;
    let chain = fields.object("x509CertificateChain")?;
    match (key, certificate, chain) {
        (Some(mut key), None, None) => {
            let hint = key.string("hint")?.unwrap_or_default().into_owned();
            key.finish()?;
            Ok(SignedWith::Key { hint })
        }
        (None, Some(fields), None) => Ok(SignedWith::Certificates(vec![certificate_of(fields)?])),
        // > v0.3: the leaf certificate only; a chain is not allowed.
        (None, None, Some(_)) if format == Format::BundleV03 => Err(JsonError::Unknown {
            at: "verificationMaterial",
            name: "x509CertificateChain".to_owned(),
        }
        .into()),
        (None, None, Some(mut chain)) => {
            let certificates = chain
                .array("certificates", limits::CERTIFICATES)?
                .into_iter()
                .map(|value| certificate_of(Fields::new("certificates", value)?))
                .collect::<Result<Vec<_>, JsonError>>()?;
            chain.finish()?;
            if certificates.is_empty() {
                return Err(JsonError::Missing {
                    at: "x509CertificateChain",
                    name: "certificates",
                }
                .into());
            }
            Ok(SignedWith::Certificates(certificates))
        }
        (None, None, None) => Err(JsonError::Missing {
            at: "verificationMaterial",
            name: "publicKey or certificate",
        }
        .into()),
        (Some(_), Some(_), _) => Err(Rejection::Ambiguous {
            first: "publicKey",
            second: "certificate",
        }),
        (Some(_), None, Some(_)) => Err(Rejection::Ambiguous {
            first: "publicKey",
            second: "x509CertificateChain",
        }),
        (None, Some(_), Some(_)) => Err(Rejection::Ambiguous {
            first: "certificate",
            second: "x509CertificateChain",
        }),
    }
}

fn certificate_of(mut fields: Fields<'_>) -> Result<Vec<u8>, JsonError> {
    let certificate = fields.need_bytes("rawBytes")?;
    fields.finish()?;
    Ok(certificate)
}

/// > v0.1: `inclusion_promise` is required. v0.2 and later:
/// > `inclusion_proof` is required.
fn check_evidence(format: Format, entries: &[LogEntry<'_>]) -> Result<(), Rejection> {
    for entry in entries {
        let missing = match format {
            Format::BundleV01 if entry.promise.is_none() => "inclusionPromise",
            Format::BundleV02 | Format::BundleV03 if entry.proof.is_none() => "inclusionProof",
            _ => continue,
        };
        return Err(JsonError::Missing {
            at: "tlogEntries",
            name: missing,
        }
        .into());
    }
    Ok(())
}
