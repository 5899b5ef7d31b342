//! The rows of SBOMs: B16 makes one of a large image, B17 holds it against the
//! image.

use std::fs;
use std::path::Path;

use serde_json::Value;
use waxseal_oci::Digest;

use crate::image::{self, Compression};
use crate::stage::{Entry, Site, Stage, entry};

pub(crate) fn b16(stage: &Stage, runs: usize) {
    let site = stage.registry(0);
    for (name, compression) in [("gzip", Compression::Gzip), ("zstd", Compression::Zstd)] {
        let image = pushed(stage, &site, name, compression);
        let generate = |from: &str| format!("sbom -o cyclonedx-json -f made.json {from}");
        let floor = |what: &str| format!("{} layers {name} {what}", crate::inside::WORD);
        let mut entries = vec![
            entry("waxseal (registry)", generate(&image), None),
            entry("waxseal (layout)", generate(name), None),
            floor_entry("decompression and digests alone", floor("digests")),
            floor_entry("decompression alone", floor("plain")),
        ];
        if matches!(compression, Compression::Gzip) {
            let words = format!("-dc {}", layers(&stage.path(name)).join(" "));
            entries.push(entry("gzip -dc", words, None));
        }
        let title = format!("B16 SBOM of 1 GB and {} packages, {name}", image::PACKAGES);
        let target = "wall ≤ 1.5 × decompression; ≤ 200 MiB";
        stage.row(&title, target, runs.min(3), Some(&site), &entries);
        let made = stage.read("made.json");
        assert_eq!(components(&made), image::PACKAGES, "all packages are found");
    }
}

pub(crate) fn b17(stage: &Stage, runs: usize) {
    let site = stage.registry(0);
    let image = pushed(stage, &site, "gzip", Compression::Gzip);
    let generate = format!("sbom -o cyclonedx-json -f made.json {image}");
    stage.must("waxseal", &generate);
    let made = stage.read("made.json");
    stage.must(
        "waxseal",
        &format!("attest --key plain.key --sbom made.json {image}"),
    );
    // One of 50,000 left out, by a signer of its own.
    fs::write(stage.path("lying.json"), without_one(made).to_string()).expect("a file");
    stage.must(
        "waxseal",
        &format!("attest --key other.key --sbom lying.json {image}"),
    );
    let verify = |key: &str| format!("sbom verify --key {key}.pub {image}");
    stage.refuses("waxseal", &verify("other"));
    let entries = [
        entry("waxseal sbom verify", verify("plain"), None),
        entry("waxseal sbom", generate, None),
    ];
    stage.row(
        "B17 hold that SBOM against the image",
        "wall no more than making it",
        runs,
        Some(&site),
        &entries,
    );
}

/// The image, as a layout in the folder `name` and in the registry.
fn pushed(stage: &Stage, site: &Site, name: &str, compression: Compression) -> String {
    let folder = stage.path(name);
    if !folder.exists() {
        let sizes = image::write(&folder, compression);
        println!(
            "{name}: {} entries, {} bytes, stored in {}\n",
            sizes.entries, sizes.plain, sizes.stored
        );
    }
    let tagged = format!("{}/large-{name}:v1", site.host);
    stage.must("waxseal", &format!("load {name} {tagged}"));
    let digest = manifest_digest(&folder);
    format!("{}/large-{name}@{digest}", site.host)
}

fn manifest_digest(folder: &Path) -> Digest {
    let index = json(&folder.join("index.json"));
    let digest = index["manifests"][0]["digest"].as_str();
    digest.and_then(|text| text.parse().ok()).expect("a digest")
}

/// The files of the layers, the lowest first.
pub(crate) fn layers(folder: &Path) -> Vec<String> {
    let blob = |digest: &str| folder.join("blobs").join(digest.replace(':', "/"));
    let manifest = json(&blob(&manifest_digest(folder).to_string()));
    let layers = manifest["layers"].as_array().expect("layers");
    layers
        .iter()
        .map(|layer| {
            let digest = layer["digest"].as_str().expect("a digest");
            blob(digest).display().to_string()
        })
        .collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

fn components(sbom: &Value) -> usize {
    let all = sbom["components"].as_array().expect("components");
    all.iter().filter(|c| c["type"] == "library").count()
}

fn without_one(mut sbom: Value) -> Value {
    let all = sbom["components"].as_array_mut().expect("components");
    let middle = all.len() / 2;
    all.remove(middle);
    sbom
}

/// What this program does itself.
fn floor_entry(name: &str, words: String) -> Entry {
    Entry {
        program: "itself".to_owned(),
        ..entry(name, words, None)
    }
}
