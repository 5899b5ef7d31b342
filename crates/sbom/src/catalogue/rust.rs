//! Rust programs that `cargo auditable` built.

use auditable_info::Error;
use serde::Deserialize;

use super::Package;
use crate::inventory::Ecosystem;
use crate::limits;

/// The crates that went into a program, where it says so.
pub(super) fn read(program: &[u8]) -> Result<Vec<Package>, String> {
    let json = match auditable_info::json_from_slice(program, limits::AUDIT_BYTES) {
        Ok(json) => json,
        // Most programs are not Rust's.
        Err(Error::NoAuditData) => return Ok(Vec::new()),
        Err(error) => return Err(format!("its list of crates: {error}")),
    };
    let list: List = serde_json::from_str(&json).map_err(|e| format!("its list of crates: {e}"))?;
    // What only built it is not in it.
    let inside = list.packages.into_iter().filter(|p| p.kind != "build");
    let crates = inside.map(|package| Package {
        name: package.name,
        version: package.version,
        ecosystem: Some(Ecosystem::Cargo),
        ..Package::default()
    });
    Ok(crates.collect())
}

#[derive(Deserialize)]
struct List {
    packages: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    version: String,
    #[serde(default)]
    kind: String,
}
