//! A registry with an image that was signed and attested with the program.

#![expect(clippy::unwrap_used, reason = "a test")]

use waxseal_testkit::{ImageSpec, Options, PushedImage, Registry};

use crate::run::{Place, Ran};

/// A folder with the key pair `cosign3`, and a registry with `shop/api:1`.
pub(crate) struct Shop {
    pub(crate) place: Place,
    pub(crate) registry: Registry,
    pub(crate) image: PushedImage,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self::on(Registry::start(Options::default()))
    }

    pub(crate) fn without_api() -> Self {
        Self::on(Registry::start(Options {
            referrers: false,
            ..Options::default()
        }))
    }

    fn on(registry: Registry) -> Self {
        let place = Place::new();
        for key in ["cosign3.key", "cosign3.pub", "cosign2.pub"] {
            place.key(key);
        }
        let image = registry.push_image("shop/api", "1", &ImageSpec::tiny());
        Self {
            place,
            registry,
            image,
        }
    }

    /// With a signature by `cosign3`.
    pub(crate) fn signed() -> Self {
        let shop = Self::new();
        shop.sign();
        shop
    }

    pub(crate) fn sign(&self) {
        self.ok(&["sign", &self.image.by_digest, "--key", "cosign3.key"]);
    }

    /// With an attestation of an SBOM by `cosign3`.
    pub(crate) fn attest(&self) {
        let sbom = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"a","version":"1"}]}"#;
        self.place.write("sbom.json", sbom);
        let image = &self.image.by_digest;
        self.ok(&[
            "attest",
            image,
            "--sbom",
            "sbom.json",
            "--key",
            "cosign3.key",
        ]);
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let http = ["--insecure-http"];
        self.place.run(arguments.iter().copied().chain(http))
    }

    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        ran.stdout
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> (Option<i32>, serde_json::Value) {
        let mut all = arguments.to_vec();
        all.extend(["-o", "json"]);
        let ran = self.run(&all);
        let value = serde_json::from_str(&ran.stdout);
        assert!(value.is_ok(), "{}{}", ran.stdout, ran.stderr);
        (ran.code, value.unwrap())
    }

    /// The output without what differs from run to run: the port, and digests,
    /// which are numbered in the order in which they come.
    pub(crate) fn scrubbed(&self, text: &str) -> String {
        let mut text = text.replace(self.registry.host(), "registry");
        let mut digests: Vec<String> = Vec::new();
        let mut at = 0;
        while let Some(found) = text.get(at..).and_then(|t| t.find("sha256:")) {
            let start = at + found;
            let hex: String = text
                .get(start + 7..)
                .unwrap_or_default()
                .chars()
                .take_while(char::is_ascii_hexdigit)
                .collect();
            if hex.len() == 64 && !digests.contains(&hex) {
                digests.push(hex);
            }
            at = start + 7;
        }
        for (n, hex) in digests.iter().enumerate() {
            text = text.replace(&format!("sha256:{hex}"), &format!("<digest {n}>"));
            text = text.replace(hex.get(..12).unwrap_or_default(), &format!("<short {n}>"));
        }
        // Digests that are only there in short.
        let words: Vec<String> = text
            .split_inclusive([' ', ']', '\n'])
            .map(|word| {
                let bare = word.trim_end_matches([' ', ']', '\n']);
                let short = bare.len() == 12 && bare.bytes().all(|b| b.is_ascii_hexdigit());
                if short {
                    word.replace(bare, "<short>")
                } else {
                    word.to_owned()
                }
            })
            .collect();
        words.concat()
    }
}
