//! Hanging an artifact on an image so that nobody's is lost.

use std::slice;

use bytes::Bytes;
use http::HeaderValue;
use waxseal_oci::{Annotations, Descriptor, Digest, Document, Repository, referrers_tag};

use crate::lists::{LayerList, ReferrersList};
use crate::merge::{Merged, Tag, Version, merge};
use crate::{Client, Error, Found, RawManifest, ReferrersVia};

/// An artifact that is to be hung on a subject.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Artifact {
    /// Its manifest, which names the subject.
    pub manifest: RawManifest,
    /// The blobs that the manifest names, with their bytes.
    pub blobs: Vec<(Descriptor, Bytes)>,
}

impl Artifact {
    /// A manifest and its blobs.
    #[must_use]
    pub fn new(manifest: RawManifest, blobs: Vec<(Descriptor, Bytes)>) -> Self {
        Self { manifest, blobs }
    }
}

/// How an artifact was hung on its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attached {
    /// The digest of the artifact's manifest.
    pub digest: Digest,
    /// Whether the registry lists it itself, or the fallback tag does.
    pub via: ReferrersVia,
    /// How many times the fallback tag was written (none with the API).
    pub writes: u32,
}

/// How layers were added to a tag's manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// The digest of the manifest that the tag names now.
    pub digest: Digest,
    /// How many times the tag was written; none where all was there already.
    pub writes: u32,
}

impl Client {
    /// Hangs an artifact on its subject: blobs, then the manifest, then, where
    /// the registry has no referrers API, the fallback tag, losing no one's entry.
    ///
    /// Hanging the same artifact a second time changes nothing.
    ///
    /// # Errors
    /// Where the registry does not take it, or others never stop writing.
    pub async fn attach(
        &self,
        repository: &Repository,
        subject: &Descriptor,
        artifact: &Artifact,
    ) -> Result<Attached, Error> {
        let attached = self
            .attach_all(repository, subject, slice::from_ref(artifact))
            .await?;
        attached.into_iter().next().ok_or_else(|| Error::Answer {
            what: format!("the artifact {}", artifact.manifest.digest),
            reason: "it was not attached".to_owned(),
        })
    }

    /// Hangs several artifacts on one subject, in this order: all blobs, each
    /// once, then the manifests one after the other, then, where it is needed,
    /// one entry each in the fallback tag, all of them with one write.
    ///
    /// Where it fails, those before may be there and those after are not: what
    /// the others are worth nothing without comes last.
    ///
    /// # Errors
    /// As [`Client::attach`].
    pub async fn attach_all(
        &self,
        repository: &Repository,
        subject: &Descriptor,
        artifacts: &[Artifact],
    ) -> Result<Vec<Attached>, Error> {
        let entries = artifacts
            .iter()
            .map(|artifact| entry(artifact, subject))
            .collect::<Result<Vec<_>, _>>()?;
        let mut blobs: Vec<&(Descriptor, Bytes)> = Vec::new();
        for blob in artifacts.iter().flat_map(|artifact| &artifact.blobs) {
            if !blobs.iter().any(|(d, _)| d.digest == blob.0.digest) {
                blobs.push(blob);
            }
        }
        self.push_blobs(repository, blobs).await?;
        let (mut attached, mut unlisted) = (Vec::new(), Vec::new());
        for (artifact, entry) in artifacts.iter().zip(entries) {
            let pushed = self
                .push_manifest(repository, &artifact.manifest, None)
                .await?;
            let via = if pushed.subject_seen {
                ReferrersVia::Api
            } else {
                unlisted.push(entry);
                ReferrersVia::FallbackTag
            };
            attached.push(Attached {
                digest: pushed.digest,
                via,
                writes: 0,
            });
        }
        if !unlisted.is_empty() {
            let merged = self
                .list_on_tag(repository, &subject.digest, unlisted)
                .await?;
            for one in &mut attached {
                if one.via == ReferrersVia::FallbackTag {
                    one.writes = merged.writes;
                }
            }
        }
        Ok(attached)
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
        self.push_blobs(repository, layers.iter().collect()).await?;
        let entries = layers
            .into_iter()
            .map(|(descriptor, _)| descriptor)
            .collect();
        self.append_layers(repository, tag, entries).await
    }

    /// As [`Client::append_to_tag`], for layers whose blobs are there.
    pub(crate) async fn append_layers(
        &self,
        repository: &Repository,
        tag: &str,
        layers: Vec<Descriptor>,
    ) -> Result<Appended, Error> {
        let place = RegistryTag {
            client: self,
            repository,
            tag,
        };
        let merged = merge(&place, &LayerList, layers, self.pace()).await?;
        Ok(Appended {
            digest: merged.digest,
            writes: merged.writes,
        })
    }

    /// Adds entries to the fallback tag of a subject.
    pub(crate) async fn list_on_tag(
        &self,
        repository: &Repository,
        subject: &Digest,
        entries: Vec<Descriptor>,
    ) -> Result<Merged, Error> {
        let tag = referrers_tag(subject);
        let place = RegistryTag {
            client: self,
            repository,
            tag: &tag,
        };
        merge(&place, &ReferrersList, entries, self.pace()).await
    }

    async fn push_blobs(
        &self,
        repository: &Repository,
        blobs: Vec<&(Descriptor, Bytes)>,
    ) -> Result<(), Error> {
        let pushes = blobs
            .into_iter()
            .map(|(d, bytes)| self.push_blob(repository, d, bytes.clone()));
        futures_util::future::try_join_all(pushes).await.map(|_| ())
    }
}

/// How an artifact is listed among its subject's referrers.
fn entry(artifact: &Artifact, subject: &Descriptor) -> Result<Descriptor, Error> {
    let (named, kind, annotations) = match artifact.manifest.document()? {
        Document::Manifest(m) => (m.subject.clone(), m.kind().to_owned(), m.annotations),
        Document::Index(i) => (
            i.subject,
            i.artifact_type.unwrap_or_default(),
            i.annotations,
        ),
        _ => (None, String::new(), Annotations::new()),
    };
    if named.as_ref().map(|s| &s.digest) != Some(&subject.digest) {
        return Err(Error::Answer {
            what: format!("the artifact {}", artifact.manifest.digest),
            reason: format!("its subject is not {}", subject.digest),
        });
    }
    let mut entry = artifact.manifest.descriptor();
    entry.artifact_type = (!kind.is_empty()).then_some(kind);
    entry.annotations = annotations;
    Ok(entry)
}

/// A tag in a registry.
struct RegistryTag<'a> {
    client: &'a Client,
    repository: &'a Repository,
    tag: &'a str,
}

impl Tag for RegistryTag<'_> {
    fn what(&self) -> String {
        format!("{}:{}", self.repository, self.tag)
    }

    async fn read(&self) -> Result<Found<Version>, Error> {
        self.client
            .fetch_for_writing(self.repository, self.tag)
            .await
    }

    async fn peek(&self) -> Result<Found<Digest>, Error> {
        self.client.peek_tag(self.repository, self.tag).await
    }

    async fn past(&self, digest: &Digest) -> Result<Found<RawManifest>, Error> {
        self.client.fetch_manifest(self.repository, digest).await
    }

    async fn put_blob(&self, (descriptor, bytes): &(Descriptor, Bytes)) -> Result<(), Error> {
        self.client
            .push_blob(self.repository, descriptor, bytes.clone())
            .await
    }

    async fn write(&self, next: &RawManifest, replaces: Option<HeaderValue>) -> Result<(), Error> {
        self.client
            .replace_tag(self.repository, self.tag, next, replaces)
            .await
    }
}
