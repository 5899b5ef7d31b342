//! `go.mod` and `go.sum`.

use super::package;
use crate::catalogue::Package;
use crate::inventory::Ecosystem;

/// What `go.mod` requires, as it replaces it. From Go 1.17 on it names indirect
/// requirements too.
pub(super) fn requirements(text: &str) -> Vec<Package> {
    let mut required: Vec<(String, String)> = Vec::new();
    let mut replaced: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    let mut block = None;
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or(line);
        let mut words: Vec<String> = line
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '`']).to_owned())
            .collect();
        match words.last().map(String::as_str) {
            None => continue,
            Some(")") => {
                block = None;
                continue;
            }
            Some("(") => {
                block = words.into_iter().next();
                continue;
            }
            Some(_) => {}
        }
        let verb = match &block {
            Some(verb) => verb.clone(),
            None => words.remove(0),
        };
        match (verb.as_str(), words.as_slice()) {
            ("require", [path, version]) => required.push((path.clone(), version.clone())),
            ("replace", words) => {
                let mut sides = words.split(|word| word == "=>");
                if let (Some(old), Some(new)) = (sides.next(), sides.next()) {
                    replaced.push((old.to_vec(), new.to_vec()));
                }
            }
            _ => {}
        }
    }
    let by_module: std::collections::BTreeMap<&[String], &[String]> = replaced
        .iter()
        .map(|(old, new)| (old.as_slice(), new.as_slice()))
        .collect();
    let each = required.iter().map(|(path, version)| {
        let own = [path.clone(), version.clone()];
        let new = by_module
            .get(own.as_slice())
            .or_else(|| by_module.get([path.clone()].as_slice()));
        match new {
            Some([path, version]) => package(Ecosystem::Golang, path, version),
            // A folder of the build's machine: it is still that module.
            Some(_) => package(Ecosystem::Golang, path, ""),
            None => package(Ecosystem::Golang, path, version),
        }
    });
    each.collect()
}

/// Modules whose content `go.sum` has the sum of; of others it has that of
/// their `go.mod` alone.
pub(super) fn sums(text: &str) -> Vec<Package> {
    let each = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (path, version) = (words.next()?, words.next()?);
        let is_content = !version.ends_with("/go.mod") && version.starts_with('v');
        is_content.then(|| package(Ecosystem::Golang, path, version))
    });
    each.collect()
}
