//! A registry with signed and unsigned images, and a folder of policies.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use clap::Parser as _;
use serde_json::Value;
use tempfile::TempDir;
use waxseal_admission::args::{Cli, Command, DecideArgs};
use waxseal_admission::policies::Policies;
use waxseal_admission::review::Door;
use waxseal_attestation::{Subject, signature_statement, statement_bytes};
use waxseal_oci::Annotations;
use waxseal_sign::{PrivateKey, bundle_descriptor, bundle_manifest, sign_statement};
use waxseal_testkit::{ImageSpec, Options, PushedImage, Registry};
use waxseal_verify::KeyAlgorithm;

pub(crate) struct World {
    pub(crate) registry: Registry,
    pub(crate) key: PrivateKey,
    pub(crate) folder: TempDir,
}

impl World {
    /// With one policy, `release`, which covers `shop/**` and asks for a
    /// signature by `release.pub`.
    pub(crate) fn new() -> Self {
        let world = Self {
            registry: Registry::start(Options::default()),
            key: PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap(),
            folder: TempDir::new().unwrap(),
        };
        std::fs::write(
            world.path().join("release.pub"),
            world.key.public_key().to_pem(),
        )
        .unwrap();
        world.policy("release", "enforce", "");
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a policy; `matching` is added to its `match`.
    pub(crate) fn policy(&self, name: &str, mode: &str, matching: &str) {
        self.demand(name, mode, matching, "signature: { from: [release-key] }");
    }

    /// Writes a policy with this one requirement.
    pub(crate) fn demand(&self, name: &str, mode: &str, matching: &str, requirement: &str) {
        let host = self.registry.host();
        let yaml = format!(
            "apiVersion: waxseal.dev/v1alpha1\n\
             kind: ImagePolicy\n\
             metadata: {{ name: {name} }}\n\
             spec:\n  \
               match:\n    \
                 images: [\"{host}/shop/**\"]\n{matching}  \
               authorities:\n    \
                 release-key: {{ key: {{ file: release.pub }} }}\n  \
               require:\n    \
                 - {requirement}\n  \
               mode: {mode}\n"
        );
        std::fs::write(self.path().join(format!("{name}.yaml")), yaml).unwrap();
    }

    pub(crate) fn push(&self, name: &str) -> PushedImage {
        let (repository, tag) = name.split_once(':').unwrap();
        self.registry
            .push_image(repository, tag, &ImageSpec::tiny().with_marker(name))
    }

    pub(crate) fn push_signed(&self, name: &str) -> PushedImage {
        let image = self.push(name);
        self.sign(name, &image);
        image
    }

    pub(crate) fn sign(&self, name: &str, image: &PushedImage) {
        let statement = signature_statement(&image.digest, &Annotations::new());
        let sign = "https://sigstore.dev/cosign/sign/v1";
        self.attach(&self.key, name, image, sign, statement);
    }

    pub(crate) fn attest(&self, name: &str, image: &PushedImage, predicate_type: &str) {
        let failed = b"{\"result\":\"failed\"}";
        self.attest_by(&self.key, name, image, predicate_type, failed);
    }

    /// `predicate` about `image`, signed by any key.
    pub(crate) fn attest_by(
        &self,
        key: &PrivateKey,
        name: &str,
        image: &PushedImage,
        predicate_type: &str,
        predicate: &[u8],
    ) {
        let subject = Subject::new("", &image.digest);
        let statement = statement_bytes(predicate_type, &[subject], predicate);
        self.attach(key, name, image, predicate_type, statement);
    }

    /// `predicate` about `other`, signed by the release key and hung on `image`.
    pub(crate) fn hang(
        &self,
        name: &str,
        image: &PushedImage,
        other: &PushedImage,
        predicate_type: &str,
        predicate: &[u8],
    ) {
        let subject = Subject::new("", &other.digest);
        let statement = statement_bytes(predicate_type, &[subject], predicate);
        let bundle = signed(&self.key, statement, other);
        self.store(name, image, predicate_type, &bundle);
    }

    fn attach(
        &self,
        key: &PrivateKey,
        name: &str,
        image: &PushedImage,
        predicate_type: &str,
        statement: Vec<u8>,
    ) {
        let bundle = signed(key, statement, image);
        self.store(name, image, predicate_type, &bundle);
    }

    /// Stores a bundle as a referrer of `image`.
    fn store(&self, name: &str, image: &PushedImage, predicate_type: &str, bundle: &[u8]) {
        let (repository, _) = name.split_once(':').unwrap();
        let now = jiff::Timestamp::UNIX_EPOCH;
        let layer = bundle_descriptor(bundle);
        self.registry
            .push_blob(repository, &layer.media_type, bundle);
        let manifest = bundle_manifest(&layer, predicate_type, &image.descriptor, now).unwrap();
        let (_, config) = waxseal_oci::empty_config();
        self.registry
            .push_blob(repository, &config.media_type, b"{}");
        let digest = waxseal_oci::Digest::sha256(&manifest).to_string();
        let media_type = waxseal_oci::media::OCI_MANIFEST;
        self.registry
            .push_manifest(repository, &digest, media_type, &manifest);
    }

    /// The command line of `review` on this world, and what follows.
    pub(crate) fn words(&self, more: &[&str]) -> Vec<String> {
        let mut words = vec![
            "review".to_owned(),
            "--policy-dir".to_owned(),
            self.path().display().to_string(),
            "--insecure-http".to_owned(),
        ];
        words.extend(more.iter().map(|&word| word.to_owned()));
        words
    }

    pub(crate) fn args(&self, more: &[&str]) -> DecideArgs {
        let words = std::iter::once("waxseal-admission".to_owned()).chain(self.words(more));
        let Command::Review(args) = Cli::try_parse_from(words).unwrap().command else {
            panic!("it is a review")
        };
        args.decide
    }

    pub(crate) fn policies(&self, more: &[&str]) -> Arc<Policies> {
        Arc::new(Policies::open(&self.args(more)).unwrap())
    }
}

fn signed(key: &PrivateKey, statement: Vec<u8>, about: &PushedImage) -> Bytes {
    let now = jiff::Timestamp::UNIX_EPOCH;
    sign_statement(key, statement, &about.digest, now).unwrap()
}

/// The response to a Pod with `images` in `namespace`.
pub(crate) async fn ask(
    policies: &Arc<Policies>,
    door: Door,
    namespace: &str,
    images: &[&str],
) -> Value {
    let checker =
        waxseal_admission::check::Checker::new(Arc::clone(policies), crate::stub::rules());
    let body = pod(namespace, images).to_string();
    let time = std::time::Duration::from_secs(60);
    let review = waxseal_admission::once::review(&checker, body.as_bytes(), door, time);
    let (_, response) = review.await.unwrap();
    let response: Value = serde_json::from_slice(&response).unwrap();
    response["response"].clone()
}

/// A review of a new Pod.
pub(crate) fn pod(namespace: &str, images: &[&str]) -> Value {
    let containers: Vec<_> = images
        .iter()
        .enumerate()
        .map(|(n, image)| serde_json::json!({"name": format!("c{n}"), "image": image}))
        .collect();
    let row = &crate::requests::KINDS[0];
    let object = crate::requests::object(row, serde_json::json!({"containers": containers}));
    let mut review = crate::requests::review(row, "CREATE", &object, &Value::Null);
    review["request"]["namespace"] = namespace.into();
    review
}
