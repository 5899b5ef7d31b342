//! Evidence of every kind, made once and verified by the verifier: there is no
//! other way to have any.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use jiff::Timestamp;
use waxseal_attestation::{PredicateType, Subject, signature_statement, statement_bytes};
use waxseal_oci::{Annotations, Digest, Platform, Reference};
use waxseal_policy::{
    Facts, Finding, Flags, KeySource, Layers, Platforms, Policy, PolicyDocument, PolicyError,
    Sboms, Seen, Via,
};
use waxseal_sign::{PrivateKey, sign_statement};
use waxseal_verify::{
    Authority, Candidate, CandidateContent, KeyAlgorithm, KeyAuthority, Origin, Place, Trust,
    Wanted, verify,
};

pub(crate) const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
pub(crate) const CYCLONEDX: &str = "https://cyclonedx.org/bom";
pub(crate) const SPDX_VERSIONED: &str = "https://spdx.dev/Document/v2.3";
/// 2026-01-01T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// The holders of the keys `a`, `b` and `c`; `d` is a stranger.
static KEYS: LazyLock<[PrivateKey; 4]> =
    LazyLock::new(|| [(); 4].map(|()| PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()));

fn key(name: &str) -> &'static PrivateKey {
    let [a, b, c, d] = &*KEYS;
    match name {
        "a" => a,
        "b" => b,
        "c" => c,
        _ => d,
    }
}

pub(crate) fn authority(name: &str) -> Authority {
    Authority::Key(KeyAuthority::new(key(name).public_key().clone()))
}

/// A text with the keys' identifiers, which differ from run to run, as names.
pub(crate) fn named_keys(text: &str) -> String {
    ["a", "b", "c", "d"]
        .iter()
        .fold(text.to_owned(), |text, name| {
            text.replace(key(name).public_key().id(), &format!("<key {name}>"))
                .replace(&key(name).public_key().hint(), &format!("<hint {name}>"))
        })
}

pub(crate) fn image() -> Reference {
    "registry.example.com/shop/api:1.2".parse().unwrap()
}

pub(crate) fn subject() -> Digest {
    Digest::sha256(b"the image")
}

pub(crate) fn index() -> Digest {
    Digest::sha256(b"the index")
}

/// What somebody says about something.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    Signed(&'static [(&'static str, &'static str)]),
    Attests(&'static str, &'static str),
}

/// A candidate; the number keeps one origin apart from another.
pub(crate) fn candidate(who: &str, says: &Says, about: &Digest, number: u8) -> Candidate {
    let (statement, hint) = match says {
        Says::Signed(pairs) => {
            let annotations: Annotations = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect();
            (signature_statement(about, &annotations), None)
        }
        Says::Attests(kind, predicate) => {
            let subjects = [Subject::new("", about)];
            let bytes = statement_bytes(kind, &subjects, predicate.as_bytes());
            (bytes, Some((*kind).to_owned()))
        }
    };
    let bundle = sign_statement(key(who), statement, about, NOW).unwrap();
    Candidate {
        origin: origin(number, hint),
        content: CandidateContent::Bundle(bundle),
    }
}

pub(crate) fn origin(number: u8, predicate_hint: Option<String>) -> Origin {
    Origin {
        place: Place::Referrer,
        manifest: Some(Digest::sha256(&[number])),
        blob: Digest::sha256(&[number, number]),
        size: 1_000,
        predicate_hint,
    }
}

/// The candidate held against an authority, as the gate does it.
pub(crate) fn finding(candidate: &Candidate, name: &str, about: &Digest) -> Finding {
    let wanted = Wanted {
        subject: about,
        keep_predicate: true,
    };
    let trust = Trust { root: None };
    let outcome = verify(candidate, &wanted, &authority(name), &trust, NOW);
    Finding {
        candidate: candidate.origin.clone(),
        authority: name.to_owned(),
        outcome: outcome.map(Arc::new),
    }
}

/// What each of `a`, `b` and `c` makes of what `who` says about the image.
pub(crate) fn findings(who: &str, says: &Says, number: u8) -> Vec<Finding> {
    let candidate = candidate(who, says, &subject(), number);
    ["a", "b", "c"]
        .iter()
        .map(|name| finding(&candidate, name, &subject()))
        .collect()
}

pub(crate) fn policy(require: &str) -> Policy {
    policy_with("", require)
}

/// A policy that trusts `a`, `b` and `c`.
pub(crate) fn policy_with(more: &str, require: &str) -> Policy {
    compiled(more, require).unwrap()
}

/// Why a policy with that requirement does not load.
pub(crate) fn refused(require: &str) -> String {
    compiled("", require).unwrap_err().to_string()
}

fn compiled(more: &str, require: &str) -> Result<Policy, PolicyError> {
    let yaml = format!(
        "apiVersion: waxseal.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {{ name: release }}\nspec:\n  \
         match: {{ images: ['registry.example.com/shop/**'] }}\n  authorities:\n    \
         a: {{ key: {{ file: a }} }}\n    b: {{ key: {{ file: b }} }}\n    c: {{ key: {{ file: c }} }}\n  \
         require:\n    - {require}\n{more}"
    );
    let read = |source: &KeySource| match source {
        KeySource::File(name) => Ok(key(name).public_key().to_pem().into_bytes()),
        _ => Err("no".to_owned()),
    };
    PolicyDocument::parse(&yaml)
        .unwrap()
        .remove(0)
        .compile(&read)
}

pub(crate) fn flags() -> Flags {
    Flags {
        authorities: vec![("a".to_owned(), authority("a"))],
        roots: Vec::new(),
        threshold: 1,
        annotations: Annotations::new(),
        attestations: Vec::new(),
        sbom: None,
        platforms: Platforms::Index,
    }
}

/// Facts in one place, so that they can be borrowed.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) image: Reference,
    pub(crate) subject: Digest,
    pub(crate) via: Option<Via>,
    pub(crate) platform: Option<Platform>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) layers: Option<Result<Arc<Layers>, String>>,
    pub(crate) sboms: Arc<Sboms>,
}

impl Case {
    pub(crate) fn new(findings: Vec<Finding>) -> Self {
        Self {
            image: image(),
            subject: subject(),
            via: None,
            platform: None,
            findings,
            seen: Vec::new(),
            layers: None,
            sboms: Arc::default(),
        }
    }

    pub(crate) fn facts(&self, complete: bool) -> Facts<'_> {
        Facts {
            image: &self.image,
            subject: &self.subject,
            via: self.via.as_ref(),
            platform: self.platform.as_ref(),
            findings: &self.findings,
            seen: &self.seen,
            layers: self
                .layers
                .as_ref()
                .map(|l| l.as_deref().map_err(String::as_str)),
            sboms: &self.sboms,
            complete,
            now: NOW,
        }
    }
}

/// Keys for whatever names there are, each made once.
fn keys_by_name(name: &str) -> Arc<PrivateKey> {
    static MADE: LazyLock<Mutex<BTreeMap<String, Arc<PrivateKey>>>> = LazyLock::new(Mutex::default);
    let generate = || Arc::new(PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap());
    MADE.lock()
        .unwrap()
        .entry(name.to_owned())
        .or_insert_with(generate)
        .clone()
}

pub(crate) fn pem_of(name: &str) -> String {
    keys_by_name(name).public_key().to_pem()
}

pub(crate) fn signed(annotations: &Annotations) -> Vec<u8> {
    signature_statement(&subject(), annotations)
}

pub(crate) fn attested(kind: &str, predicate: &serde_json::Value) -> Vec<u8> {
    let kind: PredicateType = kind.parse().unwrap();
    let subjects = [Subject::new("", &subject())];
    statement_bytes(kind.uri(), &subjects, predicate.to_string().as_bytes())
}

pub(crate) fn made_by(name: &str, statement: Vec<u8>, number: u8) -> Candidate {
    let bundle = sign_statement(&*keys_by_name(name), statement, &subject(), NOW).unwrap();
    Candidate {
        origin: origin(number, None),
        content: CandidateContent::Bundle(bundle),
    }
}

pub(crate) fn held_against(candidate: &Candidate, name: &str, authority: &Authority) -> Finding {
    let wanted = Wanted {
        subject: &subject(),
        keep_predicate: true,
    };
    let outcome = verify(candidate, &wanted, authority, &Trust { root: None }, NOW);
    Finding {
        candidate: candidate.origin.clone(),
        authority: name.to_owned(),
        outcome: outcome.map(Arc::new),
    }
}
