//! Whom a policy trusts, as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Later;

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
    #[serde(default)]
    pub(crate) trust_root: Option<Later>,
}

/// Whether something has to be there.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Demand {
    /// If it is there, it is checked.
    #[default]
    Optional,
    /// Without it the evidence does not count.
    Required,
}
