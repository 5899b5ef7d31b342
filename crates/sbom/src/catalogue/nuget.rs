//! .NET packages: `*.deps.json`.
//!
//! It lists what a program was built with. What is there of it says each target, by
//! the files of each package: an analyser or a package that only names others has none.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Package;
use crate::inventory::Ecosystem;

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Package>, String> {
    let read: Deps = serde_json::from_slice(bytes).map_err(|e| format!("not a .deps.json: {e}"))?;
    let targets = read.targets.values().flatten();
    let there: BTreeSet<&str> = targets
        .filter(|(_, target)| target.has_files())
        .map(|(key, _)| key.as_str())
        .collect();
    // Where no target says anything, nothing is known to be absent.
    let says_nothing = read.targets.values().all(BTreeMap::is_empty);
    let packages = read.libraries.iter().filter_map(|(key, library)| {
        // A project is the program itself.
        let (name, version) = key.rsplit_once('/').filter(|_| library.kind == "package")?;
        Some(Package {
            name: name.to_owned(),
            version: version.to_owned(),
            ecosystem: Some(Ecosystem::Nuget),
            declared: !says_nothing && !there.contains(key.as_str()),
            ..Package::default()
        })
    });
    Ok(packages.collect())
}

#[derive(Deserialize)]
struct Deps {
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Target>>,
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
}

/// What one package has for one framework, by path.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Target {
    runtime: BTreeMap<String, IgnoredAny>,
    native: BTreeMap<String, IgnoredAny>,
    resources: BTreeMap<String, IgnoredAny>,
    runtime_targets: BTreeMap<String, IgnoredAny>,
}

impl Target {
    /// Whether there is any file: `_._` says that there is none.
    fn has_files(&self) -> bool {
        let all = [
            &self.runtime,
            &self.native,
            &self.resources,
            &self.runtime_targets,
        ];
        let mut paths = all.into_iter().flat_map(BTreeMap::keys);
        paths.any(|path| !path.ends_with("/_._") && path != "_._")
    }
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type", default)]
    kind: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_without_files_is_declared_only() {
        let library = |name: &str| format!(r#""{name}/1.0": {{"type": "package"}}"#);
        let names = ["a", "b", "c", "d", "e", "f"].map(library).join(",");
        let targets = r#""targets": {".NETCoreApp,Version=v8.0": {}, ".NETCoreApp,Version=v8.0/linux-x64": {
            "a/1.0": {"dependencies": {"b": "1.0"}, "runtime": {"lib/a.dll": {"fileVersion": "1"}}},
            "b/1.0": {"dependencies": {}},
            "c/1.0": {"runtime": {"lib/netstandard1.0/_._": {}}, "compile": {"ref/c.dll": {}}},
            "d/1.0": {"native": {"runtimes/linux-x64/native/d.so": {}}},
            "e/1.0": {"runtimeTargets": {"runtimes/unix/lib/e.dll": {"rid": "unix"}}}
        }},"#;
        let there = |targets: &str| {
            let document = format!(r#"{{ {targets} "libraries": {{ {names} }} }}"#);
            let packages = read(document.as_bytes()).unwrap();
            assert_eq!(packages.len(), 6);
            let there = packages.into_iter().filter(|p| !p.declared);
            there.map(|p| p.name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(there(targets), "a d e");
        assert_eq!(there(""), "a b c d e f");
        assert_eq!(there(r#""targets": {"x": {}},"#), "a b c d e f");
    }
}
