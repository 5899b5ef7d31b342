//! Getting tokens from a registry's token service.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::answer::Answer;
use crate::auth::For;
use crate::challenge::Bearer;
use crate::credentials::Credential;
use crate::http_client::Send;
use crate::origin::{RealmTrust, authority};
use crate::retry::{Schedule, is_worth_repeating, retry_after};
use crate::{Error, limits};

/// Gets a token from a token service (distribution, "Token Authentication
/// Specification" and "OAuth2 Token Authentication").
pub(crate) async fn fetch(
    trusted_realms: &[String],
    asked: &For<'_>,
    bearer: &Bearer,
    credential: Option<&Credential>,
) -> Result<Token, Error> {
    let registry = asked.repository.registry();
    let untrusted = |reason: &str| Error::UntrustedRealm {
        registry: registry.to_owned(),
        realm: authority(&bearer.realm),
        reason: reason.to_owned(),
    };
    let trust = asked
        .origin
        .may_use_realm(&bearer.realm, trusted_realms)
        .map_err(untrusted)?;
    if credential.is_some() && trust == RealmTrust::Anonymous {
        return Err(untrusted("it is not known to belong to the registry"));
    }
    let request = TokenRequest::new(bearer, &scopes(asked, bearer), credential)?;
    let what = format!("the token service {}", authority(&bearer.realm));
    let mut schedule = Schedule::default();
    loop {
        let send = Send {
            method: request.method.clone(),
            url: &request.url,
            headers: &request.headers,
            authorization: request.authorization.as_ref(),
            body: request.body.clone(),
            what: &what,
            expect: limits::TOKEN_BYTES,
        };
        let outcome = asked.http.send(send, None).await;
        let wait = match &outcome {
            Ok(answer) if is_worth_repeating(answer.status()) => retry_after(answer.headers()),
            _ => return Token::read(registry, outcome?).await,
        };
        match schedule.next(wait, asked.pace.random()) {
            Some(wait) => asked.pace.sleep(wait).await,
            None => return Token::read(registry, outcome?).await,
        }
    }
}

/// What the token is to be good for: what we are about to do, and whatever the
/// registry wants besides that is not about another repository.
fn scopes(asked: &For<'_>, bearer: &Bearer) -> Vec<String> {
    let own = format!(
        "repository:{}:{}",
        asked.repository.name(),
        asked.access.actions()
    );
    let others = bearer
        .scopes
        .iter()
        .filter(|s| !s.starts_with("repository:"));
    std::iter::once(own).chain(others.cloned()).collect()
}

/// The request that is made to a token service.
struct TokenRequest {
    method: Method,
    url: Url,
    headers: HeaderMap,
    authorization: Option<HeaderValue>,
    body: Bytes,
}

impl TokenRequest {
    fn new(
        bearer: &Bearer,
        scopes: &[String],
        credential: Option<&Credential>,
    ) -> Result<Self, Error> {
        let mut url = bearer.realm.clone();
        let mut headers = HeaderMap::new();
        if let Some(Credential::IdentityToken(token)) = credential {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "refresh_token");
            form.append_pair("client_id", "waxseal");
            form.append_pair("refresh_token", token);
            form.append_pair("scope", &scopes.join(" "));
            if let Some(service) = &bearer.service {
                form.append_pair("service", service);
            }
            let body = Bytes::from(form.finish());
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, kind);
            return Ok(Self {
                method: Method::POST,
                url,
                headers,
                authorization: None,
                body,
            });
        }
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = &bearer.service {
                query.append_pair("service", service);
            }
            for scope in scopes {
                query.append_pair("scope", scope);
            }
        }
        let authorization = match credential {
            Some(Credential::Password(user, password)) => Some(basic(user, password)?),
            _ => None,
        };
        Ok(Self {
            method: Method::GET,
            url,
            headers,
            authorization,
            body: Bytes::new(),
        })
    }
}

/// A token, and how long it is good for.
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) life: Duration,
}

impl Token {
    async fn read(registry: &str, answer: Answer) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Body {
            token: Option<String>,
            access_token: Option<String>,
            expires_in: Option<u64>,
        }
        let what = answer.what().to_owned();
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let detail = answer.detail().await;
                let detail = match detail.is_empty() {
                    true => format!("{what} refuses"),
                    false => format!("{what} refuses: {detail}"),
                };
                return Err(Error::Unauthorized {
                    registry: registry.to_owned(),
                    detail,
                });
            }
            _ => return Err(answer.refuse().await),
        }
        let bytes = answer.bytes(limits::TOKEN_BYTES).await?;
        let wrong = |reason: &str| Error::Answer {
            what: what.clone(),
            reason: reason.to_owned(),
        };
        let body: Body =
            serde_json::from_slice(&bytes).map_err(|_| wrong("it is not a token answer"))?;
        let text = body.token.or(body.access_token).filter(|t| !t.is_empty());
        let text = text.ok_or_else(|| wrong("it has no token in it"))?;
        // "If omitted, this defaults to 60 seconds." A part is kept back for
        // the time that the request takes.
        let seconds = body.expires_in.unwrap_or(60).min(24 * 60 * 60);
        let margin = (seconds / 5).min(10);
        Ok(Self {
            text,
            life: Duration::from_secs(seconds - margin),
        })
    }
}

/// What Basic authentication sends.
pub(crate) fn basic(user: &str, password: &str) -> Result<HeaderValue, Error> {
    sensitive(format!(
        "Basic {}",
        STANDARD.encode(format!("{user}:{password}"))
    ))
}

/// A header value that is left out of everything that prints.
pub(crate) fn sensitive(text: String) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(text).map_err(|_| Error::Answer {
        what: "the token".to_owned(),
        reason: "it cannot stand in a header".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}
