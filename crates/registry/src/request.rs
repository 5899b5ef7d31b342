//! A request as the registry's API has it: authenticated, redirected, repeated,
//! each within its limit.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::sync::Semaphore;
use url::Url;
use waxseal_oci::Repository;

use crate::answer::Answer;
use crate::auth::{Access, Auth, For, Grant};
use crate::http_client::{Http, Send};
use crate::origin::{Origin, is_loopback_host, same_origin};
use crate::pace::Pace;
use crate::retry::{Schedule, is_worth_repeating, retry_after};
use crate::{Error, limits};

/// What speaks to registries: connections, credentials, the cap on concurrency.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) http: Http,
    pub(crate) auth: Auth,
    pub(crate) pace: Arc<dyn Pace>,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) insecure_loopback: bool,
    pub(crate) insecure_hosts: Vec<String>,
}

/// One thing that is asked of a registry.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    method: Method,
    repository: &'a Repository,
    url: Url,
    access: Access,
    headers: HeaderMap,
    body: Bytes,
    what: String,
    expect: u64,
    repeat: bool,
}

impl<'a> Ask<'a> {
    /// A request to a place in a repository: `manifests/latest`.
    pub(crate) fn new(
        wire: &Wire,
        method: Method,
        repository: &'a Repository,
        path: &str,
        what: String,
    ) -> Result<Self, Error> {
        let origin = wire.origin(repository)?;
        let path = format!("v2/{}/{path}", repository.name());
        let url = origin.at(&path).map_err(|reason| Error::Answer {
            what: what.clone(),
            reason,
        })?;
        Ok(Self::to(method, repository, url, what))
    }

    /// A request to a URL that the registry gave.
    pub(crate) fn to(method: Method, repository: &'a Repository, url: Url, what: String) -> Self {
        let pull = matches!(method, Method::GET | Method::HEAD);
        Self {
            access: if pull { Access::Pull } else { Access::Push },
            method,
            repository,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            what,
            expect: 0,
            repeat: true,
        }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    pub(crate) fn body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }

    /// How many bytes the answer may have, for its time limit.
    pub(crate) fn expect(mut self, bytes: u64) -> Self {
        self.expect = bytes;
        self
    }

    /// Asks for the right to write as well, though this request only reads:
    /// one token then serves the writes that follow.
    pub(crate) fn before_writing(mut self) -> Self {
        self.access = Access::Push;
        self
    }

    /// Makes the request once: doing it twice is not the same as once.
    pub(crate) fn once(mut self) -> Self {
        self.repeat = false;
        self
    }
}

impl Wire {
    /// Where a repository's registry is.
    pub(crate) fn origin(&self, repository: &Repository) -> Result<Origin, Error> {
        let registry = repository.registry();
        let plain = (self.insecure_loopback && is_loopback_host(registry))
            || self.insecure_hosts.iter().any(|h| h == registry);
        Origin::new(registry, plain).map_err(|reason| Error::Connect {
            host: registry.to_owned(),
            reason,
        })
    }

    /// Sends a request and waits for the head of an answer, whatever its
    /// status, except that 429 and 5xx are tried again. A connection that
    /// cannot be made is an answer of its own: nobody waits for a wrong port.
    pub(crate) async fn send(&self, ask: Ask<'_>) -> Result<Answer, Error> {
        let origin = self.origin(ask.repository)?;
        let mut schedule = Schedule::default();
        loop {
            let outcome = self.authenticated(&origin, &ask).await;
            let wait = match &outcome {
                Ok(answer) if ask.repeat && is_worth_repeating(answer.status()) => {
                    retry_after(answer.headers())
                }
                _ => return outcome,
            };
            match schedule.next(wait, self.pace.random()) {
                Some(wait) => {
                    if let Ok(answer) = outcome {
                        answer.drain().await;
                    }
                    self.pace.sleep(wait).await;
                }
                None => return outcome,
            }
        }
    }

    /// One attempt, with what the registry asks for. A token that has expired
    /// is replaced once; a fresh one that is refused is a refusal.
    async fn authenticated(&self, origin: &Origin, ask: &Ask<'_>) -> Result<Answer, Error> {
        let asked = For {
            origin,
            repository: ask.repository,
            access: ask.access,
            http: &self.http,
            pace: self.pace.as_ref(),
        };
        let mut grant = match origin.holds(&ask.url) {
            true => self.auth.beforehand(&asked).await?,
            false => None,
        };
        for _ in 0..AUTH_ROUNDS {
            let answer = self.redirected(origin, ask, grant.as_ref()).await?;
            if answer.status() != StatusCode::UNAUTHORIZED {
                return Ok(answer);
            }
            if !origin.holds(answer.url()) {
                // Whoever asks there is not the registry.
                return Err(answer.refuse().await);
            }
            let headers = answer.headers().clone();
            answer.drain().await;
            grant = Some(
                self.auth
                    .challenged(&asked, &headers, grant.as_ref())
                    .await?,
            );
        }
        let answer = self.redirected(origin, ask, grant.as_ref()).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let registry = ask.repository.registry().to_owned();
            let said = answer.detail().await;
            let detail = if said.is_empty() {
                "the new token is refused".to_owned()
            } else {
                said
            };
            return Err(Error::Unauthorized { registry, detail });
        }
        Ok(answer)
    }

    /// Follows redirects by hand: the grant goes to the registry's own origin
    /// and nowhere else (CVE-2026-50151 and its kind).
    async fn redirected(
        &self,
        origin: &Origin,
        ask: &Ask<'_>,
        grant: Option<&Grant>,
    ) -> Result<Answer, Error> {
        let mut url = ask.url.clone();
        let mut seen = HashSet::new();
        for _ in 0..=limits::REDIRECTS {
            origin.may_send_to(&url).map_err(|reason| Error::Redirect {
                what: ask.what.clone(),
                to: shown(&url),
                reason: reason.to_owned(),
            })?;
            let answer = self.single(origin, ask, &url, grant).await?;
            let writing = !matches!(ask.method, Method::GET | Method::HEAD);
            let Some(to) = redirect(&answer, writing)? else {
                return Ok(answer);
            };
            if writing && !same_origin(&url, &to) {
                return Err(Error::Redirect {
                    what: ask.what.clone(),
                    to: shown(&to),
                    reason: "content is not sent to another host than the registry named".into(),
                });
            }
            answer.drain().await;
            seen.insert(std::mem::replace(&mut url, to));
            if seen.contains(&url) {
                return Err(Error::RedirectLoop {
                    what: ask.what.clone(),
                });
            }
        }
        Err(Error::TooManyRedirects {
            what: ask.what.clone(),
            limit: limits::REDIRECTS,
        })
    }

    async fn single(
        &self,
        origin: &Origin,
        ask: &Ask<'_>,
        url: &Url,
        grant: Option<&Grant>,
    ) -> Result<Answer, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        let send = Send {
            method: ask.method.clone(),
            url,
            headers: &ask.headers,
            authorization: grant.filter(|_| origin.holds(url)).map(|g| &g.value),
            body: ask.body.clone(),
            what: &ask.what,
            expect: ask.expect,
        };
        self.http.send(send, permit).await
    }
}

/// Where an answer redirects to, if it does.
fn redirect(answer: &Answer, writing: bool) -> Result<Option<Url>, Error> {
    // 301 to 303 turn a write into a read in some clients: not a write any more.
    let follows = match answer.status() {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => !writing,
        _ => false,
    };
    if !follows {
        return Ok(None);
    }
    let refuse = |to: &str, reason: String| Error::Redirect {
        what: answer.what().to_owned(),
        to: to.to_owned(),
        reason,
    };
    let location = answer
        .header(LOCATION.as_str())
        .ok_or_else(|| refuse("nowhere", "it has no `Location`".into()))?;
    let to = answer
        .url()
        .join(location)
        .map_err(|e| refuse(location, e.to_string()))?;
    Ok(Some(to))
}

/// A URL without its query, which may hold a signature that grants access.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_password(None);
    url.into()
}

/// A cached token may be stale, and another task's replacement too.
const AUTH_ROUNDS: usize = 2;
