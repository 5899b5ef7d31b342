//! What can be read from: a registry, or an image layout on disk.

use std::future::Future;

use bytes::Bytes;
use waxseal_oci::{Descriptor, Digest, Document, Reference, Repository};

use crate::Error;
use crate::stream::BlobStream;

/// Something that was looked for: there, or surely not there.
///
/// A third answer, that it could not be told, is an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a thing is there or it is not")]
pub enum Found<T> {
    /// The registry says that it has none.
    Absent,
    /// It is this.
    Present(T),
}

impl<T> Found<T> {
    /// What is there, if it is.
    #[must_use]
    pub fn present(self) -> Option<T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent => None,
        }
    }

    /// Whether it is surely not there.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// What is there, turned into something else.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Found<U> {
        match self {
            Self::Present(value) => Found::Present(f(value)),
            Self::Absent => Found::Absent,
        }
    }

    /// What is there; absence becomes the error that names `what`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn required(self, what: impl Into<String>) -> Result<T, Error> {
        self.present()
            .ok_or_else(|| Error::NotFound { what: what.into() })
    }
}

/// The bytes of a manifest or an index, whose digest has been computed by us.
///
/// The content is untrusted; only its identity is certain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawManifest {
    /// The bytes, exactly as they came.
    pub bytes: Bytes,
    /// The media type that the registry gave it, without parameters.
    pub media_type: String,
    /// The digest of the bytes.
    pub digest: Digest,
}

impl RawManifest {
    /// These bytes, with the SHA-256 digest that they have.
    #[must_use]
    pub fn new(media_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let digest = Digest::sha256(&bytes);
        Self {
            bytes,
            media_type: media_type.into(),
            digest,
        }
    }

    /// The manifest or index in the bytes.
    ///
    /// # Errors
    /// [`Error::Document`] where it is neither, or could be read as both.
    pub fn document(&self) -> Result<Document, Error> {
        let content_type = (!self.media_type.is_empty()).then_some(self.media_type.as_str());
        Document::parse(&self.bytes, content_type).map_err(|reason| Error::Document {
            what: format!("the manifest {}", self.digest),
            reason,
        })
    }

    /// What it refers to, if it does.
    ///
    /// # Errors
    /// As for [`RawManifest::document`].
    pub fn subject(&self) -> Result<Option<Descriptor>, Error> {
        Ok(match self.document()? {
            Document::Index(index) => index.subject,
            Document::Manifest(manifest) => manifest.subject,
            _ => None,
        })
    }

    /// A descriptor with its media type, digest and size.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        let size = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        Descriptor::new(self.media_type.clone(), self.digest.clone(), size)
    }
}

/// What refers to a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Referrers {
    /// The referrers, each digest once. Types and annotations are hints.
    pub entries: Vec<Descriptor>,
    /// Where the list came from.
    pub via: ReferrersVia,
}

impl Referrers {
    /// A list from somewhere.
    #[must_use]
    pub fn new(entries: Vec<Descriptor>, via: ReferrersVia) -> Self {
        Self { entries, via }
    }
}

/// Where a list of referrers came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReferrersVia {
    /// The referrers API.
    Api,
    /// The tag `sha256-…`, on a registry without the API.
    FallbackTag,
    /// An image layout's own index.
    Layout,
    /// There is no API and no such tag.
    Nothing,
}

/// A place that images and their evidence are read from.
///
/// Every byte that an implementation hands out has the digest it was asked for
/// by; everything else about it is untrusted.
pub trait Source: Send + Sync {
    /// The digest that a reference names now. A reference with a digest is
    /// answered from itself.
    fn resolve(
        &self,
        reference: &Reference,
    ) -> impl Future<Output = Result<Found<Digest>, Error>> + Send;

    /// The manifest or index of this digest.
    fn manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> impl Future<Output = Result<Found<RawManifest>, Error>> + Send;

    /// The manifest or index that a tag names now, with the digest of its bytes.
    fn manifest_by_tag(
        &self,
        repository: &Repository,
        tag: &str,
    ) -> impl Future<Output = Result<Found<RawManifest>, Error>> + Send;

    /// The content of a descriptor, of at most `max` bytes.
    ///
    /// Absence is [`Error::NotFound`]: what a manifest names has to be there.
    fn blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        max: u64,
    ) -> impl Future<Output = Result<Bytes, Error>> + Send;

    /// What refers to a digest: by the referrers API, else by the fallback tag.
    ///
    /// `artifact_type` lessens the answer where it can; what may be of that
    /// type and is labelled wrongly stays in.
    fn referrers(
        &self,
        repository: &Repository,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> impl Future<Output = Result<Referrers, Error>> + Send;

    /// What the fallback tag lists, whether or not there is a referrers API.
    fn fallback_referrers(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> impl Future<Output = Result<Referrers, Error>> + Send;

    /// The content of a descriptor as a stream that checks size and digest at its end.
    fn blob_stream(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
    ) -> impl Future<Output = Result<BlobStream, Error>> + Send {
        async move {
            let bytes = self.blob(repository, descriptor, descriptor.size).await?;
            Ok(BlobStream::of(bytes))
        }
    }
}

impl<S: Source> Source for &S {
    async fn resolve(&self, reference: &Reference) -> Result<Found<Digest>, Error> {
        S::resolve(self, reference).await
    }

    async fn manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Found<RawManifest>, Error> {
        S::manifest(self, repository, digest).await
    }

    async fn manifest_by_tag(
        &self,
        repository: &Repository,
        tag: &str,
    ) -> Result<Found<RawManifest>, Error> {
        S::manifest_by_tag(self, repository, tag).await
    }

    async fn blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        max: u64,
    ) -> Result<Bytes, Error> {
        S::blob(self, repository, descriptor, max).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Referrers, Error> {
        S::referrers(self, repository, digest, artifact_type).await
    }

    async fn fallback_referrers(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Referrers, Error> {
        S::fallback_referrers(self, repository, digest).await
    }

    async fn blob_stream(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
    ) -> Result<BlobStream, Error> {
        S::blob_stream(self, repository, descriptor).await
    }
}
