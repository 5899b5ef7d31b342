//! Manifests and indexes (image-spec 1.1), parsed so that one digest has one
//! meaning (CVE-2021-41190).

use serde::{Deserialize, Serialize};

use crate::strict::{JsonError, check_json};
use crate::{Annotations, Descriptor, limits, media};

/// An image manifest: an image, or an artifact such as a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u8,
    /// The manifest's own media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What kind of artifact it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    #[serde(default)]
    pub layers: Vec<Descriptor>,
    /// What the artifact is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations. Not signed.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

impl Manifest {
    /// A manifest of these layers.
    #[must_use]
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(media::OCI_MANIFEST.to_owned()),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: Annotations::new(),
        }
    }

    /// The kind of artifact: `artifactType`, else the configuration's media type
    /// (image-spec 1.1, "Guidelines for Artifact Usage").
    #[must_use]
    pub fn kind(&self) -> &str {
        self.artifact_type
            .as_deref()
            .unwrap_or(&self.config.media_type)
    }

    /// The bytes to push.
    ///
    /// # Errors
    /// None in practice: strings and numbers always serialise.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

/// A list of manifests: the platforms of an image, or the referrers of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Index {
    /// Always 2.
    pub schema_version: u8,
    /// The index's own media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What kind of artifact it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The members.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub manifests: Vec<Descriptor>,
    /// What the index is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations. Not signed.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

impl Index {
    /// An index of these members.
    #[must_use]
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(media::OCI_INDEX.to_owned()),
            artifact_type: None,
            manifests,
            subject: None,
            annotations: Annotations::new(),
        }
    }

    /// The bytes to push.
    ///
    /// # Errors
    /// None in practice: strings and numbers always serialise.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

/// What a digest in a registry names: one manifest, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time is parsed and taken apart"
)]
pub enum Document {
    /// A list of manifests.
    Index(Index),
    /// One image or artifact.
    Manifest(Manifest),
}

impl Document {
    /// Parses what a registry answered (untrusted).
    ///
    /// `content_type` is the media type that the registry or a descriptor gave
    /// it; where the document names its own, the two must agree.
    ///
    /// # Errors
    /// [`DocumentError`] with the first thing that is wrong.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, DocumentError> {
        if u64::try_from(bytes.len()).is_ok_and(|n| n > limits::MANIFEST_BYTES) {
            return Err(DocumentError::TooLarge);
        }
        check_json(bytes).map_err(DocumentError::Json)?;
        let shape: Shape =
            serde_json::from_slice(bytes).map_err(|e| DocumentError::Shape(e.to_string()))?;
        let outer = content_type.map(bare);
        if let (Some(outer), Some(inner)) = (outer, shape.media_type.as_deref()) {
            // A registry that answers a generic type says nothing.
            let known = media::is_index(outer) || media::is_manifest(outer);
            if known && outer != inner {
                return Err(DocumentError::MediaTypes {
                    outer: outer.to_owned(),
                    inner: inner.to_owned(),
                });
            }
        }
        if shape.schema_version != Some(2) {
            return Err(DocumentError::SchemaVersion(shape.schema_version));
        }
        let listed = shape.manifests.is_some();
        let single = shape.layers.is_some() || shape.config.is_some();
        let media_type = shape.media_type.as_deref().or(outer);
        match (media_type, listed, single) {
            (_, true, true) => Err(DocumentError::Ambiguous),
            (Some(t), _, false) if media::is_index(t) => index(bytes),
            (Some(t), false, true) if media::is_manifest(t) => manifest(bytes),
            (Some(t), _, _) if media::is_index(t) || media::is_manifest(t) => {
                Err(DocumentError::NotItsType(t.to_owned()))
            }
            (_, true, false) => index(bytes),
            (_, false, true) => manifest(bytes),
            (t, false, false) => Err(DocumentError::Unknown(t.unwrap_or("none").to_owned())),
        }
    }

    /// The document's own or implied media type.
    #[must_use]
    pub fn media_type(&self) -> &str {
        match self {
            Self::Index(index) => index.media_type.as_deref().unwrap_or(media::OCI_INDEX),
            Self::Manifest(m) => m.media_type.as_deref().unwrap_or(media::OCI_MANIFEST),
        }
    }
}

/// The bytes and descriptor of the empty configuration that artifacts carry.
#[must_use]
pub fn empty_config() -> (&'static [u8], Descriptor) {
    (b"{}", Descriptor::of(media::OCI_EMPTY, b"{}"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    schema_version: Option<u64>,
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
    config: Option<serde::de::IgnoredAny>,
}

fn bare(content_type: &str) -> &str {
    content_type
        .split(';')
        .next()
        .unwrap_or(content_type)
        .trim()
}

fn index(bytes: &[u8]) -> Result<Document, DocumentError> {
    let index: Index =
        serde_json::from_slice(bytes).map_err(|e| DocumentError::Shape(e.to_string()))?;
    if index.manifests.len() > limits::INDEX_ENTRIES {
        return Err(DocumentError::TooMany {
            what: "manifests",
            limit: limits::INDEX_ENTRIES,
        });
    }
    check_annotations(
        index.manifests.iter().map(|d| &d.annotations),
        &index.annotations,
    )?;
    Ok(Document::Index(index))
}

fn manifest(bytes: &[u8]) -> Result<Document, DocumentError> {
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|e| DocumentError::Shape(e.to_string()))?;
    if manifest.layers.len() > limits::LAYERS {
        return Err(DocumentError::TooMany {
            what: "layers",
            limit: limits::LAYERS,
        });
    }
    check_annotations(
        manifest.layers.iter().map(|d| &d.annotations),
        &manifest.annotations,
    )?;
    Ok(Document::Manifest(manifest))
}

fn check_annotations<'a>(
    each: impl Iterator<Item = &'a Annotations>,
    own: &'a Annotations,
) -> Result<(), DocumentError> {
    let most = each
        .chain([own])
        .map(Annotations::len)
        .max()
        .unwrap_or_default();
    if most > limits::ANNOTATIONS {
        return Err(DocumentError::TooMany {
            what: "annotations",
            limit: limits::ANNOTATIONS,
        });
    }
    Ok(())
}

fn null_is_empty<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Vec<Descriptor>, D::Error> {
    Option::<Vec<Descriptor>>::deserialize(d).map(Option::unwrap_or_default)
}

/// Why a text is not a manifest or an index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// It has the members of both (CVE-2021-41190).
    #[error("the document is a manifest and an index at once")]
    Ambiguous,
    /// It is not JSON, or says one thing twice.
    #[error("the manifest is refused: {0}")]
    Json(JsonError),
    /// The registry and the document disagree.
    #[error("the registry calls the manifest `{outer}`, it calls itself `{inner}`")]
    MediaTypes {
        /// What the registry or descriptor said.
        outer: String,
        /// What the document says.
        inner: String,
    },
    /// It does not have the members of its type.
    #[error("the document calls itself `{0}` and is not one")]
    NotItsType(String),
    /// It is not schema version 2.
    #[error("`schemaVersion` is {}, not 2", .0.map_or("missing".to_owned(), |v| v.to_string()))]
    SchemaVersion(Option<u64>),
    /// A member is missing or of the wrong type.
    #[error("the manifest is malformed: {0}")]
    Shape(String),
    /// It is over [`limits::MANIFEST_BYTES`].
    #[error("the manifest is larger than {} bytes", limits::MANIFEST_BYTES)]
    TooLarge,
    /// One of its lists is too long.
    #[error("the manifest has more than {limit} {what}")]
    TooMany {
        /// Which list.
        what: &'static str,
        /// Its limit.
        limit: usize,
    },
    /// It is neither manifest nor index.
    #[error("the document is neither a manifest nor an index (media type {0})")]
    Unknown(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_digest_has_one_meaning() {
        let both = br#"{"schemaVersion":2,"layers":[],"config":{},"manifests":[]}"#;
        assert_eq!(Document::parse(both, None), Err(DocumentError::Ambiguous));
        let index = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
        assert!(matches!(
            Document::parse(index, None),
            Ok(Document::Index(_))
        ));
        assert_eq!(
            Document::parse(index, Some(media::OCI_MANIFEST)),
            Err(DocumentError::MediaTypes {
                outer: media::OCI_MANIFEST.into(),
                inner: media::OCI_INDEX.into()
            })
        );
        assert_eq!(
            Document::parse(br#"{"schemaVersion":1}"#, None),
            Err(DocumentError::SchemaVersion(Some(1)))
        );
    }

    #[test]
    fn a_manifest_survives_its_own_bytes() {
        let (bytes, config) = empty_config();
        let manifest = Manifest::new(config, vec![Descriptor::of("text/plain", bytes)]);
        let written = manifest.to_bytes().unwrap_or_default();
        assert_eq!(
            Document::parse(&written, None),
            Ok(Document::Manifest(manifest))
        );
    }
}
