//! What cosign 2 left behind tags: a layer, and the rest in annotations.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sigstore_types::Sha256Hash;
use waxseal_oci::Annotations;

use super::certificate::pem;
use super::claims::Claims;
use super::key::sha256;
use super::signed::{Payload, Proposal};
use super::{LogVersion, Service, Sigstore};
use crate::KeyKind;
use crate::evidence::{IN_TOTO, pae};

/// A layer of the manifest behind a tag `.sig` or `.att`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests change it")]
pub struct TagLayer {
    /// The payload of a signature, or the envelope of an attestation.
    pub content: Vec<u8>,
    /// Everything else.
    pub annotations: Annotations,
}

impl TagLayer {
    fn annotate(&mut self, name: &str, value: impl Into<String>) {
        self.annotations.insert(name.to_owned(), value.into());
    }

    /// The signature by itself. An attestation has it in its envelope.
    fn signature(&self) -> Option<Vec<u8>> {
        let text = self.annotations.get(SIGNATURE)?;
        let signature = STANDARD.decode(text).expect("base64");
        (!signature.is_empty()).then_some(signature)
    }
}

impl Sigstore {
    /// A signature (of [`Payload::Blob`]) or an attestation with a certificate
    /// and its chain, and nobody who saw it yet.
    ///
    /// # Panics
    /// If the claims name nobody.
    #[must_use]
    pub fn tag_layer(&self, claims: &Claims, payload: Payload<'_>) -> TagLayer {
        let message = match payload {
            Payload::Blob(bytes) => bytes.to_vec(),
            Payload::Statement(statement) => pae(statement, IN_TOTO),
        };
        let key = self.signer_key(KeyKind::EcdsaP256);
        let certificate = self.certify(claims, &key);
        let signature = STANDARD.encode(key.sign(&message, false));
        let (content, signature) = match payload {
            Payload::Blob(bytes) => (bytes.to_vec(), signature),
            Payload::Statement(statement) => {
                let envelope = json!({
                    "payloadType": IN_TOTO,
                    "payload": STANDARD.encode(statement),
                    "signatures": [{ "keyid": "", "sig": signature }],
                });
                (envelope.to_string().into_bytes(), String::new())
            }
        };
        let mut layer = TagLayer {
            content,
            annotations: Annotations::new(),
        };
        layer.annotate(SIGNATURE, signature);
        layer.annotate(CERTIFICATE, pem(&certificate));
        layer.annotate(CHAIN, self.fulcio.chain().map(pem).concat());
        layer
    }

    /// Has Rekor v1 log a layer, and keeps its promise.
    ///
    /// # Panics
    /// If the layer is none of [`Sigstore::tag_layer`]'s, or the log is not
    /// Rekor v1.
    pub fn log_layer(&self, layer: &mut TagLayer, version: LogVersion) {
        let signer = layer.annotations.get(CERTIFICATE).expect("a certificate");
        let signature = layer.signature();
        let proposal = match &signature {
            Some(signature) => {
                let value = Sha256Hash::new(sha256(&layer.content)).to_hex();
                Proposal::Signature(signature, json!({ "algorithm": "sha256", "value": value }))
            }
            None => Proposal::Envelope(str::from_utf8(&layer.content).expect("an envelope")),
        };
        let proposed = proposal.entry(version, signer);
        let spoil = self.around(Service::RekorV1).spoil();
        let logged = self.rekor_v1.log(&proposed, spoil);
        let (_, entry) = logged.expect("it is logged");
        let at = |place: &str| entry.pointer(place).cloned().unwrap_or_default();
        let bundle: Value = json!({
            "SignedEntryTimestamp": at("/verification/signedEntryTimestamp"),
            "Payload": {
                "body": at("/body"),
                "integratedTime": at("/integratedTime"),
                "logIndex": at("/logIndex"),
                "logID": at("/logID"),
            },
        });
        layer.annotate(BUNDLE, bundle.to_string());
    }

    /// Has a layer timestamped: the signature, or the envelope as a whole.
    ///
    /// # Panics
    /// If the layer is none of [`Sigstore::tag_layer`]'s.
    pub fn stamp_layer(&self, layer: &mut TagLayer) {
        let stamped = layer.signature().unwrap_or_else(|| layer.content.clone());
        let token = STANDARD.encode(self.timestamp(&stamped));
        let timestamp = json!({ "SignedRFC3161Timestamp": token });
        layer.annotate(TIMESTAMP, timestamp.to_string());
    }
}

const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const BUNDLE: &str = "dev.sigstore.cosign/bundle";
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";
