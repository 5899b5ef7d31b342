//! What `waxseal sbom` finds.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use waxseal_oci::Digest;

/// Which packages are meant.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Named {
    /// Those that lock files name.
    Declared,
    /// Those that something else names.
    There,
}

/// Our program, and a folder of this run.
pub(crate) struct Ours {
    program: PathBuf,
    folder: PathBuf,
}

impl Ours {
    /// The program of `WAXSEAL_BIN_DIR`, else one that is built.
    pub(crate) fn new(root: &Path, folder: &Path) -> Self {
        let binaries = std::env::var_os("WAXSEAL_BIN_DIR").map(PathBuf::from);
        Self {
            program: binaries.unwrap_or_else(|| built(root)).join("waxseal"),
            folder: folder.to_owned(),
        }
    }

    /// A document of a root filesystem or an image.
    pub(crate) fn document(&self, target: &Path, format: &str) -> Result<Vec<u8>, String> {
        let done = Command::new(&self.program)
            .args(["sbom", "-o", format])
            .arg(target)
            .env("SOURCE_DATE_EPOCH", "1700000000")
            .output()
            .map_err(|e| format!("cannot run {}: {e}", self.program.display()))?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        if !done.status.success() {
            return Err(said);
        }
        // Everything in these roots can be read.
        if said.contains("warning") {
            return Err(format!("something was not read:\n{said}"));
        }
        Ok(done.stdout)
    }

    /// The package URLs of a kind, decoded.
    pub(crate) fn packages(
        &self,
        target: &Path,
        kind: &str,
        named: Named,
    ) -> Result<BTreeSet<String>, String> {
        let bytes = self.document(target, "cyclonedx-json")?;
        let document: Value = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
        let components = document["components"].as_array().ok_or("no components")?;
        let start = format!("pkg:{kind}/");
        let mut purls = BTreeSet::new();
        for component in components {
            let purl = component["purl"].as_str().unwrap_or_default();
            let occurrences = component["evidence"]["occurrences"].as_array();
            let is_named = occurrences.into_iter().flatten().any(|at| {
                let is_declared = at["additionalContext"] == "declared by lock file";
                is_declared == (named == Named::Declared)
            });
            if purl.starts_with(&start) && is_named {
                purls.insert(decoded(purl));
            }
        }
        Ok(purls)
    }

    /// An image layout with one layer, which is this root.
    pub(crate) fn image(&self, root: &Path) -> Result<PathBuf, String> {
        let layout = self.folder.join("image");
        let blobs = layout.join("blobs/sha256");
        let wrong = |e: std::io::Error| e.to_string();
        fs::create_dir_all(&blobs).map_err(wrong)?;
        let layer = self.folder.join("layer.tar.gz");
        let packed = Command::new("tar")
            .arg("-czf")
            .arg(&layer)
            .arg("-C")
            .arg(root)
            .arg(".")
            .status()
            .map_err(wrong)?;
        if !packed.success() {
            return Err("tar failed".to_owned());
        }
        let store = |bytes: &[u8], kind: &str| -> Result<Value, String> {
            let digest = Digest::sha256(bytes);
            fs::write(blobs.join(digest.hex()), bytes).map_err(wrong)?;
            Ok(json!({"mediaType": kind, "digest": digest.to_string(), "size": bytes.len()}))
        };
        let layer = fs::read(&layer).map_err(wrong)?;
        let layer = store(&layer, "application/vnd.oci.image.layer.v1.tar+gzip")?;
        let config = json!({"architecture": "amd64", "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": []}});
        let config = store(
            config.to_string().as_bytes(),
            "application/vnd.oci.image.config.v1+json",
        )?;
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({"schemaVersion": 2, "mediaType": kind, "config": config,
            "layers": [layer]});
        let manifest = store(manifest.to_string().as_bytes(), kind)?;
        let index = json!({"schemaVersion": 2, "manifests": [manifest]});
        fs::write(layout.join("index.json"), index.to_string()).map_err(wrong)?;
        fs::write(
            layout.join("oci-layout"),
            r#"{"imageLayoutVersion": "1.0.0"}"#,
        )
        .map_err(wrong)?;
        Ok(layout)
    }
}

/// A program as this one was built.
fn built(root: &Path) -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let (profile, folder) = if cfg!(debug_assertions) {
        ("dev", "debug")
    } else {
        ("release", "release")
    };
    let built = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--quiet", "--locked", "-p", "waxseal-cli"])
        .args(["--profile", profile])
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the program does not build");
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), PathBuf::from)
        .join(folder)
}

fn decoded(purl: &str) -> String {
    let mut out = Vec::new();
    let mut rest = purl.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let escaped = (*byte == b'%').then(|| after.get(..2)).flatten();
        let escaped = escaped.and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) => {
                out.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
