//! The policy document as it is written.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::{PolicyError, policy, requirement};

/// An `ImagePolicy` document: well-formed YAML with known fields only, not yet
/// compiled. The same document is used on a laptop, in CI and in a cluster.
#[derive(Clone, Debug)]
pub struct PolicyDocument(pub(crate) Raw);

impl PolicyDocument {
    /// Parses the YAML documents of a file (untrusted until compiled).
    ///
    /// # Errors
    /// [`PolicyError::Yaml`] with line and column; [`PolicyError::Empty`].
    pub fn parse(yaml: &str) -> Result<Vec<Self>, PolicyError> {
        let documents: Vec<Raw> = serde_saphyr::from_multiple(yaml)
            .map_err(|e| PolicyError::Yaml(first_line(&e.to_string())))?;
        if documents.is_empty() {
            return Err(PolicyError::Empty);
        }
        Ok(documents.into_iter().map(Self).collect())
    }

    /// Where the keys of its authorities are to be read from.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &KeySource)> {
        self.0
            .spec
            .authorities
            .iter()
            .filter_map(|(name, authority)| {
                authority
                    .key
                    .as_ref()
                    .map(|key| (name.as_str(), &key.source))
            })
    }

    /// Compiles it, with `read` giving the bytes of a key's source.
    ///
    /// # Errors
    /// [`PolicyError`] with the first thing that is wrong.
    pub fn compile(
        self,
        read: &dyn Fn(&KeySource) -> Result<Vec<u8>, String>,
    ) -> Result<crate::Policy, PolicyError> {
        policy::compile(self.0, read)
    }
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Raw {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) metadata: Metadata,
    pub(crate) spec: Spec,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) name: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Spec {
    #[serde(rename = "match")]
    pub(crate) matching: Matching,
    #[serde(default)]
    pub(crate) authorities: BTreeMap<String, AuthoritySource>,
    #[serde(default)]
    pub(crate) require: Vec<requirement::Raw>,
    #[serde(default)]
    pub(crate) mode: crate::Mode,
    #[serde(default)]
    pub(crate) platforms: Option<RawPlatforms>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Matching {
    #[serde(default)]
    pub(crate) images: Vec<String>,
    #[serde(default)]
    pub(crate) namespaces: Option<Namespaces>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Namespaces {
    pub(crate) match_labels: BTreeMap<String, String>,
}

/// An authority as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthoritySource {
    #[serde(default)]
    pub(crate) key: Option<RawKey>,
    #[serde(default)]
    pub(crate) keyless: Option<RawKeyless>,
    #[serde(default)]
    pub(crate) notation: Option<serde::de::IgnoredAny>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(from = "KeyFields")]
pub(crate) struct RawKey {
    pub(crate) source: KeySource,
    pub(crate) log: RawDemand,
    pub(crate) timestamp: RawDemand,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeyFields {
    #[serde(default)]
    pem: Option<String>,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    secret_ref: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    kms: Option<String>,
    #[serde(default)]
    log: RawDemand,
    #[serde(default)]
    timestamp: RawDemand,
}

impl From<KeyFields> for RawKey {
    fn from(fields: KeyFields) -> Self {
        let source = match (fields.pem, fields.file, fields.secret_ref, fields.kms) {
            (Some(pem), None, None, None) => KeySource::Pem(pem),
            (None, Some(file), None, None) => KeySource::File(file),
            (None, None, Some(_), None) => KeySource::Unsupported("key.secretRef".into()),
            (None, None, None, Some(_)) => KeySource::Unsupported("key.kms".into()),
            _ => KeySource::Unclear,
        };
        Self {
            source,
            log: fields.log,
            timestamp: fields.timestamp,
        }
    }
}

/// Where a public key is to be read from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// A file, relative to the policy file.
    File(String),
    /// The PEM text itself.
    Pem(String),
    /// None of the ways, or several.
    Unclear,
    /// A way that is specified and not there yet.
    Unsupported(String),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RawKeyless {
    #[serde(default)]
    pub(crate) issuer: Option<String>,
    #[serde(default)]
    pub(crate) issuer_reg_exp: Option<String>,
    #[serde(default)]
    pub(crate) subject: Option<String>,
    #[serde(default)]
    pub(crate) subject_reg_exp: Option<String>,
    #[serde(default)]
    pub(crate) claims: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawDemand {
    #[default]
    Optional,
    Required,
}

/// A word or a list of platforms.
#[derive(Clone, Debug)]
pub(crate) enum RawPlatforms {
    Word(String),
    List(Vec<String>),
}

impl<'de> Deserialize<'de> for RawPlatforms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrList;
        impl<'de> Visitor<'de> for WordOrList {
            type Value = RawPlatforms;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`index`, `all` or a list of platforms")
            }

            fn visit_str<E>(self, word: &str) -> Result<RawPlatforms, E> {
                Ok(RawPlatforms::Word(word.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawPlatforms, A::Error> {
                let mut platforms = Vec::new();
                while let Some(platform) = list.next_element()? {
                    platforms.push(platform);
                }
                Ok(RawPlatforms::List(platforms))
            }
        }
        deserializer.deserialize_any(WordOrList)
    }
}
