//! `Cargo.lock`.

use serde::Deserialize;
use waxseal_oci::{Algorithm, Digest};

use super::package;
use crate::catalogue::Package;
use crate::inventory::Ecosystem;

pub(super) fn read(text: &str) -> Result<Vec<Package>, String> {
    let lock: File =
        toml::from_str(text).map_err(|e| format!("not a Cargo.lock: {}", e.message()))?;
    let from_elsewhere = lock.package.into_iter().filter(|p| p.source.is_some());
    let crates = from_elsewhere.map(|p| Package {
        hashes: p
            .checksum
            .and_then(|hex| Digest::from_hex(Algorithm::Sha256, &hex).ok())
            .into_iter()
            .collect(),
        ..package(Ecosystem::Cargo, &p.name, &p.version)
    });
    Ok(crates.collect())
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    package: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    version: String,
    /// Members of the workspace have none.
    source: Option<String>,
    checksum: Option<String>,
}
