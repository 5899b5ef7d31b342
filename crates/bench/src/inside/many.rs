//! Many distinct bundles over distinct blobs, each parsed and verified.

use std::fs;

use serde_json::json;
use sigstore_verify::trust_root::TrustedRoot as TheirRoot;
use sigstore_verify::types::Bundle;
use sigstore_verify::{VerificationPolicy, Verifier};
use waxseal_oci::Digest;
use waxseal_testkit::NOW;
use waxseal_verify::{
    Authority, BlobVerifier, Candidate, CandidateContent, KeylessAuthority, Matcher, Origin, Place,
    Trust, TrustedRoot,
};

use super::floor::Floor;
use super::{Account, ROUNDS};
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

/// What the bundles of this folder are held against.
struct Ours {
    root: TrustedRoot,
    authority: Authority,
    all: Vec<(Candidate, String)>,
}

impl Ours {
    fn read() -> Self {
        let root = TrustedRoot::from_json(text("trusted_root.json").as_bytes());
        let exact = |text: &str| Matcher::exact(text).expect("a text");
        let signer = KeylessAuthority::new(exact(&text("issuer.txt")), exact(PERSON));
        let all = all().into_iter();
        let ours = Self {
            root: root.expect("a root"),
            authority: Authority::Keyless(signer),
            all: all
                .map(|(bundle, blob)| (candidate(bundle), blob))
                .collect(),
        };
        let (first, _) = ours.all.first().expect("a bundle");
        assert!(!ours.takes(first, b"another blob"), "it takes anything");
        ours
    }

    fn takes(&self, candidate: &Candidate, blob: &[u8]) -> bool {
        let trust = Trust {
            root: Some(&self.root),
        };
        let verifier = BlobVerifier::new(candidate, &self.authority, trust, NOW);
        verifier.is_ok_and(|mut verifier| {
            verifier.update(blob);
            verifier.finish().is_ok()
        })
    }

    fn check(&self, part: &[(Candidate, String)]) {
        for (candidate, blob) in part {
            assert!(self.takes(candidate, blob.as_bytes()), "it verifies");
        }
    }
}

pub(super) fn ours(threads: usize) {
    let ours = Ours::read();
    let share = ours.all.len().div_ceil(threads);
    super::measure(ours.all.len(), || {
        std::thread::scope(|scope| {
            for part in ours.all.chunks(share) {
                scope.spawn(|| ours.check(part));
            }
        });
    });
}

/// Ours and the signature checks alone, a few bundles of each in turn, so that both have
/// the machine at its best and at its worst: prints what one takes of each, and the median
/// of their ratios.
pub(super) fn beside(kind: &str) {
    let ours = Ours::read();
    let floor = Floor::new(kind, ours.all.len());
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        let [mut mine, mut bare, mut anew] = [(); 3].map(|()| Account::default());
        for (turn, part) in ours.all.chunks(TURN).enumerate() {
            let numbers = || (turn * TURN..).take(part.len());
            mine.add(|| ours.check(part));
            bare.add(|| numbers().for_each(|number| floor.check(number, false)));
            anew.add(|| numbers().for_each(|number| floor.check(number, true)));
        }
        // The first round warms the caches.
        if round > 0 {
            rounds.push((mine, bare, anew));
        }
    }
    rounds.sort_by(|(a, b, _), (c, d, _)| (b.wall / a.wall).total_cmp(&(d.wall / c.wall)));
    let (mine, bare, anew) = &rounds[ROUNDS / 2];
    let each = |account: &Account| account.each(ours.all.len());
    println!(
        "{}",
        json!({ "ours": each(mine), "floor": each(bare), "anew": each(anew) })
    );
}

/// Bundles of a turn.
const TURN: usize = 20;

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
