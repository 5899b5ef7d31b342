//! The policies that are shipped, with the cases beside them. A case is a file;
//! a new case needs no code.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use waxseal_policy::{KeySource, Policy, PolicyDocument, Verdict, evaluate};

use crate::evidence::{self, Case};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    evidence: Vec<Piece>,
    #[serde(default)]
    missing: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Piece {
    by: String,
    signature: Option<BTreeMap<String, String>>,
    attestation: Option<Attested>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attested {
    #[serde(rename = "type")]
    kind: String,
    predicate: Value,
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut folders: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_dir())
        .collect();
    folders.sort();
    assert!(folders.len() >= 6, "where are the policies?");
    folders
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The policy, with a key for every authority: its own file's, or, for an
/// identity, one of its name.
fn with_keys(yaml: &str) -> Policy {
    let mut document: Value = serde_saphyr::from_str(yaml).unwrap();
    for (who, authority) in document["spec"]["authorities"].as_object_mut().unwrap() {
        match authority.get_mut("key") {
            Some(key) => key["file"] = json!(who),
            None => *authority = json!({ "key": { "file": who } }),
        }
    }
    let read = |source: &KeySource| match source {
        KeySource::File(who) => Ok(evidence::pem_of(who).into_bytes()),
        other => Err(format!("{other:?}")),
    };
    PolicyDocument::parse(&document.to_string())
        .unwrap()
        .remove(0)
        .compile(&read)
        .unwrap()
}

#[test]
fn they_load_as_they_are() {
    for folder in folders() {
        let yaml = fs::read_to_string(folder.join("policy.yaml")).unwrap();
        let read = |_: &KeySource| Ok(evidence::pem_of("anybody").into_bytes());
        let mut documents = PolicyDocument::parse(&yaml).unwrap();
        assert_eq!(documents.len(), 1, "{}", name(&folder));
        assert_eq!(documents[0].name(), name(&folder));
        let two_of_three = name(&folder) == "two-of-three-maintainers";
        match documents.remove(0).compile(&read) {
            Ok(policy) => assert_eq!(policy.name(), name(&folder)),
            // One key for three people is one signer.
            Err(error) => assert!(two_of_three, "{}: {error}", name(&folder)),
        }
        assert!(folder.join("README.md").is_file(), "{}", name(&folder));
    }
}

#[test]
fn their_lints_are_known() {
    for folder in folders() {
        let yaml = fs::read_to_string(folder.join("policy.yaml")).unwrap();
        let lints = with_keys(&yaml).lints();
        let wanted: &[&str] = match name(&folder).as_str() {
            "slsa-provenance-from-github" => {
                &["no signature is required: an attestation may say anything but `signed`"]
            }
            "warn-first" => &["the mode is `warn`: nothing is refused"],
            _ => &[],
        };
        assert_eq!(lints, wanted, "{}", name(&folder));
    }
}

#[test]
fn their_cases_end_as_they_are_called() {
    for folder in folders() {
        let yaml = fs::read_to_string(folder.join("policy.yaml")).unwrap();
        let policy = with_keys(&yaml);
        let mut cases: Vec<_> = fs::read_dir(folder.join("cases"))
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        cases.sort();
        assert!(cases.len() >= 2, "{} has no cases", name(&folder));
        for path in cases {
            let called = format!("{}/{}", name(&folder), name(&path));
            let written: Written =
                serde_saphyr::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            run(&called, &policy, &written);
        }
    }
}

fn run(called: &str, policy: &Policy, written: &Written) {
    let wanted = match called.strip_suffix(".yaml") {
        Some(stem) if stem.ends_with("_allow") => Verdict::Allow,
        Some(stem) if stem.ends_with("_deny") => Verdict::Deny,
        _ => panic!("{called}: the name has no verdict"),
    };
    let mut findings = Vec::new();
    for (n, piece) in written.evidence.iter().enumerate() {
        let statement = match (&piece.signature, &piece.attestation) {
            (Some(annotations), None) => evidence::signed(annotations),
            (None, Some(said)) => evidence::attested(&said.kind, &said.predicate),
            _ => panic!("{called}: evidence is a signature or an attestation"),
        };
        let number = u8::try_from(n).unwrap();
        let candidate = evidence::made_by(&piece.by, statement, number);
        for (authority, trusted) in policy.authorities() {
            findings.push(evidence::held_against(&candidate, authority, trusted));
        }
    }
    let decision = evaluate(policy, &Case::new(findings).facts(true));
    let missing: Vec<_> = decision
        .requirements
        .iter()
        .filter_map(|r| r.code.clone())
        .collect();
    assert_eq!(
        (decision.verdict, &missing),
        (wanted, &written.missing),
        "{called}"
    );
}
