//! `--sbom auto`: SBOMs that are made of the layers and attested at once.

#![expect(clippy::unwrap_used, reason = "a test")]

use serde_json::Value;
use waxseal_attestation::PredicateType;
use waxseal_oci::{Digest, Index, media};
use waxseal_testkit::{ImageSpec, Options, PushedImage, Registry};

use crate::run::{Place, Ran};
use crate::sbom::{NODE, layer};

struct Shop {
    registry: Registry,
    place: Place,
}

impl Shop {
    fn new() -> Self {
        let registry = Registry::start(Options::default());
        let place = Place::new();
        place.key("cosign3.key");
        place.key("cosign3.pub");
        Self { registry, place }
    }

    fn push(&self, tag: &str, platform: &str) -> PushedImage {
        let mut spec = ImageSpec::tiny().for_platform(platform);
        let package = NODE.replace("left-pad", tag);
        spec.layer = layer(&[("app/node_modules/a/package.json", &package)]);
        self.registry.push_image("shop/api", tag, &spec)
    }

    fn push_index(&self) -> (PushedImage, [PushedImage; 2]) {
        let members = [
            self.push("for-amd", "linux/amd64"),
            self.push("for-arm", "linux/arm64"),
        ];
        let listed = members.iter().map(|m| m.descriptor.clone()).collect();
        let bytes = Index::new(listed).to_bytes().unwrap();
        let index = self
            .registry
            .push_manifest("shop/api", "1", media::OCI_INDEX, &bytes);
        (index, members)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let always = ["--insecure-http"];
        self.place.run(arguments.iter().chain(&always))
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        ran.stdout
    }

    fn compare(&self, image: &str) -> Ran {
        self.run(&["sbom", "verify", "--key", "cosign3.pub", image])
    }

    fn attached(&self, image: &Digest) -> Vec<String> {
        let listed = self.registry.contents().referrers("shop/api", image);
        let annotation = "dev.sigstore.bundle.predicateType";
        let kinds = listed.iter().filter_map(|e| e.annotation(annotation));
        let mut kinds: Vec<String> = kinds.map(str::to_owned).collect();
        kinds.sort();
        kinds
    }
}

const ATTEST: [&str; 5] = ["attest", "--sbom", "auto", "--key", "cosign3.key"];

#[test]
fn an_image_gets_an_sbom_that_is_true_of_it() {
    let shop = Shop::new();
    let image = shop.push("1.0", "linux/amd64");
    for legacy in [&[][..], &["--legacy"]] {
        let said = shop.ok(&[&ATTEST[..], legacy, &[&image.by_digest]].concat());
        assert_eq!(said, format!("{}\n", image.by_digest));
        let ran = shop.compare(&image.by_digest);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        assert!(
            ran.stdout.contains("  1 the same, 0 left out"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn an_index_gets_one_for_each_image_and_one_that_refers_to_them() {
    let shop = Shop::new();
    let (index, members) = shop.push_index();
    let said = shop.ok(&[&ATTEST[..], &["-o", "json", &index.by_digest]].concat());
    let said: Value = serde_json::from_str(&said).unwrap();
    let digest = index.digest.to_string();
    assert_eq!(said.pointer("/digest"), Some(&digest.into()));
    for (n, member) in members.iter().enumerate() {
        let digest = member.digest.to_string();
        let at = format!("/members/{n}/digest");
        assert_eq!(said.pointer(&at), Some(&digest.into()));
        assert_eq!(shop.attached(&member.digest), [PredicateType::CYCLONEDX]);
        let ran = shop.compare(&member.by_digest);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    }
    assert_eq!(shop.attached(&index.digest), [PredicateType::CYCLONEDX]);
    let verify = ["verify", "--key", "cosign3.pub", "--type", "cyclonedx"];
    shop.ok(&[&verify[..], &[&index.by_digest]].concat());
}

#[test]
fn a_release_makes_what_is_not_given() {
    let shop = Shop::new();
    let (index, members) = shop.push_index();
    let release = ["release", "--no-provenance", "--key", "cosign3.key"];
    shop.ok(&[&release[..], &[&index.by_digest]].concat());
    let both = [PredicateType::CYCLONEDX, PredicateType::SIGN];
    assert_eq!(shop.attached(&index.digest), both);
    for member in &members {
        assert_eq!(shop.attached(&member.digest), [PredicateType::CYCLONEDX]);
    }
    shop.ok(&["verify", "--key", "cosign3.pub", &index.by_digest]);
}

#[test]
fn what_cannot_be_read_leaves_nothing_behind() {
    let shop = Shop::new();
    let image = shop
        .registry
        .push_image("shop/api", "1", &ImageSpec::tiny());
    let ran = shop.run(&[&ATTEST[..], &[&image.by_digest]].concat());
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    let start = format!("error: the SBOM of {}: ", image.by_digest);
    assert!(ran.stderr.starts_with(&start), "{}", ran.stderr);
    assert_eq!(shop.attached(&image.digest), Vec::<String>::new());

    let empty = Index::new(Vec::new()).to_bytes().unwrap();
    let index = shop
        .registry
        .push_manifest("shop/api", "2", media::OCI_INDEX, &empty);
    let ran = shop.run(&[&ATTEST[..], &[&index.by_digest]].concat());
    assert_eq!(
        ran.stderr,
        format!(
            "error: {}: an SBOM is made of an index of 1 to 64 images with platforms, and it has 0\n",
            index.by_digest
        )
    );
}

#[test]
fn a_file_is_no_image() {
    let shop = Shop::new();
    shop.place.write("x.bin", "x");
    let ran = shop.place.run([
        "attest-blob",
        "--sbom",
        "auto",
        "--key",
        "cosign3.key",
        "--bundle",
        "x.json",
        "x.bin",
    ]);
    assert_eq!(ran.code, Some(2), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr
            .starts_with("error: `--sbom auto` looks into an image's layers, and this is no image"),
        "{}",
        ran.stderr
    );
}
