//! Policies that do not load, each with its exact error, and policies that do.
//! A case is a file; a new case needs no code.
use std::fs;
use std::path::{Path, PathBuf};

use waxseal_policy::{KeySource, Policy, PolicyDocument, PolicyError};

/// Compiles every policy of a text; key files are looked for in `tests/keys`.
pub(crate) fn load(yaml: &str) -> Result<Vec<Policy>, PolicyError> {
    PolicyDocument::parse(yaml)?
        .into_iter()
        .map(|d| d.compile(&key))
        .collect()
}

pub(crate) fn key(source: &KeySource) -> Result<Vec<u8>, String> {
    match source {
        KeySource::File(name) => {
            fs::read(folder("keys").join(name)).map_err(|_| format!("there is no `{name}`"))
        }
        other => Err(format!("not a file: {other:?}")),
    }
}

pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

fn cases(name: &str) -> Vec<(String, String)> {
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read_to_string(entry.path()).unwrap())
    };
    let mut cases: Vec<_> = fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| read(entry.unwrap()))
        .collect();
    cases.sort();
    cases
}

#[test]
fn bad_policies_do_not_load() {
    let cases = cases("bad");
    assert!(
        cases.len() >= 100,
        "the corpus has shrunk to {}",
        cases.len()
    );
    let mut wrong = Vec::new();
    for (name, yaml) in cases {
        let wanted = yaml
            .lines()
            .next()
            .and_then(|l| l.strip_prefix("# error: "))
            .unwrap();
        let found = match load(&yaml) {
            Ok(_) => "it loads".to_owned(),
            Err(error) => error.to_string(),
        };
        if found != wanted {
            wrong.push(format!("{name}\n  wanted: {wanted}\n  found:  {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn errors_are_one_line_and_small() {
    for (name, yaml) in cases("bad") {
        let error = load(&yaml).map(|_| ()).unwrap_err().to_string();
        assert!(
            !error.contains(['\n', '\u{1b}']) && error.len() < 1_000,
            "{name}: {error}"
        );
        assert!(!error.ends_with('.'), "{name}: {error}");
    }
}

#[test]
fn good_policies_load() {
    let mut explained = Vec::new();
    for (name, yaml) in cases("good") {
        let policies = load(&yaml).unwrap_or_else(|error| panic!("{name}: {error}"));
        for policy in policies {
            explained.push(format!("# {name}\n{}", policy.explain()));
            explained.extend(
                policy
                    .lints()
                    .into_iter()
                    .map(|lint| format!("lint: {lint}")),
            );
        }
    }
    insta::assert_snapshot!("good", explained.join("\n"));
}

#[test]
fn a_file_that_is_too_large_is_not_parsed() {
    let yaml = format!("# {}\n", "x".repeat(1024 * 1024));
    assert_eq!(load(&yaml).map(|_| ()), Err(PolicyError::TooLarge));
}

#[test]
fn names_are_distinct_across_files() {
    let yaml = fs::read_to_string(folder("good").join("smallest.yaml")).unwrap();
    let policies = [load(&yaml).unwrap(), load(&yaml).unwrap()].concat();
    assert_eq!(Policy::check_names(&policies[..1]), Ok(()));
    assert_eq!(
        Policy::check_names(&policies),
        Err(PolicyError::DuplicateName("release".into()))
    );
}
