//! A key that lives as long as one run, with a certificate that says whose it is.

use std::fmt;

use waxseal_attestation::json::shown;
use waxseal_verify::{KeyAlgorithm, PublicKey, certificate_claims};

use crate::{IdentityToken, Message, Parts, PrivateKey, SignError, Signer};

/// A key with a certificate over it. It signs as long as the certificate lives:
/// some ten minutes.
pub struct Certified {
    key: PrivateKey,
    certificate: Vec<u8>,
    issuer: String,
    subject: String,
}

impl Certified {
    /// Makes the key, and the proof for the certificate authority that whoever
    /// asks has it.
    pub(crate) fn key(token: &IdentityToken) -> Result<(PrivateKey, Vec<u8>), SignError> {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).map_err(|_| SignError::Random)?;
        let proof = key.sign(&mut Parts::new(&[token.bearer().as_bytes()]))?;
        Ok((key, proof))
    }

    /// Takes over a certificate, if it is over this key and for the bearer of
    /// this token. Who issued it is checked when something is signed with it.
    pub(crate) fn new(
        key: PrivateKey,
        certificate: Vec<u8>,
        token: &IdentityToken,
    ) -> Result<Self, SignError> {
        let refused = |why: String| SignError::Certificate(why);
        let claims = certificate_claims(&certificate).map_err(|e| refused(e.to_string()))?;
        if !token.vouched_by(&claims.issuer) {
            return Err(refused(format!(
                "it says that `{}` vouches, not the token's `{}`",
                shown(&claims.issuer),
                shown(token.issuer())
            )));
        }
        // What other identities become in a certificate is the authority's
        // business: a workflow, a service account's address.
        if let Some(email) = token.email()
            && email != claims.subject
        {
            return Err(refused(format!(
                "it is for `{}`, not for the token's `{}`",
                shown(&claims.subject),
                shown(email)
            )));
        }
        if claims.key.spki_der() != key.public_key().spki_der() {
            return Err(refused("it is over another key".to_owned()));
        }
        Ok(Self {
            key,
            certificate,
            issuer: claims.issuer,
            subject: claims.subject,
        })
    }

    /// Who vouches for the identity.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The identity: an e-mail address or a URI.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }
}

impl Signer for Certified {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign(&self, message: &mut dyn Message) -> Result<Vec<u8>, SignError> {
        self.key.sign(message)
    }
}

impl fmt::Debug for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certified")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
