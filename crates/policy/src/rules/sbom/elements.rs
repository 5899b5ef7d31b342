//! What an SBOM says of itself and of its components.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use waxseal_sbom::{License, Listed, Listing};

use super::{Miss, say, some};
use crate::codes;

/// An element that an SBOM may have to state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SbomElement")]
pub(super) enum Element {
    /// Who or what made it.
    Author,
    /// When it was made.
    Timestamp,
    /// The version of each component.
    Version,
    /// Who answers for each component.
    Supplier,
    /// A package URL, CPE or SWID tag of each component.
    Identifier,
    /// Which component is in which.
    Relations,
}

impl Element {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Timestamp => "timestamp",
            Self::Version => "version",
            Self::Supplier => "supplier",
            Self::Identifier => "identifier",
            Self::Relations => "relations",
        }
    }

    /// Whether it is asked of each component, and not of the document.
    pub(super) fn is_of_components(self) -> bool {
        matches!(self, Self::Version | Self::Supplier | Self::Identifier)
    }

    /// What the document lacks.
    fn lacks(self, listing: &Listing) -> Option<String> {
        let document = |is_there: bool, what: &str| (!is_there).then(|| what.to_owned());
        let each = |is_there: fn(&Listed) -> bool| {
            let bare = listing.packages.iter().filter(|p| !is_there(p));
            let bare: Vec<String> = bare.map(named).collect();
            let text = || format!("{} no {}: {}", say(bare.len()), self.name(), some(&bare));
            (!bare.is_empty()).then(text)
        };
        match self {
            Self::Author => document(listing.has_author, "it does not say who made it"),
            Self::Timestamp => document(
                listing.created.is_some(),
                "it does not say when it was made",
            ),
            Self::Relations => document(
                listing.relations > 0,
                "it does not say how its components are related",
            ),
            Self::Version => each(|p| !p.version.is_empty()),
            Self::Supplier => each(|p| p.supplier.is_some()),
            Self::Identifier => each(|p| p.purl.is_some() || p.otherwise_identified),
        }
    }
}

/// Whether all that is wanted is stated.
pub(super) fn weigh(wanted: &[Element], listing: &Listing) -> Result<(), Box<Miss>> {
    let lacking: Vec<String> = wanted.iter().filter_map(|e| e.lacks(listing)).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let reason = format!("the SBOM: {}", lacking.join("; "));
    Err(Miss::near(codes::SBOM_ELEMENTS, reason))
}

/// What a component is called in an answer.
pub(super) fn named(component: &Listed) -> String {
    match &component.purl {
        Some(purl) => purl.clone(),
        None if component.version.is_empty() => component.name.clone(),
        None => format!("{} {}", component.name, component.version),
    }
}

/// The components as conditions see them, as a list in JSON: all members are always
/// there. One whose package URL can be written in another way is there in both, since
/// a condition is written for one of them. The second list has the number of each in
/// the listing.
pub(super) fn as_json(listing: &Listing) -> (String, Vec<usize>) {
    let (mut all, mut numbers) = (Vec::new(), Vec::new());
    for (number, component) in listing.packages.iter().enumerate() {
        let licenses: Vec<String> = component.licenses.iter().flat_map(License::names).collect();
        let written = component.purl.as_deref().unwrap_or_default();
        let (canonical, kind) = component
            .canonical_purl()
            .unwrap_or_else(|| (written.to_owned(), type_of(written).to_owned()));
        let mut spellings = vec![written, &canonical];
        spellings.dedup();
        for purl in spellings {
            numbers.push(number);
            all.push(json!({
                "name": component.name,
                "version": component.version,
                "purl": purl,
                "ecosystem": kind,
                "supplier": component.supplier.as_deref().unwrap_or_default(),
                "licenses": licenses,
            }));
        }
    }
    (serde_json::Value::Array(all).to_string(), numbers)
}

/// The type in what is not quite a package URL.
fn type_of(purl: &str) -> &str {
    let rest = purl.strip_prefix("pkg:").unwrap_or_default();
    rest.split('/').next().unwrap_or_default()
}
