//! The signature checks of one bundle and nothing else, with every key parsed
//! beforehand.

use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1,
    ECDSA_P384_SHA384_ASN1_SIGNING, ED25519, EcdsaKeyPair, EcdsaSigningAlgorithm,
    EcdsaVerificationAlgorithm, Ed25519KeyPair, KeyPair as _, ParsedPublicKey,
};

const MESSAGE: &[u8] = b"what is signed is short, or its hash is";
const COUNT: usize = 500;

/// A signature and the key that it is by.
type Check = (ParsedPublicKey, Vec<u8>);

fn ecdsa(
    signing: &'static EcdsaSigningAlgorithm,
    verifying: &'static EcdsaVerificationAlgorithm,
) -> Check {
    let key = EcdsaKeyPair::generate(signing).expect("a key");
    let signature = key.sign(&SystemRandom::new(), MESSAGE).expect("it signs");
    let public = ParsedPublicKey::new(verifying, key.public_key().as_ref()).expect("a key");
    (public, signature.as_ref().to_vec())
}

pub(super) fn run(kind: &str) {
    let p256 = ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P256_SHA256_ASN1);
    let p384 = ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1);
    let key = Ed25519KeyPair::generate().expect("a key");
    let public = ParsedPublicKey::new(&ED25519, key.public_key().as_ref()).expect("a key");
    let ed25519 = (public, key.sign(MESSAGE).as_ref().to_vec());
    let checks: &[&Check] = match kind {
        // The certificate; its timestamp of the CT log, the log's promise, its
        // checkpoint, the artifact.
        "v1" => &[&p384, &p256, &p256, &p256, &p256],
        // The certificate, the timestamp; the CT log's, the artifact; the
        // checkpoint.
        "v2" => &[&p384, &p384, &p256, &p256, &ed25519],
        _ => panic!("what is {kind}?"),
    };
    super::measure(COUNT, || {
        for _ in 0..COUNT {
            for (key, signature) in checks {
                key.verify_sig(black_box(MESSAGE), black_box(signature))
                    .expect("it verifies");
            }
        }
    });
}
