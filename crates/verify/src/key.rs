//! Public keys, and signatures over messages that are too large to hold.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::asn1::UintRef;
use der::{Decode as _, Encode as _, Reader as _};
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use waxseal_oci::{Algorithm, Digest, Hasher};

/// A public key that signatures are checked with.
///
/// A key that exists is one of the kinds below, is not weak, and has one
/// encoding only, so that two keys are equal exactly when their identifiers
/// are.
#[derive(Clone)]
pub struct PublicKey {
    inner: Arc<Inner>,
}

struct Inner {
    spki: Vec<u8>,
    /// Many keys are asked for a signature and never for their name.
    id: OnceLock<String>,
    algorithm: KeyAlgorithm,
    material: Material,
}

enum Material {
    /// One parsed key for each hash that is tried, the likeliest first.
    Hashed(Vec<(Algorithm, ParsedPublicKey)>),
    Ed25519(VerifyingKey),
}

/// What kind of key it is.
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
    /// RSA with a modulus of so many bits, signing by PKCS #1 v1.5.
    Rsa {
        /// The length of the modulus.
        bits: u32,
    },
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcdsaP256 => f.write_str("ecdsa-p256"),
            Self::EcdsaP384 => f.write_str("ecdsa-p384"),
            Self::EcdsaP521 => f.write_str("ecdsa-p521"),
            Self::Ed25519 => f.write_str("ed25519"),
            Self::Rsa { bits } => write!(f, "rsa-{bits}"),
        }
    }
}

impl PublicKey {
    /// Reads one PEM block: `PUBLIC KEY`, or `RSA PUBLIC KEY`.
    ///
    /// # Errors
    /// If there is not exactly one, it is of another kind, or the key is not
    /// one of ours.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let blocks = pem::parse_many(text).map_err(|error| KeyError::Pem(error.to_string()))?;
        let [block] = blocks.as_slice() else {
            return Err(KeyError::NotOnePem {
                found: blocks.len(),
            });
        };
        match block.tag() {
            "PUBLIC KEY" => Self::from_spki_der(block.contents()),
            "RSA PUBLIC KEY" => Self::from_spki_der(&wrap_pkcs1(block.contents())?),
            other => Err(KeyError::Label(other.to_owned())),
        }
    }

    /// Reads a DER `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// If it is none, or the key is not one of ours.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        let info = SubjectPublicKeyInfoRef::from_der(der)
            .map_err(|error| KeyError::Der(error.to_string()))?;
        let bits = info
            .subject_public_key
            .as_bytes()
            .ok_or_else(|| KeyError::Der("the key is no whole number of bytes".to_owned()))?;
        let (algorithm, material) = match info.algorithm.oid {
            EC => {
                let curve = info
                    .algorithm
                    .parameters_oid()
                    .map_err(|error| KeyError::Der(error.to_string()))?;
                ecdsa(curve, bits)?
            }
            RSA => {
                if info.algorithm.parameters != Some(der::asn1::Null.into()) {
                    return Err(KeyError::Der(
                        "an RSA key's parameters are not NULL".to_owned(),
                    ));
                }
                rsa(bits)?
            }
            ED25519 => {
                if info.algorithm.parameters.is_some() {
                    return Err(KeyError::Der("an Ed25519 key has parameters".to_owned()));
                }
                ed25519(bits)?
            }
            other => return Err(KeyError::Algorithm(other.to_string())),
        };
        // One key must not have two identifiers.
        if info.to_der().ok().as_deref() != Some(der) {
            return Err(KeyError::Der("the encoding is not canonical".to_owned()));
        }
        Ok(Self {
            inner: Arc::new(Inner {
                spki: der.to_vec(),
                id: OnceLock::new(),
                algorithm,
                material,
            }),
        })
    }

    /// The key as a PEM block `PUBLIC KEY`.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_config(
            &pem::Pem::new("PUBLIC KEY", self.inner.spki.clone()),
            config,
        )
    }

    /// The DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.inner.spki
    }

    /// What kind of key it is.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.inner.algorithm
    }

    /// `sha256:` and the hexadecimal digest of the DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn id(&self) -> &str {
        let id = || Digest::sha256(&self.inner.spki).to_string();
        self.inner.id.get_or_init(id)
    }

    /// What cosign writes as a bundle's `publicKey.hint`: the same digest in
    /// base64.
    #[must_use]
    pub fn hint(&self) -> String {
        let digest = Digest::sha256(&self.inner.spki);
        STANDARD.encode(digest.to_bytes())
    }

    /// Checks a signature over `message`.
    ///
    /// # Errors
    /// [`KeyError::SignatureInvalid`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<Scheme, KeyError> {
        let mut verifier = self.verifier(signature);
        verifier.update(message);
        verifier.finish()
    }

    /// Checks a signature over a message of which only `digests` are known.
    ///
    /// # Errors
    /// [`KeyError::SignatureInvalid`], or [`KeyError::DigestNeeded`] if none of
    /// the digests is one that this key signs.
    pub fn verify_digests(&self, digests: &[Digest], signature: &[u8]) -> Result<Scheme, KeyError> {
        let first = self.hashes().first().copied().unwrap_or(Algorithm::Sha256);
        let mut needed = KeyError::DigestNeeded { algorithm: first };
        let find = |algorithm| {
            digests
                .iter()
                .find(|digest| digest.algorithm() == algorithm)
        };
        match &self.inner.material {
            Material::Hashed(keys) => {
                for (algorithm, key) in keys {
                    let Some(digest) = find(*algorithm) else {
                        continue;
                    };
                    needed = KeyError::SignatureInvalid;
                    if verify_digest(*algorithm, key, &digest.to_bytes(), signature) {
                        return Ok(Scheme::Hashed(*algorithm));
                    }
                }
            }
            Material::Ed25519(key) => {
                if let Some(digest) = find(Algorithm::Sha512) {
                    needed = KeyError::SignatureInvalid;
                    if verify_prehashed(key, &digest.to_bytes(), signature) {
                        return Ok(Scheme::Ed25519ph);
                    }
                }
            }
        }
        Err(needed)
    }

    /// A check of a signature over a message that comes in pieces.
    #[must_use]
    pub fn verifier(&self, signature: &[u8]) -> StreamVerifier {
        StreamVerifier::new(self, signature)
    }

    /// The digests that a signature by this key can be over.
    fn hashes(&self) -> &'static [Algorithm] {
        match self.inner.algorithm {
            KeyAlgorithm::EcdsaP256 | KeyAlgorithm::Rsa { .. } => &[Algorithm::Sha256],
            KeyAlgorithm::EcdsaP384 => &[Algorithm::Sha384, Algorithm::Sha256],
            KeyAlgorithm::EcdsaP521 => &[Algorithm::Sha512, Algorithm::Sha256],
            KeyAlgorithm::Ed25519 => &[Algorithm::Sha512],
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.inner.algorithm, self.id())
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.inner.spki == other.inner.spki
    }
}

impl Eq for PublicKey {}

/// How a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// ECDSA or RSA over a digest.
    Hashed(Algorithm),
    /// Ed25519 over the message itself.
    Ed25519,
    /// Ed25519ph, over the SHA-512 digest.
    Ed25519ph,
}

/// A check of a signature over a message that comes in pieces.
pub struct StreamVerifier {
    key: PublicKey,
    signature: Vec<u8>,
    hashers: Vec<Hasher>,
    pure: Option<ed25519_dalek::StreamVerifier>,
}

impl fmt::Debug for StreamVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamVerifier({:?})", self.key)
    }
}

impl StreamVerifier {
    fn new(key: &PublicKey, signature: &[u8]) -> Self {
        let pure = match &key.inner.material {
            Material::Ed25519(verifying) => ed25519_dalek::Signature::from_slice(signature)
                .and_then(|signature| verifying.verify_stream(&signature))
                .ok(),
            Material::Hashed(_) => None,
        };
        Self {
            key: key.clone(),
            signature: signature.to_vec(),
            hashers: key.hashes().iter().copied().map(Hasher::new).collect(),
            pure,
        }
    }

    /// Computes `algorithm`'s digest too, whether the key signs it or not.
    pub(crate) fn also(&mut self, algorithm: Algorithm) {
        if self
            .hashers
            .iter()
            .all(|hasher| hasher.algorithm() != algorithm)
        {
            self.hashers.push(Hasher::new(algorithm));
        }
    }

    /// Takes the next bytes of the message.
    pub fn update(&mut self, bytes: &[u8]) {
        for hasher in &mut self.hashers {
            hasher.update(bytes);
        }
        if let Some(pure) = &mut self.pure {
            pure.update(bytes);
        }
    }

    /// Whether the signature is over what was taken.
    ///
    /// # Errors
    /// [`KeyError::SignatureInvalid`].
    pub fn finish(self) -> Result<Scheme, KeyError> {
        self.finish_with_digests().0
    }

    /// As [`StreamVerifier::finish`], and the digests of what was taken.
    pub(crate) fn finish_with_digests(self) -> (Result<Scheme, KeyError>, Vec<Digest>) {
        let digests: Vec<Digest> = self.hashers.into_iter().map(Hasher::finish).collect();
        let pure = self
            .pure
            .is_some_and(|pure| pure.finalize_and_verify().is_ok());
        let outcome = if pure {
            Ok(Scheme::Ed25519)
        } else {
            self.key.verify_digests(&digests, &self.signature)
        };
        (outcome, digests)
    }
}

/// Why a key was refused, or a signature by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key is for another algorithm.
    #[error(
        "unsupported key algorithm {0} (supported: ECDSA on P-256, P-384 and P-521, RSA, Ed25519)"
    )]
    Algorithm(String),
    /// The key is on another curve.
    #[error("unsupported curve {0} (supported: P-256, P-384, P-521)")]
    Curve(String),
    /// It is not a `SubjectPublicKeyInfo`.
    #[error("not a DER public key: {0}")]
    Der(String),
    /// The signature is over a digest that the caller does not have.
    #[error("a signature by this key is over the {} digest, which is not known", algorithm.name())]
    DigestNeeded {
        /// The digest that is needed.
        algorithm: Algorithm,
    },
    /// The PEM block holds something else.
    #[error("the PEM block is a `{0}`, not a `PUBLIC KEY`")]
    Label(String),
    /// There is not exactly one PEM block.
    #[error("a public key is one PEM block; there are {found}")]
    NotOnePem {
        /// How many there are.
        found: usize,
    },
    /// It is not PEM.
    #[error("not PEM: {0}")]
    Pem(String),
    /// The point is not on the curve, or is not written out whole.
    #[error("not an uncompressed point of the curve")]
    Point,
    /// The RSA modulus has a length that is not taken.
    #[error("an RSA key of {bits} bits; 2048 to 8192 are taken")]
    RsaSize {
        /// The length of the modulus.
        bits: u32,
    },
    /// The signature is not one by this key over this message.
    #[error("the signature does not verify")]
    SignatureInvalid,
    /// The key verifies signatures that nobody made.
    #[error("a weak Ed25519 key")]
    Weak,
}

fn ecdsa(curve: ObjectIdentifier, point: &[u8]) -> Result<(KeyAlgorithm, Material), KeyError> {
    type Choice = (Algorithm, &'static dyn VerificationAlgorithm);
    let (algorithm, len, choices): (_, _, [Choice; 2]) = match curve {
        P256 => {
            let choice: Choice = (Algorithm::Sha256, &signature::ECDSA_P256_SHA256_ASN1);
            (KeyAlgorithm::EcdsaP256, 65, [choice, choice])
        }
        P384 => (
            KeyAlgorithm::EcdsaP384,
            97,
            [
                (Algorithm::Sha384, &signature::ECDSA_P384_SHA384_ASN1),
                (Algorithm::Sha256, &signature::ECDSA_P384_SHA256_ASN1),
            ],
        ),
        P521 => (
            KeyAlgorithm::EcdsaP521,
            133,
            [
                (Algorithm::Sha512, &signature::ECDSA_P521_SHA512_ASN1),
                (Algorithm::Sha256, &signature::ECDSA_P521_SHA256_ASN1),
            ],
        ),
        other => return Err(KeyError::Curve(other.to_string())),
    };
    if point.len() != len || point.first() != Some(&4) {
        return Err(KeyError::Point);
    }
    let mut keys = Vec::new();
    for (hash, verification) in choices {
        if keys.iter().all(|(known, _)| *known != hash) {
            let key = ParsedPublicKey::new(verification, point).map_err(|_| KeyError::Point)?;
            keys.push((hash, key));
        }
    }
    Ok((algorithm, Material::Hashed(keys)))
}

fn rsa(pkcs1: &[u8]) -> Result<(KeyAlgorithm, Material), KeyError> {
    let bits = modulus_bits(pkcs1).map_err(|error| KeyError::Der(error.to_string()))?;
    if !(2048..=8192).contains(&bits) {
        return Err(KeyError::RsaSize { bits });
    }
    let key = ParsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, pkcs1)
        .map_err(|error| KeyError::Der(error.to_string()))?;
    Ok((
        KeyAlgorithm::Rsa { bits },
        Material::Hashed(vec![(Algorithm::Sha256, key)]),
    ))
}

/// The bits of `n` in `RSAPublicKey ::= SEQUENCE { modulus n, publicExponent e }`.
fn modulus_bits(pkcs1: &[u8]) -> Result<u32, der::Error> {
    let mut reader = der::SliceReader::new(pkcs1)?;
    let bits = reader.sequence(|reader| {
        let modulus = UintRef::decode(reader)?;
        UintRef::decode(reader)?;
        let bytes = modulus.as_bytes();
        let leading = bytes.first().map_or(0, |byte| byte.leading_zeros());
        let bits = u32::try_from(bytes.len().saturating_mul(8)).unwrap_or(u32::MAX);
        Ok(bits.saturating_sub(leading))
    })?;
    reader.finish(bits)
}

fn ed25519(bytes: &[u8]) -> Result<(KeyAlgorithm, Material), KeyError> {
    let bytes = <&[u8; 32]>::try_from(bytes).map_err(|_| KeyError::Point)?;
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Point)?;
    // RFC 8032, 5.1.3: the one encoding of a point; small orders are refused
    // because under them one signature fits many messages.
    if key.to_edwards().compress().as_bytes() != bytes {
        return Err(KeyError::Point);
    }
    if key.is_weak() {
        return Err(KeyError::Weak);
    }
    Ok((KeyAlgorithm::Ed25519, Material::Ed25519(key)))
}

fn wrap_pkcs1(pkcs1: &[u8]) -> Result<Vec<u8>, KeyError> {
    let wrong = |error: der::Error| KeyError::Der(error.to_string());
    let info = spki::SubjectPublicKeyInfo {
        algorithm: spki::AlgorithmIdentifierRef {
            oid: RSA,
            parameters: Some(der::asn1::Null.into()),
        },
        subject_public_key: der::asn1::BitStringRef::from_bytes(pkcs1).map_err(wrong)?,
    };
    info.to_der().map_err(wrong)
}

fn verify_digest(
    algorithm: Algorithm,
    key: &ParsedPublicKey,
    value: &[u8],
    signature: &[u8],
) -> bool {
    let algorithm = match algorithm {
        Algorithm::Sha256 => &digest::SHA256,
        Algorithm::Sha384 => &digest::SHA384,
        Algorithm::Sha512 => &digest::SHA512,
        _ => return false,
    };
    digest::Digest::import_less_safe(value, algorithm)
        .is_ok_and(|digest| key.verify_digest_sig(&digest, signature).is_ok())
}

fn verify_prehashed(key: &VerifyingKey, value: &[u8], signature: &[u8]) -> bool {
    let (Ok(value), Ok(signature)) = (
        <[u8; 64]>::try_from(value),
        ed25519_dalek::Signature::from_slice(signature),
    ) else {
        return false;
    };
    key.verify_prehashed_strict(Prehashed(value), None, &signature)
        .is_ok()
}

/// A SHA-512 digest that was computed elsewhere, for an interface that wants
/// to do it itself.
#[derive(Clone)]
struct Prehashed([u8; 64]);

impl Default for Prehashed {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl sha2::digest::HashMarker for Prehashed {}

impl sha2::digest::OutputSizeUser for Prehashed {
    type OutputSize = sha2::digest::consts::U64;
}

impl sha2::digest::Update for Prehashed {
    fn update(&mut self, _: &[u8]) {}
}

impl sha2::digest::FixedOutput for Prehashed {
    fn finalize_into(self, out: &mut sha2::digest::Output<Self>) {
        out.copy_from_slice(&self.0);
    }
}

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
