//! Evidence that is signed by the right key, or nearly, and must not count.
//! Every refusal is asserted with its exact reason.
#![expect(clippy::string_slice, reason = "a test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use waxseal_attestation::StatementError;
use waxseal_attestation::json::JsonError;
use waxseal_attestation::simple_signing::PayloadError;
use waxseal_oci::Digest;
use waxseal_verify::{Material, Rejection, Verified};

use crate::forger::{Forger, INTOTO, good, image};

#[test]
fn a_good_one_counts() {
    let forger = Forger::new();
    let verified = forger
        .judge(&forger.statement(&good()).to_string())
        .unwrap();
    assert!(matches!(verified, Verified::Signature(_)));
    let message = forger.message(b"the image");
    assert!(matches!(
        forger.judge(&message.to_string()),
        Ok(Verified::Signature(_))
    ));
}

#[test]
fn an_attestation_is_no_signature() {
    let forger = Forger::new();
    let mut says = good();
    says["predicateType"] = "https://cosign.sigstore.dev/attestation/vuln/v1".into();
    says["predicate"] = json!({ "result": "do not deploy" });
    let verified = forger.judge(&forger.statement(&says).to_string()).unwrap();
    assert!(matches!(verified, Verified::Attestation(_)));
}

#[test]
fn a_tampered_payload() {
    let forger = Forger::new();
    let mut bundle = forger.statement(&good());
    let mut other = good();
    other["subject"][0]["annotations"] = json!({ "env": "prod" });
    bundle["dsseEnvelope"]["payload"] = STANDARD.encode(other.to_string()).into();
    assert_eq!(forger.refusal(&bundle), Some(Rejection::SignatureInvalid));
}

#[test]
fn another_images_signature_and_a_swapped_digest() {
    let forger = Forger::new();
    let other = Digest::sha256(b"another image");
    let mismatch = Rejection::SubjectMismatch {
        wanted: image(),
        found: other.to_string(),
    };
    let mut says = good();
    says["subject"][0]["digest"] = json!({ "sha256": other.hex() });
    assert_eq!(
        forger.refusal(&forger.statement(&says)),
        Some(mismatch.clone())
    );
    assert_eq!(
        forger.refusal(&forger.message(b"another image")),
        Some(mismatch)
    );
    // The digest in the bundle is not signed; that in the signature is.
    let mut swapped = forger.message(b"another image");
    swapped["messageSignature"]["messageDigest"]["digest"] =
        STANDARD.encode(image().to_bytes()).into();
    assert_eq!(forger.refusal(&swapped), Some(Rejection::SignatureInvalid));
    let mut without = forger.message(b"another image");
    without["messageSignature"]
        .as_object_mut()
        .unwrap()
        .remove("messageDigest");
    assert_eq!(forger.refusal(&without), Some(Rejection::SignatureInvalid));
}

#[test]
fn a_weaker_digest_does_not_outvote_a_stronger_one() {
    let forger = Forger::new();
    let mut says = good();
    says["subject"][0]["digest"] = json!({ "sha1": image().hex(), "md5": image().hex() });
    assert_eq!(
        forger.refusal(&forger.statement(&says)),
        Some(Rejection::SubjectMismatch {
            wanted: image(),
            found: format!("md5:{}", image().hex())
        })
    );
}

#[test]
fn a_wrong_payload_type() {
    let forger = Forger::new();
    let kind = "application/vnd.cncf.notary.payload.v1+json";
    let bundle = forger.envelope(kind, good().to_string().as_bytes());
    assert_eq!(
        forger.refusal(&bundle),
        Some(Rejection::PayloadType(kind.into()))
    );
}

#[test]
fn a_payload_in_other_base64() {
    let forger = Forger::new();
    let bundle = forger.statement(&good());
    let payload = bundle["dsseEnvelope"]["payload"]
        .as_str()
        .unwrap()
        .to_owned();
    for changed in [
        format!("{payload}\n"),
        format!("{payload}===="),
        format!("{payload}A"),
    ] {
        let mut bundle = bundle.clone();
        bundle["dsseEnvelope"]["payload"] = changed.into();
        assert_eq!(forger.refusal(&bundle), Some(Rejection::PayloadEncoding));
    }
}

#[test]
fn keys_that_stand_twice() {
    let forger = Forger::new();
    let twice = |key: &str| Some(Rejection::Malformed(JsonError::DuplicateKey(key.into())));
    let text = forger.statement(&good()).to_string();
    for key in [
        "payload",
        "mediaType",
        "verificationMaterial",
        "sig",
        "hint",
    ] {
        let doubled = text.replacen(
            &format!(r#""{key}":"#),
            &format!(r#""{key}":null,"{key}":"#),
            1,
        );
        assert_ne!(doubled, text);
        assert_eq!(forger.judge(&doubled).err(), twice(key));
    }
    // Signed, and still two documents.
    let text = good().to_string();
    for key in ["subject", "predicateType", "_type", "predicate", "sha256"] {
        let doubled = text.replacen(
            &format!(r#""{key}":"#),
            &format!(r#""{key}":null,"{key}":"#),
            1,
        );
        let expected = StatementError::Json(JsonError::DuplicateKey(key.into()));
        assert_eq!(
            forger.refusal(&forger.envelope(INTOTO, doubled.as_bytes())),
            Some(Rejection::Statement(expected))
        );
    }
    // The same key, spelled with an escape.
    let escaped = text.replacen(
        r#""predicate":{}"#,
        r#""predicate":{},"pr\u0065dicate":{}"#,
        1,
    );
    assert_eq!(
        forger.refusal(&forger.envelope(INTOTO, escaped.as_bytes())),
        Some(Rejection::Statement(StatementError::Json(
            JsonError::DuplicateKey("predicate".into())
        )))
    );
}

#[test]
fn members_that_nobody_knows() {
    let forger = Forger::new();
    let unknown = |at, name: &str| {
        Some(Rejection::Malformed(JsonError::Unknown {
            at,
            name: name.into(),
        }))
    };
    let mut bundle = forger.statement(&good());
    bundle["critical"] = true.into();
    assert_eq!(forger.refusal(&bundle), unknown("bundle", "critical"));
    // What a terminal would obey does not reach it.
    let mut bundle = forger.statement(&good());
    bundle["\u{1b}]0;owned\u{7}"] = true.into();
    assert_eq!(
        forger.refusal(&bundle),
        unknown("bundle", r"\u{1b}]0;owned\u{7}")
    );
    let mut bundle = forger.statement(&good());
    bundle["dsseEnvelope"]["signatures"][0]["extension"] = json!({ "kind": "x" });
    assert_eq!(forger.refusal(&bundle), unknown("signatures", "extension"));
    let mut bundle = forger.statement(&good());
    bundle["verificationMaterial"]["tlog_entries"] = json!([]);
    assert_eq!(
        forger.refusal(&bundle),
        unknown("verificationMaterial", "tlog_entries")
    );
}

#[test]
fn two_things_where_there_has_to_be_one() {
    let forger = Forger::new();
    let ambiguous = |first, second| Some(Rejection::Ambiguous { first, second });
    let mut bundle = forger.statement(&good());
    bundle["messageSignature"] = forger.message(b"the image")["messageSignature"].clone();
    assert_eq!(
        forger.refusal(&bundle),
        ambiguous("dsseEnvelope", "messageSignature")
    );
    let mut bundle = forger.statement(&good());
    bundle["verificationMaterial"]["certificate"] = json!({ "rawBytes": "AAAA" });
    assert_eq!(
        forger.refusal(&bundle),
        ambiguous("publicKey", "certificate")
    );
    let mut bundle = forger.statement(&good());
    let signature = bundle["dsseEnvelope"]["signatures"][0].clone();
    bundle["dsseEnvelope"]["signatures"] = json!([signature.clone(), signature]);
    assert_eq!(forger.refusal(&bundle), Some(Rejection::SignatureCount(2)));
}

#[test]
fn nothing_where_there_has_to_be_something() {
    let forger = Forger::new();
    let missing = |at, name| Some(Rejection::Malformed(JsonError::Missing { at, name }));
    let without = |pointer: &str, name: &str| {
        let mut bundle = forger.statement(&good());
        bundle
            .pointer_mut(pointer)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(name)
            .unwrap();
        forger.refusal(&bundle)
    };
    assert_eq!(without("", "mediaType"), missing("bundle", "mediaType"));
    assert_eq!(
        without("", "verificationMaterial"),
        missing("bundle", "verificationMaterial")
    );
    assert_eq!(
        without("", "dsseEnvelope"),
        missing("bundle", "dsseEnvelope or messageSignature")
    );
    assert_eq!(
        without("/verificationMaterial", "publicKey"),
        missing("verificationMaterial", "publicKey or certificate")
    );
    assert_eq!(
        without("/dsseEnvelope", "signatures"),
        missing("dsseEnvelope", "signatures")
    );
    let statement = |change: &dyn Fn(&mut Value)| {
        let mut says = good();
        change(&mut says);
        match forger.refusal(&forger.statement(&says)) {
            Some(Rejection::Statement(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        statement(&|says| says["subject"] = json!([])),
        StatementError::NoSubjects
    );
    assert_eq!(
        statement(&|says| says["subject"] = Value::Null),
        StatementError::NoSubjects
    );
    assert_eq!(
        statement(&|says| says["subject"] = json!([null])),
        StatementError::Json(JsonError::Type {
            at: "subject",
            name: "",
            wanted: "an object"
        })
    );
    assert_eq!(
        statement(&|says| says["subject"][0]["digest"] = json!({})),
        StatementError::SubjectWithoutDigest { index: 0 }
    );
    assert_eq!(
        statement(&|says| says["predicateType"] = "".into()),
        StatementError::Json(JsonError::Missing {
            at: "statement",
            name: "predicateType"
        })
    );
    assert_eq!(
        statement(&|says| says["_type"] = "https://in-toto.io/Statement/v9".into()),
        StatementError::Type("https://in-toto.io/Statement/v9".into())
    );
    assert_eq!(
        statement(&|says| says["predicate"] = json!([1])),
        StatementError::Json(JsonError::Type {
            at: "statement",
            name: "predicate",
            wanted: "an object"
        })
    );
}

#[test]
fn unknown_versions_and_other_materials() {
    let forger = Forger::new();
    let mut bundle = forger.statement(&good());
    let kind = "application/vnd.dev.sigstore.bundle.v0.4+json";
    bundle["mediaType"] = kind.into();
    assert_eq!(
        forger.refusal(&bundle),
        Some(Rejection::MediaType(kind.into()))
    );
    let mut bundle = forger.statement(&good());
    bundle["verificationMaterial"] = json!({ "certificate": { "rawBytes": "AAAA" } });
    assert_eq!(
        forger.refusal(&bundle),
        Some(Rejection::OtherMaterial {
            wanted: Material::Key,
            found: Material::Certificate
        })
    );
    bundle["verificationMaterial"] =
        json!({ "x509CertificateChain": { "certificates": [{ "rawBytes": "AAAA" }] } });
    assert_eq!(
        forger.refusal(&bundle),
        Some(Rejection::Malformed(JsonError::Unknown {
            at: "verificationMaterial",
            name: "x509CertificateChain".into()
        }))
    );
}

#[test]
fn huge_counts() {
    let forger = Forger::new();
    let too_many = |name, limit, found| {
        Some(Rejection::Malformed(JsonError::TooMany {
            name,
            limit,
            found,
        }))
    };
    let with = |pointer: &str, name: &str, value: Value| {
        let mut bundle = forger.statement(&good());
        bundle.pointer_mut(pointer).unwrap()[name] = value;
        forger.refusal(&bundle)
    };
    let many = |count: usize| Value::Array(vec![json!({}); count]);
    let material = "/verificationMaterial";
    assert_eq!(
        with(material, "tlogEntries", many(33)),
        too_many("tlogEntries", 32, 33)
    );
    assert_eq!(
        with(material, "tlogEntries", many(100_000)),
        Some(Rejection::Malformed(JsonError::TooManyValues {
            limit: 8192
        }))
    );
    assert_eq!(
        with(
            material,
            "timestampVerificationData",
            json!({ "rfc3161Timestamps": many(33) })
        ),
        too_many("rfc3161Timestamps", 32, 33)
    );
    assert_eq!(
        with("/dsseEnvelope", "signatures", many(33)),
        too_many("signatures", 32, 33)
    );
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(
        with("", "mediaType", deep),
        Some(Rejection::Malformed(JsonError::TooDeep { limit: 16 }))
    );

    let statement = |name: &str, value: Value| {
        let mut says = good();
        says[name] = value;
        forger.refusal(&forger.statement(&says))
    };
    let subject = good()["subject"][0].clone();
    assert_eq!(
        statement("subject", Value::Array(vec![subject.clone(); 1025])),
        Some(Rejection::Statement(StatementError::Json(
            JsonError::TooMany {
                name: "subject",
                limit: 1024,
                found: 1025
            }
        )))
    );
    assert_eq!(
        statement("subject", Value::Array(vec![subject; 1024])),
        None
    );
    let digests: serde_json::Map<String, Value> = (0..33)
        .map(|n| (format!("custom{n}"), "00".into()))
        .collect();
    assert_eq!(
        statement("subject", json!([{ "digest": digests }])),
        Some(Rejection::Statement(StatementError::Json(
            JsonError::TooMany {
                name: "digest",
                limit: 32,
                found: 33
            }
        )))
    );
    assert_eq!(
        statement("padding", "x".repeat(2 << 20).into()),
        Some(Rejection::Statement(StatementError::HeadTooLarge))
    );
}

#[test]
fn a_predicate_that_is_no_json() {
    let forger = Forger::new();
    let text = good().to_string();
    for broken in [
        text.replace(r#""predicate":{}"#, r#""predicate":{]"#),
        text.replace(r#""predicate":{}"#, r#""predicate":{"a":tru}"#),
        text[..text.len() - 1].to_owned(),
        format!("{text}{text}"),
    ] {
        let error = forger.refusal(&forger.envelope(INTOTO, broken.as_bytes()));
        assert!(
            matches!(
                error,
                Some(Rejection::Statement(StatementError::NotJson { .. }))
            ),
            "{broken}: {error:?}"
        );
    }
}

#[test]
fn simple_signing_payloads() {
    let forger = Forger::new();
    let payload = format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"example.com/app"}},"image":{{"docker-manifest-digest":"{}"}},"type":"cosign container image signature"}},"optional":null}}"#,
        image()
    );
    assert_eq!(forger.simple_refusal(&payload), None);
    let change = |from: &str, to: &str| forger.simple_refusal(&payload.replacen(from, to, 1));
    let json = |error| Some(Rejection::SimpleSigning(PayloadError::Json(error)));
    assert_eq!(
        change(r#""type""#, r#""expires":"2020","type""#),
        json(JsonError::Unknown {
            at: "critical",
            name: "expires".into()
        })
    );
    assert_eq!(
        change(r#""optional":null"#, r#""optional":null,"optional":{}"#),
        json(JsonError::DuplicateKey("optional".into()))
    );
    assert_eq!(
        change("cosign container image", "atomic container"),
        Some(Rejection::SimpleSigning(PayloadError::Type(
            "atomic container signature".into()
        )))
    );
    let other = Digest::sha256(b"another image");
    assert_eq!(
        change(image().as_str(), other.as_str()),
        Some(Rejection::SubjectMismatch {
            wanted: image(),
            found: other.to_string()
        })
    );
    // A payload is no statement and a statement no payload, whoever signed.
    assert!(matches!(
        forger.simple_refusal(&good().to_string()),
        Some(Rejection::SimpleSigning(PayloadError::Json(
            JsonError::Missing {
                at: "payload",
                name: "critical"
            }
        )))
    ));
}
