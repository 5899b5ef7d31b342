//! `composer.lock`.

use serde::Deserialize;

use super::package;
use crate::catalogue::Package;
use crate::inventory::{Ecosystem, License};

pub(super) fn read(text: &str) -> Result<Vec<Package>, String> {
    let lock: File = serde_json::from_str(text).map_err(|e| format!("not a composer.lock: {e}"))?;
    let all = lock.packages.into_iter().chain(lock.development);
    let packages = all.map(|listed| Package {
        licenses: listed
            .license
            .iter()
            .filter_map(|l| License::of(l))
            .collect(),
        ..package(Ecosystem::Composer, &listed.name, &listed.version)
    });
    Ok(packages.collect())
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    packages: Vec<Listed>,
    #[serde(default, rename = "packages-dev")]
    development: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: Vec<String>,
}
