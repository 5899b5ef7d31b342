//! The transparency log: Rekor v1 and v2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use serde_json::{Value, json};
use sigstore_rekor::LogEntry;
use sigstore_types::{KindVersion, TransparencyLogEntry};
use waxseal_verify::{KeyAlgorithm, PublicKey};

use super::call::Answer;
use super::{Call, Endpoint, Http, RekorVersion, Service, under};
use crate::SignError;

/// What is written to a log.
pub(crate) struct Submission<'a> {
    /// The SHA-256 of the bytes that were signed: of a blob, or of the
    /// envelope's pre-authentication encoding.
    pub(crate) digest: [u8; 32],
    pub(crate) signature: &'a [u8],
    pub(crate) key: &'a PublicKey,
    /// The certificate over the key, in DER, if there is one.
    pub(crate) certificate: Option<&'a [u8]>,
    /// The envelope as JSON, where it is one that was signed.
    pub(crate) envelope: Option<&'a str>,
}

/// Writes an entry and returns it as a bundle holds it. Whether it is about
/// what was submitted is left to the verifier.
pub(crate) async fn log(
    http: &Http,
    log: &Endpoint,
    submission: &Submission<'_>,
) -> Result<TransparencyLogEntry, SignError> {
    match log.version {
        RekorVersion::V1 => v1(http, log, submission).await,
        RekorVersion::V2 => v2(http, log, submission).await,
    }
}

/// Whether a log of this version takes what a key signs.
pub(crate) fn takes(
    version: RekorVersion,
    algorithm: KeyAlgorithm,
    envelope: bool,
) -> Result<(), SignError> {
    let refused = |why| Err(SignError::LogRefusesKey { algorithm, why });
    match (version, algorithm) {
        (RekorVersion::V1, KeyAlgorithm::Ed25519) if !envelope => {
            refused("Rekor v1 takes Ed25519 over files only prehashed")
        }
        (RekorVersion::V1, _) => Ok(()),
        (RekorVersion::V2, _) if key_details(algorithm).is_some() => Ok(()),
        (RekorVersion::V2, _) => {
            refused("Rekor v2 takes P-256 and RSA of 2048, 3072 and 4096 bits with SHA-256")
        }
    }
}

async fn v1(
    http: &Http,
    log: &Endpoint,
    submission: &Submission<'_>,
) -> Result<TransparencyLogEntry, SignError> {
    let verifier = STANDARD.encode(match submission.certificate {
        Some(certificate) => pem::encode_config(
            &pem::Pem::new("CERTIFICATE", certificate),
            pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
        ),
        None => submission.key.to_pem(),
    });
    let (kind, body) = match submission.envelope {
        Some(envelope) => (
            KindVersion::DsseV001,
            json!({
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": { "proposedContent": {
                    "envelope": envelope,
                    "verifiers": [verifier],
                } },
            }),
        ),
        None => (
            KindVersion::HashedRekordV001,
            json!({
                "apiVersion": "0.0.1",
                "kind": "hashedrekord",
                "spec": {
                    "data": { "hash": {
                        "algorithm": "sha256",
                        "value": hex(&submission.digest),
                    } },
                    "signature": {
                        "content": STANDARD.encode(submission.signature),
                        "publicKey": { "content": verifier },
                    },
                },
            }),
        ),
    };
    let url = under(&log.url, "/api/v1/log/entries");
    let mut answer = http.send(&post(url, &body)).await?;
    if answer.status() == 409
        && let Some(url) = existing(&log.url, &answer)
    {
        // A first attempt went through although its answer was lost.
        answer = http.send(&Call::get(Service::Rekor, url)).await?;
    }
    let answer = answer.success()?;
    let entries: serde_json::Map<String, Value> = answer.json()?;
    let mut entries = entries.into_iter();
    let (Some((_, entry)), None) = (entries.next(), entries.next()) else {
        return Err(answer.malformed("it does not hold one entry").into());
    };
    let entry: LogEntry = serde_json::from_value(entry)
        .map_err(|e| answer.malformed(format!("the entry cannot be read: {e}")))?;
    entry.to_bundle_entry(kind).map_err(|e| {
        answer
            .malformed(format!("the entry cannot be read: {e}"))
            .into()
    })
}

/// Where an entry is that is there already, if that is in this log.
fn existing(log: &Url, answer: &Answer) -> Option<Url> {
    let (_, id) = answer.location()?.rsplit_once("/api/v1/log/entries/")?;
    let is_id = matches!(id.len(), 64 | 80) && id.bytes().all(|b| b.is_ascii_hexdigit());
    is_id.then(|| under(log, &format!("/api/v1/log/entries/{id}")))
}

async fn v2(
    http: &Http,
    log: &Endpoint,
    submission: &Submission<'_>,
) -> Result<TransparencyLogEntry, SignError> {
    let algorithm = submission.key.algorithm();
    let Some(details) = key_details(algorithm) else {
        takes(log.version, algorithm, submission.envelope.is_some())?;
        return Err(SignError::Key("unknown to the log"));
    };
    let mut verifier = json!({ "keyDetails": details });
    let (member, bytes) = match submission.certificate {
        Some(certificate) => ("x509Certificate", certificate),
        None => ("publicKey", submission.key.spki_der()),
    };
    if let Some(verifier) = verifier.as_object_mut() {
        let value = json!({ "rawBytes": STANDARD.encode(bytes) });
        verifier.insert(member.to_owned(), value);
    }
    // Envelopes too: the digest is that of their pre-authentication encoding.
    let body = json!({ "hashedRekordRequestV002": {
        "digest": STANDARD.encode(submission.digest),
        "signature": {
            "content": STANDARD.encode(submission.signature),
            "verifier": verifier,
        },
    } });
    let url = under(&log.url, "/api/v2/log/entries");
    let answer = http.send(&post(url, &body)).await?.success()?;
    let entry: TransparencyLogEntry = answer.json()?;
    if entry.inclusion_proof.is_none() {
        return Err(answer.malformed("the entry comes without a proof").into());
    }
    Ok(entry)
}

fn post(url: Url, body: &Value) -> Call<'static> {
    let body = body.to_string().into_bytes();
    Call::post(Service::Rekor, url, "application/json", body)
}

/// How Rekor v2 calls a key that signs over SHA-256.
fn key_details(algorithm: KeyAlgorithm) -> Option<&'static str> {
    match algorithm {
        KeyAlgorithm::EcdsaP256 => Some("PKIX_ECDSA_P256_SHA_256"),
        KeyAlgorithm::Rsa { bits: 2048 } => Some("PKIX_RSA_PKCS1V15_2048_SHA256"),
        KeyAlgorithm::Rsa { bits: 3072 } => Some("PKIX_RSA_PKCS1V15_3072_SHA256"),
        KeyAlgorithm::Rsa { bits: 4096 } => Some("PKIX_RSA_PKCS1V15_4096_SHA256"),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
