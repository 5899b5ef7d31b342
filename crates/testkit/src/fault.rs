//! Wrong answers, on purpose.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode, header};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use waxseal_oci::media;

use crate::log::kind;
use crate::store::Contents;

/// Which requests a fault is for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Match {
    /// The method, or any.
    pub method: Option<&'static str>,
    /// A part of the path.
    pub path: String,
    /// What the path is about ([`Request::kind`](crate::Request::kind)), or anything.
    pub kind: Option<&'static str>,
    /// How many matching requests go by first.
    pub skip: u64,
}

impl Match {
    /// Requests of this method whose path has this part.
    #[must_use]
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method: Some(method),
            ..Self::any(path)
        }
    }

    /// Requests of any method whose path has this part.
    #[must_use]
    pub fn any(path: impl Into<String>) -> Self {
        Self {
            method: None,
            path: path.into(),
            kind: None,
            skip: 0,
        }
    }

    /// Requests of any method about this kind of thing: `manifest`, `blob`,
    /// `upload`, `referrers`, `tags`, `token`.
    #[must_use]
    pub fn kind(kind: &'static str) -> Self {
        Self {
            kind: Some(kind),
            ..Self::any("")
        }
    }

    /// The same requests, after this many of them.
    #[must_use]
    pub fn after(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method.is_none_or(|m| m == method)
            && self.kind.is_none_or(|k| k == kind(path))
            && path.contains(&self.path)
    }
}

/// A wrong answer.
#[derive(Clone)]
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
    /// Every entry of a list of manifests claims this `artifactType`, or none,
    /// and no annotations.
    ArtifactType(Option<String>),
    /// Something happens before the right answer is made.
    Before(Hook),
    /// The right answer with its body replaced.
    Body(Vec<u8>),
    /// The connection is reset before an answer.
    Broken,
    /// A body without an end, of no stated length.
    Endless,
    /// A list of referrers whose every page names another page.
    EndlessPages,
    /// A write is acknowledged and not done.
    Forgotten,
    /// No answer, ever.
    Hang,
    /// The right answer with a header replaced.
    Header(&'static str, String),
    /// A body of spaces that has this length and says so.
    Huge(u64),
    /// The right answer, this many milliseconds late.
    Late(u64),
    /// The right answer with another `Content-Length`: a shorter one cuts the
    /// body, a longer one leaves it unfinished.
    Length(u64),
    /// The right answer without a header.
    NoHeader(&'static str),
    /// A redirect to the address that was asked.
    RedirectLoop,
    /// The right answer in pieces of so many bytes, each so many milliseconds late.
    Slow(usize, u64),
    /// The right answer with its last bytes missing, its length unchanged.
    Truncated,
    /// Referrers of every kind whatever was asked for. Says that it filtered, or not.
    Unfiltered {
        /// Whether `OCI-Filters-Applied` is there all the same.
        claims: bool,
    },
    /// These bytes on the wire, status line and all, then the end.
    Verbatim(Vec<u8>),
}

/// What a [`Fault::Before`] does.
pub type Hook = Arc<dyn Fn(&Contents) + Send + Sync>;

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

    /// 401 that sends a client to the token service at this address.
    #[must_use]
    pub fn challenge(realm: &str) -> Self {
        let value = format!(r#"Bearer realm="{realm}",service="testkit""#);
        Self::Answer {
            status: 401,
            headers: vec![("www-authenticate", value)],
            body: b"{}".to_vec(),
        }
    }

    /// An upload that is to go on at this address.
    #[must_use]
    pub fn upload_at(location: impl Into<String>) -> Self {
        Self::Header("location", location.into())
    }

    /// Does something to what the registry holds, then answers rightly: a tag
    /// that moves, another writer in between.
    #[must_use]
    pub fn before(act: impl Fn(&Contents) + Send + Sync + 'static) -> Self {
        Self::Before(Arc::new(act))
    }

    /// The wrong answer that needs no right one, if this is such a fault.
    pub(crate) fn alone(&self, path: &str) -> Option<Response<Body>> {
        Some(match self {
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
                let chunk = Bytes::from(vec![b' '; CHUNK]);
                let endless = stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
                of_kind(path, Body::from_stream(endless))
            }
            Self::EndlessPages => {
                let list = json!({
                    "schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [],
                });
                let mut answer = of_kind(path, Body::from(list.to_string()));
                let next = format!("<{path}?page={}>; rel=\"next\"", unique());
                let headers = answer.headers_mut();
                headers.insert(header::LINK, next.parse().unwrap());
                answer
            }
            Self::Forgotten => {
                let mut answer = Response::new(Body::empty());
                *answer.status_mut() = StatusCode::CREATED;
                let headers = answer.headers_mut();
                headers.insert(header::LOCATION, path.parse().unwrap());
                answer
            }
            Self::Huge(length) => {
                let body = Body::from_stream(spaces(*length));
                let mut answer = of_kind(path, body);
                let headers = answer.headers_mut();
                headers.insert(header::CONTENT_LENGTH, (*length).into());
                answer
            }
            Self::RedirectLoop => {
                let again = format!("{path}?again={}", unique());
                return Self::redirect(again).alone(path);
            }
            _ => return None,
        })
    }

    /// The right answer made wrong.
    pub(crate) fn spoil(&self, answer: Response<Body>, body: Bytes) -> Response<Body> {
        let (mut parts, _) = answer.into_parts();
        let headers = &mut parts.headers;
        let body = match self {
            Self::ArtifactType(kind) => {
                headers.remove(header::CONTENT_LENGTH);
                Body::from(relabel(&body, kind.as_deref()))
            }
            Self::Body(other) => {
                headers.remove(header::CONTENT_LENGTH);
                Body::from(other.clone())
            }
            Self::Header(name, value) => {
                headers.insert(*name, value.parse().unwrap());
                Body::from(body)
            }
            Self::Length(length) => {
                headers.insert(header::CONTENT_LENGTH, (*length).into());
                let short = usize::try_from(*length).unwrap_or(usize::MAX);
                let whole = body.slice(..body.len().min(short));
                if short > body.len() {
                    cut_off(whole)
                } else {
                    Body::from_stream(stream::iter([Ok::<_, std::io::Error>(whole)]))
                }
            }
            Self::NoHeader(name) => {
                headers.remove(*name);
                Body::from(body)
            }
            Self::Slow(piece, pause) => {
                let pieces: Vec<_> = body.chunks((*piece).max(1)).map(<[u8]>::to_vec).collect();
                let pause = Duration::from_millis(*pause);
                Body::from_stream(stream::iter(pieces).then(move |piece| async move {
                    tokio::time::sleep(pause).await;
                    Ok::<_, std::io::Error>(piece)
                }))
            }
            Self::Truncated => {
                headers.insert(header::CONTENT_LENGTH, body.len().into());
                cut_off(body.slice(..body.len() / 2))
            }
            Self::Unfiltered { claims } => {
                if *claims {
                    let applied = "artifactType".parse().unwrap();
                    headers.insert("oci-filters-applied", applied);
                }
                Body::from(body)
            }
            _ => Body::from(body),
        };
        Response::from_parts(parts, body)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Answer { status, .. } => return write!(f, "Answer({status})"),
            Self::ArtifactType(kind) => return write!(f, "ArtifactType({kind:?})"),
            Self::Before(_) => "Before",
            Self::Body(_) => "Body",
            Self::Broken => "Broken",
            Self::Endless => "Endless",
            Self::EndlessPages => "EndlessPages",
            Self::Forgotten => "Forgotten",
            Self::Hang => "Hang",
            Self::Header(name, value) => return write!(f, "Header({name}: {value})"),
            Self::Huge(length) => return write!(f, "Huge({length})"),
            Self::Late(pause) => return write!(f, "Late({pause})"),
            Self::Length(length) => return write!(f, "Length({length})"),
            Self::NoHeader(name) => return write!(f, "NoHeader({name})"),
            Self::RedirectLoop => "RedirectLoop",
            Self::Slow(piece, pause) => return write!(f, "Slow({piece}, {pause})"),
            Self::Truncated => "Truncated",
            Self::Unfiltered { claims } => return write!(f, "Unfiltered({claims})"),
            Self::Verbatim(_) => "Verbatim",
        };
        f.write_str(name)
    }
}

fn of_kind(path: &str, body: Body) -> Response<Body> {
    let media_type = match kind(path) {
        "manifest" => media::OCI_MANIFEST,
        "referrers" => media::OCI_INDEX,
        "blob" => "application/octet-stream",
        _ => "application/json",
    };
    let mut answer = Response::new(body);
    let value = media_type.parse().unwrap();
    answer.headers_mut().insert(header::CONTENT_TYPE, value);
    answer
}

fn spaces(length: u64) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    let chunk = Bytes::from(vec![b' '; CHUNK]);
    stream::unfold((length, chunk), |(rest, chunk)| async move {
        let n = usize::try_from(rest).unwrap_or(CHUNK).min(CHUNK);
        let left = rest.saturating_sub(u64::try_from(n).unwrap_or(rest));
        (n > 0).then(|| (Ok(chunk.slice(..n)), (left, chunk)))
    })
}

fn relabel(list: &[u8], kind: Option<&str>) -> Vec<u8> {
    let Ok(mut list) = serde_json::from_slice::<Value>(list) else {
        return list.to_vec();
    };
    let entries = list.get_mut("manifests").and_then(Value::as_array_mut);
    for entry in entries
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        entry.remove("annotations");
        match kind {
            Some(kind) => entry.insert("artifactType".to_owned(), json!(kind)),
            None => entry.remove("artifactType"),
        };
    }
    list.to_string().into_bytes()
}

/// A number that no earlier answer had, so that no two addresses are the same.
fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::SeqCst)
}

/// A body that breaks off after these bytes, which closes the connection.
fn cut_off(bytes: Bytes) -> Body {
    let end = stream::once(async {
        // The server writes what it has only while it waits for more.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("broken off on purpose"))
    });
    Body::from_stream(stream::iter([Ok(bytes)]).chain(end))
}

const CHUNK: usize = 64 * 1024;
