//! Go programs: the build information that the linker leaves in them.

use object::{Object as _, ObjectSection as _};

use super::Package;
use crate::inventory::Ecosystem;

/// The modules that went into a program, where it says so.
pub(super) fn read(program: &[u8]) -> Result<Vec<Package>, String> {
    // What is no program that is understood has no build information either.
    let Ok(file) = object::File::parse(program) else {
        return Ok(Vec::new());
    };
    let section = [".go.buildinfo", "__go_buildinfo"]
        .iter()
        .find_map(|name| file.section_by_name(name));
    let Some(data) = section.and_then(|section| section.data().ok()) else {
        return Ok(Vec::new());
    };
    information(data)
}

/// What the section of the build information says.
pub(super) fn information(data: &[u8]) -> Result<Vec<Package>, String> {
    let Some(header) = data.strip_prefix(MAGIC) else {
        return Ok(Vec::new());
    };
    // `header` begins behind the magic: pointer size, then flags.
    if header.get(1).is_none_or(|flags| flags & INLINE == 0) {
        return Err("the build information of a Go before 1.18 is not read".to_owned());
    }
    let strings = data.get(HEADER..).unwrap_or_default();
    let (go, rest) = string(strings).ok_or(BROKEN)?;
    let (modules, _) = string(rest).ok_or(BROKEN)?;
    let go = std::str::from_utf8(go).map_err(|_| BROKEN)?;
    // `go1.22.1 X:experiment`
    let go = go.split(' ').next().unwrap_or(go);
    let mut packages = vec![package("stdlib", go.trim_start_matches("go"))];
    let modules = std::str::from_utf8(inner(modules)).map_err(|_| BROKEN)?;
    packages.extend(listed(modules));
    Ok(packages)
}

/// A length as a varint, and so many bytes.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_u64;
    for (n, byte) in bytes.iter().enumerate().take(MAX_VARINT) {
        length |= u64::from(byte & 0x7f).checked_shl(u32::try_from(7 * n).ok()?)?;
        if byte & 0x80 == 0 {
            let rest = bytes.get(n + 1..)?;
            let (text, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            return Some((text, rest));
        }
    }
    None
}

/// The list stands between two marks of sixteen bytes, which are no text.
fn inner(marked: &[u8]) -> &[u8] {
    let end = marked.len().saturating_sub(MARK);
    marked.get(MARK..end).unwrap_or_default()
}

pub(super) fn listed(text: &str) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    for line in text.lines() {
        let mut columns = line.split('\t');
        let kind = columns.next().unwrap_or_default();
        let (Some(path), version) = (columns.next(), columns.next().unwrap_or_default()) else {
            continue;
        };
        match kind {
            "mod" | "dep" => packages.push(package(path, version)),
            // What stands before it was replaced by this.
            "=>" => {
                let replaced = packages.pop();
                // A folder of the build's machine: it is still that module.
                packages.push(match replaced {
                    Some(module) if path.starts_with(['.', '/']) => Package {
                        version: String::new(),
                        ..module
                    },
                    _ => package(path, version),
                });
            }
            _ => {}
        }
    }
    packages
}

fn package(path: &str, version: &str) -> Package {
    Package {
        name: path.to_owned(),
        // The main module of a build from a checkout.
        version: if version == "(devel)" {
            String::new()
        } else {
            version.to_owned()
        },
        ecosystem: Some(Ecosystem::Golang),
        ..Package::default()
    }
}

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The strings stand in the section itself.
const INLINE: u8 = 2;
const HEADER: usize = 32;
const MARK: usize = 16;
const MAX_VARINT: usize = 9;
const BROKEN: &str = "its build information is cut short";
