//! dpkg's database: `status`, and distroless' `status.d`.

use super::Package;
use crate::inventory::Ecosystem;

/// The packages whose files are there.
pub(super) fn read(text: &str) -> Vec<Package> {
    let mut packages = Vec::new();
    let mut package = Package::default();
    let mut status = None;
    for line in text.lines().chain(std::iter::once("")) {
        if line.is_empty() {
            let read = std::mem::take(&mut package);
            let status: Option<&str> = std::mem::take(&mut status);
            // `deinstall ok config-files`: its files are gone. In any other state, as
            // `unpacked`, some are there. distroless has no status.
            let state = status.and_then(|s| s.split(' ').next_back());
            let is_gone = matches!(state, Some("config-files" | "not-installed"));
            if !is_gone && !read.name.is_empty() {
                packages.push(Package {
                    ecosystem: Some(Ecosystem::Deb),
                    ..read
                });
            }
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        // "Field names are not case-sensitive" (Debian Policy, 5.1).
        match key.to_ascii_lowercase().as_str() {
            "package" => package.name = value.to_owned(),
            "version" => package.version = value.to_owned(),
            "architecture" => package.architecture = Some(value.to_owned()),
            "maintainer" => package.supplier = Some(value.to_owned()),
            "status" => status = Some(value),
            _ => {}
        }
    }
    packages
}
