//! The unencrypted DER forms of a private key.

use aws_lc_rs::signature::{EcdsaKeyPair, RsaKeyPair};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode, Reader as _};
use pkcs8::{EncryptedPrivateKeyInfo, PrivateKeyInfo};
use sec1::EcPrivateKey;
use waxseal_verify::KeyAlgorithm;
use zeroize::Zeroizing;

use super::{PrivateKey, Secret, ecdsa, ed25519};
use crate::{KeyError, Password};

impl PrivateKey {
    /// A key from PKCS#8 (RFC 5208, RFC 5958).
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfo::from_der(der).map_err(malformed)?;
        match info.algorithm.oid {
            EC => {
                let curve = info.algorithm.parameters_oid().map_err(malformed)?;
                Self::from_ecdsa(curve, der)
            }
            ED25519 => {
                let seed = OctetStringRef::from_der(info.private_key).map_err(malformed)?;
                let seed: &[u8; 32] = seed
                    .as_bytes()
                    .try_into()
                    .map_err(|_| KeyError::Malformed("an Ed25519 seed has 32 bytes".to_owned()))?;
                Self::new(Secret::Ed25519(Box::new(ed25519::Key::from_seed(seed))))
            }
            RSA => {
                check_rsa(info.private_key)?;
                let pair = RsaKeyPair::from_pkcs8(der).map_err(rejected)?;
                Self::new(Secret::Rsa(Box::new(pair)))
            }
            other => Err(KeyError::UnknownAlgorithm(format!(
                "object identifier {other}"
            ))),
        }
    }

    /// A key from SEC1 (RFC 5915), which names its curve.
    pub(super) fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        let key = EcPrivateKey::from_der(der).map_err(malformed)?;
        let curve = key
            .parameters
            .and_then(sec1::EcParameters::named_curve)
            .ok_or_else(|| KeyError::Malformed("the EC key does not name its curve".to_owned()))?;
        Self::from_ecdsa(curve, der)
    }

    /// A key from PKCS#1 (RFC 8017).
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        check_rsa(der)?;
        let pair = RsaKeyPair::from_der(der).map_err(rejected)?;
        Self::new(Secret::Rsa(Box::new(pair)))
    }

    fn from_ecdsa(curve: ObjectIdentifier, der: &[u8]) -> Result<Self, KeyError> {
        let algorithm = match curve {
            P256 => KeyAlgorithm::EcdsaP256,
            P384 => KeyAlgorithm::EcdsaP384,
            P521 => KeyAlgorithm::EcdsaP521,
            other => {
                return Err(KeyError::UnknownAlgorithm(format!(
                    "elliptic curve {other}"
                )));
            }
        };
        let algorithm =
            ecdsa(algorithm).ok_or_else(|| KeyError::UnknownAlgorithm("ECDSA".to_owned()))?;
        let pair = EcdsaKeyPair::from_private_key_der(algorithm, der).map_err(rejected)?;
        Self::new(Secret::Ecdsa(Box::new(pair)))
    }
}

/// Opens an encrypted PKCS#8 key (RFC 5958, PBES2).
pub(super) fn decrypt(der: &[u8], password: &Password) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let info = EncryptedPrivateKeyInfo::from_der(der).map_err(malformed)?;
    let unknown = || KeyError::UnknownEncryption("it is not PBES2".to_owned());
    let parameters = info.encryption_algorithm.pbes2().ok_or_else(unknown)?;
    if let Some(pbkdf2) = parameters.kdf.pbkdf2() {
        let found = u64::from(pbkdf2.iteration_count);
        super::cosign::within("PBKDF2 iterations", found, PBKDF2_ITERATIONS)?;
    }
    if let Some(scrypt) = parameters.kdf.scrypt() {
        let (n, r, p) = (
            scrypt.cost_parameter,
            scrypt.block_size,
            scrypt.parallelization,
        );
        super::cosign::check_cost(n, u64::from(r), u64::from(p))?;
    }
    match info.decrypt(password.bytes()) {
        Ok(document) => Ok(Zeroizing::new(document.as_bytes().to_vec())),
        Err(pkcs8::Error::EncryptedPrivateKey(error)) => match error {
            // A wrong password shows as wrong padding, for which the library has the wrong name.
            pkcs8::pkcs5::Error::DecryptFailed | pkcs8::pkcs5::Error::EncryptFailed => {
                Err(KeyError::WrongPassword)
            }
            other => Err(KeyError::UnknownEncryption(other.to_string())),
        },
        // Or, one time in 256, as a document that is none.
        Err(_) => Err(KeyError::WrongPassword),
    }
}

fn malformed(error: impl std::fmt::Display) -> KeyError {
    KeyError::Malformed(error.to_string())
}

fn rejected(error: aws_lc_rs::error::KeyRejected) -> KeyError {
    KeyError::Malformed(error.to_string())
}

/// Refuses an RSA key (RFC 8017, A.1.2) of a length that nobody should sign
/// with, or that takes AWS-LC out of its bounds.
fn check_rsa(pkcs1: &[u8]) -> Result<(), KeyError> {
    let mut reader = der::SliceReader::new(pkcs1).map_err(malformed)?;
    let bits = reader
        .sequence(|reader| {
            AnyRef::decode(reader)?;
            let modulus = UintRef::decode(reader)?;
            while !reader.is_finished() {
                AnyRef::decode(reader)?;
            }
            let bytes = modulus.as_bytes();
            let leading = bytes.first().map_or(0, |byte| byte.leading_zeros());
            let bits = u32::try_from(bytes.len().saturating_mul(8)).unwrap_or(u32::MAX);
            Ok(bits.saturating_sub(leading))
        })
        .map_err(malformed)?;
    if !(2048..=8192).contains(&bits) {
        return Err(KeyError::UnknownAlgorithm(format!("RSA of {bits} bits")));
    }
    Ok(())
}

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// OpenSSL writes 2,048, a cautious user 600,000; this takes some seconds.
const PBKDF2_ITERATIONS: u64 = 10_000_000;
