//! A signer of its own, who signs what nobody should.
#![expect(clippy::unwrap_used, reason = "a test")]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use waxseal_attestation::dsse::pae;
use waxseal_oci::{Annotations, Digest};
use waxseal_verify::{
    Authority, Candidate, KeyAuthority, PublicKey, Rejection, Trust, Verified, Wanted, verify,
};

use crate::support::{bundle, now, signature};

pub(crate) const INTOTO: &str = "application/vnd.in-toto+json";

pub(crate) struct Forger {
    pair: EcdsaKeyPair,
    pub(crate) key: PublicKey,
}

impl Forger {
    pub(crate) fn new() -> Self {
        Self::on(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            &[
                0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
            ],
        )
    }

    pub(crate) fn p384() -> Self {
        Self::on(
            &ECDSA_P384_SHA384_ASN1_SIGNING,
            &[
                0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
            ],
        )
    }

    fn on(algorithm: &'static EcdsaSigningAlgorithm, prefix: &[u8]) -> Self {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let spki = [prefix, pair.public_key().as_ref()].concat();
        Self {
            pair,
            key: PublicKey::from_spki_der(&spki).unwrap(),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair
            .sign(&SystemRandom::new(), message)
            .unwrap()
            .as_ref()
            .to_vec()
    }

    /// A bundle around `payload`, signed.
    pub(crate) fn envelope(&self, payload_type: &str, payload: &[u8]) -> Value {
        let sig = self.sign(&pae(payload_type, payload));
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": { "publicKey": { "hint": self.key.hint() } },
            "dsseEnvelope": {
                "payload": STANDARD.encode(payload),
                "payloadType": payload_type,
                "signatures": [{ "sig": STANDARD.encode(sig) }],
            },
        })
    }

    pub(crate) fn statement(&self, payload: &Value) -> Value {
        self.envelope(INTOTO, payload.to_string().as_bytes())
    }

    /// A bundle over an artifact, signed.
    pub(crate) fn message(&self, artifact: &[u8]) -> Value {
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": { "publicKey": { "hint": self.key.hint() } },
            "messageSignature": {
                "messageDigest": {
                    "algorithm": "SHA2_256",
                    "digest": STANDARD.encode(Digest::sha256(artifact).to_bytes()),
                },
                "signature": STANDARD.encode(self.sign(artifact)),
            },
        })
    }

    /// A layer of a `.sig` manifest, signed.
    pub(crate) fn simple(&self, payload: &str) -> (String, Annotations) {
        let signature = STANDARD.encode(self.sign(payload.as_bytes()));
        let name = "dev.cosignproject.cosign/signature".to_owned();
        (payload.to_owned(), Annotations::from([(name, signature)]))
    }

    pub(crate) fn authority(&self) -> KeyAuthority {
        KeyAuthority::new(self.key.clone())
    }

    pub(crate) fn judge(&self, text: &str) -> Result<Verified, Rejection> {
        self.judge_candidate(&bundle(text.to_owned()), &Trust::default())
    }

    pub(crate) fn refusal(&self, bundle: &Value) -> Option<Rejection> {
        self.judge(&bundle.to_string()).err()
    }

    pub(crate) fn simple_refusal(&self, payload: &str) -> Option<Rejection> {
        let (payload, annotations) = self.simple(payload);
        self.judge_candidate(&signature(payload, annotations), &Trust::default())
            .err()
    }

    pub(crate) fn judge_candidate(
        &self,
        candidate: &Candidate,
        trust: &Trust<'_>,
    ) -> Result<Verified, Rejection> {
        let subject = image();
        let wanted = Wanted {
            subject: &subject,
            keep_predicate: false,
        };
        verify(
            candidate,
            &wanted,
            &Authority::Key(self.authority()),
            trust,
            now(),
        )
    }
}

/// The image that everything is about, or pretends to be.
pub(crate) fn image() -> Digest {
    Digest::sha256(b"the image")
}

/// A statement that counts.
pub(crate) fn good() -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "digest": { "sha256": image().hex() }, "annotations": {} }],
        "predicateType": "https://sigstore.dev/cosign/sign/v1",
        "predicate": {},
    })
}
