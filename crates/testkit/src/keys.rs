//! Key pairs, certificates' keys and a clock that stands still.

use std::fmt;

use jiff::Timestamp;
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519,
    PKCS_RSA_SHA256, PublicKeyData as _, SigningKey as _,
};
use waxseal_oci::Digest;

/// The time that it is in tests: 2026-01-01T00:00:00Z.
pub const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// What kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// ECDSA over P-256, SHA-256.
    EcdsaP256,
    /// ECDSA over P-384, SHA-384.
    EcdsaP384,
    /// ECDSA over P-521, SHA-512.
    EcdsaP521,
    /// Ed25519.
    Ed25519,
    /// RSA of 2048 bits, PKCS#1 v1.5, SHA-256.
    Rsa2048,
}

/// A fresh key pair.
pub struct TestKey(KeyPair);

impl TestKey {
    /// A key pair of ECDSA over P-256.
    #[must_use]
    pub fn generate() -> Self {
        Self::of(KeyKind::EcdsaP256)
    }

    /// A key pair of this kind.
    #[must_use]
    pub fn of(kind: KeyKind) -> Self {
        let algorithm = match kind {
            KeyKind::EcdsaP256 => &PKCS_ECDSA_P256_SHA256,
            KeyKind::EcdsaP384 => &PKCS_ECDSA_P384_SHA384,
            KeyKind::EcdsaP521 => &PKCS_ECDSA_P521_SHA512,
            KeyKind::Ed25519 => &PKCS_ED25519,
            KeyKind::Rsa2048 => &PKCS_RSA_SHA256,
        };
        Self(KeyPair::generate_for(algorithm).unwrap())
    }

    /// The private key, PKCS#8 PEM, not encrypted.
    #[must_use]
    pub fn private_pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// The public key, SPKI PEM.
    #[must_use]
    pub fn public_pem(&self) -> String {
        self.0.public_key_pem()
    }

    /// The public key, SPKI DER.
    #[must_use]
    pub fn public_der(&self) -> Vec<u8> {
        self.0.subject_public_key_info()
    }

    /// `sha256:` and the hash of the public key's SPKI DER.
    #[must_use]
    pub fn id(&self) -> Digest {
        Digest::sha256(&self.public_der())
    }

    /// A signature over a message, ECDSA's in DER.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).unwrap()
    }
}

impl fmt::Debug for TestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestKey({})", self.id())
    }
}
