//! Answering a registry's 401: user names, tokens, and when to get new ones.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use waxseal_oci::Repository;

use crate::Error;
use crate::challenge::Challenge;
use crate::credentials::{Credential, Credentials};
use crate::http_client::Http;
use crate::origin::Origin;
use crate::pace::Pace;
use crate::token::{self, basic, sensitive};

/// What a request is going to do with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    Pull,
    Push,
}

impl Access {
    /// What a token's scope calls it.
    pub(crate) fn actions(self) -> &'static str {
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
                let token =
                    token::fetch(&self.trusted_realms, asked, &bearer, credential.as_deref())
                        .await?;
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

/// A lock whose data stays usable after a panic elsewhere: it is only a cache.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
