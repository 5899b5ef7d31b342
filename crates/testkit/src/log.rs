//! What the registry was asked.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::HeaderMap;
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
    /// All headers.
    pub headers: HeaderMap,
    /// The status that was answered, or 0 if there was no answer yet.
    pub status: u16,
    /// How many bytes of the request's body were read.
    pub received: u64,
    /// How many bytes of the answer's body were handed out.
    pub sent: u64,
}

impl Request {
    /// What the path is about: `manifest`, `blob`, `upload`, `referrers`, `tags`, `token` or `other`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        kind(&self.path)
    }
}

pub(crate) fn kind(path: &str) -> &'static str {
    let has = |part: &str| path.contains(part);
    match () {
        () if has("/blobs/uploads") => "upload",
        () if has("/blobs/") => "blob",
        () if has("/manifests/") => "manifest",
        () if has("/referrers/") => "referrers",
        () if has("/tags/list") => "tags",
        () if has("/token") => "token",
        () => "other",
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
    /// How many connections were opened.
    pub connections: u64,
    /// Bytes that came in over TCP, with headers and TLS.
    pub wire_in: u64,
    /// Bytes that went out over TCP, with headers and TLS.
    pub wire_out: u64,
}

/// A request that is still being answered.
#[derive(Debug)]
pub(crate) struct Entry {
    request: Request,
    status: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) sent: AtomicU64,
}

impl Entry {
    pub(crate) fn answered(&self, status: u16) {
        self.status.store(status.into(), Ordering::SeqCst);
    }

    fn now(&self) -> Request {
        let status = self.status.load(Ordering::SeqCst);
        Request {
            status: u16::try_from(status).unwrap_or_default(),
            received: self.received.load(Ordering::SeqCst),
            sent: self.sent.load(Ordering::SeqCst),
            ..self.request.clone()
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<Arc<Entry>>>);

impl Log {
    pub(crate) fn add(&self, request: Request) -> Arc<Entry> {
        let entry = Arc::new(Entry {
            request,
            status: AtomicU64::new(0),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        });
        self.0.lock().unwrap().push(Arc::clone(&entry));
        entry
    }

    pub(crate) fn all(&self) -> Vec<Request> {
        self.0.lock().unwrap().iter().map(|e| e.now()).collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        for entry in self.0.lock().unwrap().iter() {
            let request = &entry.request;
            stats.requests += 1;
            stats.bytes_in += entry.received.load(Ordering::SeqCst);
            stats.bytes_out += entry.sent.load(Ordering::SeqCst);
            let key = format!("{} {}", request.method, request.kind());
            *stats.by_kind.entry(key).or_default() += 1;
        }
        stats
    }
}
