//! One HTTP request and its answer: connections, TLS, time limits, and what
//! each failure is called.

use std::error::Error as _;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use url::Url;

use crate::answer::Answer;
use crate::origin::authority;
use crate::stream::len;
use crate::{Error, limits};

/// The connections. TLS is set up when the first `https` request is made, since
/// loading the system's certificates costs more than a verification does.
#[derive(Debug)]
pub(crate) struct Http {
    plain: OnceLock<Result<reqwest::Client, String>>,
    tls: OnceLock<Result<reqwest::Client, String>>,
    config: HttpConfig,
}

#[derive(Debug)]
pub(crate) struct HttpConfig {
    pub(crate) certificates: Vec<reqwest::Certificate>,
    pub(crate) user_agent: String,
    pub(crate) timeout: Duration,
    pub(crate) stall: Duration,
}

/// What one request sends.
#[derive(Debug)]
pub(crate) struct Send<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) authorization: Option<&'a HeaderValue>,
    pub(crate) body: Bytes,
    /// What it is for, in messages.
    pub(crate) what: &'a str,
    /// How much may come back, as far as that is known.
    pub(crate) expect: u64,
}

impl Http {
    pub(crate) fn new(config: HttpConfig) -> Self {
        Self {
            plain: OnceLock::new(),
            tls: OnceLock::new(),
            config,
        }
    }

    /// Sends one request and waits for the head of the answer.
    pub(crate) async fn send(
        &self,
        send: Send<'_>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Answer, Error> {
        let timeout = self.config.timeout + transfer_time(len(&send.body));
        let mut request = self
            .client(send.url)?
            .request(send.method.clone(), send.url.clone())
            .headers(send.headers.clone());
        if let Some(authorization) = send.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if !send.body.is_empty() {
            request = request.body(send.body);
        }
        let started = Instant::now();
        let sent = tokio::time::timeout(timeout, request.send()).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(failure(&error, send.url)),
            Err(_) => {
                return Err(Error::Timeout {
                    what: send.what.to_owned(),
                    after: timeout,
                });
            }
        };
        tracing::debug!(
            method = %send.method,
            host = %authority(send.url),
            path = send.url.path(),
            status = response.status().as_u16(),
            micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
            "request",
        );
        let whole = self.config.timeout + transfer_time(send.expect);
        Ok(Answer::new(
            response,
            send.what,
            self.config.stall,
            whole,
            permit,
        ))
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, Error> {
        let secure = url.scheme() == "https";
        let slot = if secure { &self.tls } else { &self.plain };
        let built = slot.get_or_init(|| {
            let builder = reqwest::Client::builder()
                .user_agent(&self.config.user_agent)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .tcp_nodelay(true)
                .connect_timeout(CONNECT_TIME);
            let builder = if secure {
                builder
                    .https_only(true)
                    .tls_certs_merge(self.config.certificates.iter().cloned())
            } else {
                // Plain HTTP is for loopback and for hosts that were named:
                // no proxy, no certificates.
                builder.tls_certs_only([]).no_proxy().http1_only()
            };
            builder.build().map_err(|e| chain(&e))
        });
        built.as_ref().map_err(|reason| Error::Tls {
            host: authority(url),
            reason: reason.clone(),
        })
    }
}

/// The time that so many bytes may take.
fn transfer_time(bytes: u64) -> Duration {
    Duration::from_secs(bytes.checked_div(limits::SLOWEST).unwrap_or_default())
}

/// What a failure without an answer is called.
fn failure(error: &reqwest::Error, url: &Url) -> Error {
    let host = authority(url);
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(inner) = cause {
        if let Some(tls) = tls_reason(inner) {
            return Error::Tls { host, reason: tls };
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        return Error::Timeout {
            what: host,
            after: CONNECT_TIME,
        };
    }
    Error::Connect {
        host,
        reason: chain(error),
    }
}

fn tls_reason(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(io) = error.downcast_ref::<std::io::Error>() {
        // `source` of an I/O error leaves out what it wraps.
        return tls_reason(io.get_ref()?);
    }
    Some(match error.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidMessage(_) => "the other side does not speak TLS".to_owned(),
        other => other.to_string(),
    })
}

/// The innermost words of an error: the outer ones repeat what we say ourselves.
fn chain(error: &dyn std::error::Error) -> String {
    let mut last = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        last = inner.to_string();
        cause = inner.source();
    }
    last
}

const CONNECT_TIME: Duration = Duration::from_secs(10);
