//! `package-lock.json`, of its three versions.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{integrity, package};
use crate::catalogue::Package;
use crate::inventory::{Ecosystem, License};

pub(super) fn read(text: &str) -> Result<Vec<Package>, String> {
    let lock: File =
        serde_json::from_str(text).map_err(|e| format!("not a package-lock.json: {e}"))?;
    let mut packages = Vec::new();
    match lock.packages {
        Some(listed) => {
            for (path, entry) in listed {
                // What is not below `node_modules` is a member of the workspace,
                // and a link leads to one.
                let Some((_, name)) = path.rsplit_once("node_modules/") else {
                    continue;
                };
                if entry.link {
                    continue;
                }
                let name = entry.name.as_deref().unwrap_or(name);
                packages.push(Package {
                    licenses: entry
                        .license
                        .as_ref()
                        .and_then(|license| license.as_str())
                        .and_then(License::of)
                        .into_iter()
                        .collect(),
                    hashes: integrity(entry.integrity.as_deref().unwrap_or_default()),
                    ..package(Ecosystem::Npm, name, released(&entry.version))
                });
            }
        }
        None => older(lock.dependencies, &mut packages),
    }
    Ok(packages)
}

/// The first version's tree; what is as deep as JSON may be ends before.
fn older(listed: BTreeMap<String, Older>, packages: &mut Vec<Package>) {
    for (name, entry) in listed {
        // `npm:other@1.0.0` is a package under another's name.
        let other = entry.version.strip_prefix("npm:");
        let (name, version) = other
            .and_then(|other| other.rsplit_once('@'))
            .unwrap_or((&name, &entry.version));
        packages.push(Package {
            hashes: integrity(entry.integrity.as_deref().unwrap_or_default()),
            ..package(Ecosystem::Npm, name, released(version))
        });
        older(entry.dependencies, packages);
    }
}

/// A version; nothing where it is the address of an archive or a repository.
fn released(version: &str) -> &str {
    if version.contains([':', '/']) {
        ""
    } else {
        version
    }
}

#[derive(Deserialize)]
struct File {
    packages: Option<BTreeMap<String, Entry>>,
    #[serde(default)]
    dependencies: BTreeMap<String, Older>,
}

#[derive(Deserialize)]
struct Entry {
    name: Option<String>,
    #[serde(default)]
    version: String,
    license: Option<serde_json::Value>,
    integrity: Option<String>,
    #[serde(default)]
    link: bool,
}

#[derive(Deserialize)]
struct Older {
    #[serde(default)]
    version: String,
    integrity: Option<String>,
    #[serde(default)]
    dependencies: BTreeMap<String, Self>,
}
