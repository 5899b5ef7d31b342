//! Many distinct bundles over distinct blobs, each parsed and verified.

use std::fs;

use sigstore_verify::trust_root::TrustedRoot as TheirRoot;
use sigstore_verify::types::Bundle;
use sigstore_verify::{VerificationPolicy, Verifier};
use waxseal_oci::Digest;
use waxseal_testkit::NOW;
use waxseal_verify::{
    Authority, BlobVerifier, Candidate, CandidateContent, KeylessAuthority, Matcher, Origin, Place,
    Trust, TrustedRoot,
};

use crate::keyless::PERSON;

fn text(name: &str) -> String {
    fs::read_to_string(name).expect("a file")
}

/// Every bundle of the folder with its blob.
fn all() -> Vec<(String, String)> {
    (0..)
        .map_while(|n| {
            let bundle = fs::read_to_string(format!("{n}.json")).ok()?;
            Some((bundle, text(&format!("{n}.txt"))))
        })
        .collect()
}

pub(super) fn ours(threads: usize) {
    let root = TrustedRoot::from_json(text("trusted_root.json").as_bytes()).expect("a root");
    let exact = |text: &str| Matcher::exact(text).expect("a text");
    let authority = Authority::Keyless(KeylessAuthority::new(
        exact(&text("issuer.txt")),
        exact(PERSON),
    ));
    let all: Vec<(Candidate, String)> = all()
        .into_iter()
        .map(|(bundle, blob)| (candidate(bundle), blob))
        .collect();
    let trust = Trust { root: Some(&root) };
    let check = |candidate: &Candidate, blob: &[u8]| {
        let mut verifier = BlobVerifier::new(candidate, &authority, trust, NOW)?;
        verifier.update(blob);
        verifier.finish()
    };
    let (first, _) = all.first().expect("a bundle");
    assert!(check(first, b"another blob").is_err(), "it takes anything");
    let share = all.len().div_ceil(threads);
    let check_all = |part: &[(Candidate, String)]| {
        for (candidate, blob) in part {
            check(candidate, blob.as_bytes()).expect("it verifies");
        }
    };
    super::measure(all.len(), || {
        std::thread::scope(|scope| {
            for part in all.chunks(share) {
                let check_all = &check_all;
                scope.spawn(move || check_all(part));
            }
        });
    });
}

fn candidate(bundle: String) -> Candidate {
    let bytes = bundle.into_bytes();
    Candidate {
        origin: Origin {
            place: Place::File,
            manifest: None,
            blob: Digest::sha256(&bytes),
            size: u64::try_from(bytes.len()).expect("a small one"),
            predicate_hint: None,
        },
        content: CandidateContent::Bundle(bytes.into()),
    }
}

pub(super) fn theirs() {
    let root = TheirRoot::from_json(&text("trusted_root.json")).expect("a root");
    let policy = VerificationPolicy::any_identity()
        .require_identity(PERSON)
        .require_issuer(text("issuer.txt"));
    let verifier = Verifier::new(&root).expect("a root of use");
    let all = all();
    super::measure(all.len(), || {
        for (bundle, blob) in &all {
            let bundle = Bundle::from_json(bundle).expect("a bundle");
            verifier
                .verify(blob.as_bytes(), &bundle, &policy)
                .expect("it verifies");
        }
    });
}
