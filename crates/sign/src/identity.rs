//! Identity tokens: who is signing, as an identity provider says.
//!
//! A token is whoever bears it for as long as it lives. It never prints, and
//! no error quotes it.

mod ambient;
mod buildkite;
mod circleci;
mod error;
mod github;
mod gitlab;
mod given;
mod google;
mod kubernetes;
mod program;
mod spiffe;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

pub use self::ambient::{Provider, Surroundings, ambient_token};
pub use self::error::IdentityError;
pub use self::given::{token_from_file, token_given};
use crate::limits;

/// A token in which an identity provider says who its bearer is.
///
/// It neither prints nor clones, and is wiped when dropped. What it says is
/// read without being believed: the certificate authority checks it.
pub struct IdentityToken {
    secret: Zeroizing<String>,
    claims: Claims,
}

/// What a token says.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: i64,
    #[serde(default)]
    aud: Audience,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    email_verified: Verified,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    federated_claims: Option<FederatedClaims>,
}

/// Who vouched before this provider did, as Dex says it.
#[derive(Deserialize)]
struct FederatedClaims {
    #[serde(default)]
    connector_id: Option<String>,
}

/// RFC 7519, 4.1.3: one string or several.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Audience {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

/// Some providers write the truth value as a string.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Verified {
    #[default]
    Unsaid,
    Bool(bool),
    Text(String),
}

impl IdentityToken {
    /// Reads what a token says. Space around it is no part of it.
    ///
    /// # Errors
    /// [`IdentityError::Malformed`] or [`IdentityError::TooLong`], which do not
    /// quote it.
    pub fn parse(text: Zeroizing<String>) -> Result<Self, IdentityError> {
        if text.len() > limits::TOKEN_BYTES {
            return Err(IdentityError::TooLong);
        }
        let secret = if text.trim().len() == text.len() {
            text
        } else {
            Zeroizing::new(text.trim().to_owned())
        };
        let mut parts = secret.split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(IdentityError::Malformed(
                "it does not have three parts with dots between them",
            ));
        };
        let decoded = URL_SAFE_NO_PAD
            .decode(payload)
            .map(Zeroizing::new)
            .map_err(|_| IdentityError::Malformed("its middle part is not base64url"))?;
        waxseal_oci::check_json(&decoded)
            .map_err(|_| IdentityError::Malformed("its claims are not strict JSON"))?;
        // The parser's own words would quote the claims.
        let claims: Claims = serde_json::from_slice(&decoded).map_err(|_| {
            IdentityError::Malformed("it lacks `iss`, `sub` or `exp`, or one has another type")
        })?;
        if claims.iss.is_empty() || claims.sub.is_empty() {
            return Err(IdentityError::Malformed("its `iss` or `sub` is empty"));
        }
        Ok(Self { secret, claims })
    }

    /// Whether the certificate authority can be expected to take it.
    ///
    /// # Errors
    /// If it has expired, is for somebody else, or has an e-mail address that
    /// its provider has not verified.
    pub fn check(&self, audience: &str, now: Timestamp) -> Result<(), IdentityError> {
        if self.claims.exp <= now.as_second() {
            let at = Timestamp::from_second(self.claims.exp).unwrap_or(Timestamp::MIN);
            return Err(IdentityError::Expired { at });
        }
        if !self.claims.aud.contains(audience) {
            return Err(IdentityError::Audience {
                wanted: audience.to_owned(),
                found: self.claims.aud.shown(),
            });
        }
        if self.claims.email.is_some() && !self.claims.email_verified.is_true() {
            return Err(IdentityError::EmailUnverified);
        }
        Ok(())
    }

    /// The provider that issued it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// The e-mail address of its bearer, where that is who the bearer is.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.claims
            .email
            .as_deref()
            .filter(|email| !email.is_empty())
    }

    /// Who bears it: the e-mail address, else the subject.
    #[must_use]
    pub fn bearer(&self) -> &str {
        self.email().unwrap_or(&self.claims.sub)
    }

    /// Whether a certificate may name `issuer` for this token: the provider, or
    /// whoever it relayed.
    pub(crate) fn vouched_by(&self, issuer: &str) -> bool {
        let relayed = self.claims.federated_claims.as_ref();
        issuer == self.claims.iss
            || relayed.is_some_and(|relayed| relayed.connector_id.as_deref() == Some(issuer))
    }

    pub(crate) fn nonce(&self) -> Option<&str> {
        self.claims.nonce.as_deref()
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityToken(…)")
    }
}

impl Audience {
    fn contains(&self, wanted: &str) -> bool {
        match self {
            Self::None => false,
            Self::One(one) => one == wanted,
            Self::Many(many) => many.iter().any(|one| one == wanted),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::None => "nobody".to_owned(),
            Self::One(one) => waxseal_attestation::json::shown(one),
            Self::Many(many) => waxseal_attestation::json::shown(&many.join(", ")),
        }
    }
}

impl Verified {
    fn is_true(&self) -> bool {
        match self {
            Self::Unsaid => false,
            Self::Bool(verified) => *verified,
            Self::Text(text) => text == "true",
        }
    }
}
