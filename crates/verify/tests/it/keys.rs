//! Keys that are refused, with the reason.

use waxseal_verify::{KeyAlgorithm, KeyError, PublicKey};

use crate::cosign::Fixture;
use crate::forger::Forger;

#[test]
fn says_what_kind_of_key_it_is() {
    let kind = |name: &str| Fixture::named(name).key.algorithm();
    assert_eq!(kind("cosign3-sign"), KeyAlgorithm::EcdsaP256);
    assert_eq!(kind("cosign3-sign-p384"), KeyAlgorithm::EcdsaP384);
    assert_eq!(kind("cosign3-sign-blob-p521"), KeyAlgorithm::EcdsaP521);
    assert_eq!(kind("cosign2-sign-ed25519"), KeyAlgorithm::Ed25519);
    assert_eq!(
        kind("cosign3-sign-rsa2048"),
        KeyAlgorithm::Rsa { bits: 2048 }
    );
    assert_eq!(
        kind("cosign3-sign-blob-rsa4096"),
        KeyAlgorithm::Rsa { bits: 4096 }
    );
}

#[test]
fn is_written_as_it_was_read() {
    for fixture in Fixture::all() {
        let pem = fixture.key.to_pem();
        assert_eq!(PublicKey::from_pem(pem.as_bytes()).unwrap(), fixture.key);
    }
}

#[test]
fn refuses_with_the_reason() {
    let pem = Forger::new().key.to_pem();
    let error = |text: &str| PublicKey::from_pem(text.as_bytes()).err();
    assert_eq!(error(""), Some(KeyError::NotOnePem { found: 0 }));
    assert_eq!(
        error(&pem.repeat(2)),
        Some(KeyError::NotOnePem { found: 2 })
    );
    assert_eq!(
        error(&pem.replace("PUBLIC KEY", "EC PRIVATE KEY")),
        Some(KeyError::Label("EC PRIVATE KEY".into()))
    );
}

#[test]
fn refuses_keys_that_are_weak_or_ambiguous() {
    let der = |hex: &str| PublicKey::from_spki_der(&hex::decode(hex).unwrap()).err();
    // Ed25519: the neutral element, under which every message has a signature.
    let neutral = format!("302a300506032b657003210001{}", "00".repeat(31));
    assert_eq!(der(&neutral), Some(KeyError::Weak));
    // P-256 with a compressed point: a second name for one key.
    let compressed = format!(
        "3039301306072a8648ce3d020106082a8648ce3d03010703220002{}",
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    );
    assert_eq!(der(&compressed), Some(KeyError::Point));
    // secp256k1.
    let other = format!(
        "3056301006072a8648ce3d020106052b8104000a03420004{}",
        "11".repeat(64)
    );
    assert_eq!(der(&other), Some(KeyError::Curve("1.3.132.0.10".into())));
    // A point that is not on the curve.
    let off = format!(
        "3059301306072a8648ce3d020106082a8648ce3d03010703420004{}",
        "11".repeat(64)
    );
    assert_eq!(der(&off), Some(KeyError::Point));
    // RSA with 1024 bits.
    let modulus = format!("00c0{}01", "11".repeat(126));
    let short = format!(
        "30819f300d06092a864886f70d010101050003818d0030818902818100{}0203010001",
        modulus.strip_prefix("00").unwrap()
    );
    assert_eq!(der(&short), Some(KeyError::RsaSize { bits: 1024 }));
}
