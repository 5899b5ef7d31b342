//! A small real image: one layer with a root filesystem that a package manager
//! left, and a configuration.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use waxseal_oci::{Descriptor, Digest, Manifest, media};
use waxseal_testkit::{PushedImage, Registry};

/// The files of the layer.
const FILES: [(&str, &str); 3] = [
    ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
    (
        "var/lib/dpkg/status",
        "Package: busybox-static\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.35.0-4\n",
    ),
    ("usr/bin/hello", "#!/bin/sh\necho hello\n"),
];

/// Pushes the image, with `message` in a file so that two images differ.
pub(crate) fn push(
    registry: &Registry,
    repository: &str,
    tag: &str,
    message: &str,
) -> Result<PushedImage, String> {
    let layer = layer(message).map_err(|e| format!("cannot make a layer: {e}"))?;
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&layer).map_err(|e| e.to_string())?;
    let packed = packed.finish().map_err(|e| e.to_string())?;
    let config = serde_json::json!({
        "architecture": "amd64",
        "os": "linux",
        "config": { "Cmd": ["/usr/bin/hello"] },
        "rootfs": { "type": "layers", "diff_ids": [Digest::sha256(&layer)] },
    });
    let config = registry.push_blob(repository, media::OCI_CONFIG, config.to_string().as_bytes());
    let layer = registry.push_blob(repository, LAYER, &packed);
    let manifest = Manifest::new(config, vec![layer])
        .to_bytes()
        .map_err(|e| e.to_string())?;
    Ok(registry.push_manifest(repository, tag, media::OCI_MANIFEST, &manifest))
}

/// An SBOM of the image that names it by its digest.
pub(crate) fn sbom(image: &Descriptor, name: &str) -> String {
    let purl = format!(
        "pkg:oci/{name}@{}",
        image.digest.as_str().replace(':', "%3A")
    );
    serde_json::json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": {
            "type": "container", "name": name, "version": image.digest, "purl": purl,
        } },
        "components": [{
            "type": "library",
            "name": "busybox-static",
            "version": "1:1.35.0-4",
            "purl": "pkg:deb/debian/busybox-static@1%3A1.35.0-4?arch=amd64",
        }],
    })
    .to_string()
}

fn layer(message: &str) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in FILES.into_iter().chain([("etc/motd", message)]) {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(content.len()).unwrap_or_default());
        header.set_mode(0o755);
        archive.append_data(&mut header, path, content.as_bytes())?;
    }
    archive.into_inner()
}

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
