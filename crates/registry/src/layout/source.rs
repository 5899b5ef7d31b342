//! A layout as something to read from.

use std::io::Read as _;

use bytes::Bytes;
use waxseal_oci::{Descriptor, Digest, Reference, Repository};

use super::Layout;
use super::store::{blob_name, io_error};
use crate::blob::check;
use crate::referrers::may_be;
use crate::{BlobStream, Error, Found, RawManifest, Referrers, Source};

impl Source for Layout {
    async fn resolve(&self, reference: &Reference) -> Result<Found<Digest>, Error> {
        if let Some(digest) = reference.digest() {
            return Ok(Found::Present(digest.clone()));
        }
        Ok(self
            .named(reference.tag().unwrap_or("latest"))?
            .map(|d| d.digest))
    }

    async fn manifest(&self, _: &Repository, digest: &Digest) -> Result<Found<RawManifest>, Error> {
        self.read_manifest(digest)
    }

    async fn manifest_by_tag(
        &self,
        _: &Repository,
        tag: &str,
    ) -> Result<Found<RawManifest>, Error> {
        let Found::Present(entry) = self.named(tag)? else {
            return Ok(Found::Absent);
        };
        // The tag is there: that its content is not is another matter.
        let what = format!("the manifest {} in {}", entry.digest, self.root().display());
        self.read_manifest(&entry.digest)?
            .required(what)
            .map(Found::Present)
    }

    async fn blob(
        &self,
        _: &Repository,
        descriptor: &Descriptor,
        max: u64,
    ) -> Result<Bytes, Error> {
        let what = self.what(&descriptor.digest);
        if descriptor.size > max {
            return Err(Error::TooLarge { what, limit: max });
        }
        let (mut file, length) = self.opened(descriptor)?;
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.read_to_end(&mut bytes)
            .map_err(|e| io_error(self.root(), &e))?;
        check(what, descriptor, &bytes)?;
        Ok(bytes.into())
    }

    async fn referrers(
        &self,
        _: &Repository,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Referrers, Error> {
        let mut referrers = self.referrers_of(digest)?;
        referrers
            .entries
            .retain(|entry| may_be(entry, artifact_type));
        Ok(referrers)
    }

    async fn fallback_referrers(
        &self,
        _: &Repository,
        digest: &Digest,
    ) -> Result<Referrers, Error> {
        self.fallback_list(digest)
    }

    async fn blob_stream(
        &self,
        _: &Repository,
        descriptor: &Descriptor,
    ) -> Result<BlobStream, Error> {
        let (file, _) = self.opened(descriptor)?;
        let root = self.root().to_owned();
        let chunks = futures_util::stream::unfold(Some(file), move |file| {
            let root = root.clone();
            async move {
                let mut file = file?;
                let mut chunk = Vec::with_capacity(CHUNK);
                let read = file.by_ref().take(CHUNK_BYTES).read_to_end(&mut chunk);
                match read {
                    Ok(0) => None,
                    Ok(_) => Some((Ok(Bytes::from(chunk)), Some(file))),
                    Err(e) => Some((Err(io_error(&root, &e)), None)),
                }
            }
        });
        Ok(BlobStream::checked(
            self.what(&descriptor.digest),
            descriptor,
            chunks,
        ))
    }
}

impl Layout {
    fn what(&self, digest: &Digest) -> String {
        format!("the blob {digest} in {}", self.root().display())
    }

    fn opened(&self, descriptor: &Descriptor) -> Result<super::store::Opened, Error> {
        let what = || self.what(&descriptor.digest);
        let opened = self.store.file(&blob_name(&descriptor.digest))?;
        let (file, length) = opened.ok_or_else(|| Error::NotFound { what: what() })?;
        if length != descriptor.size {
            return Err(Error::SizeMismatch {
                what: what(),
                wanted: descriptor.size,
                found: length,
            });
        }
        Ok((file, length))
    }
}

/// No allocation that is a mapping of its own: what is read to the start of a page is
/// copied slowly by some processors.
const CHUNK: usize = 64 * 1024;
const CHUNK_BYTES: u64 = 64 * 1024;
