//! What is signed: its bytes, and that nothing is let out that does not verify.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use waxseal_attestation::{Subject, dsse, signature_statement, statement_bytes};
use waxseal_oci::{Annotations, Descriptor, Digest, Document, media};
use waxseal_sign::{
    Blob, KeyFile, Message, Parts, PrivateKey, SignError, Signer, bundle_descriptor,
    bundle_manifest, legacy_attestation, legacy_signature, sign_blob, sign_statement,
};
use waxseal_verify::{PublicKey, Rejection};

use crate::{fixture, open, verifies};

const KEYS: [&str; 5] = [
    "p256.sec1.pem",
    "p384.parameters.pem",
    "p521.sec1.pem",
    "ed25519.pkcs8.pem",
    "rsa2048.pkcs1.pem",
];

fn now() -> Timestamp {
    "2026-11-23T06:34:14.987Z".parse().unwrap()
}

fn image() -> Digest {
    Digest::sha256(b"image")
}

fn field<'a>(json: &'a str, name: &str) -> &'a str {
    let (_, rest) = json.split_once(&format!(r#""{name}":""#)).unwrap();
    rest.split_once('"').unwrap().0
}

#[test]
fn a_bundle_is_laid_out_as_cosign_3_lays_it_out() {
    for name in KEYS {
        let key = open(name).unwrap();
        let statement = signature_statement(&image(), &Annotations::new());
        let bundle = sign_statement(&key, statement.clone(), &image(), now()).unwrap();
        let text = str::from_utf8(&bundle).unwrap();
        let (payload, signature) = (field(text, "payload"), field(text, "sig"));
        let hint = STANDARD.encode(Digest::sha256(key.public_key().spki_der()).to_bytes());
        assert_eq!(
            text,
            format!(
                r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{{"publicKey":{{"hint":"{hint}"}}}},"dsseEnvelope":{{"payload":"{payload}","payloadType":"application/vnd.in-toto+json","signatures":[{{"sig":"{signature}"}}]}}}}"#
            )
        );
        assert_eq!(STANDARD.decode(payload).unwrap(), statement);
        let signature = STANDARD.decode(signature).unwrap();
        let message = dsse::pae(dsse::PAYLOAD_TYPE_INTOTO, &statement);
        assert!(verifies(key.public_key(), &message, &signature), "{name}");
    }
}

#[test]
fn a_payload_of_any_length_joins_without_a_seam() {
    let key = open("p256.sec1.pem").unwrap();
    for length in [0, 1, 2, 3, 12 * 1024 - 1, 12 * 1024, 12 * 1024 + 1, 100_000] {
        let predicate = format!(r#"{{"data":"{}"}}"#, "x".repeat(length));
        let subject = Subject::new("app", &image());
        let statement = statement_bytes("https://example.com/p", &[subject], predicate.as_bytes());
        let bundle = sign_statement(&key, statement.clone(), &image(), now()).unwrap();
        let payload = STANDARD.decode(field(str::from_utf8(&bundle).unwrap(), "payload"));
        assert_eq!(payload.unwrap(), statement);
    }
}

#[test]
fn a_blob_is_signed_whatever_the_key() {
    let content = vec![7; 600_000];
    for name in KEYS {
        let key = open(name).unwrap();
        let mut blob = Blob::file(Cursor::new(&content));
        let (bundle, digest) = sign_blob(&key, &mut blob).unwrap();
        assert_eq!(digest, Digest::sha256(&content));
        let text = str::from_utf8(&bundle).unwrap();
        assert_eq!(field(text, "digest"), STANDARD.encode(digest.to_bytes()));
        assert_eq!(field(text, "algorithm"), "SHA2_256");
        let signature = STANDARD.decode(field(text, "signature")).unwrap();
        assert!(verifies(key.public_key(), &content, &signature), "{name}");
    }
    let key = open("ed25519.pkcs8.pem").unwrap();
    let outcome = sign_blob(&key, &mut Blob::pipe(content.as_slice()));
    assert!(matches!(outcome, Err(SignError::ReadOnce)));
}

/// A message that is another one each time.
struct Moving(u8);

impl Message for Moving {
    fn read(&mut self, take: &mut dyn FnMut(&[u8])) -> Result<(), SignError> {
        self.0 += 1;
        take(&[self.0]);
        Ok(())
    }
}

#[test]
fn one_nonce_never_signs_two_messages() {
    let key = open("ed25519.pkcs8.pem").unwrap();
    assert!(matches!(key.sign(&mut Moving(0)), Err(SignError::Changed)));
}

/// A signer that signs something else than it is given.
struct Liar(PrivateKey);

impl Signer for Liar {
    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    fn sign(&self, _: &mut dyn Message) -> Result<Vec<u8>, SignError> {
        self.0.sign(&mut Parts::new(&[b"something else"]))
    }
}

#[test]
fn what_does_not_verify_is_not_let_out() {
    for name in KEYS {
        let liar = Liar(open(name).unwrap());
        let invalid =
            |error: SignError| matches!(error, SignError::Unverified(Rejection::SignatureInvalid));
        let statement = signature_statement(&image(), &Annotations::new());
        let error = sign_statement(&liar, statement.clone(), &image(), now()).unwrap_err();
        assert!(invalid(error), "{name}");
        let error = sign_blob(&liar, &mut Blob::file(Cursor::new(b"content"))).unwrap_err();
        assert!(invalid(error), "{name}");
        let repository = "example.com/app".parse::<waxseal_oci::Reference>().unwrap();
        let repository = repository.repository();
        let none = Annotations::new();
        let error = legacy_signature(&liar, repository, &image(), &none, now()).unwrap_err();
        assert!(invalid(error), "{name}");
        let error = legacy_attestation(&liar, statement, "t", &image(), now()).unwrap_err();
        assert!(invalid(error), "{name}");
    }
    // Nor is what says something about another image.
    let key = open("p256.sec1.pem").unwrap();
    let other = Digest::sha256(b"other");
    let statement = signature_statement(&other, &Annotations::new());
    let error = sign_statement(&key, statement, &image(), now()).unwrap_err();
    assert!(
        matches!(&error, SignError::Unverified(Rejection::SubjectMismatch { wanted, .. }) if *wanted == image()),
        "{error}"
    );
}

#[test]
fn cosign_2s_layers_carry_what_it_reads() {
    let key = KeyFile::parse(&fixture("p256.sec1.pem"))
        .unwrap()
        .open(None)
        .unwrap();
    let reference: waxseal_oci::Reference = "example.com/shop/api:1".parse().unwrap();
    let annotations = Annotations::from([("env".to_owned(), "prod".to_owned())]);
    let layer =
        legacy_signature(&key, reference.repository(), &image(), &annotations, now()).unwrap();
    let payload = format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"example.com/shop/api"}},"image":{{"docker-manifest-digest":"{}"}},"type":"cosign container image signature"}},"optional":{{"env":"prod"}}}}"#,
        image()
    );
    assert_eq!(str::from_utf8(&layer.bytes).unwrap(), payload);
    assert_eq!(layer.descriptor.media_type, media::SIMPLE_SIGNING);
    let signature = layer
        .descriptor
        .annotation("dev.cosignproject.cosign/signature")
        .unwrap();
    let signature = STANDARD.decode(signature).unwrap();
    assert!(verifies(key.public_key(), payload.as_bytes(), &signature));
}

#[test]
fn the_manifest_hangs_the_bundle_on_its_image() {
    let subject = Descriptor::new(media::OCI_MANIFEST, image(), 7);
    let bundle = bundle_descriptor(b"bundle");
    let bytes = bundle_manifest(&bundle, "https://example.com/p", &subject, now()).unwrap();
    let Ok(Document::Manifest(manifest)) = Document::parse(&bytes, None) else {
        panic!("not a manifest")
    };
    assert_eq!(
        manifest.artifact_type.as_deref(),
        Some(media::SIGSTORE_BUNDLE_V03)
    );
    assert_eq!(manifest.subject, Some(subject));
    assert_eq!(manifest.layers, [bundle]);
    assert_eq!(manifest.config.media_type, media::OCI_EMPTY);
    assert_eq!(manifest.config.artifact_type, None);
    assert_eq!(
        manifest.annotations,
        Annotations::from([
            (
                "dev.sigstore.bundle.content".to_owned(),
                "dsse-envelope".to_owned()
            ),
            (
                "dev.sigstore.bundle.predicateType".to_owned(),
                "https://example.com/p".to_owned()
            ),
            (
                "org.opencontainers.image.created".to_owned(),
                "2026-11-23T06:34:14Z".to_owned()
            ),
        ])
    );
}
