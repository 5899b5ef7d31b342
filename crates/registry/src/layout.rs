//! The image-layout folder (image-spec 1.1, "OCI Image Layout").

use std::path::{Path, PathBuf};

use bytes::Bytes;
use waxseal_oci::{Descriptor, Digest, Reference, Repository};

use crate::{Error, Found, RawManifest, Referrers, Source};

/// An image layout: a folder, or a `.tar` file of one.
///
/// A layout holds one repository's content; the repository named in a question
/// is not looked at, and tags are the `org.opencontainers.image.ref.name` of
/// the entries of its index.
#[derive(Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// A new, empty layout in a folder that is empty or not there yet.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Layout`] where the folder holds something else.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self, Error> {
        Ok(Self { root: root.into() })
    }

    /// The layout in a folder or a `.tar` file (which is unpacked to a
    /// temporary folder).
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Layout`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Ok(Self { root: path.into() })
    }

    /// Writes the layout as one `.tar` file, the same bytes for the same content.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn pack(&self, file: &Path) -> Result<(), Error> {
        Err(Error::Io {
            path: file.display().to_string(),
            reason: "not built yet".into(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The entries of `index.json`.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Layout`].
    pub fn entries(&self) -> Result<Vec<Descriptor>, Error> {
        Err(self.unbuilt())
    }

    /// Stores a blob under its digest.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::DigestMismatch`] where the bytes are others.
    pub fn write_blob(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), Error> {
        let _ = (descriptor, bytes);
        Err(self.unbuilt())
    }

    /// Stores a manifest, with a tag or without; in either case `index.json`
    /// lists it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_manifest(&self, manifest: &RawManifest, tag: Option<&str>) -> Result<(), Error> {
        let _ = (manifest, tag);
        Err(self.unbuilt())
    }

    fn unbuilt(&self) -> Error {
        Error::Io {
            path: self.root.display().to_string(),
            reason: "not built yet".into(),
        }
    }
}

impl Source for Layout {
    async fn resolve(&self, _reference: &Reference) -> Result<Found<Digest>, Error> {
        Err(self.unbuilt())
    }

    async fn manifest(&self, _: &Repository, _: &Digest) -> Result<Found<RawManifest>, Error> {
        Err(self.unbuilt())
    }

    async fn manifest_by_tag(&self, _: &Repository, _: &str) -> Result<Found<RawManifest>, Error> {
        Err(self.unbuilt())
    }

    async fn blob(&self, _: &Repository, _: &Descriptor, _: u64) -> Result<Bytes, Error> {
        Err(self.unbuilt())
    }

    async fn referrers(
        &self,
        _: &Repository,
        _: &Digest,
        _: Option<&str>,
    ) -> Result<Referrers, Error> {
        Err(self.unbuilt())
    }

    async fn fallback_referrers(&self, _: &Repository, _: &Digest) -> Result<Referrers, Error> {
        Err(self.unbuilt())
    }
}
