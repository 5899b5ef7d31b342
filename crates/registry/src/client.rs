//! The client: what can be asked of a registry.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use waxseal_oci::{Descriptor, Digest, Reference, Repository};

use crate::{
    Appended, Artifact, Attached, BlobStream, Error, Found, RawManifest, Referrers, Source, limits,
};

/// How a [`Client`] is to behave. Every default is the strict one.
#[derive(Clone, Debug, Default)]
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

    /// The client. No file is read and no connection made until it is used.
    ///
    /// # Errors
    /// [`Error::Tls`] where a certificate is not PEM.
    pub fn build(self) -> Result<Client, Error> {
        Ok(Client {
            _inner: Arc::new(self),
        })
    }
}

/// A client for registries. Cheap to clone; clones share connections, tokens
/// and the cap on concurrency.
#[derive(Clone, Debug)]
pub struct Client {
    _inner: Arc<ClientBuilder>,
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

    /// The media type, digest and size of what a reference names now: one HEAD
    /// request, also where the reference has a digest.
    ///
    /// # Errors
    /// Where it could not be told.
    pub async fn describe(&self, reference: &Reference) -> Result<Found<Descriptor>, Error> {
        Err(unbuilt(reference))
    }

    /// Whether the repository has a blob.
    ///
    /// # Errors
    /// Where it could not be told.
    pub async fn has_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, Error> {
        let _ = digest;
        Err(unbuilt(repository))
    }

    /// Pushes a blob unless it is there.
    ///
    /// # Errors
    /// Where the registry does not take it.
    pub async fn push_blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        bytes: Bytes,
    ) -> Result<(), Error> {
        let _ = (descriptor, bytes);
        Err(unbuilt(repository))
    }

    /// Pushes a manifest, under a tag if one is given. Its blobs have to be there.
    ///
    /// # Errors
    /// Where the registry does not take it.
    pub async fn push_manifest(
        &self,
        repository: &Repository,
        manifest: &RawManifest,
        tag: Option<&str>,
    ) -> Result<PushedManifest, Error> {
        let _ = (manifest, tag);
        Err(unbuilt(repository))
    }

    /// Hangs an artifact on its subject: blobs, then the manifest, then, where
    /// the registry has no referrers API, the fallback tag, losing no one's entry.
    ///
    /// # Errors
    /// Where the registry does not take it, or others never stop writing.
    pub async fn attach(
        &self,
        repository: &Repository,
        subject: &Descriptor,
        artifact: &Artifact,
    ) -> Result<Attached, Error> {
        let _ = (subject, artifact);
        Err(unbuilt(repository))
    }

    /// Adds layers to the manifest of a tag as cosign 2 keeps its signatures
    /// (`sha256-….sig`), losing no one's layer.
    ///
    /// # Errors
    /// Where the registry does not take it, or others never stop writing.
    pub async fn append_to_tag(
        &self,
        repository: &Repository,
        tag: &str,
        layers: Vec<(Descriptor, Bytes)>,
    ) -> Result<Appended, Error> {
        let _ = (tag, layers);
        Err(unbuilt(repository))
    }
}

impl Source for Client {
    async fn resolve(&self, reference: &Reference) -> Result<Found<Digest>, Error> {
        Err(unbuilt(reference))
    }

    async fn manifest(
        &self,
        repository: &Repository,
        _digest: &Digest,
    ) -> Result<Found<RawManifest>, Error> {
        Err(unbuilt(repository))
    }

    async fn manifest_by_tag(
        &self,
        repository: &Repository,
        _tag: &str,
    ) -> Result<Found<RawManifest>, Error> {
        Err(unbuilt(repository))
    }

    async fn blob(
        &self,
        repository: &Repository,
        _descriptor: &Descriptor,
        _max: u64,
    ) -> Result<Bytes, Error> {
        Err(unbuilt(repository))
    }

    async fn referrers(
        &self,
        repository: &Repository,
        _digest: &Digest,
        _artifact_type: Option<&str>,
    ) -> Result<Referrers, Error> {
        Err(unbuilt(repository))
    }

    async fn fallback_referrers(
        &self,
        repository: &Repository,
        _digest: &Digest,
    ) -> Result<Referrers, Error> {
        Err(unbuilt(repository))
    }

    async fn blob_stream(
        &self,
        repository: &Repository,
        _descriptor: &Descriptor,
    ) -> Result<BlobStream, Error> {
        Err(unbuilt(repository))
    }
}

fn unbuilt(what: impl std::fmt::Display) -> Error {
    let _ = limits::RETRIES;
    Error::Answer {
        what: what.to_string(),
        reason: "not built yet".into(),
    }
}
