//! How files of a repository are fetched: over TLS, without redirects, within
//! bounds of time and size.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url};

use crate::limits;

/// What a fetch comes to: `None` where there is no such file.
pub type Fetching<'a> =
    Pin<Box<dyn Future<Output = Result<Option<Vec<u8>>, FetchError>> + Send + 'a>>;

/// Where files come from. Whoever implements it is trusted with nothing but
/// to stop at the limit: every byte is verified.
pub trait Fetch: Send + Sync {
    /// The file at `url`, of at most `limit` bytes.
    fn fetch<'a>(&'a self, url: &'a Url, limit: u64) -> Fetching<'a>;
}

/// Why a file was not fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// There was no answer.
    #[error("cannot reach {host}: {reason}")]
    Connect {
        /// Who was asked.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// It would have gone over the wire in the clear.
    #[error("{host} is asked over plain HTTP, which has to be allowed (--insecure-http={host})")]
    Insecure {
        /// Who was to be asked.
        host: String,
    },
    /// The answer was neither the file nor that there is none.
    #[error("{host} answered {status} for {file}")]
    Status {
        /// Who was asked.
        host: String,
        /// What was asked for.
        file: String,
        /// The HTTP status.
        status: u16,
    },
    /// It took too long.
    #[error("{host} did not answer within {} seconds", after.as_secs())]
    Timeout {
        /// Who was asked.
        host: String,
        /// How long was waited.
        after: Duration,
    },
    /// It does not end where it has to.
    #[error("{file} is larger than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        file: String,
        /// How large it may be.
        limit: u64,
    },
    /// Nothing can be there.
    #[error("`{url}` is no address of a repository: {reason}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// How files are asked for over HTTP.
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

/// Files over HTTP; the connection is set up when it is first needed.
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

    async fn get(&self, url: &Url, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
        self.allow(url)?;
        let mut attempt = 0;
        loop {
            let got = self.get_once(url, limit).await;
            let busy = matches!(
                &got,
                Err(FetchError::Status { status, .. }) if *status == 429 || *status >= 500
            );
            if !busy || attempt >= limits::RETRIES {
                return got;
            }
            tokio::time::sleep(FIRST_WAIT.saturating_mul(1 << attempt)).await;
            attempt += 1;
        }
    }

    async fn get_once(&self, url: &Url, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
        let host = host(url);
        let after = self.options.attempt;
        let file = file(url);
        let whole = async {
            let sent = self.client(url)?.get(url.clone()).send().await;
            let mut response = sent.map_err(|e| failure(&host, after, &e))?;
            let status = response.status();
            tracing::debug!(%host, path = url.path(), status = status.as_u16(), "request");
            // Object stores say 403 of what is not there.
            if matches!(status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) {
                return Ok(None);
            }
            if status != StatusCode::OK {
                return Err(FetchError::Status {
                    host: host.clone(),
                    file: file.clone(),
                    status: status.as_u16(),
                });
            }
            let mut body = Vec::new();
            while let Some(piece) = response
                .chunk()
                .await
                .map_err(|e| failure(&host, after, &e))?
            {
                let size = u64::try_from(body.len().saturating_add(piece.len()));
                if size.unwrap_or(u64::MAX) > limit {
                    return Err(FetchError::TooLarge {
                        file: file.clone(),
                        limit,
                    });
                }
                body.extend_from_slice(&piece);
            }
            Ok(Some(body))
        };
        let timeout = FetchError::Timeout {
            host: host.clone(),
            after,
        };
        tokio::time::timeout(after, whole)
            .await
            .map_err(|_| timeout)?
    }

    /// What is fetched is verified, but who may read along and hold things back
    /// is for the operator to say.
    fn allow(&self, url: &Url) -> Result<(), FetchError> {
        check_url(url)?;
        let with_port = host(url);
        let bare = url.host_str().unwrap_or_default();
        let allowed = self
            .options
            .insecure_hosts
            .iter()
            .any(|allowed| *allowed == with_port || allowed == bare);
        if url.scheme() == "https" || allowed || is_loopback(url) {
            return Ok(());
        }
        Err(FetchError::Insecure { host: with_port })
    }

    fn client(&self, url: &Url) -> Result<&Client, FetchError> {
        let secure = url.scheme() == "https";
        let slot = if secure { &self.tls } else { &self.plain };
        let built = slot.get_or_init(|| self.build(secure).map_err(|e| innermost(&e)));
        built.as_ref().map_err(|reason| FetchError::Connect {
            host: host(url),
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

impl Fetch for Http {
    fn fetch<'a>(&'a self, url: &'a Url, limit: u64) -> Fetching<'a> {
        Box::pin(self.get(url, limit))
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

/// Whether a repository can be at this address.
pub(crate) fn check_url(url: &Url) -> Result<(), FetchError> {
    let refused = |reason: &str| {
        Err(FetchError::Url {
            url: format!("{}://{}{}", url.scheme(), host(url), url.path()),
            reason: reason.to_owned(),
        })
    };
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return refused("it is neither https nor http");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("it holds a name or a password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refused("it has a query or a fragment");
    }
    Ok(())
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn file(url: &Url) -> String {
    let last = url.path_segments().and_then(Iterator::last);
    last.unwrap_or_default().to_owned()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn failure(host: &str, after: Duration, error: &reqwest::Error) -> FetchError {
    let host = host.to_owned();
    if error.is_timeout() && !error.is_connect() {
        return FetchError::Timeout { host, after };
    }
    FetchError::Connect {
        host,
        reason: innermost(error),
    }
}

/// The innermost words of an error: the outer ones repeat what we say ourselves.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    let mut words = "the request failed".to_owned();
    while let Some(inner) = cause {
        words = inner.to_string();
        cause = inner.source();
    }
    words
}

const USER_AGENT: &str = concat!("waxseal/", env!("CARGO_PKG_VERSION"));
const CONNECT: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_millis(100);
