//! The server: connections, certificates, the end.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsAcceptor;
use tracing::{error, info};

use crate::http::App;
use crate::limits;

pub use crate::tls::{Certificate, CertificateError};

/// Answers on `listener` until `stop` is done, then lets the running reviews end.
///
/// # Errors
/// [`std::io::Error`] where the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    certificate: &Certificate,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let handle = Handle::<SocketAddr>::new();
    let acceptor = RustlsAcceptor::new(certificate.config())
        .handshake_timeout(limits::CONNECT_TIME)
        .acceptor(NoDelayAcceptor::new());
    let ending = {
        let handle = handle.clone();
        tokio::spawn(async move {
            stop.await;
            info!("stopping: no new connections");
            handle.graceful_shutdown(Some(limits::SHUTDOWN_TIME));
        })
    };
    let mut server = axum_server::from_tcp(listener)?
        .acceptor(acceptor)
        .first_request_timeout(limits::CONNECT_TIME)
        .handle(handle);
    server
        .http_builder()
        .http1()
        .header_read_timeout(Some(IDLE_TIME));
    server
        .http_builder()
        .http2()
        .max_concurrent_streams(Some(STREAMS))
        .keep_alive_interval(Some(IDLE_TIME));
    let ended = server.serve(app.router().into_make_service()).await;
    ending.abort();
    ended
}

/// Runs `refresh` on a thread for blocking work, again and again, `interval` apart.
pub async fn watch(interval: Duration, refresh: Arc<dyn Fn() + Send + Sync>) {
    loop {
        tokio::time::sleep(interval).await;
        let refresh = Arc::clone(&refresh);
        if let Err(error) = tokio::task::spawn_blocking(move || refresh()).await {
            error!(%error, "a reload ended in a panic");
        }
    }
}

/// Streams of one connection: an API server sends all its reviews over a few.
const STREAMS: u32 = 250;
/// How long a connection may say nothing.
const IDLE_TIME: Duration = Duration::from_secs(120);
