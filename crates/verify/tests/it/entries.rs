//! Log entries: bound to the signature that they came with, with a trust root
//! and without, for every kind of entry and every form of evidence.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use waxseal_oci::Digest;
use waxseal_verify::{
    Authority, Check, Demand, EntryPart, Rejection, Trust, TrustedRoot, Verified, Wanted, verify,
};

use crate::forger::{Forger, INTOTO, good, image};
use crate::support::{bundle, now, signature};

#[test]
fn an_entry_of_every_kind_is_bound_without_a_trust_root() {
    for forger in [Forger::new(), Forger::p384()] {
        for (bundle, body) in logged(&forger) {
            let verified = forger
                .judge(&with_entry(&bundle, &body).to_string())
                .unwrap();
            assert!(verified.checks().contains(Check::LogEntryBinding));
            assert!(!verified.checks().contains(Check::LogInclusionProof));
            assert!(verified.checks().not_done.contains(&(
                Check::LogInclusionProof,
                "no trust root was given".to_owned()
            )));
            assert!(verified.times().is_empty());
        }
    }
}

#[test]
fn an_entry_for_another_signature_content_or_signer_is_refused() {
    let forger = Forger::new();
    let stranger = Forger::new();
    let mismatch = |part| Some(Rejection::LogEntryMismatch(part));
    let others = logged(&stranger);
    for (index, (bundle, body)) in logged(&forger).into_iter().enumerate() {
        let kind = body["kind"].clone();
        let refusal = |body: &Value| forger.refusal(&with_entry(&bundle, body));
        // Of the same content, by the same key: ECDSA signatures differ each time.
        let again = &logged(&forger)[index].1;
        assert_eq!(refusal(again), mismatch(EntryPart::Signature), "{kind}");
        assert_eq!(
            refusal(&others[index].1),
            mismatch(EntryPart::Signature),
            "{kind}"
        );
        // The right signature, said to be another's.
        let text = body.to_string();
        for (from, to) in signer_spellings(&forger, &stranger) {
            let changed: Value = serde_json::from_str(&text.replace(&from, &to)).unwrap();
            if changed != body {
                assert_eq!(refusal(&changed), mismatch(EntryPart::Signer), "{kind}");
            }
        }
        // The right signature, said to be over something else.
        for pointer in [
            "/spec/data/hash/value",
            "/spec/payloadHash/value",
            "/spec/content/payloadHash/value",
            "/spec/hashedRekordV002/data/digest",
            "/spec/dsseV002/payloadHash/digest",
        ] {
            let mut changed = body.clone();
            let Some(value) = changed.pointer_mut(pointer) else {
                continue;
            };
            let other = Digest::sha256(b"something else");
            *value = if pointer.ends_with("value") {
                other.hex().into()
            } else {
                STANDARD.encode(other.to_bytes()).into()
            };
            assert_eq!(refusal(&changed), mismatch(EntryPart::Digest), "{kind}");
        }
        // A kind that the entry's body does not agree with.
        let mut relabelled = with_entry(&bundle, &body);
        relabelled["verificationMaterial"]["tlogEntries"][0]["kindVersion"]["kind"] = "rpm".into();
        assert_eq!(
            forger.refusal(&relabelled),
            mismatch(EntryPart::Kind),
            "{kind}"
        );
    }
}

#[test]
fn an_entry_of_a_kind_that_cannot_be_compared_is_refused() {
    let forger = Forger::new();
    let body = json!({ "kind": "intoto", "apiVersion": "0.0.1", "spec": {} });
    assert_eq!(
        forger.refusal(&with_entry(&forger.statement(&good()), &body)),
        Some(Rejection::LogEntryKind {
            kind: "intoto".into(),
            version: "0.0.1".into()
        })
    );
    // An entry over bytes, and a signature over an envelope.
    let (message, body) = logged(&forger).pop().unwrap();
    assert_eq!(forger.refusal(&with_entry(&message, &body)), None);
    assert_eq!(
        forger.refusal(&with_entry(&forger.statement(&good()), &body)),
        Some(Rejection::LogEntryMismatch(EntryPart::Kind))
    );
}

#[test]
fn one_entry_twice_is_refused() {
    let forger = Forger::new();
    let (bundle, body) = logged(&forger).swap_remove(0);
    let mut bundle = with_entry(&bundle, &body);
    let entry = bundle["verificationMaterial"]["tlogEntries"][0].clone();
    let mut moved = entry.clone();
    moved["logIndex"] = "18".into();
    for second in [entry.clone(), moved] {
        bundle["verificationMaterial"]["tlogEntries"] = json!([entry, second]);
        assert_eq!(
            forger.refusal(&bundle),
            Some(Rejection::LogEntryDuplicate { index: 17 })
        );
    }
}

/// CVE-2022-23649: any valid bundle annotation was taken.
#[test]
fn the_entry_of_another_layer_is_refused() {
    let forger = Forger::new();
    let layer = |reference: &str| {
        let payload = format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"{reference}"}},"image":{{"docker-manifest-digest":"{}"}},"type":"cosign container image signature"}},"optional":null}}"#,
            image()
        );
        let (payload, mut annotations) = forger.simple(&payload);
        let sig = STANDARD
            .decode(&annotations["dev.cosignproject.cosign/signature"])
            .unwrap();
        let body = hashed_rekord_v1(&forger, payload.as_bytes(), &sig);
        let answer = json!({
            "SignedEntryTimestamp": "AAAA",
            "Payload": {
                "body": STANDARD.encode(body.to_string()),
                "integratedTime": 1_700_000_000,
                "logIndex": 17,
                "logID": "00".repeat(32),
            },
        });
        annotations.insert("dev.sigstore.cosign/bundle".to_owned(), answer.to_string());
        (payload, annotations)
    };
    let judge = |payload: &str, annotations: &waxseal_oci::Annotations| {
        let candidate = signature(payload.to_owned(), annotations.clone());
        forger.judge_candidate(&candidate, &Trust::default())
    };
    let (one, mut of_one) = layer("example.com/one");
    let (_, of_other) = layer("example.com/other");
    let verified = judge(&one, &of_one).unwrap();
    assert!(verified.checks().contains(Check::LogEntryBinding));
    let name = "dev.sigstore.cosign/bundle";
    of_one.insert(name.to_owned(), of_other[name].clone());
    assert_eq!(
        judge(&one, &of_one).err(),
        Some(Rejection::LogEntryMismatch(EntryPart::Digest))
    );
}

/// Rekor's second generation with a key on P-384, which `sigstore-verify` does
/// not read, and a log whose key the trust root names.
#[test]
fn a_trusted_log_proves_any_kind_of_key() {
    let log = Forger::new();
    let root = trusted_root(&log);
    let trust = Trust { root: Some(&root) };
    for forger in [Forger::new(), Forger::p384()] {
        for (evidence, body) in logged(&forger) {
            let is_v2 = body.to_string().contains("V002");
            if !is_v2 {
                continue;
            }
            let mut evidence = with_entry(&evidence, &body);
            let entry = &mut evidence["verificationMaterial"]["tlogEntries"][0];
            entry.as_object_mut().unwrap().remove("integratedTime");
            prove(&log, entry, &body);
            let judge = |evidence: &Value| judge_logged(&forger, evidence, &trust);
            let verified = judge(&evidence).unwrap();
            assert!(verified.checks().contains(Check::LogInclusionProof));

            let mut other = evidence.clone();
            prove(
                &Forger::new(),
                &mut other["verificationMaterial"]["tlogEntries"][0],
                &body,
            );
            assert_eq!(
                judge(&other).err(),
                Some(Rejection::LogEntryInvalid(
                    "no trusted log signed the checkpoint".into()
                ))
            );
            let checkpoint =
                "/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope";
            let mut forged = evidence.clone();
            let text = forged.pointer_mut(checkpoint).unwrap();
            *text = text.as_str().unwrap().replace("\n1\n", "\n2\n").into();
            assert!(matches!(
                judge(&forged).err(),
                Some(Rejection::LogEntryInvalid(_))
            ));
            assert_eq!(
                judge_logged(&forger, &evidence, &Trust::default()).err(),
                Some(Rejection::TrustRootRequired)
            );
        }
    }
}

#[test]
fn a_log_that_is_not_trusted_is_refused_though_none_is_asked_for() {
    let root = trusted_root(&Forger::new());
    let forger = Forger::new();
    let (evidence, body) = logged(&forger).swap_remove(0);
    let candidate = bundle(with_entry(&evidence, &body).to_string());
    let error = forger
        .judge_candidate(&candidate, &Trust { root: Some(&root) })
        .err();
    assert!(
        matches!(error, Some(Rejection::LogEntryInvalid(_))),
        "{error:?}"
    );
}

#[test]
fn a_timestamp_that_is_none_is_refused_though_none_is_asked_for() {
    let root = trusted_root(&Forger::new());
    let forger = Forger::new();
    let mut evidence = forger.statement(&good());
    evidence["verificationMaterial"]["timestampVerificationData"] =
        json!({ "rfc3161Timestamps": [{ "signedTimestamp": "AAAA" }] });
    let candidate = bundle(evidence.to_string());
    assert_eq!(
        forger
            .judge_candidate(&candidate, &Trust { root: Some(&root) })
            .err(),
        Some(Rejection::TimestampInvalid(
            "the trust root names no timestamp authority".into()
        ))
    );
    let verified = forger
        .judge_candidate(&candidate, &Trust::default())
        .unwrap();
    assert!(!verified.checks().contains(Check::Timestamp));
}

fn judge_logged(
    forger: &Forger,
    evidence: &Value,
    trust: &Trust<'_>,
) -> Result<Verified, Rejection> {
    let mut authority = forger.authority();
    authority.log = Demand::Required;
    let subject = image();
    let wanted = Wanted {
        subject: &subject,
        keep_predicate: false,
    };
    verify(
        &bundle(evidence.to_string()),
        &wanted,
        &Authority::Key(authority),
        trust,
        now(),
    )
}

/// A bundle and the body of the entry that a log would have made of it, for
/// every kind of entry.
fn logged(forger: &Forger) -> Vec<(Value, Value)> {
    let sig = |bundle: &Value, pointer: &str| {
        STANDARD
            .decode(bundle.pointer(pointer).unwrap().as_str().unwrap())
            .unwrap()
    };
    let artifact = b"the image";
    let message = forger.message(artifact);
    let message_sig = sig(&message, "/messageSignature/signature");
    let envelope = forger.statement(&good());
    let envelope_sig = sig(&envelope, "/dsseEnvelope/signatures/0/sig");
    let payload = good().to_string();
    let signed = waxseal_attestation::dsse::pae(INTOTO, payload.as_bytes());
    let payload = Digest::sha256(payload.as_bytes());
    let pem = STANDARD.encode(forger.key.to_pem());
    let base64 = STANDARD.encode(&envelope_sig);
    let verifier = json!({
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "publicKey": { "rawBytes": STANDARD.encode(forger.key.spki_der()) },
    });
    let v2 = |signed: &[u8], sig: &[u8]| {
        json!({
            "apiVersion": "0.0.2",
            "kind": "hashedrekord",
            "spec": { "hashedRekordV002": {
                "data": {
                    "algorithm": "SHA2_256",
                    "digest": STANDARD.encode(Digest::sha256(signed).to_bytes()),
                },
                "signature": { "content": STANDARD.encode(sig), "verifier": verifier },
            } },
        })
    };
    let hash = json!({ "algorithm": "sha256", "value": payload.hex() });
    let mut logged = vec![
        (message.clone(), v2(artifact, &message_sig)),
        (envelope.clone(), v2(&signed, &envelope_sig)),
        (
            envelope.clone(),
            json!({
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": {
                    "envelopeHash": { "algorithm": "sha256", "value": "00".repeat(32) },
                    "payloadHash": hash,
                    "signatures": [{ "signature": base64, "verifier": pem }],
                },
            }),
        ),
        (
            envelope.clone(),
            json!({
                "apiVersion": "0.0.2",
                "kind": "dsse",
                "spec": { "dsseV002": {
                    "payloadHash": {
                        "algorithm": "SHA2_256",
                        "digest": STANDARD.encode(payload.to_bytes()),
                    },
                    "signatures": [{ "content": base64, "verifier": verifier }],
                } },
            }),
        ),
        (
            envelope,
            json!({
                "apiVersion": "0.0.2",
                "kind": "intoto",
                "spec": { "content": {
                    "envelope": {
                        "payloadType": INTOTO,
                        "signatures": [{ "sig": STANDARD.encode(base64), "publicKey": pem }],
                    },
                    "hash": hash,
                    "payloadHash": hash,
                } },
            }),
        ),
    ];
    // By digest only SHA-256 of the artifact is known.
    if forger.key.algorithm() == waxseal_verify::KeyAlgorithm::EcdsaP256 {
        logged.push((message, hashed_rekord_v1(forger, artifact, &message_sig)));
    } else {
        logged.remove(0);
    }
    logged
}

fn hashed_rekord_v1(forger: &Forger, signed: &[u8], sig: &[u8]) -> Value {
    json!({
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": { "hash": {
                "algorithm": "sha256",
                "value": Digest::sha256(signed).hex(),
            } },
            "signature": {
                "content": STANDARD.encode(sig),
                "publicKey": { "content": STANDARD.encode(forger.key.to_pem()) },
            },
        },
    })
}

/// `bundle` with one entry, whose proof nobody can check without a trust root.
fn with_entry(bundle: &Value, body: &Value) -> Value {
    let mut bundle = bundle.clone();
    bundle["verificationMaterial"]["tlogEntries"] = json!([{
        "logIndex": "17",
        "logId": { "keyId": STANDARD.encode([7; 32]) },
        "kindVersion": { "kind": body["kind"], "version": body["apiVersion"] },
        "integratedTime": "1700000000",
        "inclusionProof": {
            "logIndex": "17",
            "treeSize": "18",
            "rootHash": STANDARD.encode([7; 32]),
            "hashes": [],
            "checkpoint": { "envelope": "a log\n18\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n\n— a log BwcHBwcH\n" },
        },
        "canonicalizedBody": STANDARD.encode(body.to_string()),
    }]);
    bundle
}

fn signer_spellings(from: &Forger, to: &Forger) -> [(String, String); 2] {
    [
        (
            STANDARD.encode(from.key.to_pem()),
            STANDARD.encode(to.key.to_pem()),
        ),
        (
            STANDARD.encode(from.key.spki_der()),
            STANDARD.encode(to.key.spki_der()),
        ),
    ]
}

/// Puts the entry into a log of its own, as the only leaf.
fn prove(log: &Forger, entry: &mut Value, body: &Value) {
    let leaf = [&[0], body.to_string().as_bytes()].concat();
    let root = STANDARD.encode(Digest::sha256(&leaf).to_bytes());
    let note = format!("log.example.com\n1\n{root}\n");
    let id = Digest::sha256(log.key.spki_der()).to_bytes();
    let signature = [&id[..4], &log.sign(note.as_bytes())].concat();
    let envelope = format!("{note}\n— log.example.com {}\n", STANDARD.encode(signature));
    entry["logIndex"] = "0".into();
    entry["logId"]["keyId"] = STANDARD.encode(&id).into();
    entry["inclusionProof"] = json!({
        "logIndex": "0",
        "treeSize": "1",
        "rootHash": root,
        "hashes": [],
        "checkpoint": { "envelope": envelope },
    });
}

fn trusted_root(log: &Forger) -> TrustedRoot {
    let id = Digest::sha256(log.key.spki_der()).to_bytes();
    let root = json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [{
            "baseUrl": "https://log.example.com",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": STANDARD.encode(log.key.spki_der()),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": { "start": "2020-01-01T00:00:00Z" },
            },
            "logId": { "keyId": STANDARD.encode(id) },
        }],
        "certificateAuthorities": [],
        "ctlogs": [],
        "timestampAuthorities": [],
    });
    TrustedRoot::from_json(root.to_string().as_bytes()).unwrap()
}
