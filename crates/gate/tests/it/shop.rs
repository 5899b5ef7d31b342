//! A registry with an image, and people who sign it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use jiff::Timestamp;
use serde_json::{Value, json};
use waxseal_attestation::{PredicateType, Subject, signature_statement, statement_bytes};
use waxseal_gate::{FlagsSource, Gate, NamedKey, Options as GateOptions, Outcome, PolicySet};
use waxseal_oci::{Annotations, CosignTag, Descriptor, Digest, Manifest, Reference, media};
use waxseal_registry::Client;
use waxseal_sign::{
    LegacyLayer, PrivateKey, bundle_descriptor, bundle_manifest, legacy_attestation,
    legacy_signature, sign_statement,
};
use waxseal_testkit::{ImageSpec, Options, PushedImage, Registry};
use waxseal_verify::KeyAlgorithm;

pub(crate) const REPOSITORY: &str = "shop/api";
pub(crate) const CYCLONEDX: &str = "https://cyclonedx.org/bom";
pub(crate) const SLSA: &str = "https://slsa.dev/provenance/v1";

/// The time of every test.
pub(crate) fn now() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

/// A registry with one image under the tag `1`.
pub(crate) struct Shop {
    pub(crate) registry: Registry,
    pub(crate) image: PushedImage,
    pub(crate) client: Client,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self::with(true)
    }

    /// Without the referrers API.
    pub(crate) fn without_api() -> Self {
        Self::with(false)
    }

    fn with(referrers: bool) -> Self {
        let registry = Registry::start(Options {
            referrers,
            ..Options::default()
        });
        let image = registry.push_image(REPOSITORY, "1", &ImageSpec::tiny());
        let client = Client::builder()
            .insecure_http(true)
            .anonymous(true)
            .build()
            .unwrap();
        Self {
            registry,
            image,
            client,
        }
    }

    pub(crate) fn by_tag(&self) -> Reference {
        self.image.reference.parse().unwrap()
    }

    pub(crate) fn by_digest(&self) -> Reference {
        self.image.by_digest.parse().unwrap()
    }

    /// Decides with the registry's log starting anew.
    pub(crate) async fn verify(&self, image: &Reference, set: &PolicySet) -> Outcome {
        self.verify_with(image, set, &GateOptions::for_cli()).await
    }

    pub(crate) async fn verify_with(
        &self,
        image: &Reference,
        set: &PolicySet,
        options: &GateOptions,
    ) -> Outcome {
        self.registry.reset();
        let outcome = Gate::new(&self.client, options)
            .verify(image, set, now())
            .await;
        let counted = u64::try_from(self.registry.count()).unwrap();
        if self
            .registry
            .stats()
            .by_kind
            .keys()
            .all(|k| !k.contains("referrers"))
        {
            return outcome;
        }
        // A question to a registry without the API takes two requests.
        assert!(outcome.questions <= counted, "{:?}", self.registry.log());
        outcome
    }

    /// What was asked of the registry: method and kind, in order of arrival.
    pub(crate) fn asked(&self) -> Vec<String> {
        let log = self.registry.log();
        let mut asked: Vec<_> = log
            .iter()
            .map(|r| format!("{} {}", r.method, r.kind()))
            .collect();
        asked.sort();
        asked
    }

    /// Hangs a bundle on the image.
    pub(crate) fn attach(&self, bundle: &[u8], predicate_type: &str) -> Descriptor {
        self.attach_to(&self.image.descriptor, bundle, predicate_type)
    }

    pub(crate) fn attach_to(
        &self,
        subject: &Descriptor,
        bundle: &[u8],
        predicate_type: &str,
    ) -> Descriptor {
        let layer = bundle_descriptor(bundle);
        self.registry
            .push_blob(REPOSITORY, &layer.media_type, bundle);
        self.registry.push_blob(REPOSITORY, media::OCI_EMPTY, b"{}");
        let manifest = bundle_manifest(&layer, predicate_type, subject, now()).unwrap();
        let digest = Digest::sha256(&manifest).to_string();
        let pushed =
            self.registry
                .push_manifest(REPOSITORY, &digest, media::OCI_MANIFEST, &manifest);
        pushed.descriptor
    }

    /// Writes a fallback list with these entries.
    pub(crate) fn list(&self, entries: &[Value]) {
        let index = json!({
            "schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": entries,
        });
        let tag = waxseal_oci::referrers_tag(&self.image.digest);
        let bytes = serde_json::to_vec(&index).unwrap();
        self.registry
            .push_manifest(REPOSITORY, &tag, media::OCI_INDEX, &bytes);
    }

    /// Puts layers under one of cosign 2's tags.
    pub(crate) fn under_tag(&self, tag: CosignTag, layers: &[LegacyLayer]) {
        let config = self
            .registry
            .push_blob(REPOSITORY, media::OCI_CONFIG, b"{\"os\":\"\"}");
        for layer in layers {
            let kind = &layer.descriptor.media_type;
            self.registry.push_blob(REPOSITORY, kind, &layer.bytes);
        }
        let layers = layers.iter().map(|l| l.descriptor.clone()).collect();
        let manifest = Manifest::new(config, layers).to_bytes().unwrap();
        let tag = tag.tag(&self.image.digest);
        self.registry
            .push_manifest(REPOSITORY, &tag, media::OCI_MANIFEST, &manifest);
    }
}

/// An entry of a fallback list as cosign 3.1.1 writes it: with the type of the
/// empty configuration, without annotations.
pub(crate) fn as_cosign_lists(entry: &Descriptor) -> Value {
    json!({
        "mediaType": entry.media_type, "size": entry.size, "digest": entry.digest,
        "artifactType": media::OCI_EMPTY,
    })
}

/// Somebody with a key.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    key: PrivateKey,
}

impl Person {
    pub(crate) fn new(name: &'static str) -> Self {
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        Self { name, key }
    }

    pub(crate) fn named(&self) -> NamedKey {
        NamedKey {
            name: self.name.to_owned(),
            pem: self.key.public_key().to_pem(),
        }
    }

    /// The bundle of a signature.
    pub(crate) fn signature(&self, image: &Digest) -> Vec<u8> {
        self.signature_with(image, &[])
    }

    pub(crate) fn signature_with(&self, image: &Digest, annotations: &[(&str, &str)]) -> Vec<u8> {
        let annotations: Annotations = annotations
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let statement = signature_statement(image, &annotations);
        let bundle = sign_statement(&self.key, statement, image, now()).unwrap();
        bundle.to_vec()
    }

    /// The bundle of an attestation.
    pub(crate) fn attestation(&self, image: &Digest, kind: &str, predicate: &str) -> Vec<u8> {
        let statement = statement(image, kind, predicate);
        let bundle = sign_statement(&self.key, statement, image, now()).unwrap();
        bundle.to_vec()
    }

    pub(crate) fn signs(&self, shop: &Shop) -> Descriptor {
        let bundle = self.signature(&shop.image.digest);
        shop.attach(&bundle, PredicateType::SIGN)
    }

    pub(crate) fn attests(&self, shop: &Shop, kind: &str, predicate: &str) -> Descriptor {
        let bundle = self.attestation(&shop.image.digest, kind, predicate);
        shop.attach(&bundle, kind)
    }

    pub(crate) fn legacy_signature(&self, shop: &Shop) -> LegacyLayer {
        let image = shop.by_digest();
        let none = Annotations::new();
        let digest = &shop.image.digest;
        legacy_signature(&self.key, image.repository(), digest, &none, now()).unwrap()
    }

    pub(crate) fn legacy_attestation(
        &self,
        shop: &Shop,
        kind: &str,
        predicate: &str,
    ) -> LegacyLayer {
        let digest = &shop.image.digest;
        let statement = statement(digest, kind, predicate);
        legacy_attestation(&self.key, statement, kind, digest, now()).unwrap()
    }
}

fn statement(image: &Digest, kind: &str, predicate: &str) -> Vec<u8> {
    let subject = Subject::new("shop/api", image);
    statement_bytes(kind, &[subject], predicate.as_bytes())
}

/// The policy of flags that trust these people.
pub(crate) fn signed_by(people: &[&Person]) -> PolicySet {
    PolicySet::from_flags(flags(people)).unwrap()
}

/// The policy of flags that ask these people for attestations.
pub(crate) fn attested_by(people: &[&Person], kinds: &[&str]) -> PolicySet {
    let attestations = kinds.iter().map(|k| (*k).to_owned()).collect();
    PolicySet::from_flags(FlagsSource {
        attestations,
        ..flags(people)
    })
    .unwrap()
}

pub(crate) fn flags(people: &[&Person]) -> FlagsSource {
    FlagsSource {
        keys: people.iter().map(|p| p.named()).collect(),
        ..FlagsSource::default()
    }
}

/// The one requirement of the one policy of a decision.
pub(crate) fn requirement(outcome: &Outcome) -> &waxseal_policy::RequirementDecision {
    let policy = outcome.decision.policies.first().expect("a policy");
    policy.requirements.first().expect("a requirement")
}
