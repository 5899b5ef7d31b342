//! A private Sigstore in the process: an OIDC issuer, Fulcio with a CT log,
//! Rekor v1 and v2 and a timestamp authority, each on a port of its own.
//!
//! Keys come from a seed and the clock stands still, so that two runs agree
//! on who is trusted and when. Two instances of different seeds are foreign to
//! each other. What each answers wrongly on purpose is in [`ServiceFault`].
//!
//! ```
//! use waxseal_testkit::sigstore::{Claims, Sigstore, SigstoreOptions};
//!
//! let sigstore = Sigstore::start(SigstoreOptions::default());
//! let token = sigstore.token(&Claims::email("dev@example.com"));
//! assert_eq!(token.split('.').count(), 3);
//! let root = sigstore.trusted_root();
//! assert_eq!(root["certificateAuthorities"][0]["uri"], sigstore.fulcio_url());
//! ```

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::middleware::from_fn_with_state;
use jiff::Timestamp;
use tokio::net::TcpListener;

use crate::{KeyKind, NOW};

mod around;
mod certificate;
mod claims;
mod cosign2;
mod ct_log;
mod fulcio;
mod issuer;
mod key;
mod log_tree;
mod note;
mod rekor_v1;
mod rekor_v2;
mod signed;
mod signer;
mod trust;
mod tsa;

use around::{Around, around};
pub use around::{Asked, ServiceFault};
pub use claims::Claims;
pub use cosign2::TagLayer;
use ct_log::CtLog;
use fulcio::Fulcio;
use issuer::Issuer;
pub(crate) use key::{EdKey, sha256};
use rekor_v1::RekorV1;
use rekor_v2::RekorV2;
pub use signed::{Payload, Witnesses};
use tsa::Tsa;

/// Which of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Service {
    /// The certificate transparency log.
    CtLog,
    /// The certificate authority.
    Fulcio,
    /// The issuer of identity tokens.
    Issuer,
    /// The transparency log with promises.
    RekorV1,
    /// The transparency log of tiles.
    RekorV2,
    /// The timestamp authority.
    Tsa,
}

/// What time it is for the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Clock {
    /// Always this.
    Fixed(Timestamp),
    /// What the machine says, for programs that read its clock themselves.
    Machine,
}

/// Which interface of Rekor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogVersion {
    /// Promises, proofs and integrated times.
    V1,
    /// The same log, with statements logged as entries of the kind `intoto`
    /// 0.0.1, which have nothing but the hash of the envelope.
    V1Intoto,
    /// Proofs alone.
    V2,
    /// The same log, with statements logged as entries of the kind `dsse`,
    /// which it took in its first releases.
    V2Dsse,
}

/// How an instance is set up.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers make it")]
pub struct SigstoreOptions {
    /// Where its keys come from: equal seeds make equal keys.
    pub seed: u64,
    /// The services' clock.
    pub clock: Clock,
    /// The keys of the certificate and timestamp authorities: of P-256, or of
    /// P-384 as Sigstore's own have them, which are fresh each time.
    pub authorities: KeyKind,
}

impl Default for SigstoreOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            clock: Clock::Fixed(NOW),
            authorities: KeyKind::EcdsaP256,
        }
    }
}

/// A running private Sigstore. It stops when dropped.
pub struct Sigstore {
    clock: Arc<Time>,
    arounds: Vec<(Service, Arc<Around>)>,
    urls: Urls,
    issuer: Arc<Issuer>,
    fulcio: Arc<Fulcio>,
    ct_log: Arc<CtLog>,
    rekor_v1: Arc<RekorV1>,
    rekor_v2: Arc<RekorV2>,
    tsa: Arc<Tsa>,
    seed: u64,
    signers: AtomicU64,
    runtime: Option<tokio::runtime::Runtime>,
}

/// Where each service is, without a slash at the end.
#[derive(Clone, Debug)]
struct Urls {
    issuer: String,
    fulcio: String,
    ct_log: String,
    rekor_v1: String,
    rekor_v2: String,
    tsa: String,
}

/// The clock of all services.
#[derive(Debug)]
pub(crate) struct Time(Mutex<Clock>);

impl Time {
    pub(crate) fn now(&self) -> Timestamp {
        match *self.0.lock().unwrap() {
            Clock::Fixed(now) => now,
            Clock::Machine => Timestamp::now(),
        }
    }
}

impl Sigstore {
    /// Starts all services on free ports of loopback.
    #[must_use]
    pub fn start(options: SigstoreOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let clock = Arc::new(Time(Mutex::new(options.clock)));
        let seed = options.seed;
        let (issuer_socket, issuer_url) = bind();
        let (fulcio_socket, fulcio_url) = bind();
        let (ct_socket, ct_url) = bind();
        let (v1_socket, v1_url) = bind();
        let (v2_socket, v2_url) = bind();
        let (tsa_socket, tsa_url) = bind();
        let issuer = Arc::new(Issuer::new(seed, issuer_url.clone(), Arc::clone(&clock)));
        let ct_log = Arc::new(CtLog::new(seed, Arc::clone(&clock)));
        let fulcio = Arc::new(Fulcio::new(
            options.authorities,
            seed,
            Arc::clone(&clock),
            Arc::clone(&issuer),
            Arc::clone(&ct_log),
        ));
        let rekor_v1 = Arc::new(RekorV1::new(seed, Arc::clone(&clock)));
        let rekor_v2 = Arc::new(RekorV2::new(seed));
        let tsa = Arc::new(Tsa::new(options.authorities, seed, Arc::clone(&clock)));
        let mut arounds = Vec::new();
        let services = [
            (
                Service::Issuer,
                issuer_socket,
                issuer::router(Arc::clone(&issuer)),
            ),
            (
                Service::Fulcio,
                fulcio_socket,
                fulcio::router(Arc::clone(&fulcio)),
            ),
            (
                Service::CtLog,
                ct_socket,
                ct_log::router(Arc::clone(&ct_log)),
            ),
            (
                Service::RekorV1,
                v1_socket,
                rekor_v1::router(Arc::clone(&rekor_v1)),
            ),
            (
                Service::RekorV2,
                v2_socket,
                rekor_v2::router(Arc::clone(&rekor_v2)),
            ),
            (Service::Tsa, tsa_socket, tsa::router(Arc::clone(&tsa))),
        ];
        for (service, socket, router) in services {
            let layer = Arc::new(Around::default());
            serve(&runtime, socket, router, Arc::clone(&layer));
            arounds.push((service, layer));
        }
        Self {
            clock,
            arounds,
            urls: Urls {
                issuer: issuer_url,
                fulcio: fulcio_url,
                ct_log: ct_url,
                rekor_v1: v1_url,
                rekor_v2: v2_url,
                tsa: tsa_url,
            },
            issuer,
            fulcio,
            ct_log,
            rekor_v1,
            rekor_v2,
            tsa,
            seed,
            signers: AtomicU64::new(0),
            runtime: Some(runtime),
        }
    }

    /// The address of the OIDC issuer, which is the `iss` of its tokens.
    #[must_use]
    pub fn issuer_url(&self) -> &str {
        &self.urls.issuer
    }

    /// The address of Fulcio.
    #[must_use]
    pub fn fulcio_url(&self) -> &str {
        &self.urls.fulcio
    }

    /// The address of the CT log, for an authority of another make.
    #[must_use]
    pub fn ct_log_url(&self) -> &str {
        &self.urls.ct_log
    }

    /// The address of Rekor v1.
    #[must_use]
    pub fn rekor_v1_url(&self) -> &str {
        &self.urls.rekor_v1
    }

    /// The address of Rekor v2.
    #[must_use]
    pub fn rekor_v2_url(&self) -> &str {
        &self.urls.rekor_v2
    }

    /// The address to which timestamp requests are sent, path and all.
    #[must_use]
    pub fn tsa_url(&self) -> String {
        format!("{}{}", self.urls.tsa, tsa::PATH)
    }

    /// An identity token with these claims; `iss`, `aud`, `iat`, `nbf` and
    /// `exp` are filled in where they are missing. Fulcio accepts whatever
    /// `iss` is in it.
    #[must_use]
    pub fn token(&self, claims: &Claims) -> String {
        self.issuer.token(claims)
    }

    /// Who signs in from now on, by browser, device or workload.
    pub fn sign_in_as(&self, claims: Claims) {
        self.issuer.sign_in_as(claims);
    }

    /// How many times a device that asks for its token is told to wait.
    pub fn hold_device(&self, polls: u64) {
        self.issuer.hold_device(polls);
    }

    /// Sets the services' clock.
    pub fn set_clock(&self, clock: Clock) {
        *self.clock.0.lock().unwrap() = clock;
    }

    /// Answers the next `times` requests to a service wrongly ([`u64::MAX`]:
    /// all). One request meets one fault at most, in the order in which they
    /// were set.
    pub fn fault(&self, service: Service, fault: ServiceFault, times: u64) {
        self.around(service).plan(fault, times);
    }

    /// Forgets all faults.
    pub fn heal(&self) {
        for (_, around) in &self.arounds {
            around.heal();
        }
    }

    /// What a service was asked, oldest first.
    #[must_use]
    pub fn asked(&self, service: Service) -> Vec<Asked> {
        self.around(service).asked()
    }

    fn around(&self, service: Service) -> &Around {
        let found = self.arounds.iter().find(|(s, _)| *s == service);
        &found.expect("every service has one").1
    }
}

impl Drop for Sigstore {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Sigstore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sigstore")
            .field("urls", &self.urls)
            .finish_non_exhaustive()
    }
}

fn bind() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback");
    listener.set_nonblocking(true).expect("a listener");
    let address = listener.local_addr().expect("its address");
    (listener, format!("http://{address}"))
}

fn serve(
    runtime: &tokio::runtime::Runtime,
    socket: std::net::TcpListener,
    router: Router,
    layer: Arc<Around>,
) {
    let app = router.layer(from_fn_with_state(layer, around));
    runtime.spawn(async move {
        let listener = TcpListener::from_std(socket).expect("a listener");
        let _ = axum::serve(listener, app).await;
    });
}
