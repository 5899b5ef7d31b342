//! An answer: its head, and its body within bounds.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use url::Url;

use crate::origin::authority;
use crate::stream::len;
use crate::{Error, limits};

/// The answer to a request, its body not read yet.
pub(crate) struct Answer {
    response: reqwest::Response,
    what: String,
    stall: Duration,
    whole: Duration,
    deadline: Instant,
    read: u64,
    permit: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// An answer whose body may take `whole`, and be silent for `stall`.
    pub(crate) fn new(
        response: reqwest::Response,
        what: &str,
        stall: Duration,
        whole: Duration,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let deadline = Instant::now() + whole;
        Self {
            response,
            what: what.to_owned(),
            stall,
            whole,
            deadline,
            read: 0,
            permit,
        }
    }

    /// Lets another request take the place of this one while its body is read.
    pub(crate) fn release(&mut self) {
        self.permit = None;
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    pub(crate) fn url(&self) -> &Url {
        self.response.url()
    }

    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// The announced length of the body. A claim; for HEAD the only thing to go by.
    pub(crate) fn announced(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH.as_str())?.trim().parse().ok()
    }

    /// The next piece of the body.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let now = Instant::now();
        let limit = (now + self.stall).min(self.deadline);
        match tokio::time::timeout_at(limit, self.response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                self.read = self.read.saturating_add(len(&chunk));
                Ok(Some(chunk))
            }
            Ok(Ok(None)) => Ok(None),
            Ok(Err(_)) => Err(Error::Truncated {
                what: self.what.clone(),
                found: self.read,
            }),
            Err(_) => {
                let after = if limit == self.deadline {
                    self.whole
                } else {
                    self.stall
                };
                Err(Error::Timeout {
                    what: self.what.clone(),
                    after,
                })
            }
        }
    }

    /// The whole body, refused as soon as it is larger than `max`.
    pub(crate) async fn bytes(mut self, max: u64) -> Result<Bytes, Error> {
        let too_large = |what: &str| Error::TooLarge {
            what: what.to_owned(),
            limit: max,
        };
        let announced = self.announced();
        if announced.is_some_and(|n| n > max) {
            return Err(too_large(&self.what));
        }
        let Some(first) = self.chunk().await? else {
            return Ok(Bytes::new());
        };
        if len(&first) > max {
            return Err(too_large(&self.what));
        }
        // Most bodies come in one piece, which needs no copying.
        let Some(second) = self.chunk().await? else {
            return Ok(first);
        };
        // An announced length is a claim, but one within `max`: memory that is
        // not written to is not used.
        let capacity = announced
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(first.len() * 2);
        let mut whole = Vec::with_capacity(capacity);
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        // The connection reads into the memory of what is let go.
        drop((first, second));
        while len(&whole) <= max {
            match self.chunk().await? {
                Some(chunk) => whole.extend_from_slice(&chunk),
                None => return Ok(whole.into()),
            }
        }
        Err(too_large(&self.what))
    }

    /// Reads what is left of a small body, so that the connection can be used again.
    pub(crate) async fn drain(mut self) {
        while self.read <= limits::ERROR_BYTES {
            if !matches!(self.chunk().await, Ok(Some(_))) {
                return;
            }
        }
    }

    /// What the registry says about its refusal, in a form fit for a terminal.
    pub(crate) async fn detail(self) -> String {
        let Ok(body) = self.bytes(limits::ERROR_BYTES).await else {
            return String::new();
        };
        words(&body)
    }

    /// The error for an answer with this status, here where it is not expected.
    pub(crate) async fn refuse(self) -> Error {
        let status = self.status();
        let what = self.what.clone();
        let retry_after = crate::retry::retry_after(self.headers());
        let registry = authority(self.url());
        match status {
            StatusCode::TOO_MANY_REQUESTS => Error::RateLimited { what, retry_after },
            StatusCode::NOT_FOUND => Error::NotFound { what },
            StatusCode::UNAUTHORIZED => Error::Unauthorized {
                registry,
                detail: self.detail().await,
            },
            StatusCode::FORBIDDEN => Error::Forbidden {
                what,
                detail: self.detail().await,
            },
            _ => {
                let (status, server) = (status.as_u16(), status.is_server_error());
                let detail = self.detail().await;
                if server {
                    Error::Server {
                        what,
                        status,
                        detail,
                    }
                } else {
                    Error::Status {
                        what,
                        status,
                        detail,
                    }
                }
            }
        }
    }
}

/// `errors[0]` of an OCI error body, else nothing: pages for browsers say little.
fn words(body: &[u8]) -> String {
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else {
        return String::new();
    };
    let first = body.get("errors").and_then(|e| e.get(0));
    let text = |key: &str| first.and_then(|e| e.get(key)).and_then(|v| v.as_str());
    let said = match (text("code"), text("message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        // What token services say.
        (None, None) => body
            .get("details")
            .or_else(|| body.get("error_description"))
            .or_else(|| body.get("error"))
            .and_then(|v| v.as_str())
            .unwrap_or_default()
            .to_owned(),
    };
    said.chars()
        .filter(|c| !c.is_control())
        .take(limits::ERROR_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_registry_from_writing_on_the_terminal() {
        let body = br#"{"errors":[{"code":"DENIED","message":"no\u001b[2J\u0007 entry\n"}]}"#;
        assert_eq!(words(body), "DENIED: no[2J entry");
        assert_eq!(words(b"<html>"), "");
        assert_eq!(words(br#"{"error":"invalid_grant"}"#), "invalid_grant");
        let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(5000));
        assert_eq!(words(long.as_bytes()).len(), limits::ERROR_CHARS);
    }
}
