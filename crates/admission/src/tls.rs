//! The server's certificate, read again when its files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum_server::tls_rustls::RustlsConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::files;

/// A certificate and its key, from files.
#[derive(Debug)]
pub struct Certificate {
    files: Files,
    config: RustlsConfig,
    loaded: Mutex<Pem>,
}

/// The files of a certificate.
#[derive(Clone, Debug)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

/// The content of the files.
#[derive(PartialEq, Eq)]
struct Pem {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl std::fmt::Debug for Pem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pem(..)")
    }
}

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("`{}` cannot be read: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// No certificate in the file.
    #[error("`{}` holds no PEM certificate", .0.display())]
    NoCertificate(PathBuf),
    /// No private key in the file.
    #[error("`{}` holds no PEM private key", .0.display())]
    NoKey(PathBuf),
    /// The two do not go together, or are of a kind that is not supported.
    #[error("the certificate `{}` and the key `{}` cannot be used: {error}", cert.display(), key.display())]
    Unusable {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        error: rustls::Error,
    },
}

impl Certificate {
    /// Reads both files, and the authorities of the clients' certificates where
    /// there are such.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn load(
        cert: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
        client_ca: Option<PathBuf>,
    ) -> Result<Self, CertificateError> {
        let files = Files {
            cert: cert.into(),
            key: key.into(),
            client_ca,
        };
        let pem = files.read()?;
        let config = RustlsConfig::from_config(Arc::new(files.config(&pem)?));
        Ok(Self {
            files,
            config,
            loaded: Mutex::new(pem),
        })
    }

    /// Reads the files again; says whether there was something new. What cannot
    /// be used leaves the certificate in use as it is.
    ///
    /// The content is compared rather than its time: a mounted Secret is
    /// swapped by a symbolic link, whose target can be older than what it
    /// replaces. A pair read between the two writes does not fit and is read
    /// again the next time.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn refresh(&self) -> Result<bool, CertificateError> {
        let pem = self.files.read()?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if *loaded == pem {
            return Ok(false);
        }
        self.config
            .reload_from_config(Arc::new(self.files.config(&pem)?));
        *loaded = pem;
        Ok(true)
    }

    /// Whether clients are asked for a certificate.
    #[must_use]
    pub fn asks_clients(&self) -> bool {
        self.files.client_ca.is_some()
    }

    /// What the server's acceptor takes each connection's configuration from.
    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }
}

impl Files {
    fn read(&self) -> Result<Pem, CertificateError> {
        let read = |path: &Path| {
            files::read(path).map_err(|error| CertificateError::File {
                path: path.to_owned(),
                error,
            })
        };
        Ok(Pem {
            cert: read(&self.cert)?,
            key: read(&self.key)?,
            client_ca: self.client_ca.as_deref().map(read).transpose()?,
        })
    }

    fn config(&self, pem: &Pem) -> Result<ServerConfig, CertificateError> {
        let chain = certificates(&pem.cert, &self.cert)?;
        let private = PrivateKeyDer::from_pem_slice(&pem.key)
            .map_err(|_| CertificateError::NoKey(self.key.clone()))?;
        let unusable = |error| CertificateError::Unusable {
            cert: self.cert.clone(),
            key: self.key.clone(),
            error,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = match (&pem.client_ca, &self.client_ca) {
            (Some(pem), Some(path)) => {
                let mut roots = RootCertStore::empty();
                for root in certificates(pem, path)? {
                    roots.add(root).map_err(unusable)?;
                }
                // The kubelet's probes have no certificate: whether there was
                // one is looked at where a review is asked for.
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .allow_unauthenticated()
                        .build()
                        .map_err(|_| CertificateError::NoCertificate(path.clone()))?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, private).map_err(unusable)?;
        // The API server speaks HTTP/2 wherever it is offered.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn certificates(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let none = || CertificateError::NoCertificate(path.to_owned());
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| none())?;
    if chain.is_empty() {
        Err(none())
    } else {
        Ok(chain)
    }
}
