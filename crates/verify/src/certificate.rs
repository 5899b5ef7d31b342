//! What a signing certificate says about itself: unverified, for whoever has
//! just been given one.

use crate::key::PublicKey;
use crate::rejection::Rejection;
use crate::{keyless, names};

/// What a certificate says. Nothing of it is verified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CertificateClaims {
    /// The key that it is over.
    pub key: PublicKey,
    /// Who vouches for the identity; empty where it does not say.
    pub issuer: String,
    /// The identity: an e-mail address or a URI.
    pub subject: String,
}

/// Reads what a certificate in DER says about itself. `der` is untrusted.
///
/// # Errors
/// [`Rejection::Certificate`], where it cannot be read or names nobody.
pub fn certificate_claims(der: &[u8]) -> Result<CertificateClaims, Rejection> {
    let certificate = names::parse(der)?;
    let key = names::key_of(&certificate)?;
    let (subject, issuer) = keyless::claimed_identity(&certificate)
        .ok_or_else(|| Rejection::Certificate("it names nobody".to_owned()))?;
    Ok(CertificateClaims {
        key,
        issuer,
        subject,
    })
}
