//! Signing in: a person shows an identity provider who they are.
//!
//! The password, or whatever the provider asks for, goes from the browser to
//! the provider. What comes back is bound to this run three times over: by
//! PKCE (RFC 7636), by `state`, and by the `nonce` in the token.

mod browser;
mod device;
mod secret;

use reqwest::Url;
use serde::Deserialize;
use zeroize::Zeroizing;

pub use self::browser::Browser;
pub use self::device::Device;
use self::secret::Challenge;
use crate::service::{Call, Service, said, under};
use crate::{Http, IdentityError, IdentityToken, ServiceError};

/// An identity provider, found by its address (OpenID Connect Discovery 1.0).
#[derive(Debug)]
pub struct Issuer {
    issuer: String,
    authorization: Url,
    token: Url,
    device: Option<Url>,
}

impl Issuer {
    /// Asks the provider where its endpoints are.
    ///
    /// # Errors
    /// [`IdentityError`], also where the provider calls itself something else.
    pub async fn discover(http: &Http, issuer: &str) -> Result<Self, IdentityError> {
        let issuer = Url::parse(issuer).map_err(|e| ServiceError::Url {
            service: Service::Identity,
            url: waxseal_attestation::json::shown(issuer),
            reason: e.to_string(),
        })?;
        let url = under(&issuer, "/.well-known/openid-configuration");
        let answer = http
            .send(&Call::get(Service::Identity, url))
            .await?
            .success()?;
        let found: Discovery = answer.json()?;
        // Discovery, 4.3: exactly what it was asked under. A URL type writes a
        // slash where there is no path.
        let same = |text: &str| text.trim_end_matches('/') == issuer.as_str().trim_end_matches('/');
        if !same(&found.issuer) {
            return Err(answer
                .malformed(format!(
                    "it calls itself `{}`",
                    waxseal_attestation::json::shown(&found.issuer)
                ))
                .into());
        }
        let url = |text: &str| {
            Url::parse(text).map_err(|e| answer.malformed(format!("an endpoint is no URL: {e}")))
        };
        Ok(Self {
            authorization: url(&found.authorization_endpoint)?,
            token: url(&found.token_endpoint)?,
            device: found
                .device_authorization_endpoint
                .as_deref()
                .map(url)
                .transpose()?,
            issuer: found.issuer,
        })
    }

    /// Takes a code to the token endpoint.
    async fn redeem(
        &self,
        http: &Http,
        form: &[(&str, &str)],
        secrets: &[&str],
    ) -> Result<Redeemed, IdentityError> {
        let mut call = post(&self.token, form);
        for secret in secrets {
            call = call.secret(secret);
        }
        let answer = http.send(&call).await?;
        if answer.status() != 400 {
            let answer = answer.success()?;
            let given: Given = answer.json()?;
            let token = IdentityToken::parse(Zeroizing::new(given.id_token))?;
            return Ok(Redeemed::Token(Box::new(token)));
        }
        // RFC 6749, 5.2: what is wrong is a word.
        let Ok(refused) = serde_json::from_slice::<Refused>(answer.body()) else {
            return Err(answer.refusal().into());
        };
        Ok(match refused.error.as_str() {
            "authorization_pending" => Redeemed::Pending,
            "slow_down" => Redeemed::SlowDown,
            "access_denied" => {
                return Err(IdentityError::SignIn("it was refused".to_owned()));
            }
            "expired_token" => {
                return Err(IdentityError::SignIn("it took too long".to_owned()));
            }
            _ => {
                let words = said(answer.body(), secrets);
                return Err(IdentityError::SignIn(format!(
                    "the identity provider says `{words}`"
                )));
            }
        })
    }

    /// Whether a token is this provider's own.
    fn check(&self, token: &IdentityToken) -> Result<(), IdentityError> {
        if token.issuer() == self.issuer {
            Ok(())
        } else {
            Err(IdentityError::SignIn(
                "the token is from another identity provider".to_owned(),
            ))
        }
    }
}

/// What the token endpoint made of a code.
enum Redeemed {
    Pending,
    SlowDown,
    Token(Box<IdentityToken>),
}

fn post(url: &Url, form: &[(&str, &str)]) -> Call<'static> {
    let mut body = Url::parse("form:").unwrap_or_else(|_| url.clone());
    body.query_pairs_mut().extend_pairs(form);
    let body = body.query().unwrap_or_default().as_bytes().to_vec();
    let kind = "application/x-www-form-urlencoded";
    Call::post(Service::Identity, url.clone(), kind, body)
}

fn malformed(reason: &str, url: &Url) -> ServiceError {
    ServiceError::Malformed {
        service: Service::Identity,
        host: url.host_str().unwrap_or_default().to_owned(),
        reason: reason.to_owned(),
    }
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(default)]
    device_authorization_endpoint: Option<String>,
}

#[derive(Deserialize)]
struct Given {
    id_token: String,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

const SCOPE: &str = "openid email";
