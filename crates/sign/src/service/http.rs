//! How services are asked: over TLS, without redirects, within bounds of time
//! and size, and again where they say that they are busy.

use std::error::Error as _;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};
use zeroize::Zeroizing;

use super::call::{Answer, LIMIT};
use super::{Call, Service, ServiceError};
use crate::limits;

/// How services are asked.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct HttpOptions {
    /// Certificate authorities besides the system's, in PEM.
    pub ca_certificates: Vec<Vec<u8>>,
    /// Hosts, with or without a port, that are asked over plain HTTP; loopback
    /// needs no permission.
    pub insecure_hosts: Vec<String>,
    /// What one attempt may take.
    pub attempt: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            ca_certificates: Vec::new(),
            insecure_hosts: Vec::new(),
            attempt: limits::ATTEMPT,
        }
    }
}

/// The connections to services, set up when they are first needed.
pub struct Http {
    options: HttpOptions,
    plain: OnceLock<Result<Client, String>>,
    tls: OnceLock<Result<Client, String>>,
}

impl Http {
    /// Asks nothing yet.
    #[must_use]
    pub fn new(options: HttpOptions) -> Self {
        Self {
            options,
            plain: OnceLock::new(),
            tls: OnceLock::new(),
        }
    }

    /// Asks once, and again after a 429, a 5xx or a connection that did not come
    /// about or broke; after silence, which has taken a whole attempt, once more.
    /// Every other status is an answer.
    pub(crate) async fn send(&self, call: &Call<'_>) -> Result<Answer, ServiceError> {
        self.allow(call)?;
        let mut waited = Duration::ZERO;
        let mut attempt = 0;
        loop {
            let outcome = self.send_once(call).await;
            let (most, asked) = match &outcome {
                Ok((answer, asked)) if answer.status() == 429 || answer.status() >= 500 => {
                    (limits::RETRIES, *asked)
                }
                Err(ServiceError::Connect { .. }) => (limits::RETRIES, None),
                Err(ServiceError::Timeout { .. }) => (limits::RETRIES_AFTER_SILENCE, None),
                Ok(_) | Err(_) => (0, None),
            };
            let wait = asked.unwrap_or_else(|| FIRST_WAIT.saturating_mul(1 << attempt.min(8)));
            waited = waited.saturating_add(wait);
            if attempt >= most || waited > limits::RETRY_WAIT {
                return outcome.map(|(answer, _)| answer);
            }
            attempt += 1;
            tokio::time::sleep(wait).await;
        }
    }

    async fn send_once(&self, call: &Call<'_>) -> Result<(Answer, Option<Duration>), ServiceError> {
        let service = call.service;
        let host = host(&call.url);
        let after = self.options.attempt;
        let whole = async {
            let sent = self
                .client(call)?
                .request(call.method.clone(), call.url.clone())
                .headers(call.headers.clone())
                .body(call.body.clone())
                .send()
                .await;
            let mut response = sent.map_err(|e| failure(service, &host, after, &e))?;
            let status = response.status();
            tracing::debug!(
                method = %call.method,
                %host,
                path = call.url.path(),
                status = status.as_u16(),
                "request",
            );
            let asked = retry_after(status, response.headers());
            let location = response
                .headers()
                .get(LOCATION)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned);
            let mut body = Zeroizing::new(Vec::new());
            while let Some(piece) = response
                .chunk()
                .await
                .map_err(|e| failure(service, &host, after, &e))?
            {
                if body.len() + piece.len() > LIMIT {
                    return Err(ServiceError::TooLarge {
                        service,
                        host: host.clone(),
                        limit: LIMIT,
                    });
                }
                body.extend_from_slice(&piece);
            }
            let answer = Answer::new(call, host.clone(), status.as_u16(), location, body);
            Ok((answer, asked))
        };
        tokio::time::timeout(after, whole)
            .await
            .map_err(|_| ServiceError::Timeout {
                service,
                host: host.clone(),
                after,
            })?
    }

    /// A token over plain HTTP is everybody's token.
    fn allow(&self, call: &Call<'_>) -> Result<(), ServiceError> {
        let url = &call.url;
        let refused = |reason: &str| ServiceError::Url {
            service: call.service,
            url: shown(url),
            reason: reason.to_owned(),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it holds a name or a password"));
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if call.link_local || is_loopback(url) || self.may_be_plain(url) => Ok(()),
            "http" => Err(ServiceError::Insecure {
                service: call.service,
                host: host(url),
            }),
            _ => Err(refused("it is neither https nor http")),
        }
    }

    fn may_be_plain(&self, url: &Url) -> bool {
        let with_port = host(url);
        let bare = url.host_str().unwrap_or_default();
        self.options
            .insecure_hosts
            .iter()
            .any(|allowed| *allowed == with_port || allowed == bare)
    }

    fn client(&self, call: &Call<'_>) -> Result<&Client, ServiceError> {
        let secure = call.url.scheme() == "https";
        let slot = if secure { &self.tls } else { &self.plain };
        let built = slot.get_or_init(|| self.build(secure).map_err(|e| innermost(&e)));
        built.as_ref().map_err(|reason| ServiceError::Connect {
            service: call.service,
            host: host(&call.url),
            reason: reason.clone(),
        })
    }

    fn build(&self, secure: bool) -> Result<Client, reqwest::Error> {
        let builder = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT);
        if !secure {
            return builder.tls_certs_only([]).no_proxy().http1_only().build();
        }
        let mut certificates = Vec::new();
        for pem in &self.options.ca_certificates {
            certificates.extend(reqwest::Certificate::from_pem_bundle(pem)?);
        }
        builder
            .https_only(true)
            .tls_certs_merge(certificates)
            .build()
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

/// The host with its port, as a person writes it.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// A URL without what may be secret in it.
fn shown(url: &Url) -> String {
    format!("{}://{}{}", url.scheme(), host(url), url.path())
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The wait that a busy service asks for, in seconds.
fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if status.is_success() {
        return None;
    }
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// What a failure without an answer is called. Their words hold the whole URL,
/// ours only the host.
fn failure(service: Service, host: &str, after: Duration, error: &reqwest::Error) -> ServiceError {
    let host = host.to_owned();
    if error.is_timeout() && !error.is_connect() {
        return ServiceError::Timeout {
            service,
            host,
            after,
        };
    }
    ServiceError::Connect {
        service,
        host,
        reason: innermost(error),
    }
}

/// The innermost words of an error: the outer ones repeat what we say ourselves.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    let mut words = "the request failed".to_owned();
    while let Some(inner) = cause {
        words = inner.to_string();
        cause = inner.source();
    }
    words
}

const USER_AGENT: &str = concat!("waxseal/", env!("CARGO_PKG_VERSION"));
const CONNECT: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_millis(200);
