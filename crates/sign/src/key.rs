//! Private keys.

mod cosign;
mod ed25519;
mod pkcs8;
mod read;

use aws_lc_rs::digest::{Digest, SHA256, SHA384};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA256_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use waxseal_verify::{KeyAlgorithm, PublicKey};
use zeroize::Zeroizing;

pub use self::read::KeyFile;
use crate::{KeyError, Message, Password, SignError, Signer};

/// A private key. It neither prints nor clones, and is wiped when dropped.
pub struct PrivateKey {
    secret: Secret,
    public: PublicKey,
}

enum Secret {
    Ecdsa(Box<EcdsaKeyPair>),
    Ed25519(Box<ed25519::Key>),
    Rsa(Box<RsaKeyPair>),
}

impl PrivateKey {
    /// Makes a new key: ECDSA, Ed25519, or RSA of 2048, 3072 or 4096 bits.
    ///
    /// # Errors
    /// [`KeyError::Generate`], or [`KeyError::UnknownAlgorithm`] for another
    /// length of RSA key.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        let secret = match algorithm {
            KeyAlgorithm::Ed25519 => Secret::Ed25519(Box::new(ed25519::Key::generate()?)),
            KeyAlgorithm::Rsa { bits } => {
                let size = match bits {
                    2048 => KeySize::Rsa2048,
                    3072 => KeySize::Rsa3072,
                    4096 => KeySize::Rsa4096,
                    _ => return Err(KeyError::UnknownAlgorithm(format!("RSA of {bits} bits"))),
                };
                let pair = RsaKeyPair::generate(size).map_err(|_| KeyError::Generate("RSA"))?;
                Secret::Rsa(Box::new(pair))
            }
            other => {
                let curve =
                    ecdsa(other).ok_or_else(|| KeyError::UnknownAlgorithm(format!("{other:?}")))?;
                let pair =
                    EcdsaKeyPair::generate(curve).map_err(|_| KeyError::Generate("ECDSA"))?;
                Secret::Ecdsa(Box::new(pair))
            }
        };
        Self::new(secret)
    }

    /// The key in PKCS#8, unencrypted.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where the key cannot be written.
    fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let refused = |_| KeyError::Malformed("the key cannot be written as PKCS#8".to_owned());
        let bytes = match &self.secret {
            Secret::Ecdsa(pair) => pair.to_pkcs8v1().map_err(refused)?.as_ref().to_vec(),
            Secret::Ed25519(key) => return Ok(key.to_pkcs8()),
            Secret::Rsa(pair) => AsDer::<Pkcs8V1Der<'_>>::as_der(&**pair)
                .map_err(refused)?
                .as_ref()
                .to_vec(),
        };
        Ok(Zeroizing::new(bytes))
    }

    /// The key encrypted in cosign's own format, as a PEM file that cosign 2
    /// and 3 read.
    ///
    /// # Errors
    /// [`KeyError::Generate`] where there are no random numbers.
    pub fn to_encrypted_pem(&self, password: &Password) -> Result<String, KeyError> {
        cosign::seal(&self.to_pkcs8()?, password)
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn new(secret: Secret) -> Result<Self, KeyError> {
        let refused = |_| KeyError::Malformed("the key has no public half".to_owned());
        let spki = match &secret {
            Secret::Ecdsa(pair) => {
                let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(refused)?;
                der.as_ref().to_vec()
            }
            Secret::Ed25519(key) => key.spki(),
            Secret::Rsa(pair) => {
                let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(refused)?;
                der.as_ref().to_vec()
            }
        };
        let public = PublicKey::from_spki_der(&spki)
            .map_err(|error| KeyError::UnknownAlgorithm(error.to_string()))?;
        Ok(Self { secret, public })
    }
}

impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &mut dyn Message) -> Result<Vec<u8>, SignError> {
        match &self.secret {
            Secret::Ecdsa(pair) => {
                let digest = message.sha256()?;
                let signature = ecdsa_digest(pair.algorithm(), &digest)
                    .and_then(|digest| pair.sign_digest(&digest).ok())
                    .ok_or(SignError::Key("ECDSA"))?;
                Ok(signature.as_ref().to_vec())
            }
            Secret::Ed25519(key) => key.sign(message),
            Secret::Rsa(pair) => {
                let digest = message.sha256()?;
                let mut signature = vec![0; pair.public_modulus_len()];
                Digest::import_less_safe(&digest, &SHA256)
                    .and_then(|d| pair.sign_digest(&RSA_PKCS1_SHA256, &d, &mut signature))
                    .map_err(|_| SignError::Key("RSA"))?;
                Ok(signature)
            }
        }
    }
}

fn ecdsa(algorithm: KeyAlgorithm) -> Option<&'static EcdsaSigningAlgorithm> {
    match algorithm {
        KeyAlgorithm::EcdsaP256 => Some(&ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyAlgorithm::EcdsaP384 => Some(&ECDSA_P384_SHA384_ASN1_SIGNING),
        KeyAlgorithm::EcdsaP521 => Some(&ECDSA_P521_SHA256_ASN1_SIGNING),
        _ => None,
    }
}

/// The SHA-256 of a message as the digest that the curve's algorithm takes.
///
/// `cosign verify` takes SHA-256 on every curve and needs a hidden flag for
/// anything else. AWS-LC pairs P-384 with SHA-384 only. ECDSA (FIPS 186-5,
/// 6.4.1) signs the integer that the digest's leftmost bits are, as many as
/// the order has; for P-384 those are all 384 bits of a 48-byte digest, so a
/// SHA-256 with 16 zero bytes before it is the integer that a P-384 verifier
/// makes of the SHA-256 itself.
fn ecdsa_digest(algorithm: &'static EcdsaSigningAlgorithm, sha256: &[u8; 32]) -> Option<Digest> {
    if algorithm == &ECDSA_P384_SHA384_ASN1_SIGNING {
        let mut padded = [0; 48];
        padded
            .iter_mut()
            .skip(16)
            .zip(sha256)
            .for_each(|(to, from)| *to = *from);
        return Digest::import_less_safe(&padded, &SHA384).ok();
    }
    Digest::import_less_safe(sha256, &SHA256).ok()
}
