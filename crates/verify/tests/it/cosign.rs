//! What cosign really writes: `fixtures/cosign`.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test, which reads its fixtures from files"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use waxseal_oci::{Annotations, Digest};
use waxseal_verify::{
    Authority, BlobVerifier, Candidate, CandidateContent, Check, Demand, Format, KeyAuthority,
    PublicKey, Rejection, Signer, Trust, Verified, Wanted, inspect, verify,
};

use crate::support::{attestation, beside_blob, now, signature};

/// One folder of `fixtures/cosign`.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) candidate: Candidate,
    pub(crate) key: PublicKey,
    image: Option<Digest>,
    blob: Option<Vec<u8>>,
    says: Says,
}

enum Says {
    Signed(Annotations),
    Attested(String),
}

impl Fixture {
    pub(crate) fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/cosign");
        let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        folders.iter().map(|folder| Self::read(folder)).collect()
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::all()
            .into_iter()
            .find(|fixture| fixture.name == name)
            .unwrap()
    }

    fn read(folder: &Path) -> Self {
        let file = |name: &str| std::fs::read(folder.join(name)).ok();
        let case: serde_json::Value = serde_json::from_slice(&file("case.json").unwrap()).unwrap();
        let strings = |value: &serde_json::Value| -> Annotations {
            serde_json::from_value(value.clone()).unwrap_or_default()
        };
        let annotations = strings(&case["annotations"]);
        let candidate = if let Some(bytes) = file("bundle.json") {
            beside_blob(bytes)
        } else if let Some(bytes) = file("payload.json") {
            signature(bytes, annotations)
        } else {
            attestation(file("envelope.json").unwrap(), annotations)
        };
        let says = match case["attestation"].as_str() {
            Some(kind) => Says::Attested(kind.to_owned()),
            None => Says::Signed(strings(&case["signature"])),
        };
        Self {
            name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
            candidate,
            key: PublicKey::from_pem(&file("key.pub").unwrap()).unwrap(),
            image: case["digest"]
                .as_str()
                .map(|digest| digest.parse().unwrap()),
            blob: file("blob.txt"),
            says,
        }
    }

    pub(crate) fn judge(&self, authority: &Authority) -> Result<Verified, Rejection> {
        self.judge_candidate(&self.candidate, authority)
    }

    pub(crate) fn judge_candidate(
        &self,
        candidate: &Candidate,
        authority: &Authority,
    ) -> Result<Verified, Rejection> {
        if let Some(blob) = &self.blob {
            let mut verifier = BlobVerifier::new(candidate, authority, Trust::default(), now())?;
            verifier.update(blob);
            return verifier.finish();
        }
        let wanted = Wanted {
            subject: self.image.as_ref().unwrap(),
            keep_predicate: false,
        };
        verify(candidate, &wanted, authority, &Trust::default(), now())
    }

    pub(crate) fn authority(&self) -> Authority {
        Authority::Key(KeyAuthority::new(self.key.clone()))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.candidate.content.bytes()
    }

    fn is_bundle(&self) -> bool {
        matches!(self.candidate.content, CandidateContent::Bundle(_))
    }
}

#[test]
fn counts_for_what_it_is() {
    let fixtures = Fixture::all();
    assert!(fixtures.len() >= 25, "{} fixtures", fixtures.len());
    for fixture in fixtures {
        let name = &fixture.name;
        let verified = fixture.judge(&fixture.authority()).unwrap_or_else(|error| {
            panic!("{name}: {error}");
        });
        match (&verified, &fixture.says) {
            (Verified::Signature(found), Says::Signed(wanted)) => {
                assert_eq!(found.annotations(), wanted, "{name}");
            }
            (Verified::Attestation(found), Says::Attested(wanted)) => {
                assert_eq!(found.predicate_type(), wanted, "{name}");
                assert!(found.predicate().is_none(), "{name}");
            }
            _ => panic!("{name}: taken for something else"),
        }
        let signer = Signer::Key {
            id: fixture.key.id().to_owned(),
            algorithm: fixture.key.algorithm(),
        };
        assert_eq!(verified.signer(), &signer, "{name}");
        assert_eq!(
            verified.checks().done,
            [Check::Signature, Check::SubjectDigest],
            "{name}"
        );
        let not_done: BTreeMap<Check, String> =
            verified.checks().not_done.iter().cloned().collect();
        assert_eq!(
            not_done[&Check::LogInclusionProof],
            "there is no log entry",
            "{name}"
        );
        assert_eq!(
            not_done[&Check::Timestamp],
            "there is no timestamp",
            "{name}"
        );
        assert!(verified.times().is_empty(), "{name}");
        assert_eq!(
            verified.format() == Format::BundleV03,
            fixture.is_bundle(),
            "{name}"
        );
    }
}

#[test]
fn keeps_the_predicate_for_whom_wants_it() {
    let fixture = Fixture::named("cosign3-attest-custom");
    let wanted = Wanted {
        subject: fixture.image.as_ref().unwrap(),
        keep_predicate: true,
    };
    let verified = verify(
        &fixture.candidate,
        &wanted,
        &fixture.authority(),
        &Trust::default(),
        now(),
    );
    let Ok(Verified::Attestation(found)) = verified else {
        panic!("not an attestation")
    };
    assert!(
        found
            .predicate()
            .unwrap()
            .starts_with(r#"{"Data":"{ \"result\": \"PASSED\""#)
    );
}

#[test]
fn another_key_is_refused_and_named_where_it_can_be() {
    let fixtures = Fixture::all();
    for fixture in &fixtures {
        let other = fixtures
            .iter()
            .find(|other| other.key != fixture.key)
            .unwrap();
        let error = fixture.judge(&other.authority()).err();
        let expected = if fixture.is_bundle() {
            // cosign 3 signs blobs by P-384 and P-521 over digests that a key on
            // another curve has no use for; that, too, is another key.
            Rejection::SignedByOtherKey {
                hint: fixture.key.hint(),
            }
        } else {
            Rejection::SignatureInvalid
        };
        assert_eq!(error, Some(expected), "{}", fixture.name);
    }
}

#[test]
fn another_image_is_refused_with_both_digests() {
    let wanted_digest = Digest::sha256(b"another image");
    let wanted = Wanted {
        subject: &wanted_digest,
        keep_predicate: false,
    };
    for fixture in Fixture::all() {
        let Some(image) = &fixture.image else {
            continue;
        };
        let error = verify(
            &fixture.candidate,
            &wanted,
            &fixture.authority(),
            &Trust::default(),
            now(),
        )
        .err();
        let expected = Rejection::SubjectMismatch {
            wanted: wanted_digest.clone(),
            found: image.to_string(),
        };
        assert_eq!(error, Some(expected), "{}", fixture.name);
    }
}

#[test]
fn another_blob_is_refused() {
    for fixture in Fixture::all() {
        let Some(blob) = &fixture.blob else { continue };
        let authority = fixture.authority();
        let mut verifier =
            BlobVerifier::new(&fixture.candidate, &authority, Trust::default(), now()).unwrap();
        verifier.update(blob);
        verifier.update(b"!");
        let error = verifier.finish().err();
        let is_refused = match fixture.candidate.content {
            // It names nothing: there is only the signature to go by.
            CandidateContent::LegacyBlob(_) => error == Some(Rejection::SignatureInvalid),
            _ => matches!(error, Some(Rejection::SubjectMismatch { .. })),
        };
        assert!(is_refused, "{}: {error:?}", fixture.name);
    }
}

#[test]
fn what_is_demanded_and_absent_is_refused() {
    let fixture = Fixture::named("cosign3-sign");
    let mut authority = KeyAuthority::new(fixture.key.clone());
    authority.log = Demand::Required;
    assert_eq!(
        fixture.judge(&Authority::Key(authority.clone())).err(),
        Some(Rejection::LogRequired)
    );
    authority.log = Demand::Optional;
    authority.timestamp = Demand::Required;
    assert_eq!(
        fixture.judge(&Authority::Key(authority)).err(),
        Some(Rejection::TimestampRequired)
    );
}

#[test]
fn says_what_it_sees_without_a_key() {
    let seen = inspect(&Fixture::named("cosign3-attest-cyclonedx").candidate).unwrap();
    assert_eq!(
        seen.predicate_type.as_deref(),
        Some("https://cyclonedx.org/bom")
    );
    assert_eq!(seen.subjects.len(), 1);
    assert_eq!(seen.subjects[0].name, "127.0.0.1:5555/c3bundle/app");
    assert_eq!(
        seen.key_hint,
        Some(Fixture::named("cosign3-sign").key.hint())
    );
    assert_eq!((seen.log_entries, seen.timestamps), (0, 0));
    let seen = inspect(&Fixture::named("cosign2-sign").candidate).unwrap();
    assert_eq!(seen.format, Format::SimpleSigning);
    assert_eq!(seen.predicate_type, None);
}
