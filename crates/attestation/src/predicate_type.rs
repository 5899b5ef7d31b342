//! Predicate types, by cosign's short names and by URI.

use std::fmt;
use std::str::FromStr;

/// What an attestation says, named by a URI.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PredicateType {
    uri: String,
}

impl PredicateType {
    /// cosign's predicate of a signature: it says nothing but "signed".
    pub const SIGN: &'static str = "https://sigstore.dev/cosign/sign/v1";
    /// cosign's `custom`: any text.
    pub const CUSTOM: &'static str = "https://cosign.sigstore.dev/attestation/v1";
    /// CycloneDX.
    pub const CYCLONEDX: &'static str = "https://cyclonedx.org/bom";
    /// SPDX.
    pub const SPDX: &'static str = "https://spdx.dev/Document";
    /// SLSA provenance v0.2.
    pub const SLSA_PROVENANCE_V02: &'static str = "https://slsa.dev/provenance/v0.2";
    /// SLSA provenance v1.
    pub const SLSA_PROVENANCE_V1: &'static str = "https://slsa.dev/provenance/v1";
    /// cosign's vulnerability scan.
    pub const VULN: &'static str = "https://cosign.sigstore.dev/attestation/vuln/v1";

    /// The URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The type of a URI, taken as it is.
    #[must_use]
    pub fn from_uri(uri: impl Into<String>) -> Self {
        Self { uri: uri.into() }
    }

    /// cosign's short name for it, if it has one.
    #[must_use]
    pub fn short_name(&self) -> Option<&'static str> {
        NAMES
            .iter()
            .find(|(_, uri)| *uri == self.uri)
            .map(|(name, _)| *name)
    }

    /// The short names, each with its URI.
    #[must_use]
    pub fn names() -> &'static [(&'static str, &'static str)] {
        NAMES
    }
}

impl FromStr for PredicateType {
    type Err = PredicateTypeError;

    fn from_str(text: &str) -> Result<Self, PredicateTypeError> {
        if let Some((_, uri)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(Self::from_uri(*uri));
        }
        let is_uri = text.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'))
                && !rest.is_empty()
                && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        });
        if is_uri {
            Ok(Self::from_uri(text))
        } else {
            Err(PredicateTypeError(text.to_owned()))
        }
    }
}

impl fmt::Display for PredicateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short_name().unwrap_or(&self.uri))
    }
}

/// A text that is neither a short name nor a URI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown predicate type `{0}`: it is a URI or one of custom, cyclonedx, link, openvex, \
     slsaprovenance, slsaprovenance02, slsaprovenance1, spdx, spdxjson, vuln"
)]
pub struct PredicateTypeError(String);

/// Of two names for one URI the first is the one that is shown.
const NAMES: &[(&str, &str)] = &[
    ("custom", PredicateType::CUSTOM),
    ("cyclonedx", PredicateType::CYCLONEDX),
    ("link", "https://in-toto.io/Link/v1"),
    ("openvex", "https://openvex.dev/ns"),
    ("slsaprovenance", PredicateType::SLSA_PROVENANCE_V02),
    ("slsaprovenance02", PredicateType::SLSA_PROVENANCE_V02),
    ("slsaprovenance1", PredicateType::SLSA_PROVENANCE_V1),
    ("spdxjson", PredicateType::SPDX),
    ("spdx", PredicateType::SPDX),
    ("vuln", PredicateType::VULN),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_cosigns_names_and_uris() {
        let uri = |text: &str| {
            text.parse::<PredicateType>()
                .map(|found| found.uri().to_owned())
        };
        assert_eq!(
            uri("slsaprovenance1").as_deref(),
            Ok("https://slsa.dev/provenance/v1")
        );
        assert_eq!(
            uri("https://example.com/x").as_deref(),
            Ok("https://example.com/x")
        );
        assert_eq!(
            uri("cyclonedxx"),
            Err(PredicateTypeError("cyclonedxx".into()))
        );
        assert_eq!(uri("a b:c"), Err(PredicateTypeError("a b:c".into())));
        for (name, uri) in PredicateType::names() {
            assert_eq!(name.parse::<PredicateType>().unwrap().uri(), *uri);
        }
        assert_eq!(
            PredicateType::from_uri(PredicateType::SPDX).to_string(),
            "spdxjson"
        );
    }
}
