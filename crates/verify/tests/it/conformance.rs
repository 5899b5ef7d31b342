//! The public sigstore-conformance suite: every case, with the file and with
//! its digest, and for every refusal the reason that `conformance.txt` names.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test, which reads its cases from files"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use waxseal_oci::{Annotations, Digest};
use waxseal_verify::{
    Authority, BlobVerifier, Check, Demand, Format, KeyAuthority, KeylessAuthority, LogProof,
    Matcher, PublicKey, Rejection, Trust, TrustedRoot, Verified, Wanted, verify,
};

use crate::mutation::{self, Random, mutants};
use crate::support::{attestation, bundle, now};

#[test]
fn agrees_with_the_suite() {
    let Some(suite) = suite() else { return };
    let cases = suite.join("sigstore/bundle-verify");
    let mut names: Vec<String> = std::fs::read_dir(&cases)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut found = String::new();
    for name in &names {
        let (file, digest) = Case::read(&cases, name).judge();
        assert_eq!(file, digest, "{name}: the file and its digest disagree");
        assert_eq!(
            file != "accepted",
            name.ends_with("_fail"),
            "{name}: {file}"
        );
        writeln!(found, "{name}\n    {file}").unwrap();
    }
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conformance.txt");
    if std::env::var_os("WAXSEAL_BLESS").is_some() {
        std::fs::write(&table, &found).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&table).unwrap_or_default(), found);
    eprintln!(
        "{} cases, each with the file and with its digest",
        names.len()
    );
}

/// Every accepted case has what it rests on, and loses with it.
#[test]
fn demands_what_it_says_it_demands() {
    let Some(suite) = suite() else { return };
    let cases = suite.join("sigstore/bundle-verify");
    let happy = Case::read(&cases, "happy-path-v0.3");
    let Outcome::Checked(Ok(verified)) = happy.by_digest(&happy.authority()) else {
        panic!("the happy path is refused")
    };
    assert_eq!(verified.times().len(), 1);

    let error = |authority: &Authority| match happy.by_digest(authority) {
        Outcome::Checked(outcome) => outcome.map(|_| ()),
        Outcome::Setup(why) => panic!("{why}"),
    };
    let mut other = happy.keyless();
    other.subject = Matcher::exact("somebody@example.com").unwrap();
    assert_eq!(
        error(&Authority::Keyless(other)),
        Err(Rejection::IdentityMismatch {
            wanted: "not `somebody@example.com`".into(),
            found: Some(IDENTITY.into())
        })
    );
    let mut other = happy.keyless();
    other.issuer = Matcher::exact("https://accounts.example.com").unwrap();
    assert_eq!(
        error(&Authority::Keyless(other)),
        Err(Rejection::IssuerMismatch {
            wanted: "not `https://accounts.example.com`".into(),
            found: Some(ISSUER.into())
        })
    );
    let mut claims = happy.keyless();
    claims.subject =
        Matcher::glob("https://github.com/sigstore-conformance/**@refs/heads/main").unwrap();
    claims.claims = BTreeMap::from([(
        "runnerEnvironment".to_owned(),
        Matcher::exact("self-hosted").unwrap(),
    )]);
    assert_eq!(
        error(&Authority::Keyless(claims.clone())),
        Err(Rejection::ClaimMismatch {
            claim: "runnerEnvironment".into(),
            wanted: "not `self-hosted`".into(),
            found: Some("github-hosted".into())
        })
    );
    claims.claims.insert(
        "runnerEnvironment".to_owned(),
        Matcher::regex("(github|gitlab)-hosted").unwrap(),
    );
    assert_eq!(error(&Authority::Keyless(claims)), Ok(()));
}

/// A bundle's media type is not signed: without its proof and called v0.1 it
/// would live on the log's promise alone.
#[test]
fn refuses_a_bundle_that_was_relabelled_to_lose_its_proof() {
    let Some(suite) = suite() else { return };
    let cases = suite.join("sigstore/bundle-verify");
    let mut case = Case::read(&cases, "happy-path-v0.3");
    let text = String::from_utf8(case.bundle.clone()).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
    let entry = json
        .pointer_mut("/verificationMaterial/tlogEntries/0")
        .unwrap();
    entry
        .as_object_mut()
        .unwrap()
        .remove("inclusionProof")
        .unwrap();
    case.bundle = json.to_string().into_bytes();
    let outcome = |authority: &Authority| match case.by_digest(authority) {
        Outcome::Checked(outcome) => outcome.map(|_| ()),
        Outcome::Setup(why) => panic!("{why}"),
    };
    assert_eq!(outcome(&case.authority()), Err(Rejection::LogProofRequired));
    let mut lenient = case.keyless();
    lenient.proof = LogProof::PromiseSuffices;
    assert_eq!(outcome(&Authority::Keyless(lenient)), Ok(()));
}

/// cosign 2's annotations go through the same checks: certificate, promise and
/// all, and are known not to have a proof to give.
#[test]
fn takes_annotations_for_what_they_are() {
    let Some(suite) = suite() else { return };
    let cases = suite.join("sigstore/bundle-verify");
    let case = Case::read(&cases, "happy-path-intoto-in-dsse-v3");
    let json: serde_json::Value = serde_json::from_slice(&case.bundle).unwrap();
    let text = |pointer: &str| json.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let entry = "/verificationMaterial/tlogEntries/0";
    let hex = hex::encode(
        STANDARD
            .decode(text(&format!("{entry}/logId/keyId")))
            .unwrap(),
    );
    let number = |name: &str| text(&format!("{entry}/{name}")).parse::<u64>().unwrap();
    let answer = serde_json::json!({
        "SignedEntryTimestamp": text(&format!("{entry}/inclusionPromise/signedEntryTimestamp")),
        "Payload": {
            "body": text(&format!("{entry}/canonicalizedBody")),
            "integratedTime": number("integratedTime"),
            "logIndex": number("logIndex"),
            "logID": hex,
        },
    });
    let certificate = STANDARD
        .decode(text("/verificationMaterial/certificate/rawBytes"))
        .unwrap();
    let mut annotations = Annotations::from([
        (
            "dev.sigstore.cosign/certificate".to_owned(),
            pem::encode(&pem::Pem::new("CERTIFICATE", certificate)),
        ),
        ("dev.sigstore.cosign/bundle".to_owned(), answer.to_string()),
    ]);
    let envelope = json.pointer("/dsseEnvelope").unwrap().to_string();
    let root = TrustedRoot::from_json(&case.root).unwrap();
    let subject = Digest::sha256(&case.artifact);
    let judge = |annotations: &Annotations, authority: KeylessAuthority| {
        let candidate = attestation(envelope.clone(), annotations.clone());
        let wanted = Wanted {
            subject: &subject,
            keep_predicate: false,
        };
        let trust = Trust { root: Some(&root) };
        verify(
            &candidate,
            &wanted,
            &Authority::Keyless(authority),
            &trust,
            now(),
        )
    };
    let verified = judge(&annotations, case.keyless()).unwrap();
    assert_eq!(verified.format(), Format::LegacyAttestation);
    assert!(verified.checks().contains(Check::CertificateChain));
    assert!(verified.checks().contains(Check::CertificateTransparency));
    assert!(verified.checks().contains(Check::LogEntryBinding));
    assert!(verified.checks().contains(Check::LogPromise));
    assert!(!verified.checks().contains(Check::LogInclusionProof));
    let mut strict = case.keyless();
    strict.proof = LogProof::Always;
    assert_eq!(
        judge(&annotations, strict).err(),
        Some(Rejection::LogProofRequired)
    );
    // A time is signed by the log only together with all the rest.
    let moved = annotations["dev.sigstore.cosign/bundle"].replace(
        &number("integratedTime").to_string(),
        &(number("integratedTime") + 1).to_string(),
    );
    annotations.insert("dev.sigstore.cosign/bundle".to_owned(), moved);
    assert!(matches!(
        judge(&annotations, case.keyless()).err(),
        Some(Rejection::LogEntryInvalid(_))
    ));
    annotations.remove("dev.sigstore.cosign/bundle");
    assert_eq!(
        judge(&annotations, case.keyless()).err(),
        Some(Rejection::LogRequired)
    );
    let mut unlogged = case.keyless();
    unlogged.log = Demand::Optional;
    assert_eq!(
        judge(&annotations, unlogged).err(),
        Some(Rejection::SigningTimeRequired)
    );
}

#[test]
fn a_key_with_a_log_and_a_timestamp_has_all_of_it_checked() {
    let Some(suite) = suite() else { return };
    let cases = suite.join("sigstore/bundle-verify");
    let case = Case::read(&cases, "managed-key-and-trusted-root");
    let mut authority = KeyAuthority::new(PublicKey::from_pem(case.key.as_ref().unwrap()).unwrap());
    authority.log = Demand::Required;
    let outcome = case.by_digest(&Authority::Key(authority.clone()));
    let Outcome::Checked(Ok(verified)) = outcome else {
        panic!("the happy path is refused")
    };
    assert!(verified.checks().contains(Check::LogEntryBinding));
    assert!(verified.checks().contains(Check::LogInclusionProof));

    let mut case = Case::read(&cases, "managed-key-happy-path");
    let mut json: serde_json::Value = serde_json::from_slice(&case.bundle).unwrap();
    authority.key = PublicKey::from_pem(case.key.as_ref().unwrap()).unwrap();
    let authority = Authority::Key(authority);
    let Outcome::Checked(Ok(verified)) = case.by_digest(&authority) else {
        panic!("the happy path is refused")
    };
    assert!(verified.checks().contains(Check::Timestamp));
    assert!(verified.checks().contains(Check::LogPromise));
    assert_eq!(verified.times().len(), 2);
    // Every part of it that a log or a timestamp authority signed.
    let material = "/verificationMaterial";
    for pointer in [
        "/tlogEntries/0/inclusionPromise/signedEntryTimestamp",
        "/tlogEntries/0/inclusionProof/hashes/3",
        "/tlogEntries/0/inclusionProof/checkpoint/envelope",
        "/tlogEntries/0/logId/keyId",
        "/tlogEntries/0/logIndex",
        "/tlogEntries/0/integratedTime",
        "/tlogEntries/0/inclusionProof/rootHash",
        "/tlogEntries/0/inclusionProof/treeSize",
        "/tlogEntries/0/inclusionProof/logIndex",
        "/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp",
    ] {
        let good = json.clone();
        let value = json.pointer_mut(&format!("{material}{pointer}")).unwrap();
        let mut text = value.as_str().unwrap().to_owned().into_bytes();
        // A note's signature line repeats the signer's name, which nobody signed.
        let at = if pointer.ends_with("envelope") {
            30
        } else {
            text.len() / 2
        };
        text[at] = match text[at] {
            b'1' => b'2',
            b'0'..=b'9' => b'1',
            b'A' => b'B',
            _ => b'A',
        };
        *value = String::from_utf8(text).unwrap().into();
        case.bundle = json.to_string().into_bytes();
        let Outcome::Checked(outcome) = case.by_digest(&authority) else {
            panic!("no trust")
        };
        let code = outcome.err().map(|error| error.code());
        let expected = if pointer.starts_with("/time") {
            "timestamp-invalid"
        } else {
            "log-entry-invalid"
        };
        assert_eq!(code, Some(expected), "{pointer}");
        json = good;
    }
}

/// The suite's file has a line break inside its base64, which is refused before
/// what the case is about is reached.
#[test]
fn refuses_a_timestamp_from_after_the_certificate() {
    let Some(suite) = suite() else { return };
    let cases = suite.join("sigstore/bundle-verify");
    let mut case = Case::read(&cases, "rekor2-timestamp-with-incorrect-time_fail");
    let mut json: serde_json::Value = serde_json::from_slice(&case.bundle).unwrap();
    let token = json
        .pointer_mut(
            "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp",
        )
        .unwrap();
    *token = token.as_str().unwrap().replace('\n', "").into();
    case.bundle = json.to_string().into_bytes();
    let Outcome::Checked(Err(Rejection::Certificate(why))) = case.by_digest(&case.authority())
    else {
        panic!("accepted, or refused for another reason")
    };
    assert_eq!(
        why,
        "it, or one above it, was not valid any more at 2025-07-15T10:33:31Z"
    );
}

/// A bundle by a key, with a log entry and a timestamp that are both demanded:
/// no byte that somebody signed can change.
#[test]
fn no_changed_byte_of_a_logged_bundle_counts() {
    let Some(suite) = suite() else { return };
    let case = Case::read(
        &suite.join("sigstore/bundle-verify"),
        "managed-key-happy-path",
    );
    let root = TrustedRoot::from_json(&case.root).unwrap();
    let subject = Digest::sha256(&case.artifact);
    let wanted = Wanted {
        subject: &subject,
        keep_predicate: false,
    };
    let mut authority = KeyAuthority::new(PublicKey::from_pem(case.key.as_ref().unwrap()).unwrap());
    authority.log = Demand::Required;
    authority.timestamp = Demand::Required;
    let authority = Authority::Key(authority);
    let judge = |bytes: Vec<u8>| {
        let trust = Trust { root: Some(&root) };
        verify(&bundle(bytes), &wanted, &authority, &trust, now())
    };
    let times = judge(case.bundle.clone()).unwrap().times().to_vec();
    let original = meaning(&case.bundle).unwrap();
    let mut random = Random::new(0x5eed_0002);
    for at in (0..case.bundle.len()).step_by(3) {
        for mutant in mutants(&case.bundle, at, &mut random) {
            let Ok(verified) = judge(mutant.clone()) else {
                continue;
            };
            assert_eq!(verified.times(), times, "at {at}");
            assert_eq!(meaning(&mutant), Some(original.clone()), "at {at}");
        }
    }
}

/// As for every bundle, but for what a note and a timestamp leave unsigned: the
/// name on the line of a signature, and the algorithms that a token repeats.
/// The times are compared by themselves.
fn meaning(bytes: &[u8]) -> Option<serde_json::Value> {
    let mut json = mutation::meaning(bytes)?;
    let note =
        json.pointer_mut("/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope")?;
    let text = note.as_str()?.to_owned();
    let (body, line) = text.split_once("\u{2014} ")?;
    let (_, signature) = line.split_once(' ')?;
    *note = format!("{body}{signature}").into();
    *json.pointer_mut("/verificationMaterial/timestampVerificationData")? = true.into();
    Some(json)
}

pub(crate) struct Case {
    pub(crate) bundle: Vec<u8>,
    pub(crate) artifact: Vec<u8>,
    pub(crate) root: Vec<u8>,
    key: Option<Vec<u8>>,
    identity: String,
    issuer: String,
}

enum Outcome {
    Setup(String),
    Checked(Result<Box<Verified>, Rejection>),
}

impl Case {
    /// Those that are accepted, where the suite is there.
    pub(crate) fn accepted() -> Vec<(String, Self)> {
        let Some(suite) = suite() else {
            return Vec::new();
        };
        let cases = suite.join("sigstore/bundle-verify");
        let entries = std::fs::read_dir(&cases).unwrap();
        let entries = entries
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().is_dir());
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| !name.ends_with("_fail"))
            .collect();
        names.sort();
        let read = |name: String| (name.clone(), Self::read(&cases, &name));
        names.into_iter().map(read).collect()
    }

    fn read(cases: &Path, name: &str) -> Self {
        let folder = cases.join(name);
        let text = |file: &str, default: &str| {
            std::fs::read_to_string(folder.join(file))
                .map_or_else(|_| default.to_owned(), |text| text.trim().to_owned())
        };
        Self {
            bundle: std::fs::read(folder.join("bundle.sigstore.json")).unwrap(),
            artifact: std::fs::read(folder.join("artifact"))
                .unwrap_or_else(|_| std::fs::read(cases.join("a.txt")).unwrap()),
            root: std::fs::read(folder.join("trusted_root.json")).unwrap_or_else(|_| {
                std::fs::read(cases.join("../trusted_root.public-good.json")).unwrap()
            }),
            key: std::fs::read(folder.join("key.pub")).ok(),
            identity: text("identity", IDENTITY),
            issuer: text("issuer", ISSUER),
        }
    }

    fn keyless(&self) -> KeylessAuthority {
        KeylessAuthority::new(
            Matcher::exact(&self.issuer).unwrap(),
            Matcher::exact(&self.identity).unwrap(),
        )
    }

    pub(crate) fn authority(&self) -> Authority {
        match &self.key {
            Some(key) => Authority::Key(KeyAuthority::new(PublicKey::from_pem(key).unwrap())),
            None => Authority::Keyless(self.keyless()),
        }
    }

    fn judge(&self) -> (String, String) {
        if let Some(Err(error)) = self.key.as_deref().map(PublicKey::from_pem) {
            return (format!("no key: {error}"), format!("no key: {error}"));
        }
        let authority = self.authority();
        (
            describe(self.by_file(&authority)),
            describe(self.by_digest(&authority)),
        )
    }

    fn by_file(&self, authority: &Authority) -> Outcome {
        let root = match TrustedRoot::from_json(&self.root) {
            Ok(root) => root,
            Err(error) => return Outcome::Setup(error.to_string()),
        };
        let candidate = bundle(self.bundle.clone());
        let trust = Trust { root: Some(&root) };
        let mut verifier = match BlobVerifier::new(&candidate, authority, trust, now()) {
            Ok(verifier) => verifier,
            Err(error) => return Outcome::Checked(Err(error)),
        };
        for piece in self.artifact.chunks(7) {
            verifier.update(piece);
        }
        Outcome::Checked(verifier.finish().map(Box::new))
    }

    fn by_digest(&self, authority: &Authority) -> Outcome {
        let root = match TrustedRoot::from_json(&self.root) {
            Ok(root) => root,
            Err(error) => return Outcome::Setup(error.to_string()),
        };
        let subject = Digest::sha256(&self.artifact);
        let wanted = Wanted {
            subject: &subject,
            keep_predicate: true,
        };
        let trust = Trust { root: Some(&root) };
        let candidate = bundle(self.bundle.clone());
        Outcome::Checked(verify(&candidate, &wanted, authority, &trust, now()).map(Box::new))
    }
}

fn describe(outcome: Outcome) -> String {
    match outcome {
        Outcome::Setup(why) => format!("no trust: {why}"),
        Outcome::Checked(Ok(_)) => "accepted".to_owned(),
        Outcome::Checked(Err(error)) => format!("{}: {error}", error.code()),
    }
}

/// Where the suite is, if it is there.
fn suite() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let suite = std::env::var_os("WAXSEAL_CONFORMANCE").map_or(beside, PathBuf::from);
    if suite.join("sigstore/bundle-verify").is_dir() {
        return Some(suite);
    }
    eprintln!(
        "=== NOT RUN: the conformance suite is not at {} ===",
        suite.display()
    );
    None
}

const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
