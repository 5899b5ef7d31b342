//! The server's certificate, read again when its files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::files;

/// A certificate and its key, from files.
#[derive(Debug)]
pub struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    config: RustlsConfig,
    loaded: Mutex<Pem>,
}

/// The content of both files.
#[derive(PartialEq, Eq)]
struct Pem {
    cert: Vec<u8>,
    key: Vec<u8>,
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
    /// Reads both files.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn load(
        cert: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, CertificateError> {
        let (cert, key) = (cert.into(), key.into());
        let pem = Pem::read(&cert, &key)?;
        let config = RustlsConfig::from_config(Arc::new(pem.config(&cert, &key)?));
        Ok(Self {
            cert,
            key,
            config,
            loaded: Mutex::new(pem),
        })
    }

    /// Reads both files again; says whether there was something new. A pair
    /// that cannot be used leaves the one in use as it is.
    ///
    /// The content is compared rather than its time: a mounted Secret is
    /// swapped by a symbolic link, whose target can be older than what it
    /// replaces. A pair read between the two writes does not fit and is read
    /// again the next time.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn refresh(&self) -> Result<bool, CertificateError> {
        let pem = Pem::read(&self.cert, &self.key)?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if *loaded == pem {
            return Ok(false);
        }
        let config = pem.config(&self.cert, &self.key)?;
        self.config.reload_from_config(Arc::new(config));
        *loaded = pem;
        Ok(true)
    }

    /// What the server's acceptor takes each connection's configuration from.
    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }
}

impl Pem {
    fn read(cert: &Path, key: &Path) -> Result<Self, CertificateError> {
        let read = |path: &Path| {
            files::read(path).map_err(|error| CertificateError::File {
                path: path.to_owned(),
                error,
            })
        };
        Ok(Self {
            cert: read(cert)?,
            key: read(key)?,
        })
    }

    fn config(&self, cert: &Path, key: &Path) -> Result<ServerConfig, CertificateError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.cert)
            .collect::<Result<_, _>>()
            .map_err(|_| CertificateError::NoCertificate(cert.to_owned()))?;
        if chain.is_empty() {
            return Err(CertificateError::NoCertificate(cert.to_owned()));
        }
        let private = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| CertificateError::NoKey(key.to_owned()))?;
        let unusable = |error| CertificateError::Unusable {
            cert: cert.to_owned(),
            key: key.to_owned(),
            error,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(unusable)?;
        // The API server speaks HTTP/2 wherever it is offered.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}
