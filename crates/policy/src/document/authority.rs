//! Whom a policy trusts, as it is written.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Later;
use crate::WhenStale;

/// An authority: a key, or an identity that a certificate proves.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Authority")]
pub(crate) struct Raw {
    #[serde(default)]
    pub(crate) key: Option<Key>,
    #[serde(default)]
    pub(crate) keyless: Option<Keyless>,
    #[serde(default)]
    pub(crate) notation: Option<Later>,
}

/// The holder of a key. Exactly one of `pem` and `file`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(from = "KeyFields")]
#[schemars(with = "KeyFields")]
pub(crate) struct Key {
    pub(crate) source: KeySource,
    pub(crate) log: Demand,
    pub(crate) timestamp: Demand,
}

/// The holder of a key. Exactly one of `pem` and `file`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Key")]
struct KeyFields {
    /// The public key itself, in PEM.
    #[serde(default)]
    pem: Option<String>,
    /// A file with the public key, relative to the policy file.
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    secret_ref: Option<Later>,
    #[serde(default)]
    kms: Option<Later>,
    /// Whether an entry in a transparency log is needed.
    #[serde(default)]
    log: Demand,
    /// Whether an RFC 3161 timestamp is needed.
    #[serde(default)]
    timestamp: Demand,
}

impl From<KeyFields> for Key {
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

/// Where a public key or a trust root is to be read from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// A file, relative to the policy file.
    File(String),
    /// The PEM text itself.
    Pem(String),
    /// No key but a trust root, by the name that the operator gave it.
    TrustRoot(String),
    /// None of the ways, or several.
    Unclear,
    /// A way that is specified and not there yet.
    Unsupported(String),
}

/// Whoever proves an identity with a certificate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Keyless {
    /// The identity provider, by its URL. `*` stands for anything but `/`.
    #[serde(default)]
    pub(crate) issuer: Option<String>,
    /// The identity provider, by a regular expression from `^` to `$`.
    #[serde(default)]
    pub(crate) issuer_reg_exp: Option<String>,
    /// The identity. `*` stands for anything but `/`, `**` for anything.
    #[serde(default)]
    pub(crate) subject: Option<String>,
    /// The identity, by a regular expression from `^` to `$`.
    #[serde(default)]
    pub(crate) subject_reg_exp: Option<String>,
    /// What else the certificate says, by the names of Fulcio's extensions.
    #[serde(default)]
    pub(crate) claims: BTreeMap<String, String>,
    /// Whether an entry in a transparency log is needed; it is, unless this says
    /// otherwise.
    #[serde(default)]
    pub(crate) log: Option<Demand>,
    /// Whether an RFC 3161 timestamp is needed.
    #[serde(default)]
    pub(crate) timestamp: Demand,
    /// Whether the certificate has to be in a certificate transparency log; it
    /// has to, unless this says otherwise.
    #[serde(default)]
    pub(crate) certificate_transparency: Option<Whether>,
    /// The trust root that certifies it.
    #[serde(default)]
    pub(crate) trust_root: Option<Root>,
}

impl Keyless {
    /// Where its trust root is to be read from, if it has one of its own.
    pub(crate) fn root(&self) -> Option<KeySource> {
        Some(match self.trust_root.clone()? {
            Root::Short(text) if text.contains('/') || text.ends_with(".json") => {
                KeySource::File(text)
            }
            Root::Short(name) => KeySource::TrustRoot(name),
            Root::Long(long) => KeySource::TrustRoot(long.name),
        })
    }
}

/// A trust root: a file (with a `/`, or ending in `.json`), relative to the
/// policy file, or a name that the operator gave to one; or that name with what
/// is asked of its age.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected a name, a file or `{ name, maxAge: 7d, stale: refuse or warn }`"
)]
#[schemars(rename = "TrustRoot")]
pub(crate) enum Root {
    Short(String),
    Long(LongRoot),
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NamedTrustRoot")]
pub(crate) struct LongRoot {
    /// The name that the operator gave to it.
    pub(crate) name: String,
    /// How long ago it may have been fetched, such as `7d`.
    #[serde(default)]
    pub(crate) max_age: Option<String>,
    /// What becomes of one that is stale: `refuse` or `warn`.
    #[serde(default)]
    pub(crate) stale: WhenStale,
}

/// Whether something has to be there: `optional`, `required`, or so many of it,
/// each from another log or timestamp authority.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected `optional`, `required` or `{ threshold: N }`"
)]
pub(crate) enum Demand {
    Whether(Whether),
    Distinct(Distinct),
}

impl Default for Demand {
    fn default() -> Self {
        Self::Whether(Whether::Optional)
    }
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Whether {
    /// If it is there, it is checked.
    Optional,
    /// Without it the evidence does not count.
    Required,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Distinct {
    /// How many different logs or timestamp authorities it takes.
    pub(crate) threshold: NonZeroU8,
}
