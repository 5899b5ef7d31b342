//! Rekor v1: a log that answers with a promise, a proof and a time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::pem::LineEnding;
use der::{DecodePem as _, Encode as _};
use serde_json::{Value, json};
use sigstore_types::Sha256Hash;
use x509_cert::Certificate;
use x509_cert::spki::Document;

use super::Time;
use super::around::{Spoil, refusal};
use super::certificate::pem as pem_of;
use super::key::{EcKey, sha256, verify, verify_hash};
use super::log_tree::LogTree;
use super::note::{NoteKey, checkpoint, forged};
use crate::evidence::pae;

pub(crate) struct RekorV1 {
    key: EcKey,
    other: EcKey,
    clock: Arc<Time>,
    log: Mutex<Log>,
}

/// Why an entry was not logged.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is malformed or its signature does not verify.
    Invalid(&'static str),
    /// The entry of this name has the same body.
    Known(String),
}

#[derive(Default)]
struct Log {
    tree: LogTree,
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    body: Vec<u8>,
    time: i64,
}

impl RekorV1 {
    pub(crate) fn new(seed: u64, clock: Arc<Time>) -> Self {
        Self {
            key: EcKey::new(seed, "rekor-v1"),
            other: EcKey::new(!seed, "rekor-v1"),
            clock,
            log: Mutex::default(),
        }
    }

    pub(crate) fn public_der(&self) -> Vec<u8> {
        self.key.spki_der()
    }

    /// Logs what is proposed; the answer is the entry and its name.
    pub(crate) fn log(&self, proposed: &Value, spoil: Spoil) -> Result<(String, Value), Refused> {
        let text = |name: &str| proposed.get(name).and_then(Value::as_str);
        let body = match (text("kind"), text("apiVersion")) {
            (Some("hashedrekord"), Some("0.0.1")) => hashedrekord(proposed),
            (Some("dsse"), Some("0.0.1")) => dsse(proposed),
            (Some("intoto"), Some("0.0.1")) => intoto_v1(proposed),
            (Some("intoto"), Some("0.0.2")) => intoto_v2(proposed),
            _ => return Err(Refused::Invalid("entry kind not supported")),
        };
        let mut body = body.ok_or(Refused::Invalid(
            "error processing entry: verifying signature",
        ))?;
        if spoil == Spoil::Content {
            for place in HASHES {
                if let Some(value) = body.pointer_mut(place) {
                    *value = json!(hex(&sha256(b"somebody else's")));
                }
            }
        }
        self.append(&body, spoil)
    }

    fn append(&self, body: &Value, spoil: Spoil) -> Result<(String, Value), Refused> {
        let body = body.to_string().into_bytes();
        let mut log = self.log.lock().unwrap();
        let found = log.entries.iter().position(|entry| entry.body == body);
        if let Some(found) = found {
            return Err(Refused::Known(log.uuid(index(found))));
        }
        let time = self.clock.now().as_second();
        let at = log.tree.append(&body);
        log.entries.push(Entry { body, time });
        if spoil == Spoil::Proof {
            let body = b"somebody else's".to_vec();
            log.tree.append(&body);
            log.entries.push(Entry { body, time });
        }
        Ok(self.answer(&log, at, spoil))
    }

    /// An entry as it is answered.
    fn answer(&self, log: &Log, at: u64, spoil: Spoil) -> (String, Value) {
        let key = match spoil {
            Spoil::Chain => &self.other,
            _ => &self.key,
        };
        let entry = log.entry(at).expect("it was logged");
        let id = hex(&sha256(&key.spki_der()));
        let body = STANDARD.encode(&entry.body);
        let promised = |index: u64| {
            // Rekor signs the canonical JSON of these four fields.
            let entry = json!({
                "body": body,
                "integratedTime": entry.time,
                "logID": id,
                "logIndex": index,
            });
            STANDARD.encode(key.sign(entry.to_string().as_bytes()))
        };
        let promise = match spoil {
            Spoil::Promise => promised(at.saturating_add(1)),
            _ => promised(at),
        };
        let proved = match spoil {
            Spoil::Proof => at.saturating_add(1),
            _ => at,
        };
        let proof = log.tree.prove(proved);
        let note = match spoil {
            Spoil::Checkpoint => forged,
            _ => checkpoint,
        };
        let note = note(ORIGIN, proof.size, &proof.root, &NoteKey::Ec(key));
        let hashes: Vec<String> = proof.path.iter().map(Sha256Hash::to_hex).collect();
        let answer = json!({
            "body": body,
            "integratedTime": entry.time,
            "logID": id,
            "logIndex": at,
            "verification": {
                "inclusionProof": {
                    "checkpoint": note,
                    "hashes": hashes,
                    "logIndex": at,
                    "rootHash": proof.root.to_hex(),
                    "treeSize": proof.size,
                },
                "signedEntryTimestamp": promise,
            },
        });
        (log.uuid(at), answer)
    }
}

impl Log {
    fn entry(&self, at: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(at).ok()?)
    }

    fn uuid(&self, at: u64) -> String {
        let leaf = self.tree.leaf(at).map(Sha256Hash::to_hex);
        format!("{TREE:016x}{}", leaf.unwrap_or_default())
    }

    fn find(&self, uuid: &str) -> Option<u64> {
        (0..self.tree.size()).find(|at| self.uuid(*at).ends_with(uuid))
    }
}

pub(crate) fn router(rekor: Arc<RekorV1>) -> Router {
    Router::new()
        .route("/api/v1/log", get(state))
        .route("/api/v1/log/publicKey", get(public_key))
        .route("/api/v1/log/entries", post(create).get(by_index))
        .route("/api/v1/log/entries/{uuid}", get(by_uuid))
        .with_state(rekor)
}

async fn state(State(rekor): State<Arc<RekorV1>>) -> Json<Value> {
    let log = rekor.log.lock().unwrap();
    let (size, root) = (log.tree.size(), log.tree.root());
    Json(json!({
        "rootHash": root.to_hex(),
        "treeSize": size,
        "treeID": TREE.to_string(),
        "signedTreeHead": checkpoint(ORIGIN, size, &root, &NoteKey::Ec(&rekor.key)),
    }))
}

async fn public_key(State(rekor): State<Arc<RekorV1>>) -> Response<Body> {
    let der = sigstore_types::DerPublicKey::from_bytes(&rekor.public_der());
    ([("content-type", "application/x-pem-file")], der.to_pem()).into_response()
}

async fn create(
    State(rekor): State<Arc<RekorV1>>,
    Extension(spoil): Extension<Spoil>,
    Json(proposed): Json<Value>,
) -> Response<Body> {
    match rekor.log(&proposed, spoil) {
        Ok((uuid, entry)) => {
            // Clients look the entry up in the answer by this tag.
            let place = [
                ("location", format!("/api/v1/log/entries/{uuid}")),
                ("etag", uuid.clone()),
            ];
            (StatusCode::CREATED, place, Json(json!({ uuid: entry }))).into_response()
        }
        Err(Refused::Invalid(why)) => refusal(StatusCode::BAD_REQUEST, why),
        Err(Refused::Known(uuid)) => {
            let message = "an equivalent entry already exists in the transparency log";
            let place = [("location", format!("/api/v1/log/entries/{uuid}"))];
            (place, refusal(StatusCode::CONFLICT, message)).into_response()
        }
    }
}

async fn by_index(
    State(rekor): State<Arc<RekorV1>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response<Body> {
    let at = query.get("logIndex").and_then(|text| text.parse().ok());
    found(&rekor, at)
}

async fn by_uuid(State(rekor): State<Arc<RekorV1>>, Path(uuid): Path<String>) -> Response<Body> {
    let at = rekor.log.lock().unwrap().find(&uuid);
    found(&rekor, at)
}

fn found(rekor: &RekorV1, at: Option<u64>) -> Response<Body> {
    let log = rekor.log.lock().unwrap();
    let Some(at) = at.filter(|at| log.entry(*at).is_some()) else {
        return refusal(StatusCode::NOT_FOUND, "entry not found");
    };
    let (uuid, entry) = rekor.answer(&log, at, Spoil::Nothing);
    Json(json!({ uuid: entry })).into_response()
}

/// The body of a signature over a hash.
fn hashedrekord(proposed: &Value) -> Option<Value> {
    let spec = proposed.get("spec")?;
    let hash = spec.pointer("/data/hash")?;
    let value = hash.get("value")?.as_str()?;
    let signature = spec.pointer("/signature/content")?.as_str()?;
    let signer = spec.pointer("/signature/publicKey/content")?.as_str()?;
    let (key, signer) = key_of(signer)?;
    let bytes = unhex(value)?;
    if !verify_hash(&key, &bytes, &STANDARD.decode(signature).ok()?) {
        return None;
    }
    Some(json!({
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": { "hash": { "algorithm": hash.get("algorithm")?, "value": value } },
            "signature": { "content": signature, "publicKey": { "content": signer } },
        },
    }))
}

/// The body of an envelope, of which hashes and signatures are kept.
fn dsse(proposed: &Value) -> Option<Value> {
    let content = proposed.pointer("/spec/proposedContent")?;
    let text = content.get("envelope")?.as_str()?;
    let verifiers = content.get("verifiers")?.as_array()?;
    let (payload, signed_by) = signatures(text, verifiers)?;
    let signatures: Vec<Value> = signed_by
        .into_iter()
        .map(|[signature, verifier]| json!({ "signature": signature, "verifier": verifier }))
        .collect();
    Some(json!({
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": { "algorithm": "sha256", "value": hex(&sha256(text.as_bytes())) },
            "payloadHash": { "algorithm": "sha256", "value": hex(&sha256(&payload)) },
            "signatures": signatures,
        },
    }))
}

/// The payload of an envelope, and each signature with who made it.
fn signatures(envelope: &str, verifiers: &[Value]) -> Option<(Vec<u8>, Vec<[String; 2]>)> {
    let envelope: Value = serde_json::from_str(envelope).ok()?;
    let payload = STANDARD.decode(envelope.get("payload")?.as_str()?).ok()?;
    let signed = pae(&payload, envelope.get("payloadType")?.as_str()?);
    let mut signatures = Vec::new();
    for signature in envelope.get("signatures")?.as_array()? {
        let signature = signature.get("sig")?.as_str()?;
        let bytes = STANDARD.decode(signature).ok()?;
        let verifier = verifiers
            .iter()
            .filter_map(|verifier| key_of(verifier.as_str()?))
            .find(|(key, _)| verify(key, &signed, &bytes));
        let (_, verifier) = verifier?;
        signatures.push([signature.to_owned(), verifier]);
    }
    Some((payload, signatures))
}

/// The body of an envelope of which nothing is kept but its hash.
fn intoto_v1(proposed: &Value) -> Option<Value> {
    let text = proposed.pointer("/spec/content/envelope")?.as_str()?;
    let verifier = proposed.pointer("/spec/publicKey")?;
    let (payload, signed_by) = signatures(text, std::slice::from_ref(verifier))?;
    let [_, verifier] = signed_by.first()?;
    Some(json!({
        "apiVersion": "0.0.1",
        "kind": "intoto",
        "spec": {
            "content": {
                "hash": { "algorithm": "sha256", "value": hex(&sha256(text.as_bytes())) },
                "payloadHash": { "algorithm": "sha256", "value": hex(&sha256(&payload)) },
            },
            "publicKey": verifier,
        },
    }))
}

/// The body of an in-toto attestation, whose payload and signatures are
/// encoded twice, and whose payload is not kept.
fn intoto_v2(proposed: &Value) -> Option<Value> {
    let content = proposed.pointer("/spec/content")?;
    let envelope = content.get("envelope")?;
    let twice = |value: &Value| STANDARD.decode(STANDARD.decode(value.as_str()?).ok()?).ok();
    let payload = twice(envelope.get("payload")?)?;
    let kind = envelope.get("payloadType")?.as_str()?;
    let signed = pae(&payload, kind);
    let signatures = envelope.get("signatures")?.as_array()?;
    for signature in signatures {
        let (key, _) = key_of(signature.get("publicKey")?.as_str()?)?;
        if !verify(&key, &signed, &twice(signature.get("sig")?)?) {
            return None;
        }
    }
    let hash = content.get("hash").cloned().unwrap_or_else(
        || json!({ "algorithm": "sha256", "value": hex(&sha256(envelope.to_string().as_bytes())) }),
    );
    Some(json!({
        "apiVersion": "0.0.2",
        "kind": "intoto",
        "spec": {
            "content": {
                "envelope": { "payloadType": kind, "signatures": signatures },
                "hash": hash,
                "payloadHash": { "algorithm": "sha256", "value": hex(&sha256(&payload)) },
            },
        },
    }))
}

/// Whoever signed, in PEM in base64: the key as SPKI DER, and the same text
/// as Rekor writes it, whatever the line breaks were.
fn key_of(pem: &str) -> Option<(Vec<u8>, String)> {
    let pem = STANDARD.decode(pem).ok()?;
    if let Ok(certificate) = Certificate::from_pem(&pem) {
        let key = &certificate.tbs_certificate.subject_public_key_info;
        return Some((key.to_der().ok()?, STANDARD.encode(pem_of(&certificate))));
    }
    let (_, key) = Document::from_pem(str::from_utf8(&pem).ok()?).ok()?;
    let text = key.to_pem("PUBLIC KEY", LineEnding::LF).ok()?;
    Some((key.as_bytes().to_vec(), STANDARD.encode(text)))
}

fn hex(bytes: &[u8; 32]) -> String {
    Sha256Hash::new(*bytes).to_hex()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    sigstore_types::DigestBytes::from_hex(text)
        .ok()
        .map(|bytes| bytes.as_bytes().to_vec())
}

fn index(at: usize) -> u64 {
    u64::try_from(at).expect("an index")
}

/// The number of the log's tree.
const TREE: u64 = 1_193_050_959_916_656_506;
/// What checkpoints are headed with: the log's host and its tree.
const ORIGIN: &str = "127.0.0.1 - 1193050959916656506";
/// Where a body has the hash of what was signed.
const HASHES: [&str; 3] = [
    "/spec/data/hash/value",
    "/spec/payloadHash/value",
    "/spec/content/payloadHash/value",
];
