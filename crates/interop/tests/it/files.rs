//! The shape of the source: short files, no grab-bag modules, no silent skips.

use std::fs;
use std::path::{Path, PathBuf};

use crate::root;

/// The longest a source file may be.
const MOST_LINES: usize = 800;

/// Module names that say nothing about what is inside.
const GRAB_BAGS: [&str; 5] = ["common", "helpers", "misc", "types", "utils"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut all = Vec::new();
    sources(&root().join("crates"), &mut all);
    assert!(all.len() > 50, "found only {} source files", all.len());
    for path in all {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines", path.display());
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            !GRAB_BAGS.contains(&stem.as_str()),
            "{} is a grab bag",
            path.display()
        );
        let skipped = text.lines().any(|l| l.trim() == concat!("#[", "ignore]"));
        assert!(
            !skipped,
            "{} ignores a test without a reason",
            path.display()
        );
    }
}

#[test]
fn every_crate_takes_the_lint_table() {
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let manifest = entry.unwrap().path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        assert!(
            text.contains("[lints]\nworkspace = true"),
            "{}",
            manifest.display()
        );
    }
}
