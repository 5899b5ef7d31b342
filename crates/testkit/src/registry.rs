//! The registry and the layers around it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request as HttpRequest, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::api::{self, Api};
use crate::around::around;
use crate::fault::{Fault, Match};
use crate::log::{Log, Request, Stats};
use crate::store::Contents;
use crate::tls::TlsIdentity;
use crate::wire::{Incoming, Peer, Wire};

/// How a registry behaves.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers make it")]
pub struct Options {
    /// Whether it has the referrers API of distribution-spec 1.1.
    pub referrers: bool,
    /// Whether it asks for credentials.
    pub auth: Auth,
    /// How much later each answer comes.
    pub delay: Option<Duration>,
    /// The port, or 0 for a free one.
    pub port: u16,
    /// Whether it speaks HTTPS, and as whom.
    pub tls: Option<TlsIdentity>,
    /// How many referrers one page lists, or all.
    pub page: Option<usize>,
    /// Whether a manifest may be pushed before what it names.
    pub dangling: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            referrers: true,
            auth: Auth::None,
            delay: None,
            port: 0,
            tls: None,
            page: None,
            dangling: false,
        }
    }
}

/// How a registry asks for credentials. The user is `user`, the password `secret`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Auth {
    /// A password with each request.
    Basic,
    /// Nobody is asked.
    None,
    /// A token from a token service that gives one to anybody.
    Token,
    /// A token from a token service that asks for the password.
    PrivateToken,
}

/// A running registry. It stops when dropped.
#[derive(Debug)]
pub struct Registry {
    shared: Arc<Shared>,
    inner: Router,
    runtime: Option<tokio::runtime::Runtime>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) host: String,
    pub(crate) log: Log,
    pub(crate) faults: Mutex<Vec<Planned>>,
    pub(crate) tokens: AtomicU64,
    pub(crate) revoked: AtomicU64,
    pub(crate) contents: Contents,
    wire: Arc<Wire>,
}

/// A fault that waits for its requests.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) matching: Match,
    pub(crate) fault: Fault,
    pub(crate) times: u64,
}

impl Registry {
    /// Starts a registry.
    #[must_use]
    pub fn start(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = std::net::TcpListener::bind(("127.0.0.1", options.port)).expect("loopback");
        listener.set_nonblocking(true).expect("a listener");
        let host = listener.local_addr().expect("its address").to_string();
        let shared = Arc::new(Shared {
            options,
            host,
            log: Log::default(),
            faults: Mutex::default(),
            tokens: AtomicU64::new(0),
            revoked: AtomicU64::new(0),
            contents: Contents::default(),
            wire: Arc::default(),
        });
        let inner = api::router(Api {
            contents: shared.contents.clone(),
            referrers: shared.options.referrers,
            page: shared.options.page,
            dangling: shared.options.dangling,
        });
        let app = inner
            .clone()
            .layer(from_fn_with_state(Arc::clone(&shared), around))
            .merge(instruments(Arc::clone(&shared)));
        let tls = shared.options.tls.as_ref().map(TlsIdentity::acceptor);
        let wire = Arc::clone(&shared.wire);
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            let incoming = Incoming::new(listener, wire, tls);
            let app = app.into_make_service_with_connect_info::<Peer>();
            let _ = axum::serve(incoming, app).await;
        });
        Self {
            shared,
            inner,
            runtime: Some(runtime),
        }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.shared.host
    }

    /// `http://127.0.0.1:PORT`, or with `https`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = match self.shared.options.tls {
            Some(_) => "https",
            None => "http",
        };
        format!("{scheme}://{}", self.host())
    }

    /// How it behaves.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// What it holds, to read and to write past HTTP.
    #[must_use]
    pub fn contents(&self) -> &Contents {
        &self.shared.contents
    }

    /// Every request since the last reset.
    #[must_use]
    pub fn log(&self) -> Vec<Request> {
        self.shared.log.all()
    }

    /// How many requests there were since the last reset.
    #[must_use]
    pub fn count(&self) -> usize {
        self.log().len()
    }

    /// Totals since the last reset.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Forgets the requests so far.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Answers the next `times` matching requests wrongly ([`u64::MAX`]: all).
    /// Faults are tried in the order in which they were set; one request meets
    /// one of them at most.
    pub fn fault(&self, matching: Match, fault: Fault, times: u64) {
        self.shared.faults.lock().unwrap().push(Planned {
            matching,
            fault,
            times,
        });
    }

    /// Forgets all faults.
    pub fn heal(&self) {
        self.shared.faults.lock().unwrap().clear();
    }

    /// Makes every token that was issued so far invalid.
    pub fn expire_tokens(&self) {
        self.shared
            .revoked
            .store(self.shared.tokens.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// A request past the layers: neither counted nor delayed nor spoilt.
    pub fn inside(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> (u16, HeaderMap, Vec<u8>) {
        let mut request = HttpRequest::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let service = self.inner.clone();
        let (sender, receiver) = std::sync::mpsc::channel();
        self.runtime.as_ref().expect("it runs").spawn(async move {
            let answer = service.oneshot(request).await.unwrap();
            let (parts, body) = answer.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
            let _ = sender.send((parts.status.as_u16(), parts.headers, body));
        });
        receiver.recv().expect("an answer")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    fn stats(&self) -> Stats {
        Stats {
            connections: self.wire.connections.load(Ordering::SeqCst),
            wire_in: self.wire.received.load(Ordering::SeqCst),
            wire_out: self.wire.sent.load(Ordering::SeqCst),
            ..self.log.stats()
        }
    }

    fn reset(&self) {
        self.log.clear();
        for counter in [&self.wire.connections, &self.wire.received, &self.wire.sent] {
            counter.store(0, Ordering::SeqCst);
        }
    }
}

/// The addresses at which another process reads the totals.
fn instruments(shared: Arc<Shared>) -> Router {
    let stats = |State(shared): State<Arc<Shared>>| async move { axum::Json(shared.stats()) };
    let reset = |State(shared): State<Arc<Shared>>| async move {
        shared.reset();
        StatusCode::NO_CONTENT
    };
    Router::new()
        .route("/_testkit/stats", get(stats))
        .route("/_testkit/reset", post(reset))
        .with_state(shared)
}
