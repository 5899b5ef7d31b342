//! `sbom`: images, layouts and folders.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use waxseal_oci::Digest;
use waxseal_testkit::{Options, Registry};

use crate::run::{Place, Ran};

pub(crate) const APK: &str = "P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\n\n";
pub(crate) const NODE: &str = r#"{"name": "left-pad", "version": "1.3.0", "license": "WTFPL"}"#;

/// A gzipped layer with these files; a content that begins with `->` is a link.
pub(crate) fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        if let Some(target) = content.strip_prefix("->") {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            archive.append_link(&mut header, path, target).unwrap();
            continue;
        }
        header.set_size(content.len().try_into().unwrap());
        archive
            .append_data(&mut header, path, content.as_bytes())
            .unwrap();
    }
    let mut gzip = archive.into_inner().unwrap();
    gzip.flush().unwrap();
    gzip.finish().unwrap()
}

/// Pushes an image with these layers, the lowest first.
pub(crate) fn push(registry: &Registry, tag: &str, layers: &[Vec<u8>]) -> (String, Vec<Digest>) {
    let contents = registry.contents();
    let gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    let layers: Vec<_> = layers
        .iter()
        .map(|bytes| contents.push_blob("shop/api", gzip, bytes))
        .collect();
    let config = contents.push_blob(
        "shop/api",
        "application/vnd.oci.image.config.v1+json",
        b"{}",
    );
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": layers,
    });
    let bytes = manifest.to_string().into_bytes();
    let digest = Digest::sha256(&bytes);
    contents.push_manifest(
        "shop/api",
        tag,
        "application/vnd.oci.image.manifest.v1+json",
        &bytes,
    );
    let name = format!("{}/shop/api@{digest}", registry.host());
    (name, layers.into_iter().map(|l| l.digest).collect())
}

fn run(place: &Place, arguments: &[&str]) -> Ran {
    place.run(["sbom", "--insecure-http"].iter().chain(arguments))
}

#[test]
fn an_image_is_read_layer_by_layer() {
    let registry = Registry::start(Options::default());
    let place = Place::new();
    let lower = layer(&[
        ("etc/os-release", "ID=alpine\nVERSION_ID=3.20\n"),
        ("lib/apk/db/installed", APK),
        ("app/node_modules/gone/package.json", NODE),
    ]);
    let upper = layer(&[
        ("app/node_modules/.wh.gone", ""),
        ("app/node_modules/left-pad/package.json", NODE),
    ]);
    let (image, layers) = push(&registry, "1.0", &[lower, upper]);
    let ran = run(&place, &["-o", "cyclonedx-json", &image]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let found: Vec<(&str, &str, &str)> = document["components"]
        .as_array()
        .unwrap()
        .iter()
        .skip(1)
        .map(|component| {
            (
                component["purl"].as_str().unwrap(),
                component["properties"][0]["value"].as_str().unwrap(),
                component["evidence"]["occurrences"][0]["location"]
                    .as_str()
                    .unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (
                "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20",
                layers[0].as_str(),
                "lib/apk/db/installed"
            ),
            (
                "pkg:npm/left-pad@1.3.0",
                layers[1].as_str(),
                "app/node_modules/left-pad/package.json"
            ),
        ]
    );
    // The same bytes again, and a time where one is given.
    assert_eq!(
        run(&place, &["-o", "cyclonedx-json", &image]).stdout,
        ran.stdout
    );
    let mut command = place.command(["sbom", "--insecure-http", "-o", "spdx-json", &image]);
    command.env("SOURCE_DATE_EPOCH", "86400");
    let spdx: Value = serde_json::from_str(&Ran::of(command).stdout).unwrap();
    assert_eq!(spdx["creationInfo"]["created"], "1970-01-02T00:00:00Z");
    assert_eq!(
        run(&place, &[&image]).stdout.lines().count(),
        3,
        "a head and two packages"
    );
    // It can be attested as it is.
    place.key("cosign3.key");
    place.write("bom.json", &ran.stdout);
    let attested = place.run([
        "attest",
        "--insecure-http",
        "-k",
        "cosign3.key",
        "--sbom",
        "bom.json",
        &image,
    ]);
    assert!(
        attested
            .stderr
            .starts_with("`bom.json` is CycloneDX 1.6 with 3 components and names this digest\n"),
        "{}",
        attested.stderr
    );
}

#[test]
fn a_layout_and_a_folder_are_read_the_same() {
    let registry = Registry::start(Options::default());
    let place = Place::new();
    let (image, _) = push(&registry, "1.0", &[layer(&[("lib/apk/db/installed", APK)])]);
    place.ok(["save", "--insecure-http", "-o", "image.tar", &image]);
    let table = run(&place, &["image.tar"]);
    assert_eq!(table.code, Some(0), "{}", table.stderr);
    assert!(
        table.stdout.contains("musl  1.2.5-r0  apk   MIT"),
        "{}",
        table.stdout
    );

    fs::create_dir_all(place.path("root/lib/apk/db")).unwrap();
    place.write("root/lib/apk/db/installed", APK);
    let folder = run(&place, &["root"]);
    assert_eq!(folder.code, Some(0), "{}", folder.stderr);
    assert!(
        folder.stdout.contains("musl  1.2.5-r0  apk   MIT"),
        "{}",
        folder.stdout
    );
    assert_eq!(folder.stderr, "1 package in root\n");
}

#[test]
fn a_file_gets_all_of_an_sbom_or_keeps_what_it_has() {
    let registry = Registry::start(Options::default());
    let place = Place::new();
    let (image, _) = push(&registry, "1.0", &[layer(&[("lib/apk/db/installed", APK)])]);
    let (broken, _) = push(&registry, "2.0", &[b"not an archive".to_vec()]);
    let into = |image: &str, file: &str| run(&place, &[image, "-o", "spdx-json", "--file", file]);
    let ran = into(&image, "sbom.json");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let whole = place.read("sbom.json");
    assert!(whole.ends_with("}\n"), "{whole}");
    assert_eq!(into(&broken, "sbom.json").code, Some(1));
    assert_eq!(place.read("sbom.json"), whole);

    // Nobody is asked for an image whose SBOM would have no place.
    registry.reset();
    let ran = into(&image, "no/such/sbom.json");
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .starts_with("error: cannot write `no/such/sbom.json`: "),
        "{}",
        ran.stderr
    );
    assert_eq!(registry.count(), 0);
    let left = fs::read_dir(place.path("")).unwrap();
    let left = left.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with(".waxseal-")
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn what_is_not_read_is_warned_of() {
    let registry = Registry::start(Options::default());
    let place = Place::new();
    let (image, _) = push(
        &registry,
        "1.0",
        &[layer(&[("var/lib/rpm/rpmdb.sqlite", "x")])],
    );
    let ran = run(&place, &[&image]);
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.stderr.starts_with(
            "warning: `var/lib/rpm/rpmdb.sqlite`: not an rpm database of a kind that is known\n"
        ),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_layer_that_is_none_is_an_error_with_its_digest() {
    let registry = Registry::start(Options::default());
    let place = Place::new();
    let (image, layers) = push(&registry, "1.0", &[b"not an archive".to_vec()]);
    let ran = run(&place, &[&image]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .starts_with(&format!("error: the layer {}: ", layers[0])),
        "{}",
        ran.stderr
    );
    let ran = run(&place, &["no such thing"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.ends_with(
            "hint: what is to be looked at is an image, an image layout, or a folder that is \
             there\n"
        ),
        "{}",
        ran.stderr
    );
}

/// A name in a layer is anybody's.
#[test]
fn what_is_warned_of_moves_no_cursor_and_starts_no_line() {
    let registry = Registry::start(Options::default());
    let place = Place::new();
    let hostile = "app/node_modules/\u{1b}[2J\n::error::x/package.json";
    let (image, _) = push(&registry, "1.0", &[layer(&[(hostile, "{")])]);
    let ran = run(&place, &[&image]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let warned = ran.stderr.lines().next().unwrap();
    assert!(
        warned.starts_with(
            "warning: `app/node_modules/\\u{1b}[2J\\u{a}::error::x/package.json`: not a package.json"
        ),
        "{}",
        ran.stderr
    );
    place.write(
        "hostile.json",
        "{\"bomFormat\": \"a\\u001b[2J\\n::error::b\"}",
    );
    let ran = place.run(["sbom", "diff", "hostile.json", "hostile.json"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(1),
            "error: `hostile.json`: the document is neither CycloneDX nor SPDX: `bomFormat` is \
             `a\\u{1b}[2J\\u{a}::error::b`\n"
        )
    );
}

/// The packages are there for whoever follows the link.
#[test]
fn a_link_that_hides_a_database_is_warned_of_in_a_folder() {
    let place = Place::new();
    for folder in ["root/opt/x", "root/var/lib"] {
        std::fs::create_dir_all(place.path(folder)).unwrap();
    }
    place.write("root/opt/x/status", "Package: hidden\nVersion: 1\n");
    std::os::unix::fs::symlink("/opt/x", place.path("root/var/lib/dpkg")).unwrap();
    let ran = run(&place, &["root"]);
    assert_eq!(
        ran.stderr,
        "warning: `var/lib/dpkg`: a link, which is not followed\n0 packages in root\n"
    );
}
