//! Registries behind TLS.

use axum::extract::Request;
use axum_server::tls_rustls::{RustlsConfig, from_tcp_rustls};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use waxseal_oci::{Digest, Reference};
use waxseal_registry::{Client, Error, Found, Source as _};

use crate::fake::answer;

/// A server with a certificate from an authority of its own. It answers with
/// the HTTP version that it was asked in. Returns its address and the authority.
async fn serve(name: &str) -> (Reference, String) {
    // Another test may have been first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let config = RustlsConfig::from_pem(leaf.pem().into(), key.serialize_pem().into()).await;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let router = axum::Router::new().fallback(|request: Request| async move {
        let digest = Digest::sha256(format!("{:?}", request.version()).as_bytes());
        let headers = [
            ("docker-content-digest", digest.as_str()),
            ("content-type", waxseal_oci::media::OCI_MANIFEST),
            ("content-length", "7"),
        ];
        answer(200, &headers, "0123456")
    });
    let server = from_tcp_rustls(listener, config.unwrap()).unwrap();
    tokio::spawn(server.serve(router.into_make_service()));
    (format!("127.0.0.1:{port}/app:v1").parse().unwrap(), root)
}

#[tokio::test]
async fn trusts_the_authority_that_it_is_given() {
    let (reference, authority) = serve("127.0.0.1").await;
    let client = Client::builder()
        .anonymous(true)
        .ca_pem(authority)
        .build()
        .unwrap();
    let digest = Digest::sha256(b"HTTP/2.0");
    assert_eq!(client.resolve(&reference).await, Ok(Found::Present(digest)));
}

#[tokio::test]
async fn trusts_no_other() {
    let (reference, _) = serve("127.0.0.1").await;
    let (_, other) = serve("127.0.0.1").await;
    let registry = reference.repository().registry().to_owned();
    // The other authority has the same name and another key.
    let tries = [
        (Client::builder(), "invalid peer certificate: UnknownIssuer"),
        (
            Client::builder().ca_pem(other),
            "invalid peer certificate: BadSignature",
        ),
    ];
    for (client, reason) in tries {
        let client = client.anonymous(true).build().unwrap();
        let refused = Err(Error::Tls {
            host: registry.clone(),
            reason: reason.to_owned(),
        });
        assert_eq!(client.resolve(&reference).await, refused);
    }
}

#[tokio::test]
async fn trusts_no_certificate_for_another_name() {
    let (reference, authority) = serve("registry.example.com").await;
    let client = Client::builder()
        .anonymous(true)
        .ca_pem(authority)
        .build()
        .unwrap();
    let Err(Error::Tls { reason, .. }) = client.resolve(&reference).await else {
        panic!("the certificate is for another name")
    };
    assert!(reason.contains("not valid for name"), "{reason}");
}

#[test]
fn says_what_is_not_a_certificate() {
    let build = |pem: &str| Client::builder().ca_pem(pem).build().map(|_| ());
    let refused = |reason: &str| {
        Err(Error::Tls {
            host: "the given authority".into(),
            reason: reason.into(),
        })
    };
    assert_eq!(
        build("nonsense"),
        refused("there is no PEM certificate in it")
    );
}
