//! .NET packages: `*.deps.json`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Package;
use crate::inventory::Ecosystem;

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Package>, String> {
    let read: Deps = serde_json::from_slice(bytes).map_err(|e| format!("not a .deps.json: {e}"))?;
    let packages = read.libraries.into_iter().filter_map(|(key, library)| {
        // A project is the program itself.
        let (name, version) = key.rsplit_once('/').filter(|_| library.kind == "package")?;
        Some(Package {
            name: name.to_owned(),
            version: version.to_owned(),
            ecosystem: Some(Ecosystem::Nuget),
            ..Package::default()
        })
    });
    Ok(packages.collect())
}

#[derive(Deserialize)]
struct Deps {
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type", default)]
    kind: String,
}
