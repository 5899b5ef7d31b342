//! What the registry was asked.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Serialize;

/// One request as the registry saw it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, if there is one.
    pub query: Option<String>,
    /// The `Authorization` header, if there is one.
    pub authorization: Option<String>,
    /// The status that was answered.
    pub status: u16,
    /// The length of the request's body as declared.
    pub received: u64,
    /// The length of the answer's body as declared.
    pub sent: u64,
}

impl Request {
    /// What the path is about: `manifest`, `blob`, `upload`, `referrers`, `token` or `other`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        let has = |part: &str| self.path.contains(part);
        match () {
            () if has("/blobs/uploads") => "upload",
            () if has("/blobs/") => "blob",
            () if has("/manifests/") => "manifest",
            () if has("/referrers/") => "referrers",
            () if has("/token") => "token",
            () => "other",
        }
    }
}

/// Totals over all requests since the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// How many requests there were.
    pub requests: u64,
    /// How many by method and kind: `GET manifest`.
    pub by_kind: BTreeMap<String, u64>,
    /// Bytes of request bodies.
    pub bytes_in: u64,
    /// Bytes of answer bodies.
    pub bytes_out: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<Request>>);

impl Log {
    pub(crate) fn add(&self, request: Request) {
        self.0.lock().unwrap().push(request);
    }

    pub(crate) fn all(&self) -> Vec<Request> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        for request in self.0.lock().unwrap().iter() {
            stats.requests += 1;
            stats.bytes_in += request.received;
            stats.bytes_out += request.sent;
            let key = format!("{} {}", request.method, request.kind());
            *stats.by_kind.entry(key).or_default() += 1;
        }
        stats
    }
}
