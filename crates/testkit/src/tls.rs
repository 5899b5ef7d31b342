//! Certificates for servers on loopback.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A certificate authority and a server's certificate by it, as PEM.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TlsIdentity {
    /// The authority, which a client has to trust.
    pub ca_pem: String,
    /// The server's certificate.
    pub cert_pem: String,
    /// The server's private key, PKCS#8.
    pub key_pem: String,
}

impl TlsIdentity {
    /// An identity for `127.0.0.1` and `localhost`.
    #[must_use]
    pub fn loopback() -> Self {
        Self::for_names(&["127.0.0.1", "localhost"])
    }

    /// An identity for these names and addresses.
    #[must_use]
    pub fn for_names(names: &[&str]) -> Self {
        Self::make(names, 2100)
    }

    /// An identity for `127.0.0.1` and `localhost` whose certificate has expired.
    #[must_use]
    pub fn expired() -> Self {
        Self::make(&["127.0.0.1", "localhost"], 2021)
    }

    fn make(names: &[&str], until: i32) -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = authority.self_signed(&authority_key).unwrap();
        let issuer = Issuer::from_params(&authority, &authority_key);
        let names: Vec<_> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut server = CertificateParams::new(names).unwrap();
        server.not_before = date_time_ymd(2020, 1, 1);
        server.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let cert = server.signed_by(&key, &issuer).unwrap();
        Self {
            ca_pem: ca.pem(),
            cert_pem: cert.pem(),
            key_pem: key.serialize_pem(),
        }
    }

    /// What a server takes connections with.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let certificates = CertificateDer::pem_slice_iter(self.cert_pem.as_bytes());
        let certificates = certificates.collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}
