//! apk's database.

use super::Package;
use crate::inventory::{Ecosystem, License};

/// The packages that are installed.
pub(super) fn read(text: &str) -> Vec<Package> {
    let mut packages = Vec::new();
    let mut package = Package::default();
    for line in text.lines().chain(std::iter::once("")) {
        if line.is_empty() {
            let read = std::mem::take(&mut package);
            if !read.name.is_empty() {
                packages.push(Package {
                    ecosystem: Some(Ecosystem::Apk),
                    ..read
                });
            }
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        match key {
            "P" => package.name = value.to_owned(),
            "V" => package.version = value.to_owned(),
            "A" => package.architecture = Some(value.to_owned()),
            "m" => package.supplier = Some(value.to_owned()),
            "L" => package.licenses = License::of(value).into_iter().collect(),
            _ => {}
        }
    }
    packages
}
