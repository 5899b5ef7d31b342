//! Whom to trust besides the signer: logs, timestamp authorities, certificate
//! authorities.

use std::fmt;
use std::sync::Arc;

use sigstore_verify::crypto::Keyring;
use sigstore_verify::{Verifier, tsa::TsaAuthority};
use waxseal_oci::{Digest, check_json};

/// What is trusted in one verification.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Trust<'a> {
    /// The trust root, without which no log entry, timestamp or certificate
    /// can be checked.
    pub root: Option<&'a TrustedRoot>,
}

/// A Sigstore trusted root, parsed and prepared once; a clone is cheap.
#[derive(Clone)]
pub struct TrustedRoot {
    digest: Digest,
    pub(crate) anchors: Arc<Anchors>,
}

/// What a trust root comes to.
pub(crate) struct Anchors {
    pub(crate) verifier: Verifier,
    pub(crate) logs: Keyring,
    pub(crate) timestamp_authorities: Vec<TsaAuthority>,
}

impl TrustedRoot {
    /// Reads a `trusted_root.json`. `bytes` come from the operator; whoever
    /// writes them decides what is trusted.
    ///
    /// # Errors
    /// If it is malformed, or names a key or certificate that cannot be used.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TrustedRootError> {
        check_json(bytes).map_err(|error| TrustedRootError::Malformed(error.to_string()))?;
        let text = str::from_utf8(bytes)
            .map_err(|error| TrustedRootError::Malformed(error.to_string()))?;
        let root = sigstore_trust_root::TrustedRoot::from_json(text)
            .map_err(|error| TrustedRootError::Malformed(error.to_string()))?;
        if !root.media_type.starts_with(MEDIA_TYPE_PREFIX) {
            return Err(TrustedRootError::MediaType(root.media_type));
        }
        let unusable = |error: &dyn fmt::Display| TrustedRootError::Unusable(error.to_string());
        let anchors = Anchors {
            verifier: Verifier::new(&root).map_err(|error| unusable(&error))?,
            logs: root.rekor_keys().map_err(|error| unusable(&error))?,
            timestamp_authorities: root.tsa_authorities(),
        };
        Ok(Self {
            digest: Digest::sha256(bytes),
            anchors: Arc::new(anchors),
        })
    }

    /// The digest of the document, by which decisions under it are told apart.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

impl fmt::Debug for TrustedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedRoot({})", self.digest)
    }
}

/// Why a trust root was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustedRootError {
    /// It cannot be read.
    #[error("trust root: {0}")]
    Malformed(String),
    /// It is another document.
    #[error("trust root: unknown type `{0}`")]
    MediaType(String),
    /// Something in it cannot be used.
    #[error("trust root: {0}")]
    Unusable(String),
}

const MEDIA_TYPE_PREFIX: &str = "application/vnd.dev.sigstore.trustedroot";
