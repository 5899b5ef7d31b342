//! Java archives: `.jar`, `.war`, `.ear`, and the archives in them.
//!
//! Maven leaves a `pom.properties` for each artifact that went into an archive.
//! An archive without its own is named by its manifest and its file's name; of
//! one that gives no version nothing is said.

mod manifest;

use std::io::{Cursor, Read as _};

use waxseal_oci::Digest;
use zip::ZipArchive;
use zip::result::ZipError;

use super::Package;
use super::looked::Held;
use crate::inventory::{Ecosystem, License};
use crate::limits;

/// What an archive and the archives in it say that they are.
pub(super) fn read(bytes: &[u8], path: &str) -> Result<Held, String> {
    let mut reading = Reading {
        entries: limits::JAVA_ENTRIES,
        bytes: limits::JAVA_BYTES,
        open: limits::JAVA_OPEN_BYTES,
        held: Held::default(),
    };
    reading.archive(bytes, path, "", limits::JAVA_DEPTH)?;
    Ok(reading.held)
}

/// Whether a file's name is that of an archive that is read.
pub(super) fn is_archive(name: &str) -> bool {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    ["jar", "war", "ear", "jpi", "hpi"]
        .iter()
        .any(|known| end.eq_ignore_ascii_case(known))
}

/// What is left to be spent, and what was found.
struct Reading {
    entries: usize,
    bytes: u64,
    /// Of the archives that are open in one another at this moment.
    open: u64,
    held: Held,
}

impl Reading {
    fn archive(
        &mut self,
        bytes: &[u8],
        path: &str,
        inside: &str,
        depth: usize,
    ) -> Result<(), String> {
        // The directory is read whole: its size is known before.
        let entries = bytes
            .windows(ENTRY.len())
            .filter(|window| *window == ENTRY)
            .count();
        self.entries = self
            .entries
            .checked_sub(entries)
            .ok_or_else(|| format!("more than {} entries", limits::JAVA_ENTRIES))?;
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
        if archive.has_duplicate_names() {
            return Err("it has two entries of one name".to_owned());
        }
        let mut found = Archive::default();
        for index in 0..archive.len() {
            let name = {
                let entry = archive.by_index_raw(index).map_err(broken)?;
                let Ok(name) = entry.name() else { continue };
                name.into_owned()
            };
            let role = Role::of(&name);
            let most = match role {
                Role::Other => continue,
                Role::Archive if depth == 0 => {
                    self.note(inside, &name, "an archive too deep in archives".to_owned());
                    continue;
                }
                Role::Archive => self.bytes.min(self.open),
                Role::Manifest | Role::Properties => limits::JAVA_MANIFEST_BYTES,
            };
            let content = match entry(&mut archive, index, most) {
                Ok(content) => content,
                Err(reason) => {
                    self.note(inside, &name, reason);
                    continue;
                }
            };
            match role {
                Role::Manifest => {
                    let main = manifest::main(&content);
                    // Java takes the one in capitals; others take either.
                    if found.has_manifest && found.manifest != main {
                        self.note(inside, &name, "a second manifest".to_owned());
                    }
                    if !found.has_manifest || name == MANIFEST {
                        found.manifest = main;
                    }
                    found.has_manifest = true;
                }
                Role::Properties => {
                    let properties = manifest::properties(&content);
                    found.properties.extend(artifact(&properties));
                }
                Role::Archive => {
                    let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
                    self.bytes = self.bytes.saturating_sub(length);
                    self.open = self.open.saturating_sub(length);
                    let here = joined(inside, &name);
                    if let Err(reason) = self.archive(&content, &name, &here, depth - 1) {
                        self.note(inside, &name, reason);
                    }
                    self.open = self.open.saturating_add(length);
                }
                Role::Other => {}
            }
        }
        let stem = path.rsplit('/').next().unwrap_or(path);
        let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
        for mut package in found.packages(stem, bytes) {
            package.inside = Some(inside.to_owned()).filter(|path| !path.is_empty());
            self.held.packages.push(package);
        }
        Ok(())
    }

    fn note(&mut self, inside: &str, name: &str, reason: String) {
        if self.held.notes.len() < limits::NOTES {
            self.held.notes.push((joined(inside, name), reason));
        }
    }
}

fn broken(error: ZipError) -> String {
    format!("not a Java archive: {error}")
}

fn joined(inside: &str, name: &str) -> String {
    if inside.is_empty() {
        name.to_owned()
    } else {
        format!("{inside}!/{name}")
    }
}

/// The content of an entry, whatever length it claims.
fn entry(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    index: usize,
    most: u64,
) -> Result<Vec<u8>, String> {
    let entry = archive.by_index(index).map_err(broken)?;
    let too_large = || format!("larger than {most} bytes, which is not read");
    if entry.size() > most {
        return Err(too_large());
    }
    let mut content = Vec::new();
    entry
        .take(most + 1)
        .read_to_end(&mut content)
        .map_err(|e| format!("cannot be decompressed: {e}"))?;
    if u64::try_from(content.len()).is_ok_and(|length| length > most) {
        return Err(too_large());
    }
    Ok(content)
}

/// What an entry of an archive is for.
#[derive(Clone, Copy)]
enum Role {
    Archive,
    Manifest,
    Other,
    Properties,
}

impl Role {
    fn of(name: &str) -> Self {
        if name.eq_ignore_ascii_case(MANIFEST) {
            return Self::Manifest;
        }
        let below = name.strip_prefix("META-INF/maven/");
        if below.is_some_and(|below| below.ends_with("/pom.properties")) {
            return Self::Properties;
        }
        match is_archive(name) {
            true => Self::Archive,
            false => Self::Other,
        }
    }
}

/// What one archive says.
#[derive(Default)]
struct Archive {
    manifest: manifest::Attributes,
    has_manifest: bool,
    properties: Vec<Package>,
}

impl Archive {
    /// The packages of an archive of this name and content.
    fn packages(self, stem: &str, content: &[u8]) -> Vec<Package> {
        let (name, version) = named(stem);
        let mut packages = self.properties;
        let own = packages.iter_mut().find(|package| {
            let artifact = package.name.rsplit('/').next().unwrap_or_default();
            artifact == name || artifact == stem
        });
        let licenses = licenses(&self.manifest);
        // What was packed into it with others has no archive of its own any more.
        let hashes = || vec![Digest::sha256(content)];
        if let Some(own) = own {
            own.licenses = licenses;
            own.hashes = hashes();
            return packages;
        }
        // A file that was renamed.
        if let [own] = packages.as_mut_slice() {
            own.licenses = licenses;
            own.hashes = hashes();
            return packages;
        }
        let stated = [
            "Implementation-Version",
            "Bundle-Version",
            "Specification-Version",
        ]
        .iter()
        .find_map(|key| self.manifest.get(*key));
        // The file's name is Maven's; the manifest's versions are anybody's.
        let Some(version) = version.or(stated.map(String::as_str)) else {
            return packages;
        };
        packages.push(Package {
            name: match group(&self.manifest, name) {
                Some(group) => format!("{group}/{name}"),
                None => name.to_owned(),
            },
            version: version.to_owned(),
            supplier: ["Implementation-Vendor", "Bundle-Vendor"]
                .iter()
                .find_map(|key| self.manifest.get(*key))
                .cloned(),
            licenses,
            hashes: hashes(),
            ecosystem: Some(Ecosystem::Maven),
            ..Package::default()
        });
        packages
    }
}

fn artifact(properties: &manifest::Attributes) -> Option<Package> {
    let known = |key: &str| properties.get(key).filter(|value| is_plain(value));
    let (group, artifact) = (known("groupId")?, known("artifactId")?);
    Some(Package {
        name: format!("{group}/{artifact}"),
        version: known("version").cloned().unwrap_or_default(),
        ecosystem: Some(Ecosystem::Maven),
        ..Package::default()
    })
}

/// Maven's coordinates have no slash, no blank, and nothing that a template left.
fn is_plain(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    !text.is_empty() && text.chars().all(allowed)
}

/// `commons-io-2.11.0`: the version is the first part that begins with a digit
/// behind which no other name begins, as one does in `log4j-1.2-api-2.20.0`.
fn named(stem: &str) -> (&str, Option<&str>) {
    // No file is named so; and what follows looks at each part from each other.
    if stem.len() > limits::JAVA_NAME_BYTES {
        return (stem, None);
    }
    let starts = stem.match_indices('-').map(|(at, _)| at);
    let version = starts.filter(|at| *at > 0).find(|at| {
        let after = stem.get(at + 1..).unwrap_or_default();
        let parts: Vec<&str> = after.split('-').collect();
        let another_name = parts.windows(2).any(|pair| match pair {
            [word, next] => is_name(word) && is_number(next),
            _ => false,
        });
        is_number(after) && !another_name
    });
    match version {
        Some(at) => (stem.get(..at).unwrap_or(stem), stem.get(at + 1..)),
        None => (stem, None),
    }
}

fn is_number(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_digit())
}

fn is_name(part: &str) -> bool {
    !is_number(part)
        && !QUALIFIERS
            .iter()
            .any(|known| part.eq_ignore_ascii_case(known))
}

/// The group, where the manifest gives it in one of the ways that tools write.
fn group<'a>(manifest: &'a manifest::Attributes, artifact: &str) -> Option<&'a str> {
    let dotted = |text: &&str| text.contains('.') && is_plain(text);
    let stated = manifest.get("Implementation-Vendor-Id").map(String::as_str);
    if let Some(group) = stated.filter(dotted) {
        return Some(group);
    }
    // `org.apache.commons.commons-io;singleton:=true`
    let bundle = manifest.get("Bundle-SymbolicName")?;
    let bundle = bundle.split(';').next().unwrap_or(bundle).trim();
    bundle
        .strip_suffix(artifact)
        .and_then(|rest| rest.strip_suffix('.'))
        .filter(dotted)
}

/// `Bundle-License: Apache-2.0;link="…", MIT`
fn licenses(manifest: &manifest::Attributes) -> Vec<License> {
    let stated = manifest.get("Bundle-License").map_or("", String::as_str);
    let each = stated.split(',').map(|clause| {
        let name = clause.split(';').next().unwrap_or(clause);
        name.trim().trim_matches('"')
    });
    each.filter(|name| *name != "<<EXTERNAL>>")
        .filter_map(License::of)
        .collect()
}

/// Where the manifest is. Java looks for it in any case.
const MANIFEST: &str = "META-INF/MANIFEST.MF";

/// How an entry of the directory begins.
const ENTRY: &[u8] = b"PK\x01\x02";

/// Words of a version that a number follows: `1.0-beta-2`.
const QUALIFIERS: [&str; 9] = ["alpha", "b", "beta", "build", "cr", "m", "pre", "rc", "sp"];

#[cfg(test)]
mod tests;
