//! `pnpm-lock.yaml`, whose keys have had three forms: `/name/1.0.0_peer`,
//! `/name@1.0.0(peer)` and `name@1.0.0`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{integrity, package};
use crate::catalogue::Package;
use crate::inventory::Ecosystem;
use crate::limits;

pub(super) fn read(text: &str) -> Result<Vec<Package>, String> {
    let lock: File = serde_saphyr::from_str_with_options(text, options())
        .map_err(|e| format!("not a pnpm-lock.yaml: {e}"))?;
    let packages = lock.packages.unwrap_or_default();
    let each = packages.iter().filter_map(|(key, entry)| {
        let (name, version) = split(key)?;
        Some(Package {
            hashes: integrity(&entry.resolution.integrity),
            ..package(Ecosystem::Npm, name, version)
        })
    });
    Ok(each.collect())
}

/// The name and version in a key; none of a package that is not released.
fn split(key: &str) -> Option<(&str, &str)> {
    let key = key.strip_prefix('/').unwrap_or(key);
    let key = key.split('(').next().unwrap_or(key);
    // A scope begins with `@` as well.
    let behind_scope = key.starts_with('@').then(|| key.find('/')).flatten();
    let start = behind_scope.map_or(0, |at| at + 1);
    let rest = key.get(start..)?;
    let at = start + rest.find(['@', '/'])?;
    let version = key.get(at + 1..)?;
    let version = version.split('_').next().unwrap_or(version);
    let released =
        version.starts_with(|c: char| c.is_ascii_digit()) && !version.contains([':', '/']);
    released.then(|| Some((key.get(..at)?, version)))?
}

#[derive(Deserialize)]
struct File {
    packages: Option<BTreeMap<String, Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    resolution: Resolution,
}

#[derive(Default, Deserialize)]
struct Resolution {
    #[serde(default)]
    integrity: String,
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_depth: 32,
            max_nodes: limits::LOCK_VALUES,
            max_events: 4 * limits::LOCK_VALUES,
            max_total_scalar_bytes: limits::LOCK_TEXT,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 0,
            max_replay_stack_depth: 1,
        },
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        with_snippet: false,
    }
}
