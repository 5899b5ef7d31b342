//! OpenVEX: what somebody says about whether a vulnerability matters in a
//! product. Versions 0.0.1 and 0.2.0 of <https://openvex.dev/ns>.

use serde::Deserialize;
use serde_json::{Map, Value};
use waxseal_oci::{Digest, Reference};

use crate::limits;

/// The predicate types of OpenVEX.
pub const TYPES: [&str; 3] = [
    "https://openvex.dev/ns",
    "https://openvex.dev/ns/v0.0.1",
    "https://openvex.dev/ns/v0.2.0",
];

/// A VEX document, which is as good as who signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VexDocument {
    /// Its statements that could be understood.
    pub statements: Vec<VexStatement>,
}

/// One statement of a VEX document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VexStatement {
    /// The vulnerability and its other names.
    pub vulnerability: Vec<String>,
    /// The products that it is about; none means the subject of the attestation.
    pub products: Vec<Product>,
    /// What is said.
    pub status: Status,
    /// Why, where it says that something is not affected: a label or a sentence.
    pub why: String,
    /// When it was said, in RFC 3339.
    pub time: String,
}

/// A product, and the parts of it that are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Product {
    /// Its names: package URLs and others.
    pub names: Vec<String>,
    /// The SHA-256 of its manifest, where it is given.
    pub sha256: Option<String>,
    /// The names of the parts that are meant; none means all of it.
    pub parts: Vec<Vec<String>>,
}

/// What a statement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by the specification")]
pub enum Status {
    /// The product is affected.
    Affected,
    /// The product has the fix.
    Fixed,
    /// The product is not affected, for a reason.
    NotAffected,
    /// It is not known yet.
    UnderInvestigation,
}

impl Status {
    /// Whether it says that the vulnerability does not matter.
    #[must_use]
    pub fn excuses(self) -> bool {
        matches!(self, Self::Fixed | Self::NotAffected)
    }

    /// The specification's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::NotAffected => "not_affected",
            Self::UnderInvestigation => "under_investigation",
        }
    }
}

impl VexDocument {
    /// Reads a predicate (untrusted).
    ///
    /// # Errors
    /// [`VexError`] where a statement cannot be understood: one that is
    /// passed over could be the one that takes an excuse back.
    pub fn parse(predicate: &str) -> Result<Self, VexError> {
        let raw: Raw =
            serde_json::from_str(predicate).map_err(|e| VexError::Shape(e.to_string()))?;
        if raw.statements.len() > limits::VEX_STATEMENTS {
            return Err(VexError::TooMany);
        }
        let of_document = raw.last_updated.or(raw.timestamp);
        let each = raw.statements.into_iter().enumerate();
        let statements = each.map(|(n, statement)| {
            statement
                .read(of_document.as_deref())
                .map_err(|why| VexError::Statement { number: n + 1, why })
        });
        Ok(Self {
            statements: statements.collect::<Result<_, _>>()?,
        })
    }
}

impl VexStatement {
    /// Whether it is about this vulnerability, by any of its names.
    #[must_use]
    pub fn is_about<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> bool {
        names.any(|name| {
            self.vulnerability
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
        })
    }

    /// Whether it is about this package in this image, whose manifest or index
    /// the attestation is about. One that excuses has to say so; one that does not
    /// excuse may be about a package that nobody can tell, of which the scanner gives
    /// no package URL, or the statement none.
    #[must_use]
    pub fn covers(&self, image: &Reference, subject: &Digest, purl: Option<&str>) -> bool {
        let surely = self.status.excuses();
        self.products.is_empty()
            || self
                .products
                .iter()
                .any(|product| product.covers(image, subject, purl, surely))
    }
}

impl Product {
    fn covers(
        &self,
        image: &Reference,
        subject: &Digest,
        purl: Option<&str>,
        surely: bool,
    ) -> bool {
        let is_image = match &self.sha256 {
            Some(hash) => subject.algorithm().name() == "sha256" && hash == subject.hex(),
            None => {
                let mut names = self.names.iter();
                names.any(|n| names_image(n, image, subject, surely))
            }
        };
        let is_named = |names: &Vec<String>| names.iter().any(|n| is_package(n, purl));
        if is_image {
            let part = |names: &Vec<String>| {
                is_named(names)
                    || !surely && (purl.is_none() || names.iter().all(|n| Purl::parse(n).is_none()))
            };
            return self.parts.is_empty() || self.parts.iter().any(part);
        }
        // A package may be the product itself. Parts of a package are not known here.
        if surely {
            return self.sha256.is_none() && self.parts.is_empty() && is_named(&self.names);
        }
        is_named(&self.names) || purl.is_none() && self.names.iter().any(|n| names_package(n))
    }
}

/// Whether a name is the image's: its package URL with its digest or without a
/// version, or its reference by digest. What it says of one tag or one platform it
/// says surely of this image only where that has the tag.
fn names_image(name: &str, image: &Reference, subject: &Digest, surely: bool) -> bool {
    let repository = image.repository();
    if name == repository.at(subject).to_string() {
        return true;
    }
    let path = repository.name();
    let rest = name.strip_prefix(&format!("{}/{path}", repository.registry()));
    if !surely && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':')) {
        return true;
    }
    let Some(purl) = Purl::parse(name).filter(|purl| purl.kind == "oci") else {
        return false;
    };
    // "OCI purls do not contain a namespace" (purl-spec, oci).
    if purl.namespace.is_some() {
        return false;
    }
    let is_this = |(key, value): &(String, String)| match key.as_str() {
        "repository_url" => true,
        "tag" => image.tag() == Some(value),
        _ => false,
    };
    if surely && purl.version.is_none() && !purl.qualifiers.iter().all(is_this) {
        return false;
    }
    let last = path.rsplit('/').next().unwrap_or(path);
    let whole = format!("{}/{path}", repository.registry());
    let folder = whole.strip_suffix(&format!("/{last}")).unwrap_or_default();
    let url = purl.qualifier("repository_url");
    purl.name == last
        && url.is_none_or(|url| url == whole || url == folder)
        && purl
            .version
            .as_deref()
            .is_none_or(|version| version == subject.as_str())
}

/// Whether a package URL in a statement means the one that was found: what it
/// leaves out, version or qualifiers, may be anything.
fn is_package(said: &str, found: Option<&str>) -> bool {
    let (Some(said), Some(found)) = (Purl::parse(said), found.and_then(Purl::parse)) else {
        return false;
    };
    said.kind == found.kind
        && said.namespace == found.namespace
        && said.name == found.name
        && (said.version.is_none() || said.version == found.version)
        && said
            .qualifiers
            .iter()
            .all(|(key, value)| found.qualifier(key) == Some(value))
}

/// Whether a name is the package URL of something that may be in an image.
fn names_package(name: &str) -> bool {
    Purl::parse(name).is_some_and(|purl| !matches!(purl.kind.as_str(), "oci" | "docker"))
}

/// A package URL in its parts.
struct Purl {
    kind: String,
    namespace: Option<String>,
    name: String,
    version: Option<String>,
    qualifiers: Vec<(String, String)>,
}

impl Purl {
    fn parse(text: &str) -> Option<Self> {
        let purl: purl::GenericPurl<String> = text.parse().ok()?;
        Some(Self {
            kind: purl.package_type().to_ascii_lowercase(),
            namespace: purl.namespace().map(str::to_owned),
            name: purl.name().to_owned(),
            version: purl.version().map(str::to_owned),
            qualifiers: purl
                .qualifiers()
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_owned()))
                .collect(),
        })
    }

    fn qualifier(&self, name: &str) -> Option<&str> {
        let found = self.qualifiers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[derive(Deserialize)]
struct Raw {
    timestamp: Option<String>,
    last_updated: Option<String>,
    statements: Vec<RawStatement>,
}

#[derive(Deserialize)]
struct RawStatement {
    /// A text in 0.0.1, an object in 0.2.0.
    vulnerability: Value,
    #[serde(default)]
    products: Vec<Value>,
    status: String,
    justification: Option<String>,
    impact_statement: Option<String>,
    timestamp: Option<String>,
    last_updated: Option<String>,
}

impl RawStatement {
    fn read(self, of_document: Option<&str>) -> Result<VexStatement, &'static str> {
        let status = match self.status.as_str() {
            "affected" => Status::Affected,
            "fixed" => Status::Fixed,
            "not_affected" => Status::NotAffected,
            "under_investigation" => Status::UnderInvestigation,
            _ => return Err("its status is none of the specification"),
        };
        let why = self.justification.or(self.impact_statement);
        if status == Status::NotAffected && why.as_ref().is_none_or(|why| why.trim().is_empty()) {
            return Err("it says `not_affected` and not why");
        }
        let vulnerability = vulnerability(&self.vulnerability);
        if vulnerability.is_empty() {
            return Err("it names no vulnerability");
        }
        let time = self.last_updated.or(self.timestamp);
        Ok(VexStatement {
            vulnerability,
            products: self
                .products
                .iter()
                .map(product)
                .collect::<Option<_>>()
                .ok_or("a product has no name")?,
            status,
            why: why.unwrap_or_default(),
            time: time
                .or_else(|| of_document.map(str::to_owned))
                .ok_or("nothing says when it was said")?,
        })
    }
}

fn vulnerability(value: &Value) -> Vec<String> {
    match value {
        Value::String(name) => vec![name.clone()],
        Value::Object(members) => {
            let aliases = members.get("aliases").and_then(Value::as_array);
            [members.get("name"), members.get("@id")]
                .into_iter()
                .flatten()
                .chain(aliases.into_iter().flatten())
                .filter_map(Value::as_str)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        }
        _ => Vec::new(),
    }
}

fn product(value: &Value) -> Option<Product> {
    let members = match value {
        Value::String(name) => {
            return Some(Product {
                names: vec![name.clone()],
                ..Product::default()
            });
        }
        Value::Object(members) => members,
        _ => return None,
    };
    let hashes = members.get("hashes").and_then(Value::as_object);
    let sha256 = hashes.and_then(|h| h.get("sha-256").or_else(|| h.get("sha256")));
    let parts = members.get("subcomponents").and_then(Value::as_array);
    let parts: Option<Vec<Vec<String>>> = parts
        .into_iter()
        .flatten()
        .map(|part| match part {
            Value::String(name) => Some(vec![name.clone()]),
            Value::Object(members) => Some(names(members)),
            _ => None,
        })
        .collect();
    let product = Product {
        names: names(members),
        sha256: sha256.and_then(Value::as_str).map(str::to_ascii_lowercase),
        parts: parts?,
    };
    (!product.names.is_empty() || product.sha256.is_some()).then_some(product)
}

fn names(members: &Map<String, Value>) -> Vec<String> {
    let identifiers = members.get("identifiers").and_then(Value::as_object);
    let purl = identifiers.and_then(|identifiers| identifiers.get("purl"));
    [members.get("@id"), purl]
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Why a VEX document says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VexError {
    /// A member is missing or of another type.
    #[error("not OpenVEX: {0}")]
    Shape(String),
    /// A statement cannot be understood.
    #[error("its statement {number}: {why}")]
    Statement {
        /// Which, counted from 1.
        number: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// It has too many statements.
    #[error("it has more than {} statements", limits::VEX_STATEMENTS)]
    TooMany,
}

#[cfg(test)]
mod tests;
