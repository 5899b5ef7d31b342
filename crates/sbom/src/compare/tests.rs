use super::*;
use waxseal_oci::Digest;

use crate::{Scanner, Target, read};

fn compare(sbom: &[Listed], image: &Inventory) -> Comparison {
    Claims::of(sbom).compare(image)
}

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
fn makers_of_rpms_have_several_names() {
    let rpm = |maker: &str| format!("pkg:rpm/{maker}/bash@5.1-1");
    for (ours, theirs) in [
        ("almalinux", "alma"),
        ("amzn", "amazon"),
        ("mariner", "cbl-mariner"),
        ("ol", "oracle"),
        ("opensuse", "opensuse-leap"),
        ("opensuse", "opensuse.tumbleweed"),
        ("redhat", "rhel"),
        ("sles", "suse"),
        ("fedora", "fedora"),
    ] {
        let keys = [ours, theirs].map(|maker| key::of(&rpm(maker)));
        assert_eq!(keys[0], keys[1], "{theirs}");
    }
    assert_ne!(key::of(&rpm("fedora")), key::of(&rpm("rocky")));
}

/// Packages that nobody has read are not in the image for all that is known.
#[test]
fn what_is_not_read_is_not_compared() {
    let image = image(&[
        (
            "node_modules/a/package.json",
            r#"{"name": "a", "version": "1"}"#,
        ),
        ("var/lib/rpm/Packages", "broken"),
        ("opt/x/b.deps.json", "broken"),
    ]);
    let found = compare(&purls(&["pkg:npm/a@1"]), &image);
    assert!(!found.is_lacking() && !found.is_whole());
    assert_eq!(
        found.unread[1].to_string(),
        "var/lib/rpm/Packages: not an rpm database of a kind that is known"
    );
    for (allowed, left) in [
        ("rpm", 2),
        ("/var/lib/rpm", 1),
        ("/var/lib/rpm/", 1),
        ("/var/lib/rpm/Packages", 1),
        ("/var/lib/rp", 2),
        ("var/lib/rpm", 2),
        ("/", 2),
        ("", 2),
    ] {
        let found = found.clone().allowing(&[allowed.to_owned()]);
        assert_eq!(found.unread.len(), left, "{allowed}");
    }
    let found = found.allowing(&["/opt".to_owned(), "/var".to_owned()]);
    assert!(found.is_whole());
}

/// Java archives without a group are as many as the image has; each was looked for
/// among all of the SBOM's.
#[test]
fn archives_without_a_group_are_found_at_once() {
    let count = 20_000;
    let components = (0..count).map(|n| crate::Component {
        ecosystem: crate::Ecosystem::Maven,
        name: format!("a{n}"),
        version: "1".to_owned(),
        purl: format!("pkg:maven/a{n}@1"),
        supplier: None,
        licenses: Vec::new(),
        hashes: Vec::new(),
        found: Vec::new(),
    });
    let image = Inventory::new(None, components, Vec::new());
    let theirs: Vec<String> = (0..count).map(|n| format!("pkg:maven/g/a{n}@1")).collect();
    let theirs: Vec<&str> = theirs.iter().map(String::as_str).collect();
    assert_eq!(compare(&purls(&theirs), &image).same, count);
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

fn hashed(purl: &str, contents: &[&str]) -> Listed {
    Listed {
        purl: Some(purl.to_owned()),
        hashes: contents
            .iter()
            .map(|content| Digest::sha256(content.as_bytes()))
            .collect(),
        ..Listed::default()
    }
}

/// A Java archive in an image, whose bytes are read.
fn with_jar() -> (Inventory, Digest) {
    use std::io::Write as _;

    let mut jar = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    jar.start_file("META-INF/maven/org.example/lib/pom.properties", options)
        .unwrap();
    jar.write_all(b"groupId=org.example\nartifactId=lib\nversion=1.0\n")
        .unwrap();
    let jar = jar.finish().unwrap().into_inner();
    let mut scanner = Scanner::new();
    let size = u64::try_from(jar.len()).unwrap();
    scanner
        .file("app/lib-1.0.jar", size, false, &mut jar.as_slice())
        .unwrap();
    (scanner.finish(), Digest::sha256(&jar))
}

#[test]
fn the_same_version_of_another_content_is_told() {
    let (image, own) = with_jar();
    let purl = "pkg:maven/org.example/lib@1.0";
    let own_hash = Listed {
        hashes: vec![own.clone()],
        ..hashed(purl, &[])
    };
    // Its own digest, among others or alone; none; and one of another algorithm.
    let sha512 = Digest::of(waxseal_oci::Algorithm::Sha512, b"another");
    for said in [
        vec![own_hash.clone()],
        vec![own_hash.clone(), hashed(purl, &["another"])],
        vec![hashed(purl, &[])],
        vec![Listed {
            hashes: vec![sha512],
            ..hashed(purl, &[])
        }],
    ] {
        let comparison = compare(&said, &image);
        assert_eq!(comparison.same, 1, "{said:?}");
        assert!(!comparison.is_lacking(), "{said:?}");
    }
    let comparison = compare(&[hashed(purl, &["another"])], &image);
    assert_eq!(
        comparison.hashes,
        [HashDifference {
            ecosystem: "maven".to_owned(),
            name: "org.example/lib".to_owned(),
            version: "1.0".to_owned(),
            in_image: vec![own.to_string()],
            in_sbom: vec![Digest::sha256(b"another").to_string()],
            found: vec!["app/lib-1.0.jar".to_owned()],
        }]
    );
    assert_eq!(comparison.same, 0);
    assert!(comparison.is_lacking());
    let allowing = |text: &str| comparison.clone().allowing(&[text.to_owned()]).is_lacking();
    assert!(!allowing("maven") && !allowing("pkg:maven/org.example/lib"));
    assert!(allowing("pkg:maven/org.example/other"));
    // In another version it is that, and not this.
    let other = "pkg:maven/org.example/lib@2.0";
    let comparison = compare(&[hashed(other, &["another"])], &image);
    assert_eq!((comparison.versions.len(), comparison.hashes.len()), (1, 0));
}

/// What a lock file says of an archive that is installed counts; of one that is
/// only declared, nothing does.
#[test]
fn a_lock_files_hash_is_that_of_what_is_installed() {
    let integrity = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
    let lock = format!(
        r#"{{"name": "x", "lockfileVersion": 3, "packages": {{"node_modules/a": {{"version": "1", "integrity": "{integrity}"}}}}}}"#
    );
    let empty = Digest::of(waxseal_oci::Algorithm::Sha512, b"");
    let said = |hash: Digest| {
        [Listed {
            hashes: vec![hash],
            ..hashed("pkg:npm/a@1", &[])
        }]
    };
    let other = Digest::of(waxseal_oci::Algorithm::Sha512, b"another");
    let (path, package) = node("a", "1");
    let installed = image(&[("package-lock.json", &lock), (&path, &package)]);
    assert!(!compare(&said(empty), &installed).is_lacking());
    assert_eq!(compare(&said(other.clone()), &installed).hashes.len(), 1);
    let declared = image(&[("package-lock.json", &lock)]);
    assert!(!compare(&said(other), &declared).is_lacking());
}

#[test]
fn a_package_of_another_content_has_changed() {
    let list = |contents: &[&str]| [hashed("pkg:npm/a@1", contents)];
    let found = changes(&list(&["x"]), &list(&["y"]));
    let digest = |of: &str| vec![Digest::sha256(of.as_bytes()).to_string()];
    assert_eq!(
        found.contents,
        [HashChange {
            ecosystem: "npm".to_owned(),
            name: "a".to_owned(),
            version: "1".to_owned(),
            before: digest("x"),
            after: digest("y"),
        }]
    );
    assert_eq!((found.same, found.is_empty()), (0, false));
    for (before, after) in [(&["x"][..], &["x"][..]), (&["x"], &[]), (&[], &[])] {
        let found = changes(&list(before), &list(after));
        assert!(found.is_empty() && found.same == 1, "{before:?} {after:?}");
    }
}

/// What both sides write alike is found by its text: that must make no difference.
#[test]
fn the_order_and_the_spelling_of_package_urls_make_no_difference() {
    let names = ["a", "b", "B", "c_d"];
    let mut refused = 0;
    for bits in 0..1_u32 << 12 {
        // Two versions of each name: in the image, in the SBOM, with another hash.
        let bit = |n: usize| bits >> (n % 12) & 1 == 1;
        let mut inventory = Inventory::default();
        let (mut alike, mut otherwise) = (Vec::new(), Vec::new());
        for (n, name) in names.iter().enumerate() {
            for (m, version) in ["1", "2"].iter().enumerate() {
                let place = n * 2 + m;
                let content = format!("{name}{}", u8::from(bit(place * 5 + 3)));
                let claim = Listed {
                    purl: Some(format!("pkg:pypi/{name}@{version}")),
                    hashes: vec![Digest::sha256(content.as_bytes())],
                    ..Listed::default()
                };
                if bit(place) {
                    let found = Component {
                        ecosystem: crate::Ecosystem::Pypi,
                        name: (*name).to_owned(),
                        version: (*version).to_owned(),
                        purl: format!("pkg:pypi/{name}@{version}"),
                        supplier: None,
                        licenses: Vec::new(),
                        hashes: vec![Digest::sha256(format!("{name}0").as_bytes())],
                        found: vec![Location::new(None, format!("{name}/{version}"))],
                    };
                    inventory.components.push(found);
                }
                if bit(place * 7 + 1) {
                    let purl = format!("pkg:PyPI/{name}@{version}?x=y");
                    let purl = Some(purl);
                    otherwise.push(Listed {
                        purl,
                        ..claim.clone()
                    });
                    alike.push(claim);
                }
            }
        }
        let wanted = compare(&otherwise, &inventory);
        refused += usize::from(wanted.is_lacking());
        assert_eq!(compare(&alike, &inventory), wanted);
        alike.reverse();
        assert_eq!(compare(&alike, &inventory), wanted);
        inventory.components.reverse();
        let turned = compare(&alike, &inventory);
        let names = |of: &[Difference]| of.iter().map(|d| d.name.clone()).collect::<Vec<_>>();
        assert_eq!(turned.same, wanted.same);
        assert_eq!(names(&turned.missing), names(&wanted.missing));
        assert_eq!(turned.extra, wanted.extra);
        assert_eq!(turned.hashes.len(), wanted.hashes.len());
    }
    assert!((1000..4096).contains(&refused), "{refused}");
}

#[test]
fn types_that_an_sbom_does_not_cover_are_told_apart() {
    let image = image(&[
        (
            "node_modules/a/package.json",
            r#"{"name": "a", "version": "1"}"#,
        ),
        (
            "node_modules/b/package.json",
            r#"{"name": "b", "version": "1"}"#,
        ),
        ("x/c-1.dist-info/METADATA", "Name: c\nVersion: 1\n"),
    ]);
    let kinds = |purl: &str, allowed: &[&str]| {
        let allowed: Vec<String> = allowed.iter().map(|a| (*a).to_owned()).collect();
        let found = compare(&purls(&[purl]), &image).allowing(&allowed);
        let kinds = found.not_covered.into_iter();
        kinds
            .map(|(kind, n)| format!("{kind} {n}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds("pkg:npm/a@1", &[]), ["pypi 1"]);
    assert_eq!(kinds("pkg:npm/z@1", &[]), ["pypi 1"]);
    assert_eq!(kinds("pkg:pypi/c@1", &[]), ["npm 2"]);
    assert_eq!(kinds("pkg:deb/debian/x@1", &[]), ["npm 2", "pypi 1"]);
    assert_eq!(kinds("pkg:pypi/c@1", &["pkg:npm/a"]), ["npm 1"]);
    assert_eq!(kinds("pkg:pypi/c@1", &["npm"]), [""; 0]);
}
