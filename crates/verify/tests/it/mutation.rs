//! Every accepted fixture with one byte changed: nothing that was signed may
//! change and still count.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test, which the environment can make longer"
)]

use bytes::Bytes;
use waxseal_oci::Digest;
use waxseal_verify::{Candidate, CandidateContent, KeyAlgorithm};

use crate::cosign::Fixture;

#[test]
fn no_changed_byte_counts() {
    let mut random = Random::new(0x5eed_0001);
    for fixture in Fixture::all() {
        let authority = fixture.authority();
        let bytes = fixture.bytes().to_vec();
        let original = meaning(&bytes).unwrap();
        // The larger curves are slow without optimisation.
        let step = match fixture.key.algorithm() {
            KeyAlgorithm::EcdsaP384 => 5,
            KeyAlgorithm::EcdsaP521 => 11,
            _ => 1,
        };
        let (mut refused, mut same) = (0, 0);
        for at in (0..bytes.len()).step_by(step) {
            for mutant in mutants(&bytes, at, &mut random) {
                let candidate = with_bytes(&fixture.candidate, mutant.clone().into());
                match fixture.judge_candidate(&candidate, &authority) {
                    Err(_) => refused += 1,
                    Ok(_) => {
                        let text = String::from_utf8_lossy(&mutant).into_owned();
                        assert_eq!(
                            meaning(&mutant).as_ref(),
                            Some(&original),
                            "{} at {at}: {text}",
                            fixture.name
                        );
                        same += 1;
                    }
                }
            }
        }
        assert!(
            refused > 4 * same,
            "{}: {refused} refused, {same} the same",
            fixture.name
        );
    }
}

#[test]
fn no_truncated_text_counts() {
    for fixture in Fixture::all() {
        let authority = fixture.authority();
        let bytes = fixture.bytes();
        for end in (0..bytes.len()).step_by(7) {
            let candidate = with_bytes(&fixture.candidate, Bytes::copy_from_slice(&bytes[..end]));
            assert!(
                fixture.judge_candidate(&candidate, &authority).is_err(),
                "{}",
                fixture.name
            );
        }
    }
}

#[test]
fn no_changed_signature_annotation_counts() {
    const NAME: &str = "dev.cosignproject.cosign/signature";
    for fixture in Fixture::all() {
        let authority = fixture.authority();
        let CandidateContent::SimpleSigning {
            payload,
            annotations,
        } = &fixture.candidate.content
        else {
            continue;
        };
        let text = annotations[NAME].clone().into_bytes();
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let mut annotations = annotations.clone();
            annotations.insert(NAME.to_owned(), String::from_utf8(changed).unwrap());
            let content = CandidateContent::SimpleSigning {
                payload: payload.clone(),
                annotations,
            };
            let candidate = Candidate {
                origin: fixture.candidate.origin.clone(),
                content,
            };
            assert!(
                fixture.judge_candidate(&candidate, &authority).is_err(),
                "{} at {at}",
                fixture.name
            );
        }
    }
}

pub(crate) fn mutants(bytes: &[u8], at: usize, random: &mut Random) -> Vec<Vec<u8>> {
    let bit = 1 << (random.next() % 8);
    let byte = b"{}[]\":,0123456789abcdefXYZ+/=\\ \n\0"[usize::from(random.next()) % 33];
    let mut flipped = bytes.to_vec();
    flipped[at] ^= bit;
    let mut replaced = bytes.to_vec();
    replaced[at] = byte;
    let mut mutants = vec![flipped, replaced];
    if at.is_multiple_of(3) {
        let mut removed = bytes.to_vec();
        removed.remove(at);
        mutants.push(removed);
    }
    mutants.retain(|mutant| mutant != bytes);
    mutants
}

/// What a text says, but for what is not signed and decides nothing: the hint
/// at the key, and white space.
pub(crate) fn meaning(bytes: &[u8]) -> Option<serde_json::Value> {
    let mut json: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    if let Some(hint) = json.pointer_mut("/verificationMaterial/publicKey") {
        *hint = serde_json::Value::Null;
    }
    Some(json)
}

fn with_bytes(candidate: &Candidate, bytes: Bytes) -> Candidate {
    let mut origin = candidate.origin.clone();
    origin.blob = Digest::sha256(&bytes);
    let content = match &candidate.content {
        CandidateContent::SimpleSigning { annotations, .. } => CandidateContent::SimpleSigning {
            payload: bytes,
            annotations: annotations.clone(),
        },
        CandidateContent::LegacyAttestation { annotations, .. } => {
            CandidateContent::LegacyAttestation {
                envelope: bytes,
                annotations: annotations.clone(),
            }
        }
        CandidateContent::LegacyBlob(_) => CandidateContent::LegacyBlob(bytes),
        _ => CandidateContent::Bundle(bytes),
    };
    Candidate { origin, content }
}

/// Whether everything is to be tried that there is.
fn every() -> bool {
    std::env::var_os("WAXSEAL_EVERY_BYTE").is_some()
}

/// A small generator with a fixed seed (xorshift).
pub(crate) struct Random(u32);

impl Random {
    pub(crate) fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// Some of many, or all of them.
    pub(crate) fn few<'a, T>(&mut self, all: &'a [T]) -> Vec<&'a T> {
        let every = every();
        all.iter()
            .filter(|_| every || self.next().is_multiple_of(8))
            .collect()
    }

    /// Some of `len` places, or all of them where that is asked for.
    pub(crate) fn some(&mut self, len: usize) -> Vec<usize> {
        let every = every();
        let mut places = Vec::new();
        let mut at = 0;
        while at < len {
            places.push(at);
            let skipped = if every { 0 } else { self.next() % 64 };
            at += 1 + usize::from(skipped);
        }
        places
    }

    fn next(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0.to_le_bytes()[1]
    }
}
