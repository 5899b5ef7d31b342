use super::*;
use crate::{Scanner, Target, read};

fn image(files: &[(&str, &str)]) -> Inventory {
    let mut scanner = Scanner::new();
    for (path, content) in files {
        let size = u64::try_from(content.len()).unwrap();
        scanner
            .file(path, size, false, &mut content.as_bytes())
            .unwrap();
    }
    scanner.finish()
}

fn node(name: &str, version: &str) -> (String, String) {
    (
        format!("node_modules/{name}/package.json"),
        format!(r#"{{"name": "{name}", "version": "{version}"}}"#),
    )
}

fn with_node(packages: &[(&str, &str)]) -> Inventory {
    let files: Vec<_> = packages.iter().map(|(n, v)| node(n, v)).collect();
    let files: Vec<_> = files
        .iter()
        .map(|(p, c)| (p.as_str(), c.as_str()))
        .collect();
    image(&files)
}

fn purls(purls: &[&str]) -> Vec<Listed> {
    let each = purls.iter().map(|purl| Listed {
        purl: Some((*purl).to_owned()),
        ..Listed::default()
    });
    each.collect()
}

#[test]
fn our_own_documents_say_what_is_in_the_image() {
    let image = with_node(&[("a", "1"), ("b", "2")]);
    let target = Target::folder("x");
    for bytes in [
        image.to_cyclonedx(&target, None),
        image.to_spdx(&target, None),
    ] {
        let comparison = compare(&read(&bytes).unwrap().packages, &image);
        assert_eq!(
            comparison,
            Comparison {
                same: 2,
                ..Comparison::default()
            }
        );
    }
}

#[test]
fn omissions_and_other_versions_are_found_with_their_place() {
    let image = with_node(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let sbom = purls(&[
        "pkg:npm/a@1",
        "pkg:npm/b@2.1",
        "pkg:npm/d@4",
        "pkg:swift/fedora/x@1",
    ]);
    let comparison = compare(&sbom, &image);
    let names = |all: &[Difference]| -> Vec<String> {
        let each = all.iter().map(|d| {
            format!(
                "{}/{} {:?} {:?} {:?}",
                d.ecosystem, d.name, d.in_image, d.in_sbom, d.found
            )
        });
        each.collect()
    };
    assert_eq!(comparison.same, 1);
    assert_eq!(
        names(&comparison.missing),
        [r#"npm/c ["3"] [] ["node_modules/c/package.json"]"#]
    );
    assert_eq!(
        names(&comparison.versions),
        [r#"npm/b ["2"] ["2.1"] ["node_modules/b/package.json"]"#]
    );
    assert_eq!(names(&comparison.extra), [r#"npm/d [] ["4"] []"#]);
    assert_eq!(
        comparison.not_looked_for,
        BTreeMap::from([("swift".to_owned(), 1)])
    );
    assert!(comparison.is_lacking());
    let allow = |allowed: &[&str]| {
        let allowed: Vec<String> = allowed.iter().map(|&text| text.to_owned()).collect();
        comparison.clone().allowing(&allowed).is_lacking()
    };
    assert!(allow(&["pkg:npm/c"]));
    assert!(allow(&["deb"]));
    assert!(!allow(&["pkg:npm/c", "pkg:npm/b"]));
    assert!(!allow(&["npm"]));
}

#[test]
fn what_tools_write_differently_is_the_same() {
    let status =
        "Package: tar\nStatus: install ok installed\nVersion: 1:1.34\nArchitecture: amd64\n";
    let image = image(&[
        ("etc/os-release", "ID=debian\nVERSION_ID=12\n"),
        ("var/lib/dpkg/status", status),
        (
            "usr/lib/python3/Foo_Bar-1.dist-info/METADATA",
            "Name: Foo_Bar\nVersion: 1\n",
        ),
    ]);
    for sbom in [
        [
            "pkg:deb/debian/tar@1%3A1.34?arch=amd64",
            "pkg:pypi/foo-bar@1",
        ],
        [
            "pkg:deb/debian/tar@1.34?arch=amd64&epoch=1",
            "pkg:pypi/Foo.Bar@1",
        ],
        ["pkg:deb/debian/tar@1:1.34", "pkg:pypi/foo_bar@1"],
    ] {
        let comparison = compare(&purls(&sbom), &image);
        assert_eq!(
            (comparison.same, comparison.is_lacking()),
            (2, false),
            "{sbom:?}"
        );
    }
    let other = compare(&purls(&["pkg:deb/debian/tar@1.34"]), &image);
    assert_eq!((other.versions.len(), other.missing.len()), (1, 1));
}

#[test]
fn nested_components_count_and_the_image_itself_does_not() {
    let cyclonedx = br#"{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": {"type": "container", "name": "x", "purl": "pkg:oci/x"}},
        "components": [{"type": "operating-system", "name": "debian"},
            {"type": "library", "name": "a", "purl": "pkg:npm/a@1",
             "components": [{"type": "library", "name": "b", "purl": "pkg:npm/b@2"}]},
            {"type": "library", "name": "nameless"}]}"#;
    let read = read(cyclonedx).unwrap().packages;
    let names: Vec<_> = read.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "nameless"]);
    let comparison = compare(&read, &with_node(&[("a", "1"), ("b", "2")]));
    assert_eq!((comparison.same, comparison.without_purl), (2, 1));
}

#[test]
fn changes_are_told_by_package() {
    let before = purls(&["pkg:npm/a@1", "pkg:npm/b@1", "pkg:rpm/x@1", "pkg:npm/e@1"]);
    let after = purls(&["pkg:npm/a@1", "pkg:npm/b@2", "pkg:rpm/y@1", "pkg:npm/e@1"]);
    let found = changes(&before, &after);
    let shown = |all: &[Change]| -> Vec<String> {
        let each = all.iter();
        each.map(|c| format!("{}/{} {:?} {:?}", c.ecosystem, c.name, c.before, c.after))
            .collect()
    };
    assert_eq!(found.same, 2);
    assert_eq!(shown(&found.added), [r#"rpm/y [] ["1"]"#]);
    assert_eq!(shown(&found.removed), [r#"rpm/x ["1"] []"#]);
    assert_eq!(shown(&found.changed), [r#"npm/b ["1"] ["2"]"#]);
    assert!(changes(&before, &before).is_empty());
}

#[test]
fn what_is_declared_only_may_be_listed_or_not() {
    let image = image(&[("app/requirements.txt", "flask==3.0.0\n")]);
    assert_eq!(image.components.len(), 1);
    for listed in [vec![], purls(&["pkg:pypi/flask@3.0.0"])] {
        assert_eq!(compare(&listed, &image), Comparison::default());
    }
}

#[test]
fn an_archive_without_a_group_is_the_one_of_its_name() {
    let ungrouped = "pkg:maven/a@1";
    let mut image = with_node(&[("a", "1")]);
    for component in &mut image.components {
        component.purl = ungrouped.to_owned();
    }
    let same = compare(&purls(&["pkg:maven/org.example/a@1"]), &image);
    assert_eq!(
        same,
        Comparison {
            same: 1,
            ..Comparison::default()
        }
    );
    let other = compare(&purls(&["pkg:maven/org.example/b@1"]), &image);
    assert_eq!(other.missing.len(), 1);
    assert_eq!(other.extra.len(), 1);
    let stale = compare(&purls(&["pkg:maven/org.example/a@2"]), &image);
    assert_eq!(stale.versions.len(), 1);
}
