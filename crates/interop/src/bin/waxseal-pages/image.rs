//! Images with packages in their layers.

use std::fmt::Write as _;

use waxseal_oci::{Manifest, media};
use waxseal_testkit::Registry;

/// An image: a layer of Alpine's packages, one of nothing, one of Node's.
pub(crate) struct Spec {
    alpine: Vec<[String; 4]>,
    node: Vec<[String; 3]>,
}

impl Spec {
    /// A shop as people would build it.
    pub(crate) fn shop(zlib: &str, extra: &[[&str; 3]]) -> Self {
        let alpine = [
            ["alpine-baselayout", "3.6.5-r0", "GPL-2.0-only", "Alpine"],
            ["busybox", "1.36.1-r29", "GPL-2.0-only", "Alpine"],
            [
                "ca-certificates-bundle",
                "20240705-r0",
                "MPL-2.0 AND MIT",
                "Alpine",
            ],
            ["libcrypto3", "3.3.2-r1", "Apache-2.0", "Alpine"],
            [
                "libgcc",
                "13.2.1-r1",
                "GPL-2.0-or-later AND LGPL-2.1-or-later",
                "Alpine",
            ],
            [
                "libstdc++",
                "13.2.1-r1",
                "GPL-2.0-or-later AND LGPL-2.1-or-later",
                "Alpine",
            ],
            ["musl", "1.2.5-r0", "MIT", "Alpine"],
            ["nodejs", "20.15.1-r0", "MIT", "Alpine"],
            ["zlib", zlib, "Zlib", "Alpine"],
        ];
        let node = [
            ["accepts", "1.3.8", "MIT"],
            ["body-parser", "1.20.2", "MIT"],
            ["express", "4.19.2", "MIT"],
            ["qs", "6.11.0", "BSD-3-Clause"],
            ["send", "0.18.0", "MIT"],
        ];
        let mut node: Vec<_> = node.map(|p| p.map(str::to_owned)).to_vec();
        node.extend(extra.iter().map(|p| p.map(str::to_owned)));
        Self {
            alpine: alpine.map(|p| p.map(str::to_owned)).to_vec(),
            node,
        }
    }

    /// So many packages that a browser has to work.
    pub(crate) fn large(number: usize) -> Self {
        let node =
            (0..number).map(|n| [format!("package-{n}"), format!("1.{n}.0"), "MIT".to_owned()]);
        Self {
            alpine: Vec::new(),
            node: node.collect(),
        }
    }

    /// Names that mean something to a browser.
    pub(crate) fn hostile() -> Self {
        let text = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\u{202e}gnp";
        let all = || text.to_owned();
        Self {
            alpine: vec![[all(), all(), all(), all()]],
            node: vec![[all(), all(), all()]],
        }
    }

    /// Pushes it as `shop/NAME`; returns the name with the tag.
    pub(crate) fn push(&self, registry: &Registry, name: &str) -> String {
        let mut database = String::new();
        for [name, version, license, supplier] in &self.alpine {
            let _ = write!(
                database,
                "P:{name}\nV:{version}\nA:x86_64\nL:{license}\nm:{supplier}\n\n"
            );
        }
        let distribution = "ID=alpine\nVERSION_ID=3.20\nPRETTY_NAME=\"Alpine Linux v3.20\"\n";
        let packages = self
            .node
            .iter()
            .enumerate()
            .map(|(n, [name, version, license])| {
                let json =
                    serde_json::json!({ "name": name, "version": version, "license": license });
                (
                    format!("app/node_modules/{n}/package.json"),
                    json.to_string(),
                )
            });
        let layers = [
            archive(&[
                ("etc/os-release".to_owned(), distribution.to_owned()),
                ("lib/apk/db/installed".to_owned(), database),
            ]),
            archive(&[("app/server.js".to_owned(), "listen(8080)".to_owned())]),
            archive(&packages.collect::<Vec<_>>()),
        ];
        let repository = format!("shop/{name}");
        let push = |kind: &str, bytes: &[u8]| registry.push_blob(&repository, kind, bytes);
        let config = push(
            media::OCI_CONFIG,
            br#"{"architecture":"amd64","os":"linux"}"#,
        );
        let plain = "application/vnd.oci.image.layer.v1.tar";
        let layers = layers.iter().map(|layer| push(plain, layer)).collect();
        let bytes = Manifest::new(config, layers)
            .to_bytes()
            .expect("a manifest");
        let pushed = registry.push_manifest(&repository, "1.2", media::OCI_MANIFEST, &bytes);
        pushed.reference
    }
}

fn archive(files: &[(String, String)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len().try_into().expect("a size"));
        header.set_mode(0o644);
        archive
            .append_data(&mut header, path, content.as_bytes())
            .expect("an entry");
    }
    archive.into_inner().expect("an archive")
}
