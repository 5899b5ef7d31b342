//! What can be copied to.

use std::future::Future;

use waxseal_oci::{Descriptor, Digest, Repository};

use crate::{BlobStream, Client, Error, Layout, PushedManifest, RawManifest, Source};

/// A place that images and their evidence are written to.
pub trait Target: Source {
    /// Whether it has the content of a descriptor.
    fn has_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Stores the content of a descriptor.
    fn put_blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        content: BlobStream,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Stores a manifest, under a tag if one is given.
    fn put_manifest(
        &self,
        repository: &Repository,
        manifest: &RawManifest,
        tag: Option<&str>,
    ) -> impl Future<Output = Result<PushedManifest, Error>> + Send;
}

impl Target for Client {
    async fn has_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, Error> {
        Self::has_blob(self, repository, digest).await
    }

    async fn put_blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        content: BlobStream,
    ) -> Result<(), Error> {
        if descriptor.size > WHOLE {
            return self.push_stream(repository, descriptor, content).await;
        }
        let bytes = content.collect(descriptor.size).await?;
        self.push_blob(repository, descriptor, bytes).await
    }

    async fn put_manifest(
        &self,
        repository: &Repository,
        manifest: &RawManifest,
        tag: Option<&str>,
    ) -> Result<PushedManifest, Error> {
        self.push_manifest(repository, manifest, tag).await
    }
}

impl Target for Layout {
    async fn has_blob(&self, _: &Repository, digest: &Digest) -> Result<bool, Error> {
        self.has(digest)
    }

    async fn put_blob(
        &self,
        _: &Repository,
        descriptor: &Descriptor,
        content: BlobStream,
    ) -> Result<(), Error> {
        self.write_stream(descriptor, content).await
    }

    async fn put_manifest(
        &self,
        _: &Repository,
        manifest: &RawManifest,
        tag: Option<&str>,
    ) -> Result<PushedManifest, Error> {
        self.write_manifest(manifest, tag)?;
        Ok(PushedManifest {
            digest: manifest.digest.clone(),
            subject_seen: true,
        })
    }
}

/// A blob up to this size is held in memory, and so can be sent again.
const WHOLE: u64 = 8 * 1024 * 1024;
