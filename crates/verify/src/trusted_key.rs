//! Keys of a trust root, read once for all the signatures that they check.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use sigstore_types::SignatureBytes;
use sigstore_verify::crypto::{SigningScheme, VerificationKey, validate_raw_public_key};

/// A key that the trust root names, and the scheme that it signs by.
pub(crate) struct TrustedKey {
    key: VerificationKey,
    /// The same key as AWS-LC holds it, from its first signature on; nothing
    /// where it has to be left to `sigstore-crypto`.
    read: OnceLock<Option<ParsedPublicKey>>,
}

impl TrustedKey {
    pub(crate) fn new(key: VerificationKey) -> Self {
        Self {
            key,
            read: OnceLock::new(),
        }
    }

    /// How it signs.
    pub(crate) fn scheme(&self) -> SigningScheme {
        self.key.scheme()
    }

    /// Whether `signature` over `message` is by this key.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let read = self
            .read
            .get_or_init(|| read(self.key.scheme(), self.key.as_bytes()));
        match read {
            Some(key) => key.verify_sig(message, signature).is_ok(),
            None => {
                let signature = SignatureBytes::from_bytes(signature);
                self.key.verify(message, &signature).is_ok()
            }
        }
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedKey({:?})", self.key.scheme())
    }
}

/// The key in `bytes`, as it stands in the bit string, where it is one that
/// `sigstore-crypto` would take and hand to AWS-LC with each signature.
pub(crate) fn read(scheme: SigningScheme, bytes: &[u8]) -> Option<ParsedPublicKey> {
    let algorithm: &'static dyn VerificationAlgorithm = match scheme {
        SigningScheme::EcdsaP256Sha256 => &signature::ECDSA_P256_SHA256_ASN1,
        SigningScheme::EcdsaP256Sha384 => &signature::ECDSA_P256_SHA384_ASN1,
        SigningScheme::EcdsaP384Sha256 => &signature::ECDSA_P384_SHA256_ASN1,
        SigningScheme::EcdsaP384Sha384 => &signature::ECDSA_P384_SHA384_ASN1,
        SigningScheme::Ed25519 => &signature::ED25519,
        _ => return None,
    };
    validate_raw_public_key(scheme, bytes).ok()?;
    ParsedPublicKey::new(algorithm, bytes).ok()
}
