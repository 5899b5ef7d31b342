//! Whether an SBOM and an image mean the same archive by a package.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use waxseal_oci::Digest;

use super::key::Key;
use super::{Claim, Difference, Found, keyed, place};
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

/// What of a package in the image is another archive than is said of it.
///
/// Digests are compared where both sides have one of the same algorithm: of what the
/// SBOM says nothing, it says nothing wrong. `claims` are in the order of their
/// versions.
pub(super) fn others(key: &Key, found: &[&Found<'_>], claims: &[&Claim]) -> Vec<HashDifference> {
    let mut others = Vec::new();
    for Found {
        version, component, ..
    } in found
    {
        let from = claims.partition_point(|claim| *claim.version < **version);
        let of_version = claims.iter().skip(from);
        let of_version = of_version.take_while(|claim| claim.version == *version);
        let said = || of_version.clone().flat_map(|claim| &claim.hashes);
        let mut unsaid = Vec::new();
        let mut in_sbom = BTreeSet::new();
        for hash in &component.hashes {
            if said().any(|said| said == hash) {
                continue;
            }
            let same = said().filter(|said| said.algorithm() == hash.algorithm());
            let mut same = same.map(ToString::to_string).peekable();
            if same.peek().is_some() {
                unsaid.push(hash.to_string());
                in_sbom.extend(same);
            }
        }
        if unsaid.is_empty() {
            continue;
        }
        others.push(HashDifference {
            ecosystem: key.kind.clone(),
            name: key.name.clone(),
            version: version.clone().into_owned(),
            in_image: unsaid,
            in_sbom: in_sbom.into_iter().collect(),
            found: component.found.iter().map(place).collect(),
        });
    }
    others
}
