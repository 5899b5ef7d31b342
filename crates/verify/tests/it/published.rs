//! What registries and code hosts wrap bundles in: unwrapped, not believed.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::slice;

use serde_json::{Value, json};
use waxseal_verify::published;

fn found(document: &str) -> Vec<Value> {
    let bundles = published(document.as_bytes()).unwrap();
    let parse = |bundle: &bytes::Bytes| serde_json::from_slice(bundle).unwrap();
    bundles.iter().map(parse).collect()
}

fn refusal(document: &str) -> String {
    published(document.as_bytes()).unwrap_err().to_string()
}

fn bundle(number: usize) -> Value {
    json!({ "mediaType": "x", "number": number })
}

#[test]
fn every_wrapping_comes_off() {
    let (one, two) = (bundle(1), bundle(2));
    assert_eq!(found(&one.to_string()), slice::from_ref(&one));
    assert_eq!(
        found(&format!("\n{one}\n{two}\n")),
        [one.clone(), two.clone()]
    );
    let listed = json!({ "attestations": [{ "bundle": one, "more": 1 }, { "bundle": two }] });
    assert_eq!(found(&listed.to_string()), [one, two]);
    let attestation = json!({
        "version": 1,
        "verification_material": { "certificate": "Q0VSVA==", "transparency_entries": [{ "a": 1 }] },
        "envelope": { "statement": "e30=", "signature": "U0lH" },
    });
    let rewritten = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": { "rawBytes": "Q0VSVA==" },
            "tlogEntries": [{ "a": 1 }],
        },
        "dsseEnvelope": {
            "payload": "e30=",
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{ "sig": "U0lH" }],
        },
    });
    assert_eq!(found(&attestation.to_string()), slice::from_ref(&rewritten));
    let groups = json!({ "version": 1, "attestation_bundles": [
        { "publisher": { "kind": "GitHub" }, "attestations": [attestation, attestation] },
        { "publisher": null, "attestations": [attestation] },
    ] });
    assert_eq!(found(&groups.to_string()), vec![rewritten; 3]);
}

/// Bundles are cut out to the byte, so that the strict parser sees what stands
/// there.
#[test]
fn nothing_inside_is_changed() {
    let odd = r#"{ "mediaType" : "x",  "n": 1e2 , "s":"\u0041" }"#;
    let document = format!(r#"{{"attestations":[{{"bundle":{odd}}}]}}"#);
    assert_eq!(published(document.as_bytes()).unwrap(), [odd.as_bytes()]);
}

#[test]
fn what_is_no_list_of_attestations() {
    for (document, why) in [
        ("{}", "neither a bundle nor a list of attestations"),
        (r#"{"attestations":[]}"#, "no attestations are in the list"),
        (
            r#"{"attestations":[{"bundle":null,"bundle_url":"https://x"}]}"#,
            "an attestation in the list has no bundle with it",
        ),
        (
            r#"{"attestations":[],"attestations":[{"bundle":{}}]}"#,
            "not a list of attestations: the key `attestations` stands twice in one object",
        ),
    ] {
        assert_eq!(refusal(document), why, "{document}");
    }
    let one = bundle(1).to_string();
    let many = vec![one.as_str(); 129];
    let too_many = "more than 128 attestations; that many are read";
    assert_eq!(refusal(&many.join("\n")), too_many);
    let listed = vec![json!({ "bundle": bundle(1) }); 129];
    assert_eq!(
        refusal(&json!({ "attestations": listed }).to_string()),
        too_many
    );
    // A member that PyPI's format does not have might be one that matters.
    let more = json!({
        "version": 1,
        "verification_material": { "certificate": "", "transparency_entries": [], "more": 1 },
        "envelope": { "statement": "", "signature": "" },
    });
    let why = refusal(&more.to_string());
    assert!(
        why.starts_with("not a list of attestations: unknown field `more`"),
        "{why}"
    );
    assert!(published(b"\xff").is_err());
    assert!(published(b"[").is_err());
}
