//! Whether an SBOM says what is in an image.
//!
//! Two packages are the same where the type, namespace, name and version of
//! their package URLs are, as each ecosystem compares them. What tools write
//! differently (qualifiers, an epoch as a qualifier, `v` before Go's own
//! version) makes no difference here.

mod hashes;
mod key;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use waxseal_oci::Digest;

use crate::inventory::{Component, Inventory, Location};
use crate::listing::Listed;

pub use hashes::{HashChange, HashDifference};

use key::Key;

/// A package that is on one side only, or in another version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Difference {
    /// The type of its package URL.
    pub ecosystem: String,
    /// Its name, with its namespace.
    pub name: String,
    /// Its versions in the image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_image: Vec<String>,
    /// Its versions in the SBOM.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_sbom: Vec<String>,
    /// The files of the image that name it, each with its layer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
}

/// Something in the image that could not be read: a package may be in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Unread {
    /// Its path in the image, without a slash in front.
    pub path: String,
    /// The layer that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<Digest>,
    /// Why.
    pub reason: String,
}

impl Unread {
    /// Whether `allowed` is this path, or a folder that it is in, with a slash in
    /// front.
    fn is_below(&self, allowed: &str) -> bool {
        let Some(allowed) = allowed.strip_prefix('/') else {
            return false;
        };
        let rest = self.path.strip_prefix(allowed.trim_end_matches('/'));
        !allowed.is_empty()
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '!']))
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(layer) = &self.layer {
            write!(f, " in layer {layer}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// An SBOM beside what is in the image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Comparison {
    /// How many packages are in both.
    pub same: usize,
    /// In the image, and not in the SBOM.
    pub missing: Vec<Difference>,
    /// In both, in versions that differ.
    pub versions: Vec<Difference>,
    /// In both, as archives of another content.
    pub hashes: Vec<HashDifference>,
    /// In the image, and not read, so that nobody knows which packages are in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    /// In the SBOM, and not in the image, of types that are looked for.
    pub extra: Vec<Difference>,
    /// How many of those that are missing are of types of which the SBOM lists nothing at
    /// all: whoever made it may not look for them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub not_covered: BTreeMap<String, usize>,
    /// How many packages the SBOM has of types that are not looked for in images.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub not_looked_for: BTreeMap<String, usize>,
    /// How many entries of the SBOM have no package URL to compare by.
    pub without_purl: usize,
}

impl Comparison {
    /// Whether the SBOM leaves something out, or names another version or another
    /// content of it.
    #[must_use]
    pub fn is_lacking(&self) -> bool {
        !self.missing.is_empty() || !self.versions.is_empty() || !self.hashes.is_empty()
    }

    /// Whether all of the image was compared: of what could not be read nobody knows
    /// whether the SBOM leaves it out.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.unread.is_empty()
    }

    /// The same comparison without what may be left out: types such as `npm`, package
    /// URLs without a version such as `pkg:npm/left-pad`, or the paths of files that
    /// cannot be read, and of folders of such, with a slash in front.
    #[must_use]
    pub fn allowing(mut self, allowed: &[String]) -> Self {
        let is_allowed = |ecosystem: &str, name: &str| {
            let whole = format!("pkg:{ecosystem}/{name}");
            allowed
                .iter()
                .any(|text| *text == ecosystem || text.eq_ignore_ascii_case(&whole))
        };
        self.missing.retain(|d| !is_allowed(&d.ecosystem, &d.name));
        let missing = by_kind(&self.missing);
        self.not_covered = std::mem::take(&mut self.not_covered)
            .into_keys()
            .filter_map(|kind| missing.get(&kind).map(|count| (kind, *count)))
            .collect();
        self.versions.retain(|d| !is_allowed(&d.ecosystem, &d.name));
        self.hashes.retain(|d| !is_allowed(&d.ecosystem, &d.name));
        self.unread
            .retain(|unread| !allowed.iter().any(|text| unread.is_below(text)));
        self
    }
}

/// What an SBOM lists, by what packages are compared by.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// In the order of their keys, then of their versions.
    all: Vec<Claim>,
    /// Where they stand in `all`, in the order of their package URLs.
    by_purl: Vec<usize>,
    /// Where Java archives stand in `all`, by their names alone: an archive that does
    /// not say its group is the one of that name, whatever group the SBOM gives it. In
    /// the order of their versions.
    by_java_name: BTreeMap<String, Vec<usize>>,
    not_looked_for: BTreeMap<String, usize>,
    without_purl: usize,
}

/// What one entry of an SBOM says.
#[derive(Clone, Debug)]
struct Claim {
    /// As it is written there.
    purl: String,
    key: Key,
    version: String,
    hashes: Vec<Digest>,
}

impl Claims {
    /// Those of what an SBOM lists.
    #[must_use]
    pub fn of(sbom: &[Listed]) -> Self {
        let mut claims = Self::default();
        for component in sbom {
            let parsed = component.purl.as_ref().and_then(|purl| {
                let (key, version) = key::of(purl)?;
                Some((purl, key, version))
            });
            let Some((purl, key, version)) = parsed else {
                claims.without_purl += 1;
                continue;
            };
            if !key.is_looked_for() {
                *claims.not_looked_for.entry(key.kind).or_default() += 1;
                continue;
            }
            claims.all.push(Claim {
                purl: purl.clone(),
                key,
                version,
                hashes: component.hashes.clone(),
            });
        }
        let all = &mut claims.all;
        all.sort_by(|a, b| (&a.key, &a.version).cmp(&(&b.key, &b.version)));
        let mut by_purl: Vec<(usize, &str)> = all
            .iter()
            .enumerate()
            .map(|(n, claim)| (n, claim.purl.as_str()))
            .collect();
        by_purl.sort_by_key(|(_, purl)| *purl);
        claims.by_purl = by_purl.into_iter().map(|(n, _)| n).collect();
        for (n, claim) in all.iter().enumerate().filter(|(_, c)| c.key.is_java()) {
            let name = claim.key.without_group().name;
            claims.by_java_name.entry(name).or_default().push(n);
        }
        for places in claims.by_java_name.values_mut() {
            places.sort_by_key(|n| all.get(*n).map(|claim| claim.version.as_str()));
        }
        claims
    }

    /// Compares them with what is in an image.
    #[must_use]
    pub fn compare(&self, image: &Inventory) -> Comparison {
        let unread = image.notes.iter().map(|note| Unread {
            path: note.at.path.clone(),
            layer: note.at.layer.clone(),
            reason: note.reason.clone(),
        });
        let mut comparison = Comparison {
            unread: unread.collect(),
            not_looked_for: self.not_looked_for.clone(),
            without_purl: self.without_purl,
            ..Comparison::default()
        };
        let ours = self.keyed(image);
        // Both are in the order of their keys.
        let mut theirs = self.all.iter().peekable();
        for of_key in ours.chunk_by(|a, b| a.key == b.key) {
            let Some(key) = of_key.first().map(|found| &*found.key) else {
                continue;
            };
            let said: Vec<&Claim> = if key.lacks_group() {
                let places = self.by_java_name.get(&key.name);
                let places = places.into_iter().flatten();
                places.filter_map(|n| self.all.get(*n)).collect()
            } else {
                while theirs.next_if(|claim| claim.key < *key).is_some() {}
                std::iter::from_fn(|| theirs.next_if(|claim| claim.key == *key)).collect()
            };
            one(&mut comparison, key, of_key, &said);
        }
        comparison.not_covered = by_kind(&comparison.missing);
        let covers = |kind: &str| self.all.iter().any(|claim| claim.key.kind == kind);
        comparison.not_covered.retain(|kind, _| !covers(kind));
        let is_ours = |key: &Key| ours.binary_search_by(|found| (*found.key).cmp(key)).is_ok();
        let mut there = ours.iter().peekable();
        for said in self.all.chunk_by(|a, b| a.key == b.key) {
            let Some(key) = said.first().map(|claim| &claim.key) else {
                continue;
            };
            while there.next_if(|found| *found.key < *key).is_some() {}
            let is_there = there.peek().is_some_and(|found| *found.key == *key)
                || (key.is_java() && is_ours(&key.without_group()));
            if !is_there {
                let versions: BTreeSet<&str> = said.iter().map(|c| c.version.as_str()).collect();
                comparison.extra.push(Difference {
                    ecosystem: key.kind.clone(),
                    name: key.name.clone(),
                    in_image: Vec::new(),
                    in_sbom: versions.into_iter().map(str::to_owned).collect(),
                    found: Vec::new(),
                });
            }
        }
        comparison
    }

    /// What is in an image, in the order of what packages are compared by.
    fn keyed<'a>(&'a self, image: &'a Inventory) -> Vec<Found<'a>> {
        // Both are in the order of their package URLs. What both write alike has been
        // parsed before; what an inventory has out of order is parsed.
        let mut known = self
            .by_purl
            .iter()
            .filter_map(|n| self.all.get(*n))
            .peekable();
        let mut all: Vec<Found<'a>> = image
            .components
            .iter()
            .map(|component| {
                while known.next_if(|c| c.purl < component.purl).is_some() {}
                let (key, version) = match known.peek() {
                    Some(claim) if claim.purl == component.purl => {
                        (Cow::Borrowed(&claim.key), Cow::Borrowed(&*claim.version))
                    }
                    _ => parsed(component),
                };
                Found {
                    key,
                    version,
                    component,
                }
            })
            .collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all
    }
}

/// How many there are of each type.
fn by_kind(all: &[Difference]) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for difference in all {
        *kinds.entry(difference.ecosystem.clone()).or_default() += 1;
    }
    kinds
}

/// A package in an image.
struct Found<'a> {
    key: Cow<'a, Key>,
    version: Cow<'a, str>,
    component: &'a Component,
}

fn parsed(component: &Component) -> (Cow<'_, Key>, Cow<'_, str>) {
    // A name that no package URL can have is left out unless the SBOM has it so.
    let (key, version) = key::of(&component.purl).unwrap_or_else(|| {
        let key = Key {
            kind: component.ecosystem.purl_type().to_owned(),
            name: component.name.clone(),
        };
        (key, component.version.clone())
    });
    (Cow::Owned(key), Cow::Owned(version))
}

/// Holds what an image has of one package against what is said of it.
fn one(comparison: &mut Comparison, key: &Key, all: &[Found<'_>], said: &[&Claim]) {
    // What only a lock file names may not be there: it may be listed or not.
    let installed = all
        .iter()
        .filter(|found| !found.component.is_declared_only());
    let installed: Vec<&Found<'_>> = installed.collect();
    let versions: BTreeSet<&str> = installed.iter().map(|found| &*found.version).collect();
    let in_sbom: BTreeSet<&str> = said.iter().map(|claim| claim.version.as_str()).collect();
    let unsaid: Vec<&str> = versions.difference(&in_sbom).copied().collect();
    let others = hashes::others(key, &installed, said);
    comparison.same += (versions.len() - unsaid.len()).saturating_sub(others.len());
    comparison.hashes.extend(others);
    if unsaid.is_empty() {
        return;
    }
    let places = installed.iter().flat_map(|found| &found.component.found);
    let found: BTreeSet<String> = places.map(place).collect();
    let only_there = in_sbom.difference(&versions);
    let difference = Difference {
        ecosystem: key.kind.clone(),
        name: key.name.clone(),
        in_image: unsaid.into_iter().map(str::to_owned).collect(),
        in_sbom: only_there.map(|version| (*version).to_owned()).collect(),
        found: found.into_iter().collect(),
    };
    if said.is_empty() {
        comparison.missing.push(difference);
    } else {
        comparison.versions.push(difference);
    }
}

/// What changed from one list of packages to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Changes {
    /// How many packages are the same.
    pub same: usize,
    /// Packages, with their versions, that are in the second list only.
    pub added: Vec<Change>,
    /// Packages, with their versions, that are in the first list only.
    pub removed: Vec<Change>,
    /// Packages whose versions differ.
    pub changed: Vec<Change>,
    /// Packages of one version whose archives differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<HashChange>,
}

/// A package that changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Change {
    /// The type of its package URL; empty where it has none.
    pub ecosystem: String,
    /// Its name, with its namespace.
    pub name: String,
    /// Its versions in the first list.
    pub before: Vec<String>,
    /// Its versions in the second list.
    pub after: Vec<String>,
}

impl Changes {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.changed.is_empty()
            && self.contents.is_empty()
    }
}

/// What changed between two lists of packages, of whatever types. An entry
/// without a package URL goes by its name.
#[must_use]
pub fn changes(before: &[Listed], after: &[Listed]) -> Changes {
    let contents = hashes::changes(before, after);
    let (before, after) = (by_key(before), by_key(after));
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    let none = BTreeSet::new();
    let mut changes = Changes::default();
    for key in keys {
        let old = before.get(key).unwrap_or(&none);
        let new = after.get(key).unwrap_or(&none);
        changes.same += old.intersection(new).count();
        if old == new {
            continue;
        }
        let change = Change {
            ecosystem: key.kind.clone(),
            name: key.name.clone(),
            before: old.difference(new).cloned().collect(),
            after: new.difference(old).cloned().collect(),
        };
        match (old.is_empty(), new.is_empty()) {
            (true, _) => changes.added.push(change),
            (_, true) => changes.removed.push(change),
            _ => changes.changed.push(change),
        }
    }
    changes.same = changes.same.saturating_sub(contents.len());
    changes.contents = contents;
    changes
}

fn by_key(components: &[Listed]) -> BTreeMap<Key, BTreeSet<String>> {
    let mut all: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
    for component in components {
        let (key, version) = keyed(component);
        all.entry(key).or_default().insert(version);
    }
    all
}

/// The package that an entry names, by its name alone where it has no package URL.
fn keyed(component: &Listed) -> (Key, String) {
    let by_purl = component.purl.as_deref().and_then(key::of);
    by_purl.unwrap_or_else(|| {
        let key = Key {
            kind: String::new(),
            name: component.name.clone(),
        };
        (key, component.version.clone())
    })
}

/// A file of the image, with its layer.
fn place(at: &Location) -> String {
    match &at.layer {
        Some(layer) => format!("{} in layer {layer}", at.path),
        None => at.path.clone(),
    }
}

#[cfg(test)]
mod tests;
