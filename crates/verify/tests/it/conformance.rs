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

use waxseal_oci::Digest;
use waxseal_verify::{
    Authority, BlobVerifier, KeyAuthority, KeylessAuthority, Matcher, PublicKey, Rejection, Trust,
    TrustedRoot, Verified, Wanted, verify,
};

use crate::support::{bundle, now};

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
            wanted: "somebody@example.com".into(),
            found: Some(IDENTITY.into())
        })
    );
    let mut other = happy.keyless();
    other.issuer = Matcher::exact("https://accounts.example.com").unwrap();
    assert_eq!(
        error(&Authority::Keyless(other)),
        Err(Rejection::IssuerMismatch {
            wanted: "https://accounts.example.com".into(),
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
            wanted: "self-hosted".into(),
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
    lenient.proof = waxseal_verify::LogProof::PromiseSuffices;
    assert_eq!(outcome(&Authority::Keyless(lenient)), Ok(()));
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
    assert!(why.contains("CertExpired"), "{why}");
}

struct Case {
    bundle: Vec<u8>,
    artifact: Vec<u8>,
    root: Vec<u8>,
    key: Option<Vec<u8>>,
    identity: String,
    issuer: String,
}

enum Outcome {
    Setup(String),
    Checked(Result<Box<Verified>, Rejection>),
}

impl Case {
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

    fn authority(&self) -> Authority {
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
