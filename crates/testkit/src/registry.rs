//! The registry and the layers around it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request as HttpRequest, Response, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use ferro_blob_store::InMemoryBlobStore;
use ferro_oci_server::{AppState, InMemoryRegistryMeta, router};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::fault::{Fault, Match};
use crate::log::{Log, Request, Stats};
use crate::token;

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
}

impl Default for Options {
    fn default() -> Self {
        Self {
            referrers: true,
            auth: Auth::None,
            delay: None,
            port: 0,
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
    host: String,
    shared: Arc<Shared>,
    inner: Router,
    runtime: Option<tokio::runtime::Runtime>,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    host: String,
    log: Log,
    faults: Mutex<Vec<(Match, Fault, u64)>>,
    tokens: AtomicU64,
    revoked: AtomicU64,
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
        let (sender, receiver) = std::sync::mpsc::channel();
        let port = options.port;
        runtime.spawn(async move {
            sender
                .send(TcpListener::bind(("127.0.0.1", port)).await)
                .expect("the starter waits");
        });
        let listener = receiver
            .recv()
            .expect("the runtime runs")
            .expect("loopback");
        let host = listener.local_addr().expect("its address").to_string();
        let shared = Arc::new(Shared {
            options,
            host: host.clone(),
            log: Log::default(),
            faults: Mutex::default(),
            tokens: AtomicU64::new(0),
            revoked: AtomicU64::new(0),
        });
        let state = AppState::new(
            Arc::new(InMemoryBlobStore::new()),
            Arc::new(InMemoryRegistryMeta::new()),
        );
        let inner = router(state);
        let counted = Arc::clone(&shared);
        let reset = Arc::clone(&shared);
        let app = inner
            .clone()
            .layer(from_fn_with_state(Arc::clone(&shared), around))
            .route(
                "/_testkit/stats",
                get(move || async move { axum::Json(counted.log.stats()) }),
            )
            .route(
                "/_testkit/reset",
                post(move || async move {
                    reset.log.clear();
                    StatusCode::NO_CONTENT
                }),
            );
        runtime.spawn(async move {
            use axum::serve::ListenerExt as _;
            let listener = listener.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            let _ = axum::serve(listener, app).await;
        });
        Self {
            host,
            shared,
            inner,
            runtime: Some(runtime),
        }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
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
        self.shared.log.stats()
    }

    /// Forgets the requests so far.
    pub fn reset(&self) {
        self.shared.log.clear();
    }

    /// Answers the next `times` matching requests wrongly. Faults are tried in
    /// the order in which they were set.
    pub fn fault(&self, matching: Match, fault: Fault, times: u64) {
        self.shared
            .faults
            .lock()
            .unwrap()
            .push((matching, fault, times));
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

async fn around(
    State(shared): State<Arc<Shared>>,
    request: HttpRequest<Body>,
    next: Next,
) -> Response<Body> {
    let mut entry = describe(&request);
    if let Some(delay) = shared.options.delay {
        tokio::time::sleep(delay).await;
    }
    let answer = respond(&shared, &entry, request, next).await;
    entry.status = answer.status().as_u16();
    let length = answer.headers().get(header::CONTENT_LENGTH);
    let declared = length
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse().ok());
    let exact = axum::body::HttpBody::size_hint(answer.body()).exact();
    if entry.method != "HEAD" {
        entry.sent = declared.or(exact).unwrap_or_default();
    }
    shared.log.add(entry);
    answer
}

fn describe(request: &HttpRequest<Body>) -> Request {
    let text = |name: header::HeaderName| {
        request
            .headers()
            .get(name)
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned)
    };
    Request {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().map(str::to_owned),
        authorization: text(header::AUTHORIZATION),
        status: 0,
        received: text(header::CONTENT_LENGTH)
            .and_then(|v| v.parse().ok())
            .unwrap_or_default(),
        sent: 0,
    }
}

async fn respond(
    shared: &Shared,
    entry: &Request,
    request: HttpRequest<Body>,
    next: Next,
) -> Response<Body> {
    let fault = take_fault(shared, entry);
    if let Some(fault) = fault.as_ref().filter(|f| f.stands_alone()) {
        return fault.alone();
    }
    if let Some(Fault::Late(milliseconds)) = fault {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    if let Some(answer) = credentials(shared, entry) {
        return answer;
    }
    if !shared.options.referrers && entry.path.contains("/referrers/") {
        return (StatusCode::NOT_FOUND, "404 page not found").into_response();
    }
    let mut answer = next.run(request).await;
    if !shared.options.referrers {
        answer.headers_mut().remove("oci-subject");
    }
    let Some(fault) = fault else { return answer };
    let (mut parts, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body = fault.spoil(&mut parts.headers, body);
    Response::from_parts(parts, body)
}

fn take_fault(shared: &Shared, entry: &Request) -> Option<Fault> {
    let mut faults = shared.faults.lock().unwrap();
    let at = faults
        .iter()
        .position(|(m, _, n)| *n > 0 && m.is(&entry.method, &entry.path))?;
    let (_, fault, times) = faults.get_mut(at)?;
    *times -= 1;
    Some(fault.clone())
}

fn credentials(shared: &Shared, entry: &Request) -> Option<Response<Body>> {
    let given = entry.authorization.as_deref().unwrap_or_default();
    if entry.path == "/token" {
        if shared.options.auth == Auth::PrivateToken && given != token::basic() {
            return Some(token::basic_challenge());
        }
        return Some(token::issue(shared.tokens.fetch_add(1, Ordering::SeqCst)));
    }
    match shared.options.auth {
        Auth::None => None,
        Auth::Basic => (given != token::basic()).then(token::basic_challenge),
        Auth::Token | Auth::PrivateToken => {
            let serial = given
                .strip_prefix("Bearer t")
                .and_then(|s| s.parse::<u64>().ok());
            let valid = serial.is_some_and(|s| {
                s >= shared.revoked.load(Ordering::SeqCst)
                    && s < shared.tokens.load(Ordering::SeqCst)
            });
            (!valid).then(|| token::challenge(&shared.host))
        }
    }
}
