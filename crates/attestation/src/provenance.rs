//! SLSA provenance: written in v1 from what a build environment says of itself,
//! read in v0.2 and v1.
//!
//! What is not known is left out, never guessed: a consumer can ask for a field
//! that is missing, and cannot tell a made-up one from a true one.

mod buildkite;
mod buildx;
mod environment;
mod git;
mod github;
mod gitlab;
mod jenkins;
mod read;
mod tekton;

use serde::Serialize;
use serde_json::{Map, Value};

pub use buildx::{BuildxError, buildx_materials};
pub use environment::{Detected, Environment, detect};
pub use git::{Checkout, public_url};
pub use read::{Material, ProvenanceError, ProvenanceView};

/// A predicate of type [`SLSA_PROVENANCE_V1`](crate::PredicateType::SLSA_PROVENANCE_V1).
///
/// The members are those of the [specification](https://slsa.dev/spec/v1.1/provenance);
/// empty ones are not written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Provenance {
    /// What was to be built.
    pub build_definition: BuildDefinition,
    /// Who built it.
    pub run_details: RunDetails,
}

/// The inputs of a build.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BuildDefinition {
    /// The URI that says what the parameters mean.
    pub build_type: String,
    /// What a tenant of the builder could choose. A verifier has to check all of them.
    pub external_parameters: Map<String, Value>,
    /// What the builder chose.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub internal_parameters: Map<String, Value>,
    /// What went into the build, as far as it is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resolved_dependencies: Vec<Dependency>,
}

/// One run of a build.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunDetails {
    /// The platform that is trusted to have run it and to have said so truly.
    pub builder: Builder,
    /// Which run.
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// A build platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Builder {
    /// Its URI. A provenance without it says nothing.
    pub id: String,
    /// The versions of its parts.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub version: Map<String, Value>,
}

/// Which run of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Metadata {
    /// What names the run within its builder, most often its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocation_id: Option<String>,
    /// When it began, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_on: Option<String>,
}

impl Metadata {
    fn is_empty(&self) -> bool {
        self.invocation_id.is_none() && self.started_on.is_none()
    }
}

/// Something that went into a build: a resource descriptor with a URI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Dependency {
    /// Where it came from.
    pub uri: String,
    /// Its digests, by algorithm.
    pub digest: Map<String, Value>,
}

impl Dependency {
    /// A dependency with one digest.
    #[must_use]
    pub fn new(uri: impl Into<String>, algorithm: &str, value: &str) -> Self {
        let mut digest = Map::new();
        digest.insert(algorithm.to_owned(), value.into());
        Self {
            uri: uri.into(),
            digest,
        }
    }
}

impl Provenance {
    /// The predicate as JSON, the same bytes for the same facts.
    ///
    /// # Errors
    /// None that these types can give; the writer's own are passed on.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

#[cfg(test)]
mod tests;
