//! What cosign 2 wrote beside files: a signature in base64, or a document with
//! that, a certificate or key, and the log's promise.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use waxseal_attestation::json::JsonError;
use waxseal_testkit::sigstore::{Claims, LogVersion, Payload, TagLayer};
use waxseal_verify::{
    Authority, BlobVerifier, CandidateContent, Format, Rejection, Trust, Verified,
};

use crate::annotations::{BUNDLE, CERTIFICATE, LATER, SIGNATURE};
use crate::cosign::Fixture;
use crate::support::{beside_blob, legacy_blob};
use crate::witnesses::{root, sigstore, workflow};

const BLOB: &[u8] = b"a release";

/// cosign 2's document of what it kept of a layer.
fn document(layer: &TagLayer) -> Value {
    let entry: Value = serde_json::from_str(&layer.annotations[BUNDLE]).unwrap();
    json!({
        "base64Signature": layer.annotations[SIGNATURE],
        "cert": STANDARD.encode(&layer.annotations[CERTIFICATE]),
        "rekorBundle": entry,
    })
}

#[test]
fn a_signature_by_itself_counts_for_its_blob_alone() {
    let fixture = Fixture::named("cosign2-sign-blob-former");
    let document: Value = serde_json::from_slice(fixture.bytes()).unwrap();
    let text = document["base64Signature"].as_str().unwrap();
    let authority = fixture.authority();
    let judge = |text: &str| {
        let candidate = legacy_blob(text.to_owned());
        fixture.judge_candidate(&candidate, &authority)
    };
    for text in [text.to_owned(), format!("{text}\n")] {
        let verified = judge(&text).unwrap();
        assert!(matches!(&verified, Verified::Signature(_)));
        assert_eq!(verified.format(), Format::LegacyBlob);
    }
    let no_signature = Rejection::from(JsonError::Base64 {
        at: "file",
        name: "signature",
    });
    for not in ["", "\n", "not base64", "MEUC IQ=="] {
        assert_eq!(judge(not).err(), Some(no_signature.clone()), "{not:?}");
    }
    assert_eq!(judge("AAAA").err(), Some(Rejection::SignatureInvalid));
    // What calls itself a bundle is read as one.
    let other = beside_blob(r#"{"mediaType":"x","base64Signature":"AAAA"}"#);
    assert!(matches!(other.content, CandidateContent::Bundle(_)));
}

#[test]
fn a_logged_signature_by_an_identity_counts_and_is_bound_to_its_entry() {
    let sigstore = sigstore(61);
    let root = root(&sigstore.trusted_root());
    let layer = |blob: &[u8]| {
        let mut layer = sigstore.tag_layer(&Claims::github(), Payload::Blob(blob));
        sigstore.log_layer(&mut layer, LogVersion::V1);
        layer
    };
    let identity = Authority::Keyless(workflow());
    let judge = |document: &Value, blob: &[u8]| {
        let candidate = beside_blob(document.to_string());
        assert!(matches!(candidate.content, CandidateContent::LegacyBlob(_)));
        let trust = Trust { root: Some(&root) };
        let mut verifier = BlobVerifier::new(&candidate, &identity, trust, LATER)?;
        verifier.update(blob);
        verifier.finish()
    };
    let good = document(&layer(BLOB));
    let verified = judge(&good, BLOB).unwrap();
    assert_eq!(verified.format(), Format::LegacyBlob);
    assert_eq!(
        judge(&good, b"another").err(),
        Some(Rejection::SignatureInvalid)
    );
    // Another blob's entry, which is genuine.
    let mut swapped = good.clone();
    swapped["rekorBundle"] = document(&layer(b"another"))["rekorBundle"].clone();
    let error = judge(&swapped, BLOB).unwrap_err();
    assert_eq!(error.code(), "log-entry-mismatch");
    let mut unseen = good.clone();
    unseen.as_object_mut().unwrap().remove("rekorBundle");
    assert_eq!(judge(&unseen, BLOB).err(), Some(Rejection::LogRequired));
    let mut more = good;
    more["more"] = json!(1);
    let unknown = Rejection::from(JsonError::Unknown {
        at: "bundle",
        name: "more".to_owned(),
    });
    assert_eq!(judge(&more, BLOB).err(), Some(unknown));
}
