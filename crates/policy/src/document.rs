//! The policy document as it is written.

pub(crate) mod authority;
pub(crate) mod matching;
pub(crate) mod platforms;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub use authority::KeySource;

use crate::{PolicyError, compile, limits, rules};

/// An `ImagePolicy` document: well-formed YAML with known fields only, not yet
/// compiled. The same document is used on a laptop, in CI and in a cluster.
#[derive(Clone, Debug)]
pub struct PolicyDocument(pub(crate) Raw);

impl PolicyDocument {
    /// Parses the YAML documents of a file (untrusted until compiled).
    ///
    /// # Errors
    /// [`PolicyError::Yaml`] with line and column; [`PolicyError::Empty`];
    /// [`PolicyError::TooLarge`]; [`PolicyError::DuplicateName`].
    pub fn parse(yaml: &str) -> Result<Vec<Self>, PolicyError> {
        if yaml.len() > limits::POLICY_BYTES {
            return Err(PolicyError::TooLarge);
        }
        let documents: Vec<Raw> = serde_saphyr::from_multiple_with_options(yaml, options())
            .map_err(|e| PolicyError::Yaml(in_words(&e)))?;
        if documents.is_empty() {
            return Err(PolicyError::Empty);
        }
        distinct(documents.iter().map(|d| d.metadata.name.as_str()))?;
        Ok(documents.into_iter().map(Self).collect())
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.metadata.name
    }

    /// Where the keys of its authorities are to be read from.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &KeySource)> {
        let all = self.0.spec.authorities.iter();
        all.filter_map(move |(name, authority)| {
            authority
                .key
                .as_ref()
                .map(|key| (name.as_str(), &key.source))
        })
    }

    /// Where the trust roots of its authorities are to be read from.
    pub fn trust_roots(&self) -> impl Iterator<Item = KeySource> {
        let all = self.0.spec.authorities.values();
        all.filter_map(|authority| authority.keyless.as_ref()?.root())
    }

    /// Compiles it, with `read` giving the bytes of a key's or trust root's source.
    ///
    /// # Errors
    /// [`PolicyError::In`] with the first thing that is wrong.
    pub fn compile(
        self,
        read: &dyn Fn(&KeySource) -> Result<Vec<u8>, String>,
    ) -> Result<crate::Policy, PolicyError> {
        compile::compile(self.0, read)
    }
}

/// Fails with the first name that is there twice.
pub(crate) fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), PolicyError> {
    let mut known = std::collections::BTreeSet::new();
    for name in names {
        if !known.insert(name) {
            return Err(PolicyError::DuplicateName(name.to_owned()));
        }
    }
    Ok(())
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: limits::POLICY_DOCUMENTS,
            max_depth: limits::POLICY_DEPTH,
            max_nodes: limits::POLICY_VALUES,
            max_events: 4 * limits::POLICY_VALUES,
            max_total_scalar_bytes: limits::POLICY_BYTES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: limits::POLICY_VALUES,
            max_replay_stack_depth: limits::POLICY_DEPTH,
        },
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    }
}

fn in_words(error: &serde_saphyr::Error) -> String {
    let text = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
    let text = text.lines().next().unwrap_or_default();
    crate::escaped(text.trim_end_matches('.'))
}

/// A policy: which images it covers, whom it trusts, and what it requires.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ImagePolicy")]
pub(crate) struct Raw {
    /// `waxseal.dev/v1alpha1`
    pub(crate) api_version: String,
    /// `ImagePolicy`
    pub(crate) kind: String,
    pub(crate) metadata: Metadata,
    pub(crate) spec: Spec,
}

/// The name of the policy. Labels and annotations are for other tools.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Metadata {
    /// The name, in lowercase letters, digits, `-` and `.`.
    pub(crate) name: String,
    #[serde(default)]
    #[expect(dead_code, reason = "for other tools")]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    #[expect(dead_code, reason = "for other tools")]
    annotations: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Spec {
    #[serde(rename = "match")]
    pub(crate) matching: matching::Raw,
    /// Whom the policy trusts, by names of its own.
    #[serde(default)]
    pub(crate) authorities: BTreeMap<String, authority::Raw>,
    /// What must be there; all of it.
    #[serde(default)]
    pub(crate) require: Vec<rules::Raw>,
    /// What a refusal does.
    #[serde(default)]
    pub(crate) mode: crate::Mode,
    /// Which members of an index are looked at.
    #[serde(default)]
    pub(crate) platforms: Option<platforms::Raw>,
}

/// A field that is specified and not there yet: read, so that the answer can say so.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Later(serde::de::IgnoredAny);

impl JsonSchema for Later {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NotSupportedYet".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!(false)
    }
}
