//! Wrong answers, on purpose.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, StatusCode, header};
use futures_util::stream;

/// Which requests a fault is for.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers make it")]
pub struct Match {
    /// The method, or any.
    pub method: Option<&'static str>,
    /// A part of the path.
    pub path: String,
}

impl Match {
    /// Requests of this method whose path has this part.
    #[must_use]
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method: Some(method),
            path: path.into(),
        }
    }

    /// Requests of any method whose path has this part.
    #[must_use]
    pub fn any(path: impl Into<String>) -> Self {
        Self {
            method: None,
            path: path.into(),
        }
    }

    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method.is_none_or(|m| m == method) && path.contains(&self.path)
    }
}

/// A wrong answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// This status, these headers and this body.
    Answer {
        /// The status code.
        status: u16,
        /// Headers by name.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The right answer with its body replaced.
    Body(Vec<u8>),
    /// The right answer with its last bytes missing, its length unchanged.
    Truncated,
    /// A body without an end.
    Endless,
    /// The right answer with a header replaced.
    Header(&'static str, String),
    /// The right answer without a header.
    NoHeader(&'static str),
    /// The connection breaks before an answer.
    Broken,
    /// The right answer, this many milliseconds late.
    Late(u64),
}

impl Fault {
    /// An answer of this status with the error body of the specification.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let body = br#"{"errors":[{"code":"TEST","message":"on purpose"}]}"#.to_vec();
        Self::Answer {
            status,
            headers: vec![("content-type", "application/json".into())],
            body,
        }
    }

    /// 429 with `Retry-After` in seconds.
    #[must_use]
    pub fn too_many(seconds: u64) -> Self {
        Self::Answer {
            status: 429,
            headers: vec![("retry-after", seconds.to_string())],
            body: b"{}".to_vec(),
        }
    }

    /// A redirect to this address.
    #[must_use]
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::Answer {
            status: 307,
            headers: vec![("location", location.into())],
            body: Vec::new(),
        }
    }

    /// Whether the right answer is not needed to make the wrong one.
    pub(crate) fn stands_alone(&self) -> bool {
        matches!(self, Self::Answer { .. } | Self::Endless | Self::Broken)
    }

    /// The wrong answer that needs no right one.
    pub(crate) fn alone(&self) -> Response<Body> {
        match self {
            Self::Answer {
                status,
                headers,
                body,
            } => {
                let mut answer = Response::builder().status(StatusCode::from_u16(*status).unwrap());
                for (name, value) in headers {
                    answer = answer.header(*name, value);
                }
                answer.body(Body::from(body.clone())).unwrap()
            }
            Self::Endless => {
                let chunk = Bytes::from(vec![b' '; 64 * 1024]);
                let endless = stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
                Response::builder()
                    .header(header::CONTENT_TYPE, waxseal_oci::media::OCI_MANIFEST)
                    .body(Body::from_stream(endless))
                    .unwrap()
            }
            _ => {
                let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("broken"))]);
                Response::new(Body::from_stream(broken))
            }
        }
    }

    /// The right answer made wrong.
    pub(crate) fn spoil(&self, headers: &mut HeaderMap, body: Bytes) -> Body {
        match self {
            Self::Body(other) => {
                headers.remove(header::CONTENT_LENGTH);
                Body::from(other.clone())
            }
            Self::Truncated => {
                let short = body.slice(..body.len() / 2);
                let broken = std::io::Error::other("truncated on purpose");
                Body::from_stream(stream::iter([Ok(short), Err(broken)]))
            }
            Self::Header(name, value) => {
                headers.insert(*name, value.parse().unwrap());
                Body::from(body)
            }
            Self::NoHeader(name) => {
                headers.remove(*name);
                Body::from(body)
            }
            _ => Body::from(body),
        }
    }
}
