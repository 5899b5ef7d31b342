//! What the private Sigstore signs verifies, and what it spoils does not.

use serde_json::{Value, json};
use waxseal_oci::Digest;
use waxseal_testkit::evidence::{SIGN, statement};
use waxseal_testkit::sigstore::{
    Claims, LogVersion, Payload, Service, ServiceFault, Sigstore, SigstoreOptions, Witnesses,
};
use waxseal_testkit::{KeyKind, NOW};
use waxseal_verify::{
    Authority, BlobVerifier, Candidate, CandidateContent, KeylessAuthority, Matcher, Origin, Place,
    Rejection, Signer, Trust, TrustedRoot, Verified, Wanted, verify,
};

const BLOB: &[u8] = b"a release\n";
const PERSON: &str = "dev@example.com";

fn candidate(bundle: &Value) -> Candidate {
    let bytes = bundle.to_string().into_bytes();
    Candidate {
        origin: Origin {
            place: Place::Referrer,
            manifest: None,
            blob: Digest::sha256(&bytes),
            size: u64::try_from(bytes.len()).unwrap(),
            predicate_hint: None,
        },
        content: CandidateContent::Bundle(bytes.into()),
    }
}

fn trusted(sigstore: &Sigstore) -> TrustedRoot {
    TrustedRoot::from_json(sigstore.trusted_root().to_string().as_bytes()).unwrap()
}

fn authority(issuer: &str, subject: &str) -> Authority {
    Authority::Keyless(KeylessAuthority::new(
        Matcher::exact(issuer).unwrap(),
        Matcher::exact(subject).unwrap(),
    ))
}

/// Our verdict on a bundle over the blob, by the person that everybody is.
fn check(sigstore: &Sigstore, bundle: &Value) -> Result<Verified, Rejection> {
    let root = trusted(sigstore);
    let trust = Trust { root: Some(&root) };
    let authority = authority(sigstore.issuer_url(), PERSON);
    let candidate = candidate(bundle);
    let mut verifier = BlobVerifier::new(&candidate, &authority, trust, NOW)?;
    verifier.update(BLOB);
    verifier.finish()
}

fn person() -> Claims {
    Claims::email(PERSON)
}

#[test]
fn authorities_may_have_keys_of_p384() {
    let sigstore = Sigstore::start(SigstoreOptions {
        authorities: KeyKind::EcdsaP384,
        ..SigstoreOptions::default()
    });
    for witnesses in [Witnesses::TODAY, Witnesses::FORMER] {
        let bundle = sigstore.bundle(&person(), Payload::Blob(BLOB), witnesses);
        check(&sigstore, &bundle).unwrap();
    }
    for service in [Service::Fulcio, Service::Tsa] {
        sigstore.fault(service, ServiceFault::OtherChain, 1);
        let bundle = sigstore.bundle(&person(), Payload::Blob(BLOB), Witnesses::TODAY);
        let refused = check(&sigstore, &bundle).unwrap_err();
        assert_eq!(
            matches!(refused, Rejection::Certificate(_)),
            service == Service::Fulcio,
            "{refused:?}"
        );
        assert_eq!(
            matches!(refused, Rejection::TimestampInvalid(_)),
            service == Service::Tsa,
            "{refused:?}"
        );
    }
}

#[test]
fn blobs_verify_with_each_log() {
    let sigstore = Sigstore::start(SigstoreOptions::default());
    for (logs, timestamps) in [
        (&[LogVersion::V2][..], 1),
        (&[LogVersion::V1], 0),
        (&[LogVersion::V1], 1),
        (&[LogVersion::V1, LogVersion::V2], 2),
    ] {
        let witnesses = Witnesses { logs, timestamps };
        let bundle = sigstore.bundle(&person(), Payload::Blob(BLOB), witnesses);
        check(&sigstore, &bundle).unwrap();
    }
}

#[test]
fn statements_verify_with_each_log() {
    let sigstore = Sigstore::start(SigstoreOptions::default());
    let root = trusted(&sigstore);
    let image = Digest::sha256(BLOB);
    let statement = statement(SIGN, &image, &json!({}));
    let claims = Claims::github();
    let issuer = "https://token.actions.githubusercontent.com";
    let subject = "https://github.com/octo/app/.github/workflows/release.yml@refs/tags/v1.2.3";
    let authority = authority(issuer, subject);
    let wanted = Wanted {
        subject: &image,
        keep_predicate: false,
    };
    let trust = Trust { root: Some(&root) };
    let judge = |witnesses| {
        let bundle = sigstore.bundle(&claims, Payload::Statement(&statement), witnesses);
        verify(&candidate(&bundle), &wanted, &authority, &trust, NOW)
    };
    judge(Witnesses::TODAY).unwrap();
    let verified = judge(Witnesses::FORMER).unwrap();
    let Verified::Signature(signature) = verified else {
        panic!("it is a signature");
    };
    let Signer::Identity { claims, .. } = signature.signer() else {
        panic!("it is an identity");
    };
    let named: Vec<&str> = claims.keys().map(String::as_str).collect();
    assert_eq!(
        named,
        [
            "buildConfigDigest",
            "buildConfigURI",
            "buildSignerDigest",
            "buildSignerURI",
            "buildTrigger",
            "githubWorkflowName",
            "githubWorkflowRef",
            "githubWorkflowRepository",
            "githubWorkflowSHA",
            "githubWorkflowTrigger",
            "runInvocationURI",
            "runnerEnvironment",
            "sourceRepositoryDigest",
            "sourceRepositoryIdentifier",
            "sourceRepositoryOwnerIdentifier",
            "sourceRepositoryOwnerURI",
            "sourceRepositoryRef",
            "sourceRepositoryURI",
            "sourceRepositoryVisibilityAtSigning",
            "tokenSubject",
        ]
    );
    // The former ones stand there as bare bytes.
    assert_eq!(claims["githubWorkflowName"], "release");
    assert_eq!(claims["githubWorkflowRepository"], "octo/app");
}

#[test]
fn equal_seeds_trust_each_other_and_others_do_not() {
    let one = Sigstore::start(SigstoreOptions::default());
    let again = Sigstore::start(SigstoreOptions::default());
    let other = Sigstore::start(SigstoreOptions {
        seed: 2,
        ..SigstoreOptions::default()
    });
    let claims = person().with("iss", "https://issuer.example.com");
    // Equal are the keys. The signatures in certificates are not, and a timestamp
    // carries its authority's certificate as it is.
    let bundle = one.bundle(&claims, Payload::Blob(BLOB), Witnesses::FORMER);
    let judge = |sigstore: &Sigstore| {
        let root = trusted(sigstore);
        let trust = Trust { root: Some(&root) };
        let authority = authority("https://issuer.example.com", PERSON);
        let candidate = candidate(&bundle);
        let mut verifier = BlobVerifier::new(&candidate, &authority, trust, NOW)?;
        verifier.update(BLOB);
        verifier.finish().map(|_| ())
    };
    assert_eq!(judge(&again), Ok(()));
    assert!(judge(&other).is_err());
}

/// Which check refuses what each fault makes.
#[test]
fn spoilt_answers_are_refused_for_their_reason() {
    let sigstore = Sigstore::start(SigstoreOptions::default());
    let cases = [
        (Service::Fulcio, ServiceFault::OtherChain, "certificate"),
        (Service::Fulcio, ServiceFault::WrongSct, "certificate"),
        (Service::RekorV1, ServiceFault::OtherChain, "log"),
        (Service::RekorV1, ServiceFault::WrongCheckpoint, "log"),
        (Service::RekorV1, ServiceFault::WrongContent, "log"),
        (Service::RekorV1, ServiceFault::WrongPromise, "log"),
        (Service::RekorV1, ServiceFault::WrongProof, "log"),
        (Service::RekorV2, ServiceFault::OtherChain, "log"),
        (Service::RekorV2, ServiceFault::WrongCheckpoint, "log"),
        (Service::RekorV2, ServiceFault::WrongContent, "log"),
        (Service::RekorV2, ServiceFault::WrongProof, "log"),
        (Service::Tsa, ServiceFault::OtherChain, "timestamp"),
        (Service::Tsa, ServiceFault::WrongContent, "timestamp"),
    ];
    for (service, fault, reason) in cases {
        let what = format!("{service:?} {fault:?}");
        let witnesses = match service {
            Service::RekorV1 => Witnesses::FORMER,
            _ => Witnesses::TODAY,
        };
        sigstore.fault(service, fault, 1);
        let bundle = sigstore.bundle(&person(), Payload::Blob(BLOB), witnesses);
        let found = match check(&sigstore, &bundle) {
            Ok(_) => "nothing".to_owned(),
            Err(Rejection::Certificate(_)) => "certificate".to_owned(),
            Err(Rejection::LogEntryInvalid(_) | Rejection::LogEntryMismatch(_)) => "log".to_owned(),
            Err(Rejection::TimestampInvalid(_) | Rejection::SigningTimeRequired) => {
                "timestamp".to_owned()
            }
            Err(other) => format!("{other:?}"),
        };
        assert_eq!(found, reason, "{what}");
    }
}
