//! Keyless signatures and attestations where cosign 2 left them: behind tags,
//! with certificate, chain, promise and timestamp in annotations.

#![expect(clippy::unwrap_used, reason = "a test")]

use serde_json::json;
use waxseal_oci::{CosignTag, Manifest, media};
use waxseal_testkit::sigstore::{Claims, LogVersion, Payload, TagLayer};
use waxseal_testkit::{ImageSpec, Options, PushedImage, Registry};

use crate::keyless::{GITHUB, WORKFLOW, World};

const BUNDLE: &str = "dev.sigstore.cosign/bundle";

struct Old {
    world: World,
    registry: Registry,
    image: PushedImage,
}

impl Old {
    fn new() -> Self {
        let registry = Registry::start(Options::default());
        let image = registry.push_image("shop/api", "1", &ImageSpec::tiny());
        Self {
            world: World::new(),
            registry,
            image,
        }
    }

    fn signature(&self) -> TagLayer {
        let payload = json!({
            "critical": {
                "identity": { "docker-reference": "registry.example.com/shop/api" },
                "image": { "docker-manifest-digest": self.image.digest },
                "type": "cosign container image signature",
            },
            "optional": null,
        });
        let payload = payload.to_string();
        let payload = Payload::Blob(payload.as_bytes());
        let sigstore = &self.world.sigstore;
        let mut layer = sigstore.tag_layer(&Claims::github(), payload);
        sigstore.log_layer(&mut layer, LogVersion::V1);
        layer
    }

    fn attestation(&self) -> TagLayer {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v0.1",
            "subject": [{ "name": "shop/api", "digest": { "sha256": self.image.digest.hex() } }],
            "predicateType": "https://slsa.dev/provenance/v0.2",
            "predicate": {},
        });
        let statement = statement.to_string();
        let payload = Payload::Statement(statement.as_bytes());
        let sigstore = &self.world.sigstore;
        let mut layer = sigstore.tag_layer(&Claims::github(), payload);
        sigstore.log_layer(&mut layer, LogVersion::V1Intoto);
        layer
    }

    /// Puts a layer behind a tag such as `sha256-….sig`.
    fn tag(&self, tag: CosignTag, kind: &str, layer: &TagLayer) {
        let repository = &self.image.repository;
        let config = self
            .registry
            .push_blob(repository, media::OCI_CONFIG, b"{}");
        let mut blob = self.registry.push_blob(repository, kind, &layer.content);
        blob.annotations = layer.annotations.clone();
        let manifest = Manifest::new(config, vec![blob]).to_bytes().unwrap();
        let tag = tag.tag(&self.image.digest);
        self.registry
            .push_manifest(repository, &tag, media::OCI_MANIFEST, &manifest);
    }

    fn verify(&self, flags: &[&str]) -> (Option<i32>, String) {
        let image = ["verify", &self.image.by_digest, "--insecure-http"];
        let root = ["--trusted-root", "root.json"];
        let by = [
            "--certificate-identity",
            WORKFLOW,
            "--certificate-oidc-issuer",
            GITHUB,
        ];
        let ran = self
            .world
            .place
            .run([&image[..], &root, &by, flags].concat());
        (ran.code, ran.stdout)
    }
}

#[test]
fn signatures_behind_tags_verify_by_identity() {
    let old = Old::new();
    let mut signature = old.signature();
    old.tag(CosignTag::Signature, media::SIMPLE_SIGNING, &signature);
    let (code, said) = old.verify(&[]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = old.verify(&["--timestamp", "required"]);
    assert_eq!(code, Some(3), "{said}");
    old.world.sigstore.stamp_layer(&mut signature);
    old.tag(CosignTag::Signature, media::SIMPLE_SIGNING, &signature);
    let (code, said) = old.verify(&["--timestamp", "required"]);
    assert_eq!(code, Some(0), "{said}");

    // The promise is for another signature of the same image by the same workflow.
    let other = old.signature();
    let promise = other.annotations.get(BUNDLE).unwrap().clone();
    signature.annotations.insert(BUNDLE.to_owned(), promise);
    old.tag(CosignTag::Signature, media::SIMPLE_SIGNING, &signature);
    let (code, said) = old.verify(&[]);
    assert_eq!(code, Some(3), "{said}");
    let why = "log entry: it is for another signature";
    assert!(said.contains(why), "{said}");
}

#[test]
fn attestations_behind_tags_verify_by_identity() {
    let old = Old::new();
    let mut attestation = old.attestation();
    old.world.sigstore.stamp_layer(&mut attestation);
    old.tag(CosignTag::Attestation, media::DSSE_ENVELOPE, &attestation);
    let provenance = ["--attestation", "slsaprovenance"];
    let (code, said) = old.verify(&[&provenance[..], &["--timestamp", "required"]].concat());
    assert_eq!(code, Some(0), "{said}");
    // It is no signature.
    assert_eq!(old.verify(&[]).0, Some(3));
    attestation.annotations.remove(BUNDLE);
    old.tag(CosignTag::Attestation, media::DSSE_ENVELOPE, &attestation);
    let (code, said) = old.verify(&provenance);
    assert_eq!(code, Some(3), "{said}");
    let why = "a transparency log entry is required; there is none";
    assert!(said.contains(why), "{said}");
}
