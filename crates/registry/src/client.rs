//! The client: what can be asked of a registry.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use waxseal_oci::{Descriptor, Digest, Reference, Repository};

use crate::auth::Auth;
use crate::cache::{self, Cache};
use crate::credentials::Credentials;
use crate::http_client::{Http, HttpConfig};
use crate::pace::{Pace, SystemPace};
use crate::request::Wire;
use crate::{BlobStream, Error, Found, RawManifest, Referrers, Source, limits};

/// How a [`Client`] is to behave. Every default is the strict one.
#[derive(Clone, Default)]
pub struct ClientBuilder {
    insecure_loopback: bool,
    insecure_hosts: Vec<String>,
    ca_pem: Vec<Vec<u8>>,
    docker_config: Option<PathBuf>,
    docker_config_json: Vec<Vec<u8>>,
    trusted_realms: Vec<String>,
    anonymous: bool,
    cache_dir: Option<PathBuf>,
    timeout: Option<Duration>,
    stall: Option<Duration>,
    concurrency: Option<usize>,
    user_agent: Option<String>,
    pace: Option<Arc<dyn Pace>>,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// Whether registries on loopback are spoken to over plain HTTP.
    #[must_use]
    pub fn insecure_http(mut self, yes: bool) -> Self {
        self.insecure_loopback = yes;
        self
    }

    /// A registry (host and port) that is spoken to over plain HTTP.
    #[must_use]
    pub fn insecure_http_host(mut self, host: impl Into<String>) -> Self {
        self.insecure_hosts.push(host.into());
        self
    }

    /// Certificates (PEM) of authorities that are trusted besides the system's.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem.push(pem.into());
        self
    }

    /// The docker configuration to take credentials from, in place of the
    /// user's own.
    #[must_use]
    pub fn docker_config(mut self, path: impl Into<PathBuf>) -> Self {
        self.docker_config = Some(path.into());
        self
    }

    /// A docker configuration's content (an image pull secret). Earlier ones win.
    #[must_use]
    pub fn docker_config_json(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.docker_config_json.push(json.into());
        self
    }

    /// Looks for no credentials anywhere.
    #[must_use]
    pub fn anonymous(mut self, yes: bool) -> Self {
        self.anonymous = yes;
        self
    }

    /// A host whose token service may be given a registry's credentials, though
    /// it is not a part of that registry's domain.
    #[must_use]
    pub fn trust_realm(mut self, host: impl Into<String>) -> Self {
        self.trusted_realms.push(host.into());
        self
    }

    /// Where content is kept by digest. Without it nothing is kept.
    #[must_use]
    pub fn cache_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.cache_dir = Some(path.into());
        self
    }

    /// The longest that one small request may take (30 s).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The longest silence within an answer (15 s).
    #[must_use]
    pub fn stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall = Some(timeout);
        self
    }

    /// Requests in flight at once ([`limits::CONCURRENCY`]).
    #[must_use]
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = Some(requests);
        self
    }

    /// What the client calls itself.
    #[must_use]
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// Where time and chance come from, for tests.
    #[must_use]
    pub fn pace(mut self, pace: Arc<dyn Pace>) -> Self {
        self.pace = Some(pace);
        self
    }

    /// The client. No file is read and no connection made until it is used.
    ///
    /// # Errors
    /// [`Error::Tls`] where a certificate is not PEM.
    pub fn build(self) -> Result<Client, Error> {
        let mut certificates = Vec::new();
        for pem in &self.ca_pem {
            let refuse = |reason: String| Error::Tls {
                host: "the given authority".into(),
                reason,
            };
            let parsed = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|e| refuse(format!("it is not a PEM certificate: {e}")))?;
            if parsed.is_empty() {
                return Err(refuse("there is no PEM certificate in it".into()));
            }
            certificates.extend(parsed);
        }
        let http = Http::new(HttpConfig {
            certificates,
            user_agent: self.user_agent.unwrap_or_else(|| USER_AGENT.to_owned()),
            timeout: self.timeout.unwrap_or(TIMEOUT),
            stall: self.stall.unwrap_or(STALL),
        });
        let credentials = Credentials {
            given: self.docker_config_json,
            file: self.docker_config,
            anonymous: self.anonymous,
        };
        let permits = self.concurrency.unwrap_or(limits::CONCURRENCY).max(1);
        let wire = Wire {
            http,
            auth: Auth::new(credentials, self.trusted_realms),
            pace: self.pace.unwrap_or_else(|| Arc::new(SystemPace::default())),
            permits: Arc::new(Semaphore::new(permits)),
            insecure_loopback: self.insecure_loopback,
            insecure_hosts: self.insecure_hosts,
        };
        let cache = self.cache_dir.map(|root| Cache::new(root, cache::MOST));
        Ok(Client {
            inner: Arc::new(Inner { wire, cache }),
        })
    }
}

/// A client for registries. Cheap to clone; clones share connections, tokens
/// and the cap on concurrency.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    wire: Wire,
    cache: Option<Cache>,
}

/// What a registry said to a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushedManifest {
    /// The digest of the manifest.
    pub digest: Digest,
    /// Whether the registry will list it among its subject's referrers (it
    /// sent `OCI-Subject`).
    pub subject_seen: bool,
}

impl Client {
    /// A builder with the strict defaults.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.inner.wire
    }

    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.inner.cache.as_ref()
    }

    pub(crate) fn pace(&self) -> &dyn Pace {
        self.inner.wire.pace.as_ref()
    }
}

impl Source for Client {
    async fn resolve(&self, reference: &Reference) -> Result<Found<Digest>, Error> {
        match reference.digest() {
            Some(digest) => Ok(Found::Present(digest.clone())),
            None => Ok(self.describe(reference).await?.map(|d| d.digest)),
        }
    }

    async fn manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Found<RawManifest>, Error> {
        self.fetch_manifest(repository, digest).await
    }

    async fn manifest_by_tag(
        &self,
        repository: &Repository,
        tag: &str,
    ) -> Result<Found<RawManifest>, Error> {
        self.fetch_manifest_by_tag(repository, tag).await
    }

    async fn blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        max: u64,
    ) -> Result<Bytes, Error> {
        self.fetch_blob(repository, descriptor, max).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Referrers, Error> {
        self.list_referrers(repository, digest, artifact_type).await
    }

    async fn fallback_referrers(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Referrers, Error> {
        self.list_by_tag(repository, digest).await
    }

    async fn blob_stream(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
    ) -> Result<BlobStream, Error> {
        self.stream_blob(repository, descriptor).await
    }
}

const USER_AGENT: &str = concat!("waxseal/", env!("CARGO_PKG_VERSION"));
const TIMEOUT: Duration = Duration::from_secs(30);
const STALL: Duration = Duration::from_secs(15);
