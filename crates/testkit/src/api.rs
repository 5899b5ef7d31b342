//! The distribution specification 1.1, as a service over [`Contents`].

mod blobs;
mod manifests;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Request, Response, StatusCode, Uri, header};

use crate::store::Contents;

/// What the service is made of.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) contents: Contents,
    /// Whether there is a referrers API.
    pub(crate) referrers: bool,
    /// How many referrers one page lists, or all.
    pub(crate) page: Option<usize>,
    /// Whether manifests may name what is not there.
    pub(crate) dangling: bool,
}

/// A request for the part of the API that it is about.
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) headers: HeaderMap,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Bytes,
}

pub(crate) type Answer = Response<Body>;

pub(crate) fn router(api: Api) -> Router {
    Router::new().fallback(serve).with_state(Arc::new(api))
}

async fn serve(State(api): State<Arc<Api>>, request: Request<Body>) -> Answer {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return error(400, "BLOB_UPLOAD_INVALID", "the body broke off");
    };
    let call = Call {
        method: parts.method.as_str().to_owned(),
        headers: parts.headers,
        query: query(&parts.uri),
        body,
    };
    let path = parts.uri.path().replace("%3A", ":").replace("%3a", ":");
    match Route::of(&path) {
        Some(Route::Base) => answer(200, &[("content-type", "application/json")], "{}"),
        Some(route) if !is_name(route.name()) => {
            error(400, "NAME_INVALID", "invalid repository name")
        }
        Some(Route::Blob { name, digest }) => blobs::blob(&api, &call, name, digest),
        Some(Route::Upload { name, id }) => blobs::upload(&api, &call, name, id),
        Some(Route::Manifest { name, reference }) => {
            manifests::manifest(&api, &call, name, reference)
        }
        Some(Route::Referrers { .. }) if !api.referrers => answer(
            404,
            &[("content-type", "text/plain")],
            "404 page not found\n",
        ),
        Some(Route::Referrers { name, digest }) => manifests::referrers(&api, &call, name, digest),
        Some(Route::Tags { name }) => manifests::tags(&api, &call, name),
        None => error(404, "NOT_FOUND", "no such route"),
    }
}

enum Route<'a> {
    Base,
    Blob { name: &'a str, digest: &'a str },
    Manifest { name: &'a str, reference: &'a str },
    Referrers { name: &'a str, digest: &'a str },
    Tags { name: &'a str },
    Upload { name: &'a str, id: &'a str },
}

impl<'a> Route<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix("/v2")?.trim_start_matches('/');
        if rest.is_empty() {
            return Some(Self::Base);
        }
        // Names have slashes, so the last marker counts.
        if let Some((name, id)) = rest.rsplit_once("/blobs/uploads") {
            let id = id.trim_start_matches('/');
            return Some(Self::Upload { name, id });
        }
        if let Some((name, digest)) = rest.rsplit_once("/blobs/") {
            return Some(Self::Blob { name, digest });
        }
        if let Some((name, reference)) = rest.rsplit_once("/manifests/") {
            return Some(Self::Manifest { name, reference });
        }
        if let Some((name, digest)) = rest.rsplit_once("/referrers/") {
            return Some(Self::Referrers { name, digest });
        }
        let name = rest.strip_suffix("/tags/list")?;
        Some(Self::Tags { name })
    }

    fn name(&self) -> &'a str {
        match self {
            Self::Base => "base",
            Self::Blob { name, .. }
            | Self::Manifest { name, .. }
            | Self::Referrers { name, .. }
            | Self::Tags { name }
            | Self::Upload { name, .. } => name,
        }
    }
}

fn is_name(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    name.split('/')
        .all(|part| !part.is_empty() && part.bytes().all(good))
}

fn query(uri: &Uri) -> BTreeMap<String, String> {
    Query::try_from_uri(uri)
        .map(|Query(q)| q)
        .unwrap_or_default()
}

pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut answer = Response::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(body.into()).unwrap()
}

pub(crate) fn error(status: u16, code: &str, message: &str) -> Answer {
    let body = serde_json::json!({ "errors": [{ "code": code, "message": message }] });
    answer(
        status,
        &[("content-type", "application/json")],
        body.to_string(),
    )
}

/// Content with the headers that both GET and HEAD carry.
pub(crate) fn content(call: &Call, headers: &[(&str, &str)], bytes: Bytes) -> Answer {
    let length = bytes.len().to_string();
    let body = if call.method == "HEAD" {
        Body::empty()
    } else {
        Body::from(bytes)
    };
    let mut answer = answer(200, headers, body);
    let length = length.parse().unwrap();
    answer.headers_mut().insert(header::CONTENT_LENGTH, length);
    answer
}
