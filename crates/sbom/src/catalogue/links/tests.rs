use tar::{Builder, EntryType, Header};
use waxseal_oci::Digest;

use crate::Scanner;

/// A layer with these files; a path that ends in a slash is a folder, and a
/// content that begins with `->` a link.
fn layer(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (path, content) in entries {
        let mut header = Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(0);
        match content.strip_prefix("->") {
            Some(target) => {
                header.set_entry_type(EntryType::Symlink);
                archive.append_link(&mut header, path, target).unwrap();
            }
            None => {
                if path.ends_with('/') {
                    header.set_entry_type(EntryType::Directory);
                }
                header.set_size(u64::try_from(content.len()).unwrap());
                let content = content.as_bytes();
                archive.append_data(&mut header, path, content).unwrap();
            }
        }
    }
    archive.into_inner().unwrap()
}

/// The package URLs and the notes that layers give, the uppermost first.
fn scan(layers: &[&[(&str, &str)]]) -> (Vec<String>, Vec<String>) {
    let mut scanner = Scanner::new();
    for entries in layers {
        let layer = layer(entries);
        let digest = Digest::sha256(&layer);
        scanner.layer(&digest, &mut layer.as_slice()).unwrap();
    }
    let inventory = scanner.finish();
    let purls = inventory.components.into_iter().map(|c| c.purl).collect();
    let notes = inventory.notes.into_iter();
    let notes = notes.map(|n| format!("{}: {}", n.at.path, n.reason));
    (purls, notes.collect())
}

fn notes(layers: &[&[(&str, &str)]]) -> Vec<String> {
    scan(layers).1
}

const APK: &str = "P:a\nV:1\n";

/// The database is there under its own name for whoever follows links.
#[test]
fn a_link_in_place_of_a_folder_above_a_database_is_noted() {
    for (link, target, database) in [
        ("var/lib/dpkg", "->/opt/x", "opt/x/status"),
        ("var/lib/dpkg", "->../../opt/x", "opt/x/status.d/a"),
        ("var/lib/dpkg/status.d", "->/opt/x", "opt/x/a"),
        ("var/lib", "->../opt/lib", "opt/lib/dpkg/status"),
        ("lib/apk", "->/opt", "opt/db/installed"),
        ("lib", "->opt", "opt/apk/db/installed"),
        ("usr/lib/sysimage/rpm", "->/opt", "opt/rpmdb.sqlite"),
        ("var/lib/rpm", "->/opt", "opt/Packages"),
        ("usr", "->opt", "opt/share/rpm/Packages.db"),
        ("var", "->/opt/../srv", "srv/lib/rpm/Packages"),
    ] {
        let entries = [(link, target), (database, APK)];
        let noted = [format!("{link}: a link, which is not followed")];
        assert_eq!(notes(&[&entries]), noted, "{link} {target}");
    }
}

/// As distributions have them.
#[test]
fn links_to_where_the_same_is_looked_for_are_followed_so_to_speak() {
    let merged: &[(&str, &str)] = &[
        ("lib", "->usr/lib"),
        ("lib64", "->usr/lib64"),
        ("usr/lib64", "->lib"),
        ("bin", "->usr/bin"),
        ("usr/lib/apk/db/installed", APK),
        ("var/lib/rpm", "->../../usr/lib/sysimage/rpm"),
        ("usr/lib/sysimage/rpm", "->/usr/share/rpm"),
        ("var/run", "->/run"),
    ];
    let purls = vec!["pkg:apk/alpine/a@1".to_owned()];
    assert_eq!(scan(&[merged]), (purls.clone(), vec![]));
    // The one link may be in another layer than what it leads to.
    assert_eq!(scan(&[&merged[4..], &merged[..4]]), (purls.clone(), vec![]));
    // By way of another.
    let two: &[(&str, &str)] = &[
        ("var/lib/rpm", "->/opt/rpm"),
        ("opt/rpm", "->../usr/lib/sysimage/rpm"),
        ("lib/apk/db/installed", APK),
    ];
    assert_eq!(scan(&[two]), (purls, vec![]));
    let third: &[(&str, &str)] = &[
        ("var/lib/rpm", "->/usr/lib/sysimage/rpm"),
        ("usr/lib/sysimage/rpm", "->/opt"),
        ("opt/Packages", ""),
    ];
    assert_eq!(
        notes(&[third]),
        [
            "usr/lib/sysimage/rpm: a link, which is not followed",
            "var/lib/rpm: a link, which is not followed"
        ]
    );
    // In a circle nothing is to be found.
    let circle: &[(&str, &str)] = &[("var/lib/dpkg", "->/opt"), ("opt", "->var/lib/dpkg")];
    assert_eq!(notes(&[circle]), Vec::<String>::new());
    // Nor where nothing is, as in images that Nix makes.
    let nothing: &[(&str, &str)] = &[
        ("lib", "->/nix/store/x/lib"),
        ("nix/store/x/lib/libc.so", ""),
        ("var/lib/dpkg", "->/data"),
        ("app/node_modules", "->/data/modules"),
        ("app/a.jar", "->/data/a"),
    ];
    assert_eq!(notes(&[nothing]), Vec::<String>::new());
    // It may be there by way of another link.
    let by_way: &[(&str, &str)] = &[
        ("var/lib/dpkg", "->/data"),
        ("x", "->/data"),
        ("x/status", APK),
    ];
    assert_eq!(
        notes(&[by_way]),
        ["var/lib/dpkg: a link, which is not followed"]
    );
}

#[test]
fn a_link_that_an_upper_layer_replaces_is_none() {
    let lower: &[(&str, &str)] = &[("var/lib/dpkg", "->/opt/x"), ("opt/x/status", APK)];
    assert_eq!(notes(&[lower]).len(), 1);
    for upper in [
        ("var/lib/dpkg/", ""),
        ("var/lib/.wh.dpkg", ""),
        ("var/lib/.wh..wh..opq", ""),
        ("var/lib/dpkg", "->/opt/./x/"),
    ] {
        let left = notes(&[&[upper], lower]);
        let still = upper.1.starts_with("->");
        assert_eq!(left.len(), usize::from(still), "{upper:?}: {left:?}");
    }
    // The last entry of a path is it; of a link and a folder, either may be.
    let file = ("var/lib/dpkg", "");
    assert_eq!(notes(&[&[lower[0], lower[1], file]]), Vec::<String>::new());
    let folder = ("var/lib/dpkg/", "");
    assert_eq!(notes(&[&[lower[0], lower[1], folder]]).len(), 1);
}

/// A file is unpacked to where the folders of its path lead.
#[test]
fn a_database_that_is_unpacked_through_a_link_is_noted() {
    for (link, target, database, place) in [
        ("x", "->/var/lib", "x/dpkg/status", "var/lib/dpkg/status"),
        ("x", "->/", "x/lib/apk/db/installed", "lib/apk/db/installed"),
        (
            "x",
            "->var/lib/dpkg/status.d",
            "x/a",
            "var/lib/dpkg/status.d/a",
        ),
        ("a/x", "->../usr/lib", "a/x/sysimage", "usr/lib/sysimage"),
        (
            "lib",
            "->usr/lib",
            "lib/sysimage/rpm/Packages",
            "usr/lib/sysimage/rpm/Packages",
        ),
    ] {
        let noted = format!("{database}: below a link, so that it may be unpacked to `{place}`");
        let (link, file) = ((link, target), (database, APK));
        assert!(notes(&[&[link, file]]).contains(&noted), "{database}");
        assert!(notes(&[&[file], &[link]]).contains(&noted), "{database}");
    }
    // The link was there when the file was unpacked, and is not any more.
    let gone = notes(&[
        &[("opt/.wh.x", "")],
        &[("opt/x/status", APK)],
        &[("opt/x", "->../var/lib/dpkg")],
    ]);
    assert_eq!(
        gone,
        ["opt/x/status: below a link, so that it may be unpacked to `var/lib/dpkg/status`"]
    );
    let gone = notes(&[
        &[("opt/.wh.x", ""), ("var/lib/dpkg", "->/srv")],
        &[("opt/x/status", APK)],
        &[("opt/x", "->/srv")],
    ]);
    assert_eq!(gone, ["var/lib/dpkg: a link, which is not followed"]);
    // What is looked at under its own name as well is not hidden.
    let merged: &[(&str, &str)] = &[("lib", "->usr/lib"), ("lib/apk/db/installed", APK)];
    assert_eq!(notes(&[merged]), Vec::<String>::new());
    let other: &[(&str, &str)] = &[("x", "->/var/lib"), ("x/other/status", APK)];
    assert_eq!(notes(&[other]), Vec::<String>::new());
}

#[test]
fn a_link_to_what_has_another_name_hides_other_packages_too() {
    let python = "Name: a\nVersion: 1\n";
    let node = r#"{"name": "a", "version": "1"}"#;
    for (link, target, path, text) in [
        ("app/node_modules", "->/deps", "deps/a/package.json", node),
        ("app/a-1.dist-info", "->/deps", "deps/METADATA", python),
        ("app/a.dist-info/METADATA", "->/deps/m", "deps/m", python),
        ("app/lib.jar", "->/deps/blob", "deps/blob", ""),
        ("app/specifications", "->/deps", "deps/a.gemspec", ""),
        ("app/vendor/composer", "->/deps", "deps/installed.json", ""),
    ] {
        let noted = [format!("{link}: a link, which is not followed")];
        assert_eq!(notes(&[&[(link, target), (path, text)]]), noted, "{link}");
    }
    let usual: &[(&str, &str)] = &[
        ("app/node_modules", "->/deps/node_modules"),
        ("deps/node_modules/a/package.json", node),
        ("deps/node_modules/b", "->../../packages/b"),
        ("usr/bin/composer", "->../share/composer/composer.phar"),
        ("usr/share/java/a.jar", "->/etc/alternatives/a"),
        ("etc/alternatives/a", "->/usr/share/java/a-1.jar"),
        ("app/requirements.txt", "->deps/all"),
    ];
    let purls = vec!["pkg:npm/a@1".to_owned()];
    assert_eq!(scan(&[usual]), (purls, vec![]));
}

/// As a root filesystem in a folder has it.
#[test]
fn links_of_a_folder_count_as_well() {
    let mut scanner = Scanner::new();
    scanner.link("var/lib/dpkg", "/opt/x");
    scanner.link("lib", "usr/lib");
    let notes = scanner.finish().notes;
    let paths: Vec<_> = notes.iter().map(|note| note.at.path.as_str()).collect();
    assert_eq!(paths, ["var/lib/dpkg"]);
}

/// Forty links after one another, each by way of a folder that is entered and left
/// again and again.
#[test]
fn links_that_lead_without_end_are_followed_for_some_time() {
    let folder = "f".repeat(3_900);
    let paths: Vec<String> = (0..80).map(|n| format!("{folder}/{n}")).collect();
    let targets = (1..=80).map(|n| format!("->{}{n}", "x/../".repeat(800)));
    let targets: Vec<String> = targets.collect();
    let pairs = paths.iter().zip(&targets);
    let entries: Vec<(&str, &str)> = pairs.map(|(p, t)| (p.as_str(), t.as_str())).collect();
    assert_eq!(
        notes(&[&entries]),
        [": its links lead further than they are followed"]
    );
}

#[test]
fn a_link_that_is_replaced_again_and_again_is_not_followed_to_all_its_places() {
    let of = |places: usize| {
        let targets: Vec<String> = (0..places).map(|n| format!("->{n}")).collect();
        let targets = targets.iter().map(|target| ("x", target.as_str()));
        let lower: Vec<(&str, &str)> = targets.collect();
        notes(&[&[("x", "")], &lower])
    };
    assert_eq!(of(16), Vec::<String>::new());
    assert_eq!(of(17), [": it has more links than are remembered"]);
}
