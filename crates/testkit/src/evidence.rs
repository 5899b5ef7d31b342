//! Signatures and attestations made by hand, right or wrong, without the crates
//! that they are to test.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use waxseal_oci::{
    Annotations, Descriptor, Digest, Index, Manifest, empty_config, media, referrers_tag,
};

use crate::{PushedImage, Registry, TestKey};

/// The predicate type of cosign's signatures.
pub const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

/// An in-toto statement about a digest.
#[must_use]
pub fn statement(predicate_type: &str, subject: &Digest, predicate: &Value) -> Vec<u8> {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "", "digest": { subject.algorithm().name(): subject.hex() } }],
        "predicateType": predicate_type,
        "predicate": predicate,
    });
    statement.to_string().into_bytes()
}

/// A Sigstore bundle v0.3 of a payload in a DSSE envelope.
#[must_use]
pub fn bundle(payload: &[u8], payload_type: &str, key: &TestKey) -> Value {
    let signature = key.sign(&pae(payload, payload_type));
    json!({
        "mediaType": media::SIGSTORE_BUNDLE_V03,
        "verificationMaterial": {
            "publicKey": { "hint": STANDARD.encode(key.id().to_bytes()) },
            "tlogEntries": [],
            "timestampVerificationData": { "rfc3161Timestamps": [] },
        },
        "dsseEnvelope": {
            "payload": STANDARD.encode(payload),
            "payloadType": payload_type,
            "signatures": [{ "sig": STANDARD.encode(signature) }],
        },
    })
}

/// A bundle that signs a digest as cosign 3 does.
#[must_use]
pub fn signature(subject: &Digest, key: &TestKey) -> Value {
    bundle(&statement(SIGN, subject, &json!({})), IN_TOTO, key)
}

/// A bundle with an attestation about a digest.
#[must_use]
pub fn attestation(
    predicate_type: &str,
    subject: &Digest,
    predicate: &Value,
    key: &TestKey,
) -> Value {
    bundle(&statement(predicate_type, subject, predicate), IN_TOTO, key)
}

/// The bytes that a DSSE envelope's signature is over: `PAE(type, payload)`.
#[must_use]
pub fn pae(payload: &[u8], payload_type: &str) -> Vec<u8> {
    let head = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    );
    [head.as_bytes(), payload].concat()
}

impl Registry {
    /// Attaches a bundle, in whatever state it is, to an image: as a referrer,
    /// and in the fallback list where there is no referrers API.
    pub fn attach_bundle(
        &self,
        image: &PushedImage,
        bundle: &[u8],
        predicate_type: &str,
    ) -> Descriptor {
        let mut hints = Annotations::new();
        let mut hint = |name: &str, value: &str| hints.insert(name.to_owned(), value.to_owned());
        hint(media::ANNOTATION_BUNDLE_CONTENT, "dsse-envelope");
        hint(media::ANNOTATION_PREDICATE_TYPE, predicate_type);
        let layer = self.push_blob(&image.repository, media::SIGSTORE_BUNDLE_V03, bundle);
        self.attach(image, media::SIGSTORE_BUNDLE_V03, vec![layer], hints)
    }

    /// Attaches an artifact of these layers to an image.
    pub fn attach(
        &self,
        image: &PushedImage,
        artifact_type: &str,
        layers: Vec<Descriptor>,
        annotations: Annotations,
    ) -> Descriptor {
        let repository = &image.repository;
        let (empty, config) = empty_config();
        self.push_blob(repository, media::OCI_EMPTY, empty);
        let mut manifest = Manifest::new(config, layers);
        manifest.artifact_type = Some(artifact_type.to_owned());
        manifest.subject = Some(Descriptor::new(
            image.descriptor.media_type.clone(),
            image.digest.clone(),
            image.descriptor.size,
        ));
        manifest.annotations = annotations.clone();
        let bytes = manifest.to_bytes().unwrap();
        let digest = Digest::sha256(&bytes);
        let mut entry = self
            .push_manifest(repository, digest.as_str(), media::OCI_MANIFEST, &bytes)
            .descriptor;
        entry.artifact_type = Some(artifact_type.to_owned());
        entry.annotations = annotations;
        if !self.options().referrers {
            let tag = referrers_tag(&image.digest);
            let list = self.manifest(repository, &tag);
            let list = list.and_then(|l| serde_json::from_slice(&l).ok());
            let mut list: Index = list.unwrap_or_else(|| Index::new(Vec::new()));
            list.manifests.retain(|e| e.digest != entry.digest);
            list.manifests.push(entry.clone());
            let list = list.to_bytes().unwrap();
            self.push_manifest(repository, &tag, media::OCI_INDEX, &list);
        }
        entry
    }
}

/// The payload type of in-toto statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";
