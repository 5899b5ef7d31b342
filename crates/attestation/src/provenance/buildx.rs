//! What `docker buildx build --metadata-file` says of a build's base images.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Dependency;
use crate::limits;

/// The materials of a build, from the file that buildx wrote. Untrusted.
///
/// Both forms of the provenance in it are read (SLSA v0.2 and v1).
///
/// # Errors
/// [`BuildxError`] where it is no such file, or has no provenance in it.
pub fn buildx_materials(file: &[u8]) -> Result<Vec<Dependency>, BuildxError> {
    let document: MetadataFile =
        serde_json::from_slice(file).map_err(|e| BuildxError::Json(e.to_string()))?;
    let provenance = document.provenance.ok_or(BuildxError::NoProvenance)?;
    let listed = provenance
        .build_definition
        .map(|definition| definition.resolved_dependencies)
        .filter(|listed| !listed.is_empty())
        .unwrap_or(provenance.materials);
    if listed.len() > limits::DEPENDENCIES {
        return Err(BuildxError::TooMany);
    }
    let with_digest = listed.into_iter().filter(|m| !m.digest.is_empty());
    Ok(with_digest
        .map(|material| Dependency {
            uri: without_password(material.uri),
            digest: material
                .digest
                .into_iter()
                .filter(|(_, value)| value.is_string())
                .collect(),
        })
        .filter(|dependency| !dependency.digest.is_empty())
        .collect())
}

/// A URI without whatever stands before its host: a token, where it is a repository.
fn without_password(uri: String) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return uri;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{rest}"),
        None => uri,
    }
}

#[derive(Deserialize)]
struct MetadataFile {
    #[serde(rename = "buildx.build.provenance")]
    provenance: Option<Inner>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inner {
    #[serde(default)]
    materials: Vec<Listed>,
    build_definition: Option<InnerDefinition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InnerDefinition {
    #[serde(default)]
    resolved_dependencies: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    uri: String,
    #[serde(default)]
    digest: Map<String, Value>,
}

/// Why the file of buildx cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildxError {
    /// It is not JSON of that form.
    #[error("not a metadata file of buildx: {0}")]
    Json(String),
    /// It was written without a provenance.
    #[error("it holds no `buildx.build.provenance`: build with `--provenance=mode=max`")]
    NoProvenance,
    /// It lists too much.
    #[error("it lists more than {} materials", limits::DEPENDENCIES)]
    TooMany,
}
