//! The signature checks of as many bundles, and nothing else: signatures as distinct
//! as those of the bundles, over messages of their lengths, the keys of logs and
//! authorities parsed beforehand, or each time. A signer's key is another in each bundle,
//! so that reading it is part of its check.

use std::hint::black_box;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1,
    ECDSA_P384_SHA384_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    ParsedPublicKey, UnparsedPublicKey,
};

/// What is signed of a certificate, and of its timestamp in the certificates' log.
const CERTIFICATE: usize = 640;
/// What a log promises of an entry.
const PROMISE: usize = 2_400;
/// A checkpoint, and what is signed of a timestamp.
const SHORT: usize = 160;
/// A digest of an artifact, or a small one.
const ARTIFACT: usize = 20;

/// What makes signatures of one kind.
enum Signer {
    P256(EcdsaKeyPair, ParsedPublicKey),
    P384(EcdsaKeyPair, ParsedPublicKey),
    Ed25519(Ed25519KeyPair, ParsedPublicKey),
}

/// A message, its signature, and the key if it is nobody else's.
struct Signed {
    message: Vec<u8>,
    signature: Vec<u8>,
    own_key: Option<Vec<u8>>,
}

/// The checks of all bundles.
pub(super) struct Floor {
    signers: Vec<Signer>,
    /// Those of each bundle, in the order of the signers, and the signer's own.
    bundles: Vec<Vec<Signed>>,
}

fn p256() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key")
}

impl Signer {
    fn p256() -> Self {
        let key = p256();
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.public_key().as_ref());
        Self::P256(key, public.expect("a key"))
    }

    fn p384() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).expect("a key");
        let public = ParsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, key.public_key().as_ref());
        Self::P384(key, public.expect("a key"))
    }

    fn ed25519() -> Self {
        let key = Ed25519KeyPair::generate().expect("a key");
        let public = ParsedPublicKey::new(&ED25519, key.public_key().as_ref());
        Self::Ed25519(key, public.expect("a key"))
    }

    fn sign(&self, message: Vec<u8>) -> Signed {
        let random = SystemRandom::new();
        let signature = match self {
            Self::P256(key, _) | Self::P384(key, _) => key.sign(&random, &message),
            Self::Ed25519(key, _) => Ok(key.sign(&message)),
        };
        Signed {
            signature: signature.expect("it signs").as_ref().to_vec(),
            message,
            own_key: None,
        }
    }

    fn key(&self) -> &ParsedPublicKey {
        match self {
            Self::P256(_, key) | Self::P384(_, key) | Self::Ed25519(_, key) => key,
        }
    }

    /// Reads the key, and checks by it.
    fn verify_anew(&self, message: &[u8], signature: &[u8]) -> Result<(), Unspecified> {
        match self {
            Self::P256(key, _) => {
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.public_key());
                key.verify(message, signature)
            }
            Self::P384(key, _) => {
                let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, key.public_key());
                key.verify(message, signature)
            }
            Self::Ed25519(key, _) => {
                UnparsedPublicKey::new(&ED25519, key.public_key()).verify(message, signature)
            }
        }
    }
}

/// A message of its own.
fn message(number: usize, length: usize) -> Vec<u8> {
    let start = number.to_be_bytes();
    start.into_iter().cycle().take(length).collect()
}

impl Floor {
    /// For so many bundles of a kind.
    pub(super) fn new(kind: &str, count: usize) -> Self {
        let (signers, lengths) = match kind {
            // The certificate; its timestamp in the certificates' log, the log's promise,
            // its checkpoint.
            "v1" => (
                vec![
                    Signer::p384(),
                    Signer::p256(),
                    Signer::p256(),
                    Signer::p256(),
                ],
                [CERTIFICATE, CERTIFICATE, PROMISE, SHORT],
            ),
            // The certificate, the timestamp; the certificate's timestamp; the checkpoint.
            "v2" => (
                vec![
                    Signer::p384(),
                    Signer::p384(),
                    Signer::p256(),
                    Signer::ed25519(),
                ],
                [CERTIFICATE, SHORT, CERTIFICATE, SHORT],
            ),
            _ => panic!("what is {kind}?"),
        };
        let bundle = |number| {
            let by_authorities = signers.iter().zip(lengths);
            let mut all: Vec<Signed> = by_authorities
                .map(|(signer, length)| signer.sign(message(number, length)))
                .collect();
            let own = p256();
            let content = message(number, ARTIFACT);
            let signature = own.sign(&SystemRandom::new(), &content).expect("it signs");
            all.push(Signed {
                signature: signature.as_ref().to_vec(),
                message: content,
                own_key: Some(own.public_key().as_ref().to_vec()),
            });
            all
        };
        let bundles = (0..count).map(bundle).collect();
        Self { signers, bundles }
    }

    /// Checks those of one bundle, by keys that are read `anew` or were before.
    pub(super) fn check(&self, number: usize, anew: bool) {
        let mut signers = self.signers.iter();
        for signed in &self.bundles[number] {
            let (message, signature) = (black_box(&signed.message), black_box(&signed.signature));
            match &signed.own_key {
                Some(key) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
                    .verify(message, signature)
                    .expect("it verifies"),
                None => {
                    let signer = signers.next().expect("one for each");
                    let verified = match anew {
                        true => signer.verify_anew(message, signature),
                        false => signer.key().verify_sig(message, signature),
                    };
                    verified.expect("it verifies");
                }
            }
        }
    }
}
