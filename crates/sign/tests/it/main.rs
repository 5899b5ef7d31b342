//! Keys in every form, key files, and what is signed with them.

#![expect(clippy::unwrap_used, reason = "a test")]

mod bundles;
mod files;
mod keyless;
mod keys;
mod mutants;
mod odd_services;
mod services;
mod sign_in;
mod tls;
mod tokens;

use std::path::PathBuf;

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use waxseal_sign::{KeyError, KeyFile, Password, PrivateKey};
use waxseal_verify::{KeyAlgorithm, PublicKey};

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/keys")
        .join(name);
    std::fs::read(path).unwrap()
}

fn password() -> Password {
    Password::new(b"correct horse".to_vec())
}

fn open(name: &str) -> Result<PrivateKey, KeyError> {
    KeyFile::parse(&fixture(name))?.open(Some(&password()))
}

/// Whether AWS-LC, asked directly, takes the signature by SHA-256, as cosign does.
fn verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let algorithm: &'static dyn VerificationAlgorithm = match key.algorithm() {
        KeyAlgorithm::EcdsaP256 => &signature::ECDSA_P256_SHA256_ASN1,
        KeyAlgorithm::EcdsaP384 => &signature::ECDSA_P384_SHA256_ASN1,
        KeyAlgorithm::EcdsaP521 => &signature::ECDSA_P521_SHA256_ASN1,
        KeyAlgorithm::Ed25519 => &signature::ED25519,
        _ => &signature::RSA_PKCS1_2048_8192_SHA256,
    };
    UnparsedPublicKey::new(algorithm, key.spki_der())
        .verify(message, signature)
        .is_ok()
}
