//! Lock files: what a build is to install. That they stand in an image does not
//! say that it was installed there, so what they name is marked as declared.
//!
//! Members of the workspace that a lock file belongs to are left out: they have
//! no release that a package URL could name.

mod cargo;
mod composer;
mod gemfile;
mod golang;
mod npm;
mod pnpm;
mod python;
mod yarn;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use waxseal_oci::{Algorithm, Digest};

use super::Package;
use crate::inventory::Ecosystem;

/// A kind of lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    Cargo,
    Composer,
    Gemfile,
    GoMod,
    GoSum,
    Npm,
    Pipfile,
    Pnpm,
    /// Poetry's, uv's, PDM's, and that of PEP 751.
    PythonToml,
    Requirements,
    Yarn,
}

impl Lock {
    /// Which lock file this is, unless it came with a dependency: of those, the
    /// lock file beside the program decides, and their own decides nothing.
    pub(super) fn of(path: &str, name: &str) -> Option<Self> {
        let lock = match name {
            "Cargo.lock" => Self::Cargo,
            "composer.lock" => Self::Composer,
            "Gemfile.lock" | "gems.locked" => Self::Gemfile,
            "go.mod" => Self::GoMod,
            "go.sum" => Self::GoSum,
            "package-lock.json" | "npm-shrinkwrap.json" => Self::Npm,
            "Pipfile.lock" => Self::Pipfile,
            "pnpm-lock.yaml" => Self::Pnpm,
            "poetry.lock" | "uv.lock" | "pdm.lock" | "pylock.toml" => Self::PythonToml,
            "yarn.lock" => Self::Yarn,
            _ if name.starts_with("requirements") && name.ends_with(".txt") => Self::Requirements,
            _ => return None,
        };
        let of_a_dependency = path.split('/').any(|folder| DEPENDENCIES.contains(&folder))
            || path.contains("/pkg/mod/")
            || path.contains("cargo/registry/");
        (!of_a_dependency).then_some(lock)
    }
}

/// What a lock file declares.
pub(super) fn read(lock: Lock, text: &str) -> Result<Vec<Package>, String> {
    let mut packages = match lock {
        Lock::Cargo => cargo::read(text),
        Lock::Composer => composer::read(text),
        Lock::Gemfile => Ok(gemfile::read(text)),
        Lock::GoMod => Ok(golang::requirements(text)),
        Lock::GoSum => Ok(golang::sums(text)),
        Lock::Npm => npm::read(text),
        Lock::Pipfile => python::pipfile(text),
        Lock::Pnpm => pnpm::read(text),
        Lock::PythonToml => python::toml(text),
        Lock::Requirements => Ok(python::requirements(text)),
        Lock::Yarn => Ok(yarn::read(text)),
    }?;
    for package in &mut packages {
        package.declared = true;
    }
    Ok(packages)
}

/// The hashes of a text as npm writes them: `sha512-…`, in base64, of which there
/// may be several. Those of algorithms that are broken are left out.
fn integrity(text: &str) -> Vec<Digest> {
    let each = text.split_whitespace().filter_map(|hash| {
        let (algorithm, value) = hash.split_once('-')?;
        let value = value.split('?').next().unwrap_or(value);
        let bytes = BASE64.decode(value).ok()?;
        Digest::from_hex(Algorithm::from_name(algorithm)?, &hex(&bytes)).ok()
    });
    each.collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn package(ecosystem: Ecosystem, name: &str, version: &str) -> Package {
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        ecosystem: Some(ecosystem),
        ..Package::default()
    }
}

/// Folders that package managers put dependencies into, whole.
const DEPENDENCIES: [&str; 5] = [
    "dist-packages",
    "gems",
    "node_modules",
    "site-packages",
    "vendor",
];

#[cfg(test)]
mod tests;
