//! PHP packages: Composer's `installed.json`, of both its versions.

use serde::Deserialize;

use super::Package;
use crate::inventory::{Ecosystem, License};

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Package>, String> {
    let failed = |e: serde_json::Error| format!("not Composer's installed.json: {e}");
    let listed: Vec<Listed> = if bytes.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice(bytes).map_err(failed)?
    } else {
        let installed: Installed = serde_json::from_slice(bytes).map_err(failed)?;
        installed.packages
    };
    let each = listed.into_iter().map(|listed| Package {
        name: listed.name,
        version: listed.version,
        licenses: listed
            .license
            .iter()
            .filter_map(|text| License::of(text))
            .collect(),
        ecosystem: Some(Ecosystem::Composer),
        ..Package::default()
    });
    Ok(each.collect())
}

#[derive(Deserialize)]
struct Installed {
    packages: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: Vec<String>,
}
