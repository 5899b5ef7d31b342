use std::io::Write as _;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

/// An archive of these files.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn maven(group: &str, artifact: &str, version: &str) -> (String, Vec<u8>) {
    let text =
        format!("#Generated\r\nversion={version}\r\ngroupId={group}\r\nartifactId={artifact}\r\n");
    (
        format!("META-INF/maven/{group}/{artifact}/pom.properties"),
        text.into_bytes(),
    )
}

/// Names, versions and inner paths, and the notes.
fn found(bytes: &[u8], path: &str) -> (Vec<String>, Vec<String>) {
    let held = read(bytes, path).unwrap();
    let packages = held.packages.iter().map(|p| {
        let inside = p.inside.as_deref().unwrap_or("-");
        format!("{} {} {inside}", p.name, p.version)
    });
    let notes = held.notes.iter().map(|(at, why)| format!("{at}: {why}"));
    (packages.collect(), notes.collect())
}

#[test]
fn every_artifact_that_was_packed_into_one_archive_is_found() {
    let (app, shaded) = (
        maven("com.example", "app", "1.0"),
        maven("org.other", "shaded", "2.0"),
    );
    let jar = archive(&[
        (
            MANIFEST,
            b"Manifest-Version: 1.0\r\nImplementation-Version: 9\r\n\r\n",
        ),
        (&app.0, &app.1),
        (&shaded.0, &shaded.1),
    ]);
    assert_eq!(
        found(&jar, "opt/app-1.0.jar"),
        (
            vec![
                "com.example/app 1.0 -".to_owned(),
                "org.other/shaded 2.0 -".to_owned()
            ],
            vec![]
        )
    );
    // Under a name that is none of theirs it is something else as well.
    assert_eq!(
        found(&jar, "opt/bundle.jar").0,
        [
            "com.example/app 1.0 -",
            "org.other/shaded 2.0 -",
            "bundle 9 -"
        ]
    );
}

#[test]
fn the_manifest_and_the_file_name_say_what_properties_do_not() {
    let manifest = b"Manifest-Version: 1.0\r\nBundle-SymbolicName: org.apache.comm\r\n ons.commons-io;singleton:=true\r\n\
        Bundle-Version: 2.11.0.osgi\r\nBundle-Vendor: Apache\r\nBundle-License: Apache-2.0;link=\"x\"\r\n\r\nName: x\r\n\
        Implementation-Vendor-Id: not.this\r\n";
    let jar = archive(&[(MANIFEST, manifest)]);
    let held = read(&jar, "lib/commons-io-2.11.0.jar").unwrap();
    assert_eq!(
        held.packages,
        [Package {
            name: "org.apache.commons/commons-io".to_owned(),
            version: "2.11.0".to_owned(),
            supplier: Some("Apache".to_owned()),
            licenses: vec![License::Expression("Apache-2.0".to_owned())],
            hashes: vec![Digest::sha256(&jar)],
            ecosystem: Some(Ecosystem::Maven),
            ..Package::default()
        }]
    );
    // No group and no version is guessed.
    let bare = archive(&[
        (MANIFEST, b"Manifest-Version: 1.0\r\n\r\n"),
        ("A.class", b""),
    ]);
    assert_eq!(found(&bare, "lib/tool-1.2.jar").0, ["tool 1.2 -"]);
    assert_eq!(found(&bare, "lib/tool.jar").0, Vec::<String>::new());
    let template = maven("${project.groupId}", "x", "1");
    assert_eq!(
        found(&archive(&[(&template.0, &template.1)]), "a.jar").0,
        Vec::<String>::new()
    );
}

#[test]
fn archives_in_archives_are_looked_into_and_each_has_its_path() {
    let (own, inner) = (maven("g", "web", "1"), maven("g", "lib", "2"));
    let lib = archive(&[(&inner.0, &inner.1)]);
    let war = archive(&[(&own.0, &own.1), ("WEB-INF/lib/lib-2.jar", &lib)]);
    let ear = archive(&[("web-1.war", &war)]);
    assert_eq!(
        found(&ear, "srv/all.ear").0,
        [
            "g/lib 2 web-1.war!/WEB-INF/lib/lib-2.jar",
            "g/web 1 web-1.war"
        ]
    );
}

#[test]
fn an_archive_that_is_too_deep_is_noted() {
    let own = maven("g", "deep", "1");
    let mut bytes = archive(&[(&own.0, &own.1)]);
    for _ in 0..=limits::JAVA_DEPTH {
        bytes = archive(&[("a.jar", &bytes)]);
    }
    assert_eq!(
        found(&bytes, "a.jar"),
        (
            vec![],
            vec!["a.jar!/a.jar!/a.jar!/a.jar!/a.jar: an archive too deep in archives".to_owned()]
        )
    );
}

#[test]
fn bombs_are_noted_and_the_rest_is_read() {
    let own = maven("g", "a", "1");
    let zeros = vec![0; usize::try_from(limits::JAVA_MANIFEST_BYTES).unwrap() + 1];
    let jar = archive(&[(MANIFEST, &zeros), (&own.0, &own.1), ("x.jar", b"PK")]);
    let (packages, notes) = found(&jar, "a-1.jar");
    assert_eq!(packages, ["g/a 1 -"]);
    assert_eq!(
        notes,
        [
            "META-INF/MANIFEST.MF: larger than 4194304 bytes, which is not read",
            "x.jar: not a Java archive: invalid Zip archive: Could not find EOCD"
        ]
    );
}

#[test]
fn a_length_that_lies_is_found_out() {
    let own = maven("g", "a", "1");
    let mut jar = archive(&[(&own.0, &own.1)]);
    // The directory's uncompressed length, which says that it is less.
    let at = jar.windows(4).position(|window| window == ENTRY).unwrap();
    jar[at + 24..at + 28].copy_from_slice(&1_u32.to_le_bytes());
    let (packages, notes) = found(&jar, "a-1.jar");
    assert_eq!(packages, ["a 1 -"]);
    let [note] = notes.as_slice() else {
        panic!("{notes:?}");
    };
    assert!(
        note.contains("pom.properties: cannot be decompressed: "),
        "{note}"
    );
}

#[test]
fn a_directory_without_end_is_refused_before_it_is_read() {
    let many = ENTRY.repeat(limits::JAVA_ENTRIES + 1);
    assert_eq!(
        read(&many, "a.jar"),
        Err("more than 250000 entries".to_owned())
    );
}

#[test]
fn the_name_ends_where_the_version_begins() {
    for (stem, name, version) in [
        ("commons-io-2.11.0", "commons-io", Some("2.11.0")),
        ("guava-32.1-jre", "guava", Some("32.1-jre")),
        ("log4j-1.2-api-2.20.0", "log4j-1.2-api", Some("2.20.0")),
        ("x-1.0-beta-2", "x", Some("1.0-beta-2")),
        (
            "x-1.0-20240101.120000-3",
            "x",
            Some("1.0-20240101.120000-3"),
        ),
        ("app", "app", None),
        ("-1", "-1", None),
    ] {
        assert_eq!(named(stem), (name, version), "{stem}");
    }
}

/// What runs takes one of the two, and nobody knows which.
#[test]
fn two_entries_of_one_name_are_not_read() {
    let [first, second] = ["1.0", "2.0"].map(|version| maven("com.example", "app", version));
    let other = first.0.replace("com.example/app", "com.example/apq");
    let mut jar = archive(&[(&first.0, &first.1), (&other, &second.1)]);
    let at: Vec<usize> = (0..jar.len())
        .filter(|at| jar[*at..].starts_with(other.as_bytes()))
        .collect();
    assert_eq!(at.len(), 2);
    for at in at {
        jar[at..at + first.0.len()].copy_from_slice(first.0.as_bytes());
    }
    assert_eq!(
        read(&jar, "opt/app.jar"),
        Err("it has two entries of one name".to_owned())
    );
}

#[test]
fn a_second_manifest_that_says_something_else_is_noted() {
    let says = |version: &str| format!("Implementation-Version: {version}\r\n\r\n");
    let jar = |first: &str, second: &str| {
        let other = MANIFEST.to_lowercase();
        found(
            &archive(&[
                (MANIFEST, says(first).as_bytes()),
                (&other, says(second).as_bytes()),
            ]),
            "opt/lib.jar",
        )
    };
    assert_eq!(
        jar("1.0", "2.0"),
        (
            vec!["lib 1.0 -".to_owned()],
            vec!["meta-inf/manifest.mf: a second manifest".to_owned()]
        )
    );
    assert_eq!(jar("1.0", "1.0").1, Vec::<String>::new());
}
