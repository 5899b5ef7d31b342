//! `yarn.lock`: the first version's own form, and the YAML of the later ones,
//! which are alike in what is wanted here.

use super::{integrity, package};
use crate::catalogue::Package;
use crate::inventory::Ecosystem;

pub(super) fn read(text: &str) -> Vec<Package> {
    let mut packages = Vec::new();
    let mut entry = Entry::default();
    for line in text.lines().chain(std::iter::once("end:")) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with(' ') {
            packages.extend(std::mem::take(&mut entry).package());
            entry.named = line.strip_suffix(':').and_then(first).map(str::to_owned);
            continue;
        }
        // Deeper lines are dependencies.
        let Some(member) = line.strip_prefix("  ").filter(|l| !l.starts_with(' ')) else {
            continue;
        };
        let Some((key, value)) = member.split_once([' ', ':']) else {
            continue;
        };
        let value = value.trim().trim_matches('"');
        match key {
            "version" => entry.version = Some(value.to_owned()),
            "integrity" => entry.integrity = value.to_owned(),
            "resolution" => entry.resolution = Some(value.to_owned()),
            _ => {}
        }
    }
    packages
}

/// The first of the ranges that an entry is for.
fn first(head: &str) -> Option<&str> {
    let range = head.split(", ").next()?;
    Some(range.trim_matches('"'))
}

#[derive(Default)]
struct Entry {
    named: Option<String>,
    version: Option<String>,
    integrity: String,
    /// `name@npm:1.0.0`, of the later versions.
    resolution: Option<String>,
}

impl Entry {
    fn package(self) -> Option<Package> {
        let version = self.version?;
        let (name, from) = match &self.resolution {
            Some(resolution) => split(resolution)?,
            None => {
                let (name, range) = split(self.named.as_deref()?)?;
                // A package under another's name.
                let other = range.strip_prefix("npm:").and_then(split);
                other.unwrap_or((name, range))
            }
        };
        let is_here = ["workspace:", "link:", "portal:", "file:"];
        if is_here.iter().any(|start| from.starts_with(start)) {
            return None;
        }
        Some(Package {
            hashes: integrity(&self.integrity),
            ..package(Ecosystem::Npm, name, &version)
        })
    }
}

/// A name and what follows its `@`; a scope begins with one as well.
fn split(text: &str) -> Option<(&str, &str)> {
    let at = text.get(1..)?.find('@')? + 1;
    Some((text.get(..at)?, text.get(at + 1..)?))
}
