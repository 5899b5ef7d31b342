//! Whom to trust besides the signer: logs, timestamp authorities, certificate
//! authorities.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use sigstore_trust_root::trusted_root::CertChain;
use sigstore_types::Sha256Hash;
use sigstore_verify::Verifier;
use sigstore_verify::crypto::VerificationKey;
use waxseal_oci::{Digest, check_json};

use crate::chain::Issuer;
use crate::log::Log;
use crate::sct::CtLog;
use crate::timestamp::TimestampAuthority;
use crate::trusted_key::TrustedKey;

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
    pub(crate) logs: Vec<Log>,
    pub(crate) timestamp_authorities: Vec<TimestampAuthority>,
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) ct_logs: Vec<CtLog>,
}

impl Anchors {
    /// Nothing is left out because of the time it is now: which of it was in
    /// force is asked of every entry, timestamp and certificate.
    fn new(root: &sigstore_trust_root::TrustedRoot) -> Result<Self, String> {
        // It refuses windows that end before they start, logs that are there
        // twice, and keys and certificates that cannot be read.
        Verifier::new(root).map_err(|error| error.to_string())?;
        let mut logs = root
            .tlogs
            .iter()
            .map(|log| {
                let id = Sha256Hash::try_from(log.log_id.key_id.as_bytes())
                    .map_err(|error| error.to_string())?;
                let key = VerificationKey::from_spki(&log.public_key.raw_bytes)
                    .map_err(|error| error.to_string())?;
                let key_id = Digest::sha256(log.public_key.raw_bytes.as_bytes());
                Ok(Log {
                    id: *id.as_bytes(),
                    name: key_id.clone(),
                    key_id,
                    key: TrustedKey::new(key),
                    window: log.public_key.valid_for,
                })
            })
            .collect::<Result<Vec<_>, String>>()?;
        let addresses = root.tlogs.iter().map(|log| log.base_url.as_str());
        one_name_each(logs.iter_mut().map(|log| &mut log.name), addresses);
        let mut timestamp_authorities = root
            .timestamp_authorities
            .iter()
            .map(|authority| {
                TimestampAuthority::new(&chain(&authority.cert_chain), authority.valid_for)
            })
            .collect::<Result<Vec<_>, String>>()?;
        let addresses = root.timestamp_authorities.iter();
        one_name_each(
            timestamp_authorities
                .iter_mut()
                .map(|authority| &mut authority.name),
            addresses.map(|authority| authority.uri.as_deref().unwrap_or_default()),
        );
        let issuers = root
            .certificate_authorities
            .iter()
            .map(|authority| Issuer::new(&chain(&authority.cert_chain), authority.valid_for))
            .collect::<Result<_, String>>()?;
        let ct_logs = root
            .ctlogs
            .iter()
            .map(CtLog::all)
            .collect::<Result<Vec<_>, String>>()?;
        Ok(Self {
            logs,
            timestamp_authorities,
            issuers,
            ct_logs: ct_logs.into_iter().flatten().collect(),
        })
    }

    /// Whether there is a certificate transparency log at all.
    pub(crate) fn has_ct_logs(&self) -> bool {
        !self.ct_logs.is_empty()
    }
}

/// Gives services of one address, which have had several keys, one name. One that
/// has no address is known by its key alone.
fn one_name_each<'a, 'b>(
    names: impl Iterator<Item = &'a mut Digest>,
    addresses: impl Iterator<Item = &'b str>,
) {
    let mut names: Vec<&mut Digest> = names.collect();
    let mut first: BTreeMap<&str, Digest> = BTreeMap::new();
    for (at, address) in addresses.enumerate() {
        let address = address.trim_end_matches('/');
        let Some(own) = names.get(at).map(|name| (**name).clone()) else {
            return;
        };
        if address.is_empty() {
            continue;
        }
        let Some(known) = first.get(address).cloned() else {
            first.insert(address, own);
            continue;
        };
        // Whatever else goes by the same key goes by the new name, too.
        let all = names.iter_mut().map(|name| &mut **name);
        for name in all.chain(first.values_mut()).filter(|name| **name == own) {
            name.clone_from(&known);
        }
    }
}

fn chain(chain: &CertChain) -> Vec<&[u8]> {
    let certificates = chain.certificates.iter();
    certificates
        .map(|certificate| certificate.raw_bytes.as_bytes())
        .collect()
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
        let anchors = Anchors::new(&root).map_err(TrustedRootError::Unusable)?;
        Ok(Self {
            digest: Digest::sha256(bytes),
            anchors: Arc::new(anchors),
        })
    }

    /// Whether it has a transparency log, so that entries can be asked for.
    #[must_use]
    pub fn has_logs(&self) -> bool {
        !self.anchors.logs.is_empty()
    }

    /// How many transparency logs it has. One key under two names is one log, and so
    /// are two keys of one address.
    #[must_use]
    pub fn logs(&self) -> usize {
        let logs = self.anchors.logs.iter();
        logs.map(|log| &log.name).collect::<BTreeSet<_>>().len()
    }

    /// How many timestamp authorities it has, told apart in the same way.
    #[must_use]
    pub fn timestamp_authorities(&self) -> usize {
        let authorities = self.anchors.timestamp_authorities.iter();
        let names: BTreeSet<_> = authorities.map(|authority| &authority.name).collect();
        names.len()
    }

    /// Whether it has a certificate transparency log.
    #[must_use]
    pub fn has_ct_logs(&self) -> bool {
        self.anchors.has_ct_logs()
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
