//! What an SBOM lists, whoever wrote it and in whichever format.

use jiff::Timestamp;
use purl::GenericPurl;
use waxseal_oci::Digest;

use crate::inventory::{Component, Inventory, License, Location};
use crate::subject::ClaimedSubject;

/// The packages that a document lists, or that were found in an image.
///
/// Read from a document it is a claim: nobody has signed it, and its order is
/// the document's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// What the document says it describes.
    pub subjects: Vec<ClaimedSubject>,
    /// When it says it was made.
    pub created: Option<Timestamp>,
    /// Whether it says who or what made it.
    pub has_author: bool,
    /// How many relations between components it states.
    pub relations: usize,
    /// What it lists, nested components included, and not its subject.
    pub packages: Vec<Listed>,
}

/// One thing that is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its name, as it is written there.
    pub name: String,
    /// Its version, as it is written there; it may be empty.
    pub version: String,
    /// Its package URL, as it is written there.
    pub purl: Option<String>,
    /// Whether it has another identifier: a CPE, a SWID tag.
    pub otherwise_identified: bool,
    /// Who answers for it.
    pub supplier: Option<String>,
    /// What it is licensed under.
    pub licenses: Vec<License>,
    /// Hashes of the archive that it comes as.
    pub hashes: Vec<Digest>,
    /// Where it was found, where the listing was made from an image.
    pub found: Vec<Location>,
}

impl Listed {
    /// Its package URL as everybody would write it, and the type in it; nothing where
    /// it has none. `PKG:NPM/%61` and `pkg:npm/a` are one.
    #[must_use]
    pub fn canonical_purl(&self) -> Option<(String, String)> {
        let purl: GenericPurl<String> = self.purl.as_deref()?.parse().ok()?;
        let kind = purl.package_type().to_ascii_lowercase();
        let written = purl.to_string();
        let rest = written
            .strip_prefix("pkg:")
            .and_then(|rest| rest.split_once('/'));
        let canonical = match rest {
            Some((_, rest)) => format!("pkg:{kind}/{rest}"),
            None => written,
        };
        Some((canonical, kind))
    }
}

impl From<&Inventory> for Listing {
    fn from(inventory: &Inventory) -> Self {
        Self {
            packages: inventory.components.iter().map(Listed::from).collect(),
            ..Self::default()
        }
    }
}

impl From<&Component> for Listed {
    fn from(component: &Component) -> Self {
        Self {
            name: component.name.clone(),
            version: component.version.clone(),
            purl: Some(component.purl.clone()),
            supplier: component.supplier.clone(),
            licenses: component.licenses.clone(),
            hashes: component.hashes.clone(),
            found: component.found.clone(),
            ..Self::default()
        }
    }
}
