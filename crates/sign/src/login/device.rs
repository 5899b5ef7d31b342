//! The flow by a browser on another machine (RFC 8628).

use std::time::Duration;

use serde::Deserialize;
use waxseal_attestation::json::shown;
use zeroize::Zeroizing;

use super::{Challenge, Issuer, Redeemed, SCOPE, malformed, post};
use crate::{Http, IdentityError, IdentityToken, limits};

/// A person who is signing in on another machine.
pub struct Device<'a> {
    http: &'a Http,
    issuer: &'a Issuer,
    client: &'a str,
    challenge: Challenge,
    code: Zeroizing<String>,
    page: String,
    user_code: String,
    interval: Duration,
    lifetime: Duration,
}

impl<'a> Device<'a> {
    /// Asks for a code that the person can type elsewhere.
    ///
    /// # Errors
    /// [`IdentityError`], where the provider has no such flow.
    pub async fn begin(
        http: &'a Http,
        issuer: &'a Issuer,
        client: &'a str,
    ) -> Result<Self, IdentityError> {
        let Some(url) = &issuer.device else {
            return Err(IdentityError::SignIn(
                "the identity provider has no flow for devices".to_owned(),
            ));
        };
        let challenge = Challenge::new()?;
        let form = [
            ("client_id", client),
            ("scope", SCOPE),
            ("code_challenge", challenge.challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let answer = http.send(&post(url, &form)).await?.success()?;
        let given: Given = answer.json()?;
        if !given.verification_uri.starts_with("http") {
            return Err(malformed("the page to visit is no URL", url).into());
        }
        let lifetime = Duration::from_secs(given.expires_in).min(limits::SIGN_IN);
        Ok(Self {
            http,
            issuer,
            client,
            challenge,
            code: Zeroizing::new(given.device_code),
            page: given.verification_uri,
            user_code: given.user_code,
            interval: Duration::from_secs(given.interval).clamp(SHORTEST, LONGEST),
            lifetime,
        })
    }

    /// The page that the person has to visit, fit to be shown.
    #[must_use]
    pub fn page(&self) -> String {
        shown(&self.page)
    }

    /// What the person has to type there, fit to be shown.
    #[must_use]
    pub fn user_code(&self) -> String {
        shown(&self.user_code)
    }

    /// Asks for the token until the person has signed in.
    ///
    /// # Errors
    /// [`IdentityError::SignIn`], where that is refused or takes too long.
    pub async fn finish(self) -> Result<IdentityToken, IdentityError> {
        tokio::time::timeout(self.lifetime, self.poll())
            .await
            .map_err(|_| IdentityError::SignIn("it took too long".to_owned()))?
    }

    async fn poll(&self) -> Result<IdentityToken, IdentityError> {
        let mut interval = self.interval;
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", self.code.as_str()),
            ("client_id", self.client),
            ("code_verifier", self.challenge.verifier.as_str()),
        ];
        let secrets = [self.code.as_str(), self.challenge.verifier.as_str()];
        loop {
            tokio::time::sleep(interval).await;
            match self.issuer.redeem(self.http, &form, &secrets).await? {
                Redeemed::Token(token) => {
                    self.issuer.check(&token)?;
                    return Ok(*token);
                }
                Redeemed::Pending => {}
                // RFC 8628, 3.5: five seconds more, from now on.
                Redeemed::SlowDown => interval = interval.saturating_add(MORE).min(LONGEST),
            }
        }
    }
}

impl std::fmt::Debug for Device<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Given {
    device_code: String,
    user_code: String,
    verification_uri: String,
    expires_in: u64,
    #[serde(default = "five")]
    interval: u64,
}

fn five() -> u64 {
    5
}

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(60);
const MORE: Duration = Duration::from_secs(5);
