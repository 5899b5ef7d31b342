//! dpkg's database: `status`, and distroless' `status.d`.

use super::Package;
use crate::inventory::Ecosystem;

/// The packages that are installed.
pub(super) fn read(text: &str) -> Vec<Package> {
    let mut packages = Vec::new();
    let mut package = Package::default();
    let mut status = None;
    for line in text.lines().chain(std::iter::once("")) {
        if line.is_empty() {
            let read = std::mem::take(&mut package);
            let status: Option<&str> = std::mem::take(&mut status);
            // `deinstall ok config-files`: its files are gone. distroless has no status.
            let is_installed = status.is_none_or(|s| s.split(' ').next_back() == Some("installed"));
            if is_installed && !read.name.is_empty() {
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
        match key {
            "Package" => package.name = value.to_owned(),
            "Version" => package.version = value.to_owned(),
            "Architecture" => package.architecture = Some(value.to_owned()),
            "Maintainer" => package.supplier = Some(value.to_owned()),
            "Status" => status = Some(value),
            _ => {}
        }
    }
    packages
}
