//! Whether an SBOM says what is in an image.
//!
//! Two packages are the same where the type, namespace, name and version of
//! their package URLs are, as each ecosystem compares them. What tools write
//! differently (qualifiers, an epoch as a qualifier, `v` before Go's own
//! version) makes no difference here.

mod hashes;
mod key;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use waxseal_oci::Digest;

use crate::inventory::{Component, Inventory, Location};
use crate::listing::Listed;

pub use hashes::{HashChange, HashDifference};

use hashes::Hashes;
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
    versions: BTreeMap<Key, BTreeSet<String>>,
    /// An archive that does not say its group is the one of that name, whatever group
    /// the SBOM gives it.
    without_group: BTreeMap<Key, BTreeSet<String>>,
    hashes: Hashes,
    not_looked_for: BTreeMap<String, usize>,
    without_purl: usize,
}

impl Claims {
    /// Those of what an SBOM lists.
    #[must_use]
    pub fn of(sbom: &[Listed]) -> Self {
        let mut claims = Self::default();
        for component in sbom {
            let Some((key, version)) = component.purl.as_deref().and_then(key::of) else {
                claims.without_purl += 1;
                continue;
            };
            if !key.is_looked_for() {
                *claims.not_looked_for.entry(key.kind).or_default() += 1;
                continue;
            }
            claims.hashes.add(&key, &version, &component.hashes);
            if key.is_java() {
                let of_name = claims.without_group.entry(key.without_group());
                of_name.or_default().insert(version.clone());
            }
            claims.versions.entry(key).or_default().insert(version);
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
        let ours = sides(image);
        let nothing = BTreeSet::new();
        // Both are in the order of their keys.
        let mut theirs = self.versions.iter().peekable();
        for (key, side) in &ours {
            while theirs.next_if(|(other, _)| *other < key).is_some() {}
            let of_key = match key.lacks_group() {
                true => self.without_group.get(key),
                false => theirs
                    .peek()
                    .filter(|(other, _)| *other == key)
                    .map(|(_, said)| *said),
            };
            let said = of_key.unwrap_or(&nothing);
            let unsaid: Vec<String> = side.versions.difference(said).cloned().collect();
            let others = self.hashes.others(key, &side.hashes);
            comparison.same += (side.versions.len() - unsaid.len()).saturating_sub(others.len());
            comparison.hashes.extend(others);
            if unsaid.is_empty() {
                continue;
            }
            let found: BTreeSet<String> = side.found.iter().map(|at| place(at)).collect();
            let difference = Difference {
                ecosystem: key.kind.clone(),
                name: key.name.clone(),
                in_image: unsaid,
                in_sbom: said.difference(&side.versions).cloned().collect(),
                found: found.into_iter().collect(),
            };
            if said.is_empty() {
                comparison.missing.push(difference);
            } else {
                comparison.versions.push(difference);
            }
        }
        let mut there = ours.keys().peekable();
        for (key, said) in &self.versions {
            while there.next_if(|other| *other < key).is_some() {}
            let is_there = there.peek() == Some(&key)
                || (key.is_java() && ours.contains_key(&key.without_group()));
            if !is_there {
                comparison.extra.push(Difference {
                    ecosystem: key.kind.clone(),
                    name: key.name.clone(),
                    in_image: Vec::new(),
                    in_sbom: said.iter().cloned().collect(),
                    found: Vec::new(),
                });
            }
        }
        comparison
    }
}

/// What is in an image, by what packages are compared by.
fn sides(image: &Inventory) -> BTreeMap<Key, Side<'_>> {
    let mut sides: BTreeMap<Key, Side<'_>> = BTreeMap::new();
    for component in &image.components {
        // A name that no package URL can have is left out unless the SBOM has it so.
        let (key, version) = key::of(&component.purl).unwrap_or_else(|| {
            let key = Key {
                kind: component.ecosystem.purl_type().to_owned(),
                name: component.name.clone(),
            };
            (key, component.version.clone())
        });
        let side = sides.entry(key).or_default();
        // What only a lock file names may not be there: it may be listed or not.
        if component.is_declared_only() {
            continue;
        }
        side.found.extend(&component.found);
        side.hashes.push((version.clone(), component));
        side.versions.insert(version);
    }
    sides
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

#[derive(Default)]
struct Side<'a> {
    versions: BTreeSet<String>,
    found: Vec<&'a Location>,
    /// What there is of each version.
    hashes: Vec<(String, &'a Component)>,
}

#[cfg(test)]
mod tests;
