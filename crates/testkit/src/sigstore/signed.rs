//! Bundles that the services agree to, made without a client: one call in the
//! process instead of five over loopback.

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sigstore_types::Sha256Hash;
use waxseal_oci::media;
use x509_cert::Certificate;

use super::certificate::{der, pem};
use super::claims::Claims;
use super::signer::SignerKey;
use super::{LogVersion, Service, Sigstore};
use crate::KeyKind;
use crate::evidence::{IN_TOTO, pae};

/// What is signed.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a bundle has these two")]
pub enum Payload<'a> {
    /// Bytes, of which the bundle has the hash.
    Blob(&'a [u8]),
    /// An in-toto statement, which the bundle has in an envelope.
    Statement(&'a [u8]),
}

/// Who saw it beside the certificate authority.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers make it")]
pub struct Witnesses<'a> {
    /// The logs, each of which makes an entry. Statements are entries of the
    /// kind `dsse` in Rekor v1, of the kind `hashedrekord` in Rekor v2.
    pub logs: &'a [LogVersion],
    /// How many timestamps there are.
    pub timestamps: usize,
}

impl Witnesses<'_> {
    /// Rekor v2 and a timestamp, as signing configs have it today.
    pub const TODAY: Self = Self {
        logs: &[LogVersion::V2],
        timestamps: 1,
    };
    /// Rekor v1 alone, as it was until 2025.
    pub const FORMER: Self = Self {
        logs: &[LogVersion::V1],
        timestamps: 0,
    };
}

impl Sigstore {
    /// A timestamp over a signature that somebody else may have made.
    #[must_use]
    pub fn timestamp(&self, signature: &[u8]) -> Vec<u8> {
        let spoil = self.around(Service::Tsa).spoil();
        self.tsa.timestamp(signature, spoil)
    }

    /// A Sigstore bundle v0.3 by whoever these claims are about, with a key of
    /// P-256. Faults that change what a service answers apply, those on the
    /// wire do not.
    ///
    /// # Panics
    /// If the claims name nobody.
    #[must_use]
    pub fn bundle(&self, claims: &Claims, payload: Payload<'_>, witnesses: Witnesses<'_>) -> Value {
        self.bundle_by(KeyKind::EcdsaP256, claims, payload, witnesses)
    }

    /// The same with a key of another kind.
    ///
    /// # Panics
    /// If the claims name nobody, or a log does not take such a key.
    #[must_use]
    pub fn bundle_by(
        &self,
        kind: KeyKind,
        claims: &Claims,
        payload: Payload<'_>,
        witnesses: Witnesses<'_>,
    ) -> Value {
        let key = self.signer_key(kind);
        let certificate = self.certify(claims, &key);
        let message = match payload {
            Payload::Blob(bytes) => bytes.to_vec(),
            Payload::Statement(statement) => pae(statement, IN_TOTO),
        };
        // A log of hashes cannot check what Ed25519 makes of a message.
        let hashed = matches!(payload, Payload::Blob(_)) || witnesses.logs == [LogVersion::V2];
        let signature = key.sign(&message, hashed);
        let envelope = |statement| {
            json!({
                "payload": STANDARD.encode(statement),
                "payloadType": IN_TOTO,
                "signatures": [{ "sig": STANDARD.encode(&signature) }],
            })
        };
        let document = match payload {
            Payload::Blob(_) => String::new(),
            Payload::Statement(statement) => envelope(statement).to_string(),
        };
        let spoil = |service| self.around(service).spoil();
        let entry = |version: &LogVersion| match version {
            LogVersion::V1 | LogVersion::V1Intoto => {
                let proposal = match payload {
                    Payload::Blob(bytes) => Proposal::Signature(&signature, key.hex_digest(bytes)),
                    Payload::Statement(_) => Proposal::Envelope(&document),
                };
                let proposed = proposal.entry(*version, &pem(&certificate));
                let logged = self.rekor_v1.log(&proposed, spoil(Service::RekorV1));
                let (_, entry) = logged.expect("it is logged");
                entry_of(&entry, &proposed)
            }
            LogVersion::V2 | LogVersion::V2Dsse => {
                let verifier = json!({
                    "keyDetails": key.details(),
                    "x509Certificate": { "rawBytes": STANDARD.encode(der(&certificate)) },
                });
                let proposed = match (version, payload) {
                    (LogVersion::V2Dsse, Payload::Statement(statement)) => {
                        json!({ "dsseRequestV002": {
                            "envelope": envelope(statement),
                            "verifiers": [verifier],
                        } })
                    }
                    _ => json!({ "hashedRekordRequestV002": {
                        "digest": key.message_digest(&message).get("digest"),
                        "signature": {
                            "content": STANDARD.encode(&signature),
                            "verifier": verifier,
                        },
                    } }),
                };
                let logged = self.rekor_v2.log(&proposed, spoil(Service::RekorV2));
                logged.expect("it is logged")
            }
        };
        let entries: Vec<Value> = witnesses.logs.iter().map(entry).collect();
        let timestamps: Vec<Value> = (0..witnesses.timestamps)
            .map(|_| self.tsa.timestamp(&signature, spoil(Service::Tsa)))
            .map(|token| json!({ "signedTimestamp": STANDARD.encode(token) }))
            .collect();
        let mut bundle = json!({
            "mediaType": media::SIGSTORE_BUNDLE_V03,
            "verificationMaterial": {
                "certificate": { "rawBytes": STANDARD.encode(der(&certificate)) },
                "tlogEntries": entries,
                "timestampVerificationData": { "rfc3161Timestamps": timestamps },
            },
        });
        let (name, content) = match payload {
            Payload::Blob(bytes) => (
                "messageSignature",
                json!({
                    "messageDigest": key.message_digest(bytes),
                    "signature": STANDARD.encode(&signature),
                }),
            ),
            Payload::Statement(statement) => ("dsseEnvelope", envelope(statement)),
        };
        if let Some(bundle) = bundle.as_object_mut() {
            bundle.insert(name.to_owned(), content);
        }
        bundle
    }

    /// The key of the next signer.
    pub(crate) fn signer_key(&self, kind: KeyKind) -> SignerKey {
        let count = self.signers.fetch_add(1, Ordering::SeqCst);
        SignerKey::new(kind, self.seed, &format!("signer-{count}"))
    }

    /// A certificate over a signer's key.
    pub(crate) fn certify(&self, claims: &Claims, key: &SignerKey) -> Certificate {
        let claims = match claims.text("iss") {
            Some(_) => claims.clone(),
            None => claims.clone().with("iss", self.issuer_url()),
        };
        let spoil = self.around(Service::Fulcio).spoil();
        self.fulcio
            .issue(&claims, key.spki(), spoil)
            .expect("the claims name somebody")
    }
}

/// What Rekor v1 is asked to log.
pub(crate) enum Proposal<'a> {
    /// A signature over bytes of this hash.
    Signature(&'a [u8], Value),
    /// The document of an envelope.
    Envelope(&'a str),
}

impl Proposal<'_> {
    /// The entry that is proposed, for a signer in PEM.
    pub(crate) fn entry(&self, version: LogVersion, signer: &str) -> Value {
        let signer = STANDARD.encode(signer);
        match (self, version) {
            (Self::Signature(signature, hash), _) => json!({
                "apiVersion": "0.0.1",
                "kind": "hashedrekord",
                "spec": {
                    "data": { "hash": hash },
                    "signature": {
                        "content": STANDARD.encode(signature),
                        "publicKey": { "content": signer },
                    },
                },
            }),
            (Self::Envelope(document), LogVersion::V1Intoto) => json!({
                "apiVersion": "0.0.1",
                "kind": "intoto",
                "spec": { "content": { "envelope": document }, "publicKey": signer },
            }),
            (Self::Envelope(document), _) => json!({
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": { "proposedContent": { "envelope": document, "verifiers": [signer] } },
            }),
        }
    }
}

/// An entry of Rekor v1 as bundles have it: numbers as text, bytes in base64.
fn entry_of(entry: &Value, proposed: &Value) -> Value {
    let at = |place: &str| entry.pointer(place).cloned().unwrap_or_default();
    let text = |place: &str| json!(at(place).to_string());
    let bytes = |value: &Value| {
        let hash = Sha256Hash::from_hex(value.as_str().unwrap_or_default());
        json!(hash.expect("a hash").to_base64())
    };
    let proof = "/verification/inclusionProof";
    let hashes = at(&format!("{proof}/hashes"));
    let hashes: Vec<Value> = hashes.as_array().into_iter().flatten().map(bytes).collect();
    json!({
        "logIndex": text("/logIndex"),
        "logId": { "keyId": bytes(&at("/logID")) },
        "kindVersion": { "kind": proposed.get("kind"), "version": proposed.get("apiVersion") },
        "integratedTime": text("/integratedTime"),
        "inclusionPromise": { "signedEntryTimestamp": at("/verification/signedEntryTimestamp") },
        "inclusionProof": {
            "logIndex": text(&format!("{proof}/logIndex")),
            "rootHash": bytes(&at(&format!("{proof}/rootHash"))),
            "treeSize": text(&format!("{proof}/treeSize")),
            "hashes": hashes,
            "checkpoint": { "envelope": at(&format!("{proof}/checkpoint")) },
        },
        "canonicalizedBody": at("/body"),
    })
}
