//! Whether an SBOM and an image mean the same archive by a package.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use waxseal_oci::Digest;

use super::key::Key;
use super::{Difference, keyed, place};
use crate::inventory::Component;
use crate::listing::Listed;

/// A package whose archive is another one than the SBOM says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HashDifference {
    /// The type of its package URL.
    pub ecosystem: String,
    /// Its name, with its namespace.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digests in the image that the SBOM does not have.
    pub in_image: Vec<String>,
    /// The digests in the SBOM, of the same algorithms.
    pub in_sbom: Vec<String>,
    /// The files of the image that name it, each with its layer.
    pub found: Vec<String>,
}

/// The digests in place of the versions, and the version with the name.
impl From<&HashDifference> for Difference {
    fn from(of: &HashDifference) -> Self {
        Self {
            ecosystem: of.ecosystem.clone(),
            name: format!("{}@{}", of.name, of.version),
            in_image: of.in_image.clone(),
            in_sbom: of.in_sbom.clone(),
            found: of.found.clone(),
        }
    }
}

/// A package of one version whose archive changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HashChange {
    /// The type of its package URL; empty where it has none.
    pub ecosystem: String,
    /// Its name, with its namespace.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digests that only the first list has.
    pub before: Vec<String>,
    /// The digests that only the second list has, of the same algorithms.
    pub after: Vec<String>,
}

/// What of two lists of packages is of one version and of another content.
pub(super) fn changes(before: &[Listed], after: &[Listed]) -> Vec<HashChange> {
    let (before, after) = (by_version(before), by_version(after));
    let mut changes = Vec::new();
    for ((key, version), old) in &before {
        let Some(new) = after.get(&(key.clone(), version.clone())) else {
            continue;
        };
        let only = |of: &BTreeSet<&Digest>, other: &BTreeSet<&Digest>| -> Vec<String> {
            let comparable = |d: &&&Digest| other.iter().any(|o| o.algorithm() == d.algorithm());
            let only = of.difference(other).filter(comparable);
            only.map(ToString::to_string).collect()
        };
        let (before, after) = (only(old, new), only(new, old));
        if !before.is_empty() || !after.is_empty() {
            changes.push(HashChange {
                ecosystem: key.kind.clone(),
                name: key.name.clone(),
                version: version.clone(),
                before,
                after,
            });
        }
    }
    changes
}

fn by_version(components: &[Listed]) -> BTreeMap<(Key, String), BTreeSet<&Digest>> {
    let mut all: BTreeMap<(Key, String), BTreeSet<&Digest>> = BTreeMap::new();
    for component in components.iter().filter(|c| !c.hashes.is_empty()) {
        all.entry(keyed(component))
            .or_default()
            .extend(&component.hashes);
    }
    all
}

/// The hashes that an SBOM gives, by package and version.
#[derive(Clone, Debug, Default)]
pub(super) struct Hashes(BTreeMap<Key, BTreeMap<String, BTreeSet<Digest>>>);

impl Hashes {
    pub(super) fn add(&mut self, key: &Key, version: &str, hashes: &[Digest]) {
        if hashes.is_empty() {
            return;
        }
        // An archive in the image may not say its group.
        for key in BTreeSet::from([key.clone(), key.without_group()]) {
            let of_key = self.0.entry(key).or_default();
            let of_version = of_key.entry(version.to_owned()).or_default();
            of_version.extend(hashes.iter().cloned());
        }
    }

    /// What of a package in the image is another archive than is said here.
    ///
    /// Digests are compared where both sides have one of the same algorithm:
    /// of what the SBOM says nothing, it says nothing wrong.
    pub(super) fn others(&self, key: &Key, found: &[(String, &Component)]) -> Vec<HashDifference> {
        let Some(said) = self.0.get(key) else {
            return Vec::new();
        };
        let mut others = Vec::new();
        for (version, component) in found {
            let Some(said) = said.get(version) else {
                continue;
            };
            let of_algorithm = |of: &Digest| {
                let same = said.iter().filter(move |s| s.algorithm() == of.algorithm());
                same.map(ToString::to_string).collect::<Vec<_>>()
            };
            let unsaid = component.hashes.iter().filter(|hash| !said.contains(*hash));
            let unsaid: Vec<(String, Vec<String>)> = unsaid
                .map(|hash| (hash.to_string(), of_algorithm(hash)))
                .filter(|(_, said)| !said.is_empty())
                .collect();
            if unsaid.is_empty() {
                continue;
            }
            let (in_image, in_sbom): (Vec<_>, Vec<_>) = unsaid.into_iter().unzip();
            let in_sbom: BTreeSet<String> = in_sbom.into_iter().flatten().collect();
            others.push(HashDifference {
                ecosystem: key.kind.clone(),
                name: key.name.clone(),
                version: version.clone(),
                in_image,
                in_sbom: in_sbom.into_iter().collect(),
                found: component.found.iter().map(place).collect(),
            });
        }
        others
    }
}
