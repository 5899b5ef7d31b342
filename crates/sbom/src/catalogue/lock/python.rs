//! Python's lock files: those in TOML, `Pipfile.lock`, and requirements that are
//! pinned.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::package;
use crate::catalogue::Package;
use crate::inventory::Ecosystem;

/// `poetry.lock`, `uv.lock`, `pdm.lock`, `pylock.toml`.
pub(super) fn toml(text: &str) -> Result<Vec<Package>, String> {
    let lock: File =
        toml::from_str(text).map_err(|e| format!("not a lock file of Python: {}", e.message()))?;
    let all = lock.package.into_iter().chain(lock.packages);
    let released = all.filter(|listed| !listed.is_here());
    let each = released.filter_map(|listed| {
        Some(package(
            Ecosystem::Pypi,
            &listed.name,
            listed.version.as_deref()?,
        ))
    });
    Ok(each.collect())
}

/// `Pipfile.lock`: groups of packages, beside `_meta`.
pub(super) fn pipfile(text: &str) -> Result<Vec<Package>, String> {
    let groups: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|e| format!("not a Pipfile.lock: {e}"))?;
    let named = groups.iter().filter(|(name, _)| *name != "_meta");
    let listed = named.filter_map(|(_, group)| group.as_object()).flatten();
    let each = listed.filter_map(|(name, entry)| {
        let version = entry.get("version")?.as_str()?.strip_prefix("==")?;
        Some(package(
            Ecosystem::Pypi,
            name,
            version.trim_start_matches('='),
        ))
    });
    Ok(each.collect())
}

/// The lines of a requirements file that say one version and no other.
pub(super) fn requirements(text: &str) -> Vec<Package> {
    let each = text.lines().filter_map(|line| {
        let line = line.split(" #").next().unwrap_or(line);
        // Markers and options stand behind.
        let line = line.split([';', '\\']).next().unwrap_or(line);
        let line = line.split(" --").next().unwrap_or(line).trim();
        let (name, version) = line.split_once("==")?;
        let version = version.trim_start_matches('=').trim();
        let name = name.split('[').next().unwrap_or(name).trim();
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_exact =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '!' | '-' | '_');
        let pinned = !name.is_empty()
            && name.chars().all(is_name)
            && !version.is_empty()
            && version.chars().all(is_exact);
        pinned.then(|| package(Ecosystem::Pypi, name, version))
    });
    each.collect()
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    package: Vec<Listed>,
    #[serde(default)]
    packages: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    version: Option<String>,
    #[serde(default)]
    source: BTreeMap<String, toml::Value>,
    /// PDM's and PEP 751's.
    path: Option<String>,
    directory: Option<toml::Value>,
}

impl Listed {
    /// Whether it is the project itself, or a folder beside it.
    fn is_here(&self) -> bool {
        let in_folder = |(key, value): (&String, &toml::Value)| {
            matches!(key.as_str(), "editable" | "virtual" | "directory")
                || (key == "type" && value.as_str() == Some("directory"))
        };
        self.source.iter().any(in_folder) || self.path.is_some() || self.directory.is_some()
    }
}
