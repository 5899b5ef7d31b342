//! Services behind TLS.

use axum::Router;
use axum::body::Bytes;
use axum::http::Uri;
use axum_server::tls_rustls::{RustlsConfig, from_tcp_rustls};
use waxseal_sign::{Http, HttpOptions, ServiceError, SignError};
use waxseal_testkit::TlsIdentity;
use waxseal_testkit::sigstore::{LogVersion, Service};

use crate::keyless::World;
use crate::odd_services::forward;

/// Fulcio behind TLS. Returns its address.
async fn front(world: &World, identity: &TlsIdentity) -> String {
    // Another test may have been first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (certificate, key) = (identity.cert_pem.clone(), identity.key_pem.clone());
    let config = RustlsConfig::from_pem(certificate.into(), key.into()).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let fulcio = world.sigstore.fulcio_url().to_owned();
    let router = Router::new().fallback(move |uri: Uri, body: Bytes| async move {
        let ask = move || forward(&format!("{fulcio}{}", uri.path()), "application/json", body);
        tokio::task::spawn_blocking(ask).await.unwrap()
    });
    let server = from_tcp_rustls(listener, config.unwrap()).unwrap();
    tokio::spawn(server.serve(router.into_make_service()));
    format!("https://127.0.0.1:{port}")
}

#[tokio::test]
async fn the_authority_that_is_named_is_trusted_and_no_other() {
    let mut world = World::new();
    let identity = TlsIdentity::loopback();
    let url = front(&world, &identity).await;
    let services = world.services(&[LogVersion::V2]).with_fulcio(&url).unwrap();
    for ca in [vec![], vec![TlsIdentity::loopback().ca_pem.into_bytes()]] {
        world.http = Http::new(HttpOptions {
            ca_certificates: ca,
            ..HttpOptions::default()
        });
        let error = world.sign(&services).await.unwrap_err();
        assert!(
            matches!(
                &error,
                SignError::Service(ServiceError::Connect { service, .. })
                    if *service == waxseal_sign::Service::Fulcio
            ),
            "{error:?}"
        );
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    assert!(world.sigstore.asked(Service::Fulcio).is_empty());
    world.http = Http::new(HttpOptions {
        ca_certificates: vec![identity.ca_pem.into_bytes()],
        ..HttpOptions::default()
    });
    world.sign(&services).await.unwrap();
}
