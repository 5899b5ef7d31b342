//! Answering a registry's 401: user names, tokens, and when to get new ones.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use url::Url;
use waxseal_oci::Repository;

use crate::challenge::{Bearer, Challenge};
use crate::credentials::{Credential, Credentials};
use crate::http_client::{Http, Send};
use crate::origin::{Origin, RealmTrust, authority};
use crate::pace::Pace;
use crate::retry::{Schedule, is_worth_repeating, retry_after};
use crate::{Error, limits};

/// What a request is going to do with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    Pull,
    Push,
}

impl Access {
    fn actions(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        }
    }
}

/// The value of an `Authorization` header, and how long it is good for.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) value: HeaderValue,
    expires: Option<Duration>,
    id: u64,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant({})", self.id)
    }
}

/// What is known about authenticating, by registry. Nothing is looked up
/// before a registry has asked for it.
#[derive(Debug)]
pub(crate) struct Auth {
    credentials: Credentials,
    trusted_realms: Vec<String>,
    registries: Mutex<HashMap<String, Arc<Known>>>,
}

/// What is known about one registry.
#[derive(Debug, Default)]
struct Known {
    state: Mutex<State>,
    /// Held while a token is fetched, so that it is fetched once.
    flight: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    challenge: Option<Challenge>,
    grants: HashMap<(String, Access), Grant>,
    credentials: HashMap<String, Option<Arc<Credential>>>,
    issued: u64,
}

/// Whom the request is for, and with what it is made.
pub(crate) struct For<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) repository: &'a Repository,
    pub(crate) access: Access,
    pub(crate) http: &'a Http,
    pub(crate) pace: &'a dyn Pace,
}

impl Auth {
    pub(crate) fn new(credentials: Credentials, trusted_realms: Vec<String>) -> Self {
        Self {
            credentials,
            trusted_realms,
            registries: Mutex::default(),
        }
    }

    /// What to send before the registry has said anything: nothing, unless it
    /// has asked before.
    pub(crate) async fn beforehand(&self, asked: &For<'_>) -> Result<Option<Grant>, Error> {
        let Some(known) = lock(&self.registries)
            .get(asked.repository.registry())
            .cloned()
        else {
            return Ok(None);
        };
        if let Some(grant) = known.grant(asked) {
            return Ok(Some(grant));
        }
        if lock(&known.state).challenge.is_none() {
            return Ok(None);
        }
        let _flight = known.flight.lock().await;
        match known.grant(asked) {
            Some(grant) => Ok(Some(grant)),
            None => self.answer(&known, asked).await,
        }
    }

    /// What to send after a 401 to a request that was sent with `used`.
    pub(crate) async fn challenged(
        &self,
        asked: &For<'_>,
        headers: &HeaderMap,
        used: Option<&Grant>,
    ) -> Result<Grant, Error> {
        let registry = asked.repository.registry();
        let known = lock(&self.registries)
            .entry(registry.to_owned())
            .or_default()
            .clone();
        let challenge = Challenge::of(headers).map_err(|reason| Error::Challenge {
            registry: registry.to_owned(),
            reason,
        })?;
        let _flight = known.flight.lock().await;
        // Somebody else may have been refused, and got a new token, before us.
        if let Some(grant) = known.grant(asked)
            && used.is_none_or(|used| used.id != grant.id)
        {
            return Ok(grant);
        }
        let basic = challenge == Challenge::Basic;
        {
            let mut state = lock(&known.state);
            state.challenge = Some(challenge);
            state.grants.remove(&asked.key());
            state.grants.remove(&asked.key_of(Access::Push));
        }
        let refused = |detail: &str| Error::Unauthorized {
            registry: registry.to_owned(),
            detail: detail.to_owned(),
        };
        if basic && used.is_some() {
            return Err(refused("the user name and password are not accepted"));
        }
        self.answer(&known, asked)
            .await?
            .ok_or_else(|| refused("it asks for credentials and there are none"))
    }

    /// Answers the challenge that is known.
    async fn answer(&self, known: &Known, asked: &For<'_>) -> Result<Option<Grant>, Error> {
        let credential = self.credential(known, asked.repository).await?;
        let challenge = lock(&known.state).challenge.clone();
        match challenge {
            None => Ok(None),
            Some(Challenge::Basic) => match credential.as_deref() {
                None => Ok(None),
                Some(Credential::Password(user, password)) => {
                    Ok(Some(known.keep(asked, basic(user, password)?, None)))
                }
                Some(Credential::IdentityToken(_)) => Err(Error::Challenge {
                    registry: asked.repository.registry().to_owned(),
                    reason: "it wants a password, and the credential is an identity token".into(),
                }),
            },
            Some(Challenge::Bearer(bearer)) => {
                let token = self.token(asked, &bearer, credential.as_deref()).await?;
                let value = sensitive(format!("Bearer {}", token.text))?;
                Ok(Some(known.keep(
                    asked,
                    value,
                    Some(asked.pace.now() + token.life),
                )))
            }
        }
    }

    async fn credential(
        &self,
        known: &Known,
        repository: &Repository,
    ) -> Result<Option<Arc<Credential>>, Error> {
        if let Some(credential) = lock(&known.state).credentials.get(repository.name()) {
            return Ok(credential.clone());
        }
        let credential = self.credentials.find(repository).await?.map(Arc::new);
        lock(&known.state)
            .credentials
            .insert(repository.name().to_owned(), credential.clone());
        Ok(credential)
    }

    /// Gets a token from a token service (distribution, "Token Authentication
    /// Specification" and "OAuth2 Token Authentication").
    async fn token(
        &self,
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
            .may_use_realm(&bearer.realm, &self.trusted_realms)
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
                Err(Error::Connect { .. }) => None,
                _ => return Token::read(registry, outcome?).await,
            };
            match schedule.next(wait, asked.pace.random()) {
                Some(wait) => asked.pace.sleep(wait).await,
                None => return Token::read(registry, outcome?).await,
            }
        }
    }
}

impl For<'_> {
    fn key(&self) -> (String, Access) {
        self.key_of(self.access)
    }

    fn key_of(&self, access: Access) -> (String, Access) {
        (self.repository.name().to_owned(), access)
    }
}

impl Known {
    /// A grant that is still good. One for pushing serves for pulling.
    fn grant(&self, asked: &For<'_>) -> Option<Grant> {
        let state = lock(&self.state);
        let now = asked.pace.now();
        let good = |access| {
            let grant = state.grants.get(&asked.key_of(access))?;
            grant
                .expires
                .is_none_or(|expires| now < expires)
                .then(|| grant.clone())
        };
        good(asked.access).or_else(|| good(Access::Push))
    }

    fn keep(&self, asked: &For<'_>, value: HeaderValue, expires: Option<Duration>) -> Grant {
        let mut state = lock(&self.state);
        state.issued += 1;
        let grant = Grant {
            value,
            expires,
            id: state.issued,
        };
        state.grants.insert(asked.key(), grant.clone());
        grant
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

struct Token {
    text: String,
    life: Duration,
}

impl Token {
    async fn read(registry: &str, answer: crate::http_client::Answer) -> Result<Self, Error> {
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

fn basic(user: &str, password: &str) -> Result<HeaderValue, Error> {
    sensitive(format!(
        "Basic {}",
        STANDARD.encode(format!("{user}:{password}"))
    ))
}

fn sensitive(text: String) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(text).map_err(|_| Error::Answer {
        what: "the token".to_owned(),
        reason: "it cannot stand in a header".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// A lock whose data stays usable after a panic elsewhere: it is only a cache.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
