//! `Gemfile.lock`: sections, in which four blanks stand before a gem and six
//! before what it depends on.

use super::package;
use crate::catalogue::Package;
use crate::inventory::Ecosystem;

pub(super) fn read(text: &str) -> Vec<Package> {
    let mut packages = Vec::new();
    let mut has_gems = false;
    for line in text.lines() {
        if !line.starts_with(' ') {
            // `PATH` is the project itself.
            has_gems = matches!(line.trim_end(), "GEM" | "GIT");
            continue;
        }
        let listed = line.strip_prefix("    ").filter(|l| !l.starts_with(' '));
        let Some(listed) = listed.filter(|_| has_gems) else {
            continue;
        };
        let Some((name, rest)) = listed.split_once(" (") else {
            continue;
        };
        let Some(version) = rest.trim_end().strip_suffix(')') else {
            continue;
        };
        // A version has no hyphen: what follows one is the platform.
        let version = version.split('-').next().unwrap_or(version);
        packages.push(package(Ecosystem::Gem, name, version));
    }
    packages
}
