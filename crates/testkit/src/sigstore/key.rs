//! Keys out of a seed, and signatures of others.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::digest::{self, Digest, digest};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED,
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256,
    UnparsedPublicKey, VerificationAlgorithm,
};
use der::Decode as _;
use der::oid::db::{rfc5912, rfc8410};
use x509_cert::spki::{ObjectIdentifier, SubjectPublicKeyInfoOwned};

/// A key of ECDSA over P-256 that follows from a seed and a name.
pub(crate) struct EcKey {
    asn1: EcdsaKeyPair,
    fixed: EcdsaKeyPair,
}

impl EcKey {
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let secret = secret(seed, name);
        let public = PrivateKey::from_private_key(&ECDH_P256, secret.as_ref())
            .and_then(|key| Ok(key.compute_public_key()?))
            .expect("a hash is a scalar");
        let pair = |algorithm: &'static EcdsaSigningAlgorithm| {
            EcdsaKeyPair::from_private_key_and_public_key(
                algorithm,
                secret.as_ref(),
                public.as_ref(),
            )
            .expect("they belong together")
        };
        Self {
            asn1: pair(&ECDSA_P256_SHA256_ASN1_SIGNING),
            fixed: pair(&ECDSA_P256_SHA256_FIXED_SIGNING),
        }
    }

    /// A signature in DER.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.asn1.sign(&SystemRandom::new(), message);
        signature.expect("it signs").as_ref().to_vec()
    }

    /// A signature of two numbers one after the other, as in a JWS.
    pub(crate) fn sign_fixed(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.fixed.sign(&SystemRandom::new(), message);
        signature.expect("it signs").as_ref().to_vec()
    }

    /// Whether this key made such a signature.
    pub(crate) fn verify_fixed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.point())
            .verify(message, signature)
            .is_ok()
    }

    /// The public key's point, uncompressed.
    pub(crate) fn point(&self) -> &[u8] {
        self.asn1.public_key().as_ref()
    }

    /// The public key as SPKI DER.
    pub(crate) fn spki_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = self.asn1.public_key().as_der().expect("a public key");
        der.as_ref().to_vec()
    }

    pub(crate) fn spki(&self) -> SubjectPublicKeyInfoOwned {
        SubjectPublicKeyInfoOwned::from_der(&self.spki_der()).expect("a public key")
    }
}

/// A key of Ed25519 that follows from a seed and a name.
pub(crate) struct EdKey(Ed25519KeyPair);

impl EdKey {
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let secret = secret(seed, name);
        Self(Ed25519KeyPair::from_seed_unchecked(secret.as_ref()).expect("a seed"))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }

    /// The 32 bytes of the public key.
    pub(crate) fn public(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// The public key as SPKI DER.
    pub(crate) fn spki_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().expect("a public key");
        der.as_ref().to_vec()
    }
}

fn secret(seed: u64, name: &str) -> Digest {
    let text = format!("waxseal testkit {seed} {name}");
    digest(&digest::SHA256, text.as_bytes())
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let hash = digest(&digest::SHA256, bytes);
    hash.as_ref().try_into().expect("32 bytes")
}

/// Whether a signature is over a message.
pub(crate) fn verify(spki_der: &[u8], message: &[u8], signature: &[u8]) -> bool {
    algorithm(spki_der).is_some_and(|algorithm| {
        UnparsedPublicKey::new(algorithm, spki_der)
            .verify(message, signature)
            .is_ok()
    })
}

/// Whether a signature is over the message of this hash. Of Ed25519's variant
/// for SHA-512 the length is all that is looked at.
pub(crate) fn verify_hash(spki_der: &[u8], hash: &[u8], signature: &[u8]) -> bool {
    let hash_algorithm = match hash.len() {
        32 => &digest::SHA256,
        48 => &digest::SHA384,
        _ => &digest::SHA512,
    };
    let Ok(hash) = Digest::import_less_safe(hash, hash_algorithm) else {
        return false;
    };
    let spki = SubjectPublicKeyInfoOwned::from_der(spki_der);
    if spki.is_ok_and(|spki| spki.algorithm.oid == rfc8410::ID_ED_25519) {
        return hash.as_ref().len() == 64 && signature.len() == 64;
    }
    algorithm(spki_der).is_some_and(|algorithm| {
        UnparsedPublicKey::new(algorithm, spki_der)
            .verify_digest(&hash, signature)
            .is_ok()
    })
}

fn algorithm(spki_der: &[u8]) -> Option<&'static dyn VerificationAlgorithm> {
    let spki = SubjectPublicKeyInfoOwned::from_der(spki_der).ok()?;
    let curve = || {
        let parameters = spki.algorithm.parameters.as_ref()?;
        parameters.decode_as::<ObjectIdentifier>().ok()
    };
    Some(match spki.algorithm.oid {
        rfc5912::ID_EC_PUBLIC_KEY => match curve()? {
            rfc5912::SECP_256_R_1 => &ECDSA_P256_SHA256_ASN1,
            rfc5912::SECP_384_R_1 => &ECDSA_P384_SHA384_ASN1,
            rfc5912::SECP_521_R_1 => &ECDSA_P521_SHA512_ASN1,
            _ => return None,
        },
        rfc8410::ID_ED_25519 => &ED25519,
        rfc5912::RSA_ENCRYPTION => &RSA_PKCS1_2048_8192_SHA256,
        _ => return None,
    })
}
