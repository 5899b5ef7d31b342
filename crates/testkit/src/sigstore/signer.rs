//! Whoever asks for a certificate: a key of any kind, and what a log is told
//! about a signature by it.

use aws_lc_rs::digest::{self, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::oid::db::rfc5912::{ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ID_SHA_256, ID_SHA_384};
use der::{Decode as _, Encode as _};
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};
use sigstore_types::DigestBytes;
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier, SubjectPublicKeyInfoOwned};

use super::key::{EcKey, sha256};
use crate::{KeyKind, TestKey};

/// A signer's key. One of P-256 or Ed25519 follows from the seed, others are
/// fresh.
pub(crate) struct SignerKey {
    kind: KeyKind,
    pair: Pair,
}

enum Pair {
    P256(EcKey),
    Ed25519(SigningKey),
    Fresh(TestKey),
}

impl SignerKey {
    pub(crate) fn new(kind: KeyKind, seed: u64, name: &str) -> Self {
        let pair = match kind {
            KeyKind::EcdsaP256 => Pair::P256(EcKey::new(seed, name)),
            KeyKind::Ed25519 => {
                let secret = sha256(format!("signer {seed} {name}").as_bytes());
                Pair::Ed25519(SigningKey::from_bytes(&secret))
            }
            other => Pair::Fresh(TestKey::of(other)),
        };
        Self { kind, pair }
    }

    /// The public key as SPKI DER.
    pub(crate) fn spki_der(&self) -> Vec<u8> {
        self.spki().to_der().expect("a key")
    }

    /// How certificates and timestamps name the hash that this key signs.
    pub(crate) fn hash_algorithm(&self) -> AlgorithmIdentifierOwned {
        named(match self.kind {
            KeyKind::EcdsaP384 => ID_SHA_384,
            _ => ID_SHA_256,
        })
    }

    /// How certificates and timestamps name a signature by this key.
    ///
    /// # Panics
    /// If no authority has such a key.
    pub(crate) fn signature_algorithm(&self) -> AlgorithmIdentifierOwned {
        let oid = match self.kind {
            KeyKind::EcdsaP256 => Some(ECDSA_WITH_SHA_256),
            KeyKind::EcdsaP384 => Some(ECDSA_WITH_SHA_384),
            _ => None,
        };
        named(oid.expect("authorities have keys of P-256 or P-384"))
    }

    pub(crate) fn spki(&self) -> SubjectPublicKeyInfoOwned {
        match &self.pair {
            Pair::P256(key) => key.spki(),
            Pair::Ed25519(key) => {
                let der = key.verifying_key().to_public_key_der();
                SubjectPublicKeyInfoOwned::from_der(der.expect("a key").as_bytes()).expect("a key")
            }
            Pair::Fresh(key) => {
                SubjectPublicKeyInfoOwned::from_der(&key.public_der()).expect("a key")
            }
        }
    }

    /// A signature, which by Ed25519 is over the message itself or over its
    /// hash, for logs that get to see no more.
    pub(crate) fn sign(&self, message: &[u8], hashed: bool) -> Vec<u8> {
        match &self.pair {
            Pair::P256(key) => key.sign(message),
            Pair::Ed25519(key) if hashed => {
                let hash = Sha512::new().chain_update(message);
                let signature = key.sign_prehashed(hash, None).expect("it signs");
                signature.to_bytes().to_vec()
            }
            Pair::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            Pair::Fresh(key) => key.sign(message),
        }
    }

    pub(crate) fn hash(&self, message: &[u8]) -> Vec<u8> {
        let algorithm = match self.kind {
            KeyKind::EcdsaP384 => &digest::SHA384,
            KeyKind::EcdsaP521 | KeyKind::Ed25519 => &digest::SHA512,
            _ => &digest::SHA256,
        };
        digest(algorithm, message).as_ref().to_vec()
    }

    /// The hash of a message, as bundles have it.
    pub(crate) fn message_digest(&self, message: &[u8]) -> Value {
        let hash = self.hash(message);
        let algorithm = match hash.len() {
            48 => "SHA2_384",
            64 => "SHA2_512",
            _ => "SHA2_256",
        };
        json!({ "algorithm": algorithm, "digest": STANDARD.encode(hash) })
    }

    /// The same in Rekor v1's words.
    pub(crate) fn hex_digest(&self, message: &[u8]) -> Value {
        let hash = self.hash(message);
        let algorithm = match hash.len() {
            48 => "sha384",
            64 => "sha512",
            _ => "sha256",
        };
        json!({ "algorithm": algorithm, "value": DigestBytes::new(hash).to_hex() })
    }

    /// What Rekor v2 is told about the key.
    pub(crate) fn details(&self) -> &'static str {
        match self.kind {
            KeyKind::EcdsaP256 => "PKIX_ECDSA_P256_SHA_256",
            KeyKind::EcdsaP384 => "PKIX_ECDSA_P384_SHA_384",
            KeyKind::EcdsaP521 => "PKIX_ECDSA_P521_SHA_512",
            KeyKind::Ed25519 => "PKIX_ED25519_PH",
            KeyKind::Rsa2048 => "PKIX_RSA_PKCS1V15_2048_SHA256",
        }
    }
}

fn named(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid,
        parameters: None,
    }
}
