//! Hanging an artifact on an image so that nobody's is lost.

use bytes::Bytes;
use waxseal_oci::{Descriptor, Digest};

use crate::{RawManifest, ReferrersVia};

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
