//! Every form of private key, read and written.

use waxseal_sign::{KeyError, KeyFile, Parts, Password, PrivateKey, Signer};
use waxseal_verify::{KeyAlgorithm, PublicKey};

use crate::{fixture, open, password, verifies};

#[test]
fn every_form_gives_the_same_public_key_as_its_maker() {
    for (file, public) in [
        ("cosign2.key", "cosign2.pub"),
        ("cosign3.key", "cosign3.pub"),
        ("ed25519.cosign3.key", "ed25519.pub"),
        ("ed25519.pkcs8.pem", "ed25519.pub"),
        ("p256.encrypted.pem", "p256.pub"),
        ("p256.pkcs8.pem", "p256.pub"),
        ("p256.sec1.pem", "p256.pub"),
        ("p384.parameters.pem", "p384.pub"),
        ("p521.sec1.pem", "p521.pub"),
        ("rsa2048.cosign3.key", "rsa2048.pub"),
        ("rsa2048.pkcs1.pem", "rsa2048.pub"),
        ("rsa3072.pkcs8.pem", "rsa3072.pub"),
    ] {
        let key = open(file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let public = PublicKey::from_pem(&fixture(public)).unwrap();
        assert_eq!(key.public_key().spki_der(), public.spki_der(), "{file}");
        let message: [&[u8]; 2] = [b"a message ", b"in parts"];
        let signature = key.sign(&mut Parts::new(&message)).unwrap();
        assert!(
            verifies(&public, b"a message in parts", &signature),
            "{file}"
        );
    }
}

#[test]
fn what_cannot_be_used_says_why() {
    let refused = |name: &str| open(name).err().map(|e| e.to_string()).unwrap_or_default();
    assert_eq!(
        refused("secp256k1.sec1.pem"),
        "unknown kind of key: elliptic curve 1.3.132.0.10 (known: ECDSA P-256, P-384 and P-521, Ed25519, RSA from 2048 to 8192 bits)"
    );
    assert_eq!(
        refused("x25519.pkcs8.pem"),
        "unknown kind of key: object identifier 1.3.101.110 (known: ECDSA P-256, P-384 and P-521, Ed25519, RSA from 2048 to 8192 bits)"
    );
    assert_eq!(
        refused("rsa1024.pkcs8.pem"),
        "unknown kind of key: RSA of 1024 bits (known: ECDSA P-256, P-384 and P-521, Ed25519, RSA from 2048 to 8192 bits)"
    );
    assert_eq!(
        refused("p256.dek-info.pem"),
        "the key is encrypted in an unknown way: PEM with `DEK-Info`; `openssl pkcs8 -topk8` converts it"
    );
    assert_eq!(open("p256.pub").err(), Some(KeyError::PublicKey));

    let parse = |text: &str| KeyFile::parse(text.as_bytes()).err();
    assert_eq!(parse("not a key"), Some(KeyError::NoPem));
    let block = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    assert_eq!(
        parse(&block("OPENSSH PRIVATE KEY")),
        Some(KeyError::UnknownLabel {
            label: "OPENSSH PRIVATE KEY".into()
        })
    );
    assert_eq!(
        parse(&block("PRIVATE KEY").repeat(2)),
        Some(KeyError::Several(2))
    );
}

#[test]
fn an_encrypted_key_wants_its_own_password() {
    let wrong = Password::new(b"incorrect horse".to_vec());
    for name in ["cosign2.key", "cosign3.key", "p256.encrypted.pem"] {
        let file = KeyFile::parse(&fixture(name)).unwrap();
        assert!(file.is_encrypted());
        assert_eq!(
            file.open(None).err(),
            Some(KeyError::PasswordNeeded),
            "{name}"
        );
        assert_eq!(
            file.open(Some(&wrong)).err(),
            Some(KeyError::WrongPassword),
            "{name}"
        );
    }
    assert!(
        !KeyFile::parse(&fixture("p256.sec1.pem"))
            .unwrap()
            .is_encrypted()
    );
}

#[test]
fn cosigns_older_label_is_read() {
    let older = String::from_utf8(fixture("cosign2.key"))
        .unwrap()
        .replace("SIGSTORE", "COSIGN");
    let key = KeyFile::parse(older.as_bytes())
        .unwrap()
        .open(Some(&password()))
        .unwrap();
    let public = PublicKey::from_pem(&fixture("cosign2.pub")).unwrap();
    assert_eq!(key.public_key().spki_der(), public.spki_der());
}

#[test]
fn a_hostile_cost_is_refused() {
    let document = r#"{"kdf":{"name":"scrypt","params":{"N":1099511627776,"r":8,"p":1},"salt":""},
        "cipher":{"name":"nacl/secretbox","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},"ciphertext":""}"#;
    let sealed = |json: &str| pem::encode(&pem::Pem::new("ENCRYPTED SIGSTORE PRIVATE KEY", json));
    let refused = |json: &str| {
        KeyFile::parse(sealed(json).as_bytes())
            .unwrap()
            .open(Some(&password()))
            .err()
    };
    assert_eq!(
        refused(document),
        Some(KeyError::Cost {
            what: "scrypt N",
            found: 1 << 40,
            limit: 1 << 20
        })
    );
    assert_eq!(
        refused(&document.replace("nacl/secretbox", "rot13")),
        Some(KeyError::UnknownEncryption(
            "cipher `rot13`, not `nacl/secretbox`".into()
        ))
    );
    assert_eq!(
        refused(&document.replace("\"scrypt\"", "\"md5\"")),
        Some(KeyError::UnknownEncryption(
            "key derivation `md5`, not `scrypt`".into()
        ))
    );
}

#[test]
fn what_is_generated_signs_and_survives_its_file() {
    for algorithm in [
        KeyAlgorithm::EcdsaP256,
        KeyAlgorithm::EcdsaP384,
        KeyAlgorithm::EcdsaP521,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Rsa { bits: 2048 },
    ] {
        let key = PrivateKey::generate(algorithm).unwrap();
        assert_eq!(key.public_key().algorithm(), algorithm);
        let file = key.to_encrypted_pem(&password()).unwrap();
        assert!(file.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
        let read = KeyFile::parse(file.as_bytes())
            .unwrap()
            .open(Some(&password()))
            .unwrap();
        assert_eq!(read.public_key().spki_der(), key.public_key().spki_der());
        let signature = read.sign(&mut Parts::new(&[b"message"])).unwrap();
        assert!(verifies(key.public_key(), b"message", &signature));
    }
    assert_eq!(
        PrivateKey::generate(KeyAlgorithm::Rsa { bits: 1024 }).err(),
        Some(KeyError::UnknownAlgorithm("RSA of 1024 bits".into()))
    );
}
