//! Rekor v2: a log of tiles, which answers with a proof and nothing else.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::{Decode as _, Encode as _};
use serde_json::{Value, json};
use sigstore_types::Sha256Hash;
use x509_cert::Certificate;

use super::around::{Spoil, refusal};
use super::key::{EdKey, sha256, verify, verify_hash};
use super::log_tree::LogTree;
use super::note::{NoteKey, checkpoint, cosignature, ed25519_key_id, forged};
use crate::NOW;
use crate::evidence::pae;

pub(crate) struct RekorV2 {
    key: EdKey,
    other: EdKey,
    witness: EdKey,
    tree: Mutex<LogTree>,
}

impl RekorV2 {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            key: EdKey::new(seed, "rekor-v2"),
            other: EdKey::new(!seed, "rekor-v2"),
            witness: EdKey::new(seed, "witness"),
            tree: Mutex::default(),
        }
    }

    pub(crate) fn public_der(&self) -> Vec<u8> {
        self.key.spki_der()
    }

    /// The name by which entries say which log they are from.
    pub(crate) fn log_id(&self) -> [u8; 32] {
        ed25519_key_id(ORIGIN, &self.key)
    }

    /// A checkpoint that a witness saw too.
    fn checkpoint(&self, size: u64, root: &Sha256Hash, spoil: Spoil) -> String {
        let key = match spoil {
            Spoil::Chain => &self.other,
            _ => &self.key,
        };
        let note = match spoil {
            Spoil::Checkpoint => forged,
            _ => checkpoint,
        };
        let note = note(ORIGIN, size, root, &NoteKey::Ed(key));
        let line = cosignature(&note, "witness.testkit.invalid", &self.witness, NOW);
        format!("{note}{line}")
    }

    /// Logs what is proposed; the answer is the entry as bundles have it.
    pub(crate) fn log(&self, proposed: &Value, spoil: Spoil) -> Result<Value, &'static str> {
        let requests =
            ["hashedRekordRequestV002", "dsseRequestV002"].map(|name| proposed.get(name));
        let body = match requests {
            [Some(request), None] => hashedrekord(request),
            [None, Some(request)] => dsse(request),
            _ => return Err("invalid type, must be hashedrekord or dsse"),
        };
        let mut body = body.ok_or("invalid request: verifying signature")?;
        if spoil == Spoil::Content {
            for place in HASHES {
                if let Some(value) = body.pointer_mut(place) {
                    *value = json!(STANDARD.encode(sha256(b"somebody else's")));
                }
            }
        }
        Ok(self.append(&body, spoil))
    }

    fn append(&self, body: &Value, spoil: Spoil) -> Value {
        let bytes = body.to_string();
        let mut tree = self.tree.lock().unwrap();
        let at = tree.append(bytes.as_bytes());
        let proof = match spoil {
            Spoil::Proof => {
                let decoy = tree.append(b"somebody else's");
                tree.prove(decoy)
            }
            _ => tree.prove(at),
        };
        let id = match spoil {
            Spoil::Chain => ed25519_key_id(ORIGIN, &self.other),
            _ => self.log_id(),
        };
        let hashes: Vec<String> = proof.path.iter().map(Sha256Hash::to_base64).collect();
        json!({
            "logIndex": at.to_string(),
            "logId": { "keyId": STANDARD.encode(id) },
            "kindVersion": { "kind": body.get("kind"), "version": body.get("apiVersion") },
            "integratedTime": "0",
            "inclusionPromise": null,
            "inclusionProof": {
                "logIndex": at.to_string(),
                "rootHash": proof.root.to_base64(),
                "treeSize": proof.size.to_string(),
                "hashes": hashes,
                "checkpoint": { "envelope": self.checkpoint(proof.size, &proof.root, spoil) },
            },
            "canonicalizedBody": STANDARD.encode(&bytes),
        })
    }
}

pub(crate) fn router(rekor: Arc<RekorV2>) -> Router {
    Router::new()
        .route("/api/v2/log/entries", post(create))
        .route("/api/v2/checkpoint", get(latest))
        .with_state(rekor)
}

async fn latest(State(rekor): State<Arc<RekorV2>>, Extension(spoil): Extension<Spoil>) -> String {
    let (size, root) = {
        let tree = rekor.tree.lock().unwrap();
        (tree.size(), tree.root())
    };
    rekor.checkpoint(size, &root, spoil)
}

async fn create(
    State(rekor): State<Arc<RekorV2>>,
    Extension(spoil): Extension<Spoil>,
    Json(proposed): Json<Value>,
) -> Response<Body> {
    match rekor.log(&proposed, spoil) {
        Ok(entry) => (StatusCode::CREATED, Json(entry)).into_response(),
        Err(why) => refusal(StatusCode::BAD_REQUEST, why),
    }
}

/// The body of a signature over a hash.
fn hashedrekord(request: &Value) -> Option<Value> {
    let digest = request.get("digest")?.as_str()?;
    let hash = STANDARD.decode(digest).ok()?;
    let signature = request.pointer("/signature/content")?.as_str()?;
    let verifier = request.pointer("/signature/verifier")?;
    if !verify_hash(&key_of(verifier)?, &hash, &STANDARD.decode(signature).ok()?) {
        return None;
    }
    let algorithm = match hash.len() {
        32 => "SHA2_256",
        48 => "SHA2_384",
        64 => "SHA2_512",
        _ => return None,
    };
    Some(json!({
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": { "hashedRekordV002": {
            "data": { "algorithm": algorithm, "digest": digest },
            "signature": { "content": signature, "verifier": verifier },
        } },
    }))
}

/// The body of an envelope, of which the payload's hash is kept.
fn dsse(request: &Value) -> Option<Value> {
    let envelope = request.get("envelope")?;
    let verifiers = request.get("verifiers")?.as_array()?;
    let payload = STANDARD.decode(envelope.get("payload")?.as_str()?).ok()?;
    let signed = pae(&payload, envelope.get("payloadType")?.as_str()?);
    let mut signatures = Vec::new();
    for signature in envelope.get("signatures")?.as_array()? {
        let content = signature.get("sig")?.as_str()?;
        let bytes = STANDARD.decode(content).ok()?;
        let verifier = verifiers
            .iter()
            .find(|verifier| key_of(verifier).is_some_and(|key| verify(&key, &signed, &bytes)))?;
        signatures.push(json!({ "content": content, "verifier": verifier }));
    }
    Some(json!({
        "apiVersion": "0.0.2",
        "kind": "dsse",
        "spec": { "dsseV002": {
            "payloadHash": { "algorithm": "SHA2_256", "digest": STANDARD.encode(sha256(&payload)) },
            "signatures": signatures,
        } },
    }))
}

/// The key of a verifier, as SPKI DER.
fn key_of(verifier: &Value) -> Option<Vec<u8>> {
    let bytes = |place| STANDARD.decode(verifier.pointer(place)?.as_str()?).ok();
    match (
        bytes("/x509Certificate/rawBytes"),
        bytes("/publicKey/rawBytes"),
    ) {
        (Some(certificate), None) => {
            let certificate = Certificate::from_der(&certificate).ok()?;
            certificate
                .tbs_certificate
                .subject_public_key_info
                .to_der()
                .ok()
        }
        (None, key) => key,
        _ => None,
    }
}

/// What checkpoints are headed with: the log's host, as verifiers derive it
/// from its address, without the port.
const ORIGIN: &str = "127.0.0.1";
/// Where a body has the hash of what was signed.
const HASHES: [&str; 2] = [
    "/spec/hashedRekordV002/data/digest",
    "/spec/dsseV002/payloadHash/digest",
];
