//! Who signs.

use waxseal_verify::PublicKey;

use crate::{Message, SignError};

/// Something that signs with a key which it does not show.
pub trait Signer: Send + Sync {
    /// The key that verifies what it signs.
    fn public_key(&self) -> &PublicKey;

    /// Signs a message: ECDSA (as ASN.1) and RSA PKCS#1 v1.5 over its SHA-256,
    /// Ed25519 over the message itself.
    ///
    /// # Errors
    /// [`SignError`] where the message cannot be read or the key does not sign.
    fn sign(&self, message: &mut dyn Message) -> Result<Vec<u8>, SignError>;
}
