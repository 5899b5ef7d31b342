//! What can be copied to.

use std::future::Future;

use waxseal_oci::{Descriptor, Digest, Repository, referrers_tag};

use crate::lists::{LayerList, ReferrersList};
use crate::merge::{Kind, Seen};
use crate::{BlobStream, Client, Error, Found, Layout, RawManifest, Source};

/// A place that images and their evidence are written to.
pub trait Target: Source {
    /// A manifest as it is stored there, not as a cache remembers it.
    fn stored(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> impl Future<Output = Result<Found<RawManifest>, Error>> + Send;

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

    /// Stores a manifest under its digest.
    fn put_manifest(
        &self,
        repository: &Repository,
        manifest: &RawManifest,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Lets a tag name a manifest; without a tag, makes sure that it can be
    /// found by its digest.
    fn name(
        &self,
        repository: &Repository,
        manifest: &RawManifest,
        tag: Option<&str>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Adds entries to the fallback list of a subject, keeping what is there.
    fn list_referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        entries: Vec<Descriptor>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Adds layers to the manifest of one of cosign's tags, keeping what is
    /// there; returns the digest that the tag names now.
    fn append_layers(
        &self,
        repository: &Repository,
        tag: &str,
        layers: Vec<Descriptor>,
    ) -> impl Future<Output = Result<Digest, Error>> + Send;
}

impl Target for Client {
    async fn stored(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Found<RawManifest>, Error> {
        self.fetch_manifest_anew(repository, digest).await
    }

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
        self.upload(repository, &descriptor.digest, bytes).await
    }

    async fn put_manifest(
        &self,
        repository: &Repository,
        manifest: &RawManifest,
    ) -> Result<(), Error> {
        self.push_manifest(repository, manifest, None)
            .await
            .map(|_| ())
    }

    async fn name(
        &self,
        repository: &Repository,
        manifest: &RawManifest,
        tag: Option<&str>,
    ) -> Result<(), Error> {
        match tag {
            Some(tag) => self
                .push_manifest(repository, manifest, Some(tag))
                .await
                .map(|_| ()),
            None => Ok(()),
        }
    }

    async fn list_referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        entries: Vec<Descriptor>,
    ) -> Result<(), Error> {
        self.list_on_tag(repository, subject, entries)
            .await
            .map(|_| ())
    }

    async fn append_layers(
        &self,
        repository: &Repository,
        tag: &str,
        layers: Vec<Descriptor>,
    ) -> Result<Digest, Error> {
        Ok(Self::append_layers(self, repository, tag, layers)
            .await?
            .digest)
    }
}

impl Target for Layout {
    async fn stored(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Found<RawManifest>, Error> {
        self.manifest(repository, digest).await
    }

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

    async fn put_manifest(&self, _: &Repository, manifest: &RawManifest) -> Result<(), Error> {
        self.store_manifest(manifest)?;
        // A referrer is found by what the index of the layout lists.
        if manifest.subject()?.is_some() {
            self.list(manifest, None)
        } else {
            Ok(())
        }
    }

    async fn name(
        &self,
        _: &Repository,
        manifest: &RawManifest,
        tag: Option<&str>,
    ) -> Result<(), Error> {
        self.write_manifest(manifest, tag)
    }

    async fn list_referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        entries: Vec<Descriptor>,
    ) -> Result<(), Error> {
        rewrite(
            self,
            repository,
            &ReferrersList,
            &referrers_tag(subject),
            entries,
        )
        .await
        .map(|_| ())
    }

    async fn append_layers(
        &self,
        repository: &Repository,
        tag: &str,
        layers: Vec<Descriptor>,
    ) -> Result<Digest, Error> {
        rewrite(self, repository, &LayerList, tag, layers).await
    }
}

/// Adds entries to a list in a layout, which nobody else writes to.
async fn rewrite(
    layout: &Layout,
    repository: &Repository,
    kind: &impl Kind,
    tag: &str,
    entries: Vec<Descriptor>,
) -> Result<Digest, Error> {
    let base = layout.manifest_by_tag(repository, tag).await?.present();
    let mut seen = Seen::new(kind.annotations_count());
    if let Some(base) = &base {
        seen.take(kind.entries(tag, base)?);
    }
    seen.take(entries);
    let (next, blobs) = kind.render(base.as_ref(), seen.all())?;
    for (descriptor, bytes) in blobs {
        layout.write_blob(&descriptor, &bytes)?;
    }
    layout.write_manifest(&next, Some(tag))?;
    Ok(next.digest)
}

/// A blob up to this size is held in memory, and so can be sent again.
const WHOLE: u64 = 8 * 1024 * 1024;
