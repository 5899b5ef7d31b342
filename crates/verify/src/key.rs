//! Public keys.

use std::fmt;

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use spki::der::{Decode as _, Encode as _};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use waxseal_oci::Digest;

/// A public key that signatures are verified with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
    raw: Vec<u8>,
    algorithm: KeyAlgorithm,
    id: Digest,
}

/// The kind of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// ECDSA on P-521.
    EcdsaP521,
    /// Ed25519.
    Ed25519,
    /// RSA with this many bits.
    Rsa {
        /// The length of the modulus.
        bits: u32,
    },
}

impl PublicKey {
    /// A key from a `PUBLIC KEY` PEM block (untrusted).
    ///
    /// # Errors
    /// [`KeyError`] with what is wrong.
    pub fn from_pem(bytes: &[u8]) -> Result<Self, KeyError> {
        let block = pem::parse(bytes).map_err(|e| KeyError::Pem(e.to_string()))?;
        match block.tag() {
            "PUBLIC KEY" => Self::from_spki_der(block.contents()),
            tag if tag.contains("PRIVATE KEY") => Err(KeyError::Private),
            tag => Err(KeyError::Tag(tag.to_owned())),
        }
    }

    /// A key from its SubjectPublicKeyInfo (untrusted).
    ///
    /// # Errors
    /// [`KeyError`] with what is wrong.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        let info =
            SubjectPublicKeyInfoRef::from_der(der).map_err(|e| KeyError::Der(e.to_string()))?;
        let raw = info.subject_public_key.raw_bytes().to_vec();
        let algorithm = match info.algorithm.oid {
            EC => {
                let curve = info
                    .algorithm
                    .parameters_oid()
                    .map_err(|_| KeyError::Curve)?;
                match curve {
                    P256 => KeyAlgorithm::EcdsaP256,
                    P384 => KeyAlgorithm::EcdsaP384,
                    P521 => KeyAlgorithm::EcdsaP521,
                    _ => return Err(KeyError::Curve),
                }
            }
            ED25519 => KeyAlgorithm::Ed25519,
            RSA => KeyAlgorithm::Rsa {
                bits: rsa_bits(&raw)?,
            },
            other => return Err(KeyError::Algorithm(other.to_string())),
        };
        let spki = info.to_der().map_err(|e| KeyError::Der(e.to_string()))?;
        let id = Digest::sha256(&spki);
        Ok(Self {
            spki,
            raw,
            algorithm,
            id,
        })
    }

    /// The key as a `PUBLIC KEY` PEM block.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_config(&pem::Pem::new("PUBLIC KEY", self.spki.clone()), config)
    }

    /// The DER of its SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The key itself, inside the SubjectPublicKeyInfo.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The kind of key.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// `sha256:` and the hash of its SubjectPublicKeyInfo.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// What cosign 3 writes as a bundle's `publicKey.hint`.
    #[must_use]
    pub fn hint(&self) -> String {
        base64::engine::general_purpose::STANDARD.encode(self.id.to_bytes())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?}, {})", self.algorithm, self.id)
    }
}

fn rsa_bits(pkcs1: &[u8]) -> Result<u32, KeyError> {
    #[derive(der::Sequence)]
    struct RsaPublicKey<'a> {
        modulus: der::asn1::UintRef<'a>,
        #[expect(dead_code, reason = "read to check that it is there")]
        exponent: der::asn1::UintRef<'a>,
    }
    let key = RsaPublicKey::from_der(pkcs1).map_err(|e| KeyError::Der(e.to_string()))?;
    let modulus = key.modulus.as_bytes();
    let leading = modulus.first().map_or(0, |b| b.leading_zeros());
    let bytes = u32::try_from(modulus.len()).unwrap_or(u32::MAX / 8);
    let bits = (bytes * 8).saturating_sub(leading);
    if bits < RSA_LEAST || bits > RSA_MOST {
        return Err(KeyError::RsaBits(bits));
    }
    Ok(bits)
}

/// Why bytes are not a public key, or a signature is not by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The algorithm is none of ours.
    #[error("unknown key algorithm `{0}`")]
    Algorithm(String),
    /// The curve is none of ours.
    #[error("unknown elliptic curve (known: P-256, P-384, P-521)")]
    Curve,
    /// It is not a SubjectPublicKeyInfo.
    #[error("not a public key: {0}")]
    Der(String),
    /// It is not PEM.
    #[error("not PEM: {0}")]
    Pem(String),
    /// It is a private key.
    #[error("this is a private key; a public key is needed here")]
    Private,
    /// The modulus is too short or too long.
    #[error("an RSA key of {0} bits is refused (2048 to 8192 are taken)")]
    RsaBits(u32),
    /// The signature is not by this key.
    #[error("the signature is not by this key")]
    Signature,
    /// It is another kind of PEM block.
    #[error("a PEM block `{0}` is not a public key")]
    Tag(String),
}

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_LEAST: u32 = 2048;
const RSA_MOST: u32 = 8192;
