//! Provenance as somebody else wrote it, v0.2 or v1.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::limits;
use crate::predicate_type::PredicateType;

/// What both versions of the predicate say, under one set of names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProvenanceView {
    /// The builder's URI.
    pub builder: String,
    /// The URI of the build type.
    pub build_type: String,
    /// What names the run within its builder.
    pub invocation: Option<String>,
    /// What went in.
    pub materials: Vec<Material>,
}

/// Something that went into a build.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Material {
    /// Where it came from; v1 allows it to be left out.
    pub uri: Option<String>,
    /// Its digests, by algorithm.
    pub digest: Vec<(String, String)>,
}

impl ProvenanceView {
    /// Reads a predicate of this type. It is untrusted, and was parsed strictly
    /// as a part of its statement. `None` for other types.
    ///
    /// # Errors
    /// [`ProvenanceError`] with the member that the specification requires and
    /// that is missing or of another type.
    pub fn parse(
        predicate_type: &PredicateType,
        predicate: &[u8],
    ) -> Option<Result<Self, ProvenanceError>> {
        match predicate_type.uri() {
            PredicateType::SLSA_PROVENANCE_V1 => Some(v1(predicate)),
            PredicateType::SLSA_PROVENANCE_V02 => Some(v02(predicate)),
            _ => None,
        }
    }
}

fn v1(predicate: &[u8]) -> Result<ProvenanceView, ProvenanceError> {
    let read: V1 = from_json(predicate)?;
    let metadata = read.run_details.metadata.unwrap_or_default();
    Ok(ProvenanceView {
        builder: uri("runDetails.builder.id", read.run_details.builder.id)?,
        build_type: uri(
            "buildDefinition.buildType",
            read.build_definition.build_type,
        )?,
        invocation: metadata.invocation_id,
        materials: materials(read.build_definition.resolved_dependencies)?,
    })
}

fn v02(predicate: &[u8]) -> Result<ProvenanceView, ProvenanceError> {
    let read: V02 = from_json(predicate)?;
    let metadata = read.metadata.unwrap_or_default();
    Ok(ProvenanceView {
        builder: uri("builder.id", read.builder.id)?,
        build_type: uri("buildType", read.build_type)?,
        invocation: metadata.build_invocation_id,
        materials: materials(read.materials)?,
    })
}

fn from_json<'de, T: Deserialize<'de>>(predicate: &'de [u8]) -> Result<T, ProvenanceError> {
    serde_json::from_slice(predicate).map_err(|e| ProvenanceError::Shape(e.to_string()))
}

fn uri(member: &'static str, text: String) -> Result<String, ProvenanceError> {
    let is_uri = text.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty() && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
    });
    if is_uri {
        Ok(text)
    } else {
        Err(ProvenanceError::NotUri(member))
    }
}

fn materials(listed: Vec<Listed>) -> Result<Vec<Material>, ProvenanceError> {
    if listed.len() > limits::DEPENDENCIES {
        return Err(ProvenanceError::TooMany);
    }
    let one = |material: Listed| Material {
        uri: material.uri,
        digest: material
            .digest
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
            .collect(),
    };
    Ok(listed.into_iter().map(one).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V1 {
    build_definition: V1Definition,
    run_details: V1Run,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V1Definition {
    build_type: String,
    #[serde(default)]
    resolved_dependencies: Vec<Listed>,
}

#[derive(Deserialize)]
struct V1Run {
    builder: ListedBuilder,
    metadata: Option<V1Metadata>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct V1Metadata {
    invocation_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V02 {
    builder: ListedBuilder,
    build_type: String,
    metadata: Option<V02Metadata>,
    #[serde(default)]
    materials: Vec<Listed>,
}

#[derive(Default, Deserialize)]
struct V02Metadata {
    #[serde(rename = "buildInvocationID", alias = "buildInvocationId")]
    build_invocation_id: Option<String>,
}

#[derive(Deserialize)]
struct ListedBuilder {
    id: String,
}

#[derive(Deserialize)]
struct Listed {
    uri: Option<String>,
    #[serde(default)]
    digest: Map<String, Value>,
}

/// Why a provenance is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProvenanceError {
    /// A member that must be a URI is not.
    #[error("`{0}` is not a URI")]
    NotUri(&'static str),
    /// A member is missing or of another type.
    #[error("not SLSA provenance: {0}")]
    Shape(String),
    /// It lists too much.
    #[error("it lists more than {} dependencies", limits::DEPENDENCIES)]
    TooMany,
}
