//! An image of about one gigabyte with 50,000 packages, the same at each run:
//! what a large service has in one image, over layers as a build makes them.

mod content;
mod layer;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use waxseal_oci::{Digest, LAYOUT_FILE, LAYOUT_FILE_CONTENT};

use self::content::Content;
use self::layer::Layer;

/// How many packages it has.
pub(crate) const PACKAGES: usize = DEB + NPM + PYPI + MAVEN + GEM;

const DEB: usize = 8_000;
const NPM: usize = 30_000;
const PYPI: usize = 10_000;
const MAVEN: usize = 1_500;
const GEM: usize = 500;

/// How the layers are stored.
#[derive(Clone, Copy)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    fn media_type(self) -> &'static str {
        match self {
            Self::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Self::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        }
    }
}

/// Bytes of all layers.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sizes {
    /// As they are stored.
    pub(crate) stored: u64,
    /// As archives.
    pub(crate) plain: u64,
    /// Entries of the archives.
    pub(crate) entries: usize,
}

/// Writes the image as an image layout into a folder that is not there yet.
pub(crate) fn write(folder: &Path, compression: Compression) -> Sizes {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a folder");
    let mut content = Content::new();
    let mut sizes = Sizes::default();
    let (mut layers, mut plain) = (Vec::new(), Vec::new());
    let fills: [fn(&mut Layer, &mut Content); 6] =
        [distribution, runtime, python, node, java_and_ruby, service];
    for fill in fills {
        let mut layer = Layer::new(compression);
        fill(&mut layer, &mut content);
        let done = layer.finish();
        sizes.stored += length(&done.stored);
        sizes.plain += done.plain;
        sizes.entries += done.entries;
        plain.push(done.diff_id);
        layers.push(blob(&blobs, compression.media_type(), &done.stored));
    }
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": plain},
    });
    let config = config.to_string().into_bytes();
    let config = blob(&blobs, "application/vnd.oci.image.config.v1+json", &config);
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers,
    });
    let manifest = blob(&blobs, media_type, manifest.to_string().as_bytes());
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    fs::write(folder.join("index.json"), index.to_string()).expect("a file");
    fs::write(folder.join(LAYOUT_FILE), LAYOUT_FILE_CONTENT).expect("a file");
    sizes
}

fn blob(blobs: &Path, media_type: &str, bytes: &[u8]) -> Value {
    let digest = Digest::sha256(bytes);
    fs::write(blobs.join(digest.hex()), bytes).expect("room for a layer");
    json!({"mediaType": media_type, "digest": digest.to_string(), "size": bytes.len()})
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a length")
}

/// Debian's packages: a library or a program for most, and what is to be read.
fn distribution(layer: &mut Layer, content: &mut Content) {
    let release = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n";
    layer.file("usr/lib/os-release", release.as_bytes());
    let mut status = String::new();
    for n in 0..DEB {
        let name = format!("lib{}{n}", content.word());
        let description = content.text(400).replace('\n', "\n ");
        let depends: Vec<String> = (0..4).map(|_| format!("lib{}", content.word())).collect();
        status.push_str(&format!(
            "Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: libs\n\
             Installed-Size: {}\nMaintainer: Debian {} Team <team+{n}@tracker.example.org>\n\
             Architecture: amd64\nMulti-Arch: same\nVersion: {}.{}-1+deb12u{}\nDepends: {}\n\
             Description: {description}\nHomepage: https://{name}.example.org/\n\n",
            content.below(90_000),
            content.word(),
            content.below(9),
            content.below(90),
            content.below(9),
            depends.join(", "),
        ));
        let doc = format!("usr/share/doc/{name}");
        let rights = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
            \nFiles: *\nCopyright: its authors\nLicense: GPL-2+\n";
        let rights = format!("{rights} {}\n", content.text(3_000).replace('\n', "\n "));
        layer.file(&format!("{doc}/copyright"), rights.as_bytes());
        layer.file(&format!("{doc}/changelog.Debian.gz"), &content.noise(1_500));
        match n % 4 {
            0 => layer.program(&format!("usr/bin/{name}"), &content.machine(50_000)),
            1 | 2 => {
                let path = format!("usr/lib/x86_64-linux-gnu/{name}.so.{}", n % 7);
                layer.file(&path, &content.machine(42_000));
            }
            _ => {}
        }
    }
    layer.file("var/lib/dpkg/status", status.as_bytes());
}

/// The program that runs the service, as large as Node's.
fn runtime(layer: &mut Layer, content: &mut Content) {
    layer.program("usr/local/bin/node", &content.machine(90 << 20));
    for n in 0..400 {
        let path = format!("usr/local/include/node/v8-{n}.h");
        layer.file(&path, content.text(6_000).as_bytes());
    }
}

fn python(layer: &mut Layer, content: &mut Content) {
    let site = "usr/lib/python3/site-packages";
    for n in 0..PYPI {
        let name = format!("{}_{n}", content.word());
        let version = format!("{}.{}.{}", content.below(9), content.below(30), n % 10);
        for module in ["__init__", "core", "api", "errors"] {
            let path = format!("{site}/{name}/{module}.py");
            layer.file(&path, content.text(3_600).as_bytes());
        }
        let info = format!("{site}/{name}-{version}.dist-info");
        let text = format!(
            "Metadata-Version: 2.3\nName: {name}\nVersion: {version}\nSummary: {}\n\
             Author: {} {}\nLicense-Expression: MIT\nClassifier: Programming Language :: Python\n\
             Requires-Python: >=3.9\n\n{}",
            content.word(),
            content.word(),
            content.word(),
            content.text(3_500)
        );
        layer.file(&format!("{info}/METADATA"), text.as_bytes());
        layer.file(&format!("{info}/RECORD"), content.text(900).as_bytes());
        layer.file(&format!("{info}/WHEEL"), b"Wheel-Version: 1.0\n");
        layer.file(&format!("{info}/INSTALLER"), b"pip\n");
    }
}

fn node_name(content: &mut Content, n: usize) -> String {
    match n % 5 {
        0 => format!("@{}/{}-{n}", content.word(), content.word()),
        _ => format!("{}-{n}", content.word()),
    }
}

fn node(layer: &mut Layer, content: &mut Content) {
    for n in 0..NPM {
        let name = node_name(content, n);
        let folder = format!("srv/app/node_modules/{name}");
        let license = ["MIT", "ISC", "Apache-2.0", "BSD-3-Clause"][n % 4];
        let (author, one, two) = (content.word(), content.word(), content.word());
        let manifest = json!({
            "name": name,
            "version": format!("{}.{}.{}", content.below(12), content.below(40), n % 20),
            "description": content.text(90),
            "license": license,
            "author": {"name": author, "email": "someone@example.com"},
            "main": "index.js",
            "repository": {"type": "git", "url": format!("git+https://git.example.com/{name}.git")},
            "scripts": {"test": "node --test", "lint": content.text(40)},
            "dependencies": {one: "^1.0.0", two: "^2.1.0"},
        });
        let manifest = serde_json::to_vec_pretty(&manifest).expect("JSON");
        layer.file(&format!("{folder}/package.json"), &manifest);
        layer.file(&format!("{folder}/LICENSE"), content.text(1_000).as_bytes());
        layer.file(
            &format!("{folder}/README.md"),
            content.text(2_600).as_bytes(),
        );
        layer.file(
            &format!("{folder}/index.js"),
            content.text(2_800).as_bytes(),
        );
        layer.file(
            &format!("{folder}/lib/all.js"),
            content.text(3_000).as_bytes(),
        );
    }
}

fn java_and_ruby(layer: &mut Layer, content: &mut Content) {
    for n in 0..MAVEN {
        let (group, artifact) = (content.word(), format!("{}-{n}", content.word()));
        let version = format!("{}.{}.{}", content.below(9), content.below(20), n % 10);
        let jar = content.jar(&group, &artifact, &version);
        layer.file(&format!("srv/lib/{artifact}-{version}.jar"), &jar);
    }
    for n in 0..GEM {
        let (name, version) = (format!("{}-{n}", content.word()), format!("1.{n}.0"));
        let text = format!(
            "# -*- encoding: utf-8 -*-\n# stub: {name} {version} ruby lib\n\n\
             Gem::Specification.new do |s|\n  s.name = \"{name}\".freeze\n  \
             s.version = \"{version}\"\n  s.authors = [\"{}\".freeze]\n  \
             s.licenses = [\"MIT\".freeze]\nend\n",
            content.word()
        );
        let path = format!("var/lib/gems/3.1.0/specifications/{name}-{version}.gemspec");
        layer.file(&path, text.as_bytes());
    }
}

/// The service itself: its code, and what a build deletes again.
fn service(layer: &mut Layer, content: &mut Content) {
    for n in 0..2_000 {
        let path = format!("srv/app/src/{}-{n}.js", content.word());
        layer.file(&path, content.text(5_000).as_bytes());
    }
    for n in 0..200 {
        let path = format!("usr/local/include/node/.wh.v8-{n}.h");
        layer.file(&path, b"");
    }
}
