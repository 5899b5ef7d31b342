//! Certificates, logs and timestamp authorities of a private Sigstore: what
//! counts, how much of it there has to be, and what nobody should believe.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::num::NonZeroU8;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use waxseal_oci::Digest;
use waxseal_testkit::NOW;
use waxseal_testkit::sigstore::{
    Claims, LogVersion, Payload, Service, ServiceFault, Sigstore, SigstoreOptions, Witnesses,
};
use waxseal_verify::{
    Authority, Check, Demand, KeylessAuthority, LogProof, Matcher, Rejection, Trust, TrustedRoot,
    Verified, Wanted, verify,
};

use crate::support::bundle;

const BLOB: &[u8] = b"what is signed";
const BOTH: &[LogVersion] = &[LogVersion::V1, LogVersion::V2];

pub(crate) fn sigstore(seed: u64) -> Sigstore {
    let options = SigstoreOptions {
        seed,
        ..SigstoreOptions::default()
    };
    Sigstore::start(options)
}

pub(crate) fn root(value: &Value) -> TrustedRoot {
    TrustedRoot::from_json(value.to_string().as_bytes()).unwrap()
}

/// The workflow of [`Claims::github`].
pub(crate) fn workflow() -> KeylessAuthority {
    KeylessAuthority::new(
        Matcher::exact("https://token.actions.githubusercontent.com").unwrap(),
        Matcher::exact(
            "https://github.com/octo/app/.github/workflows/release.yml@refs/tags/v1.2.3",
        )
        .unwrap(),
    )
}

pub(crate) fn judge(
    signed: &Value,
    authority: KeylessAuthority,
    root: &TrustedRoot,
) -> Result<Verified, Rejection> {
    let subject = Digest::sha256(BLOB);
    let wanted = Wanted {
        subject: &subject,
        keep_predicate: false,
    };
    verify(
        &bundle(signed.to_string()),
        &wanted,
        &Authority::Keyless(authority),
        &Trust { root: Some(root) },
        NOW,
    )
}

fn signed(sigstore: &Sigstore, logs: &[LogVersion], timestamps: usize) -> Value {
    let witnesses = Witnesses { logs, timestamps };
    sigstore.bundle(&Claims::github(), Payload::Blob(BLOB), witnesses)
}

fn distinct(count: u8) -> Demand {
    Demand::Distinct(NonZeroU8::new(count).unwrap())
}

#[test]
fn every_generation_of_evidence_counts() {
    let sigstore = sigstore(31);
    let root = root(&sigstore.trusted_root());
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "x", "digest": { "sha256": Digest::sha256(BLOB).hex() } }],
        "predicateType": "https://example.com/p",
        "predicate": {},
    })
    .to_string();
    for payload in [
        Payload::Blob(BLOB),
        Payload::Statement(statement.as_bytes()),
    ] {
        for (logs, timestamps) in [
            (&[LogVersion::V1][..], 0),
            (&[LogVersion::V1], 1),
            (&[LogVersion::V2], 1),
            (&[LogVersion::V2Dsse], 1),
            (BOTH, 1),
        ] {
            let witnesses = Witnesses { logs, timestamps };
            let signed = sigstore.bundle(&Claims::github(), payload, witnesses);
            let verified = judge(&signed, workflow(), &root).unwrap();
            for check in [
                Check::CertificateChain,
                Check::CertificateTransparency,
                Check::Identity,
                Check::LogEntryBinding,
                Check::LogInclusionProof,
            ] {
                assert!(verified.checks().contains(check), "{logs:?} {check:?}");
            }
            assert_eq!(
                verified.checks().contains(Check::LogPromise),
                logs.contains(&LogVersion::V1)
            );
            let promised = usize::from(logs.contains(&LogVersion::V1));
            assert_eq!(verified.times().len(), promised + timestamps);
        }
    }
}

#[test]
fn logs_are_counted_by_their_keys() {
    let sigstore = sigstore(32);
    let mut trusted = sigstore.trusted_root();
    let asking = |log| {
        let mut authority = workflow();
        authority.log = log;
        authority
    };
    let both = signed(&sigstore, BOTH, 1);
    let one = signed(&sigstore, &[LogVersion::V1], 1);
    let plain = root(&trusted);
    assert!(judge(&both, asking(distinct(2)), &plain).is_ok());
    let too_few = |needed| Some(Rejection::LogThreshold { needed, found: 1 });
    assert_eq!(judge(&one, asking(distinct(2)), &plain).err(), too_few(2));
    assert_eq!(
        judge(&both, asking(distinct(3)), &plain).err(),
        Some(Rejection::LogThreshold {
            needed: 3,
            found: 2
        })
    );
    // An entry of the same log again, which is a third entry and no third log.
    let mut again = both.clone();
    let entries = again["verificationMaterial"]["tlogEntries"].as_array_mut();
    let entries = entries.unwrap();
    entries.push(entries[1].clone());
    assert!(matches!(
        judge(&again, asking(distinct(3)), &plain).err(),
        Some(Rejection::LogEntryDuplicate { .. })
    ));
    // Promise and proof of one log are one log, also where promises suffice.
    let mut lenient = asking(distinct(2));
    lenient.proof = LogProof::PromiseSuffices;
    assert_eq!(judge(&one, lenient, &plain).err(), too_few(2));
    // One key under two names.
    let mut twin = trusted["tlogs"][0].clone();
    twin["logId"]["keyId"] = STANDARD.encode([7; 32]).into();
    trusted["tlogs"].as_array_mut().unwrap().push(twin);
    assert_eq!(
        judge(&one, asking(distinct(2)), &root(&trusted)).err(),
        too_few(2)
    );
}

/// A log whose key was changed is still the one that it was, and so is what a chain
/// of such changes leads to.
#[test]
fn a_log_with_two_keys_is_one() {
    let sigstore = sigstore(39);
    let both = signed(&sigstore, BOTH, 1);
    let judged = |trusted: &Value, count| {
        let mut authority = workflow();
        authority.log = distinct(count);
        judge(&both, authority, &root(trusted)).map(|_| ()).err()
    };
    let too_few = Some(Rejection::LogThreshold {
        needed: 2,
        found: 1,
    });
    let mut trusted = sigstore.trusted_root();
    assert_eq!(judged(&trusted, 2), None);
    let address = trusted["tlogs"][0]["baseUrl"].as_str().unwrap().to_owned();
    trusted["tlogs"][1]["baseUrl"] = format!("{address}/").into();
    assert_eq!(judged(&trusted, 2), too_few);
    assert_eq!(judged(&trusted, 1), None);
    assert_eq!(root(&trusted).logs(), 1);
    // Nothing is known of the address of either.
    for log in [0, 1] {
        trusted["tlogs"][log]["baseUrl"] = "".into();
    }
    assert_eq!(judged(&trusted, 2), None);
    // The second one's key at the first one's address, under another name.
    let mut trusted = sigstore.trusted_root();
    let mut bridge = trusted["tlogs"][1].clone();
    bridge["baseUrl"] = address.into();
    bridge["logId"]["keyId"] = STANDARD.encode([7; 32]).into();
    trusted["tlogs"].as_array_mut().unwrap().push(bridge);
    assert_eq!(judged(&trusted, 2), too_few);
}

/// A proof has no time of its own: a key that leaked after the log was retired
/// proves nothing that was signed since.
#[test]
fn a_log_proves_nothing_that_was_signed_after_its_time() {
    let sigstore = sigstore(40);
    let judged = |logs: &[LogVersion], retired: usize, end: jiff::Timestamp| {
        let mut trusted = sigstore.trusted_root();
        trusted["tlogs"][retired]["publicKey"]["validFor"]["end"] = end.to_string().into();
        let outcome = judge(&signed(&sigstore, logs, 1), workflow(), &root(&trusted));
        outcome.map(|_| ()).map_err(|why| why.to_string())
    };
    let before = NOW - jiff::SignedDuration::from_secs(1);
    let over = format!("log entry: the log that proves it was not trusted any more at {NOW}");
    assert_eq!(judged(&[LogVersion::V2], 1, before), Err(over.clone()));
    assert_eq!(judged(&[LogVersion::V2], 1, NOW), Ok(()));
    assert_eq!(judged(BOTH, 1, before), Err(over));
    let promised = judged(&[LogVersion::V1], 0, before).unwrap_err();
    assert!(promised.ends_with(&format!("at {NOW}")), "{promised}");
}

#[test]
fn timestamp_authorities_are_counted_by_their_keys() {
    let (ours, other) = (sigstore(33), sigstore(34));
    let mut trusted = ours.trusted_root();
    let asking = || {
        let mut authority = workflow();
        authority.timestamp = distinct(2);
        authority
    };
    let mut signed = signed(&ours, &[LogVersion::V2], 2);
    let too_few = Some(Rejection::TimestampThreshold {
        needed: 2,
        found: 1,
    });
    assert_eq!(
        judge(&signed, asking(), &root(&trusted)).err(),
        too_few.clone()
    );
    // The same authority under two names.
    let twin = trusted["timestampAuthorities"][0].clone();
    trusted["timestampAuthorities"]
        .as_array_mut()
        .unwrap()
        .push(twin);
    assert_eq!(judge(&signed, asking(), &root(&trusted)).err(), too_few);
    // Another one, which has to be trusted to count.
    let signature = signed["messageSignature"]["signature"].as_str().unwrap();
    let token = other.timestamp(&STANDARD.decode(signature).unwrap());
    let data = &mut signed["verificationMaterial"]["timestampVerificationData"];
    data["rfc3161Timestamps"][1] = json!({ "signedTimestamp": STANDARD.encode(token) });
    assert!(matches!(
        judge(&signed, asking(), &root(&trusted)).err(),
        Some(Rejection::TimestampInvalid(_))
    ));
    trusted["timestampAuthorities"][1] = other.trusted_root()["timestampAuthorities"][0].clone();
    let verified = judge(&signed, asking(), &root(&trusted)).unwrap();
    assert_eq!(verified.times().len(), 2);
    // The same address, which has had two keys.
    let mut renewed = trusted.clone();
    renewed["timestampAuthorities"][1]["uri"] = trusted["timestampAuthorities"][0]["uri"].clone();
    assert_eq!(
        judge(&signed, asking(), &root(&renewed)).err(),
        Some(Rejection::TimestampThreshold {
            needed: 2,
            found: 1
        })
    );
    let mut more = asking();
    more.timestamp = distinct(3);
    assert_eq!(
        judge(&signed, more, &root(&trusted)).err(),
        Some(Rejection::TimestampThreshold {
            needed: 3,
            found: 2
        })
    );
}

/// Of several authorities, the one that signed says what is wrong, not the one that
/// comes last.
#[test]
fn a_timestamp_is_refused_for_its_own_authoritys_reason() {
    let (ours, other) = (sigstore(41), sigstore(42));
    let signed = signed(&ours, &[LogVersion::V2], 1);
    let mut trusted = ours.trusted_root();
    let before = NOW - jiff::SignedDuration::from_secs(1);
    let authorities = trusted["timestampAuthorities"].as_array_mut().unwrap();
    authorities[0]["validFor"]["end"] = before.to_string().into();
    authorities.push(other.trusted_root()["timestampAuthorities"][0].clone());
    let over = format!(
        "timestamp: timestamp {NOW} is outside the validity period of the timestamp authority \
         that signed it"
    );
    for turned in [false, true] {
        if turned {
            let authorities = trusted["timestampAuthorities"].as_array_mut();
            authorities.unwrap().reverse();
        }
        let refused = judge(&signed, workflow(), &root(&trusted)).unwrap_err();
        assert_eq!(refused.to_string(), over, "turned: {turned}");
    }
}

/// GitHub's instance for private repositories: no log, no certificate
/// transparency, timestamps only.
#[test]
fn an_instance_without_logs_counts_for_whom_asks_for_none() {
    let sigstore = sigstore(35);
    let mut trusted = sigstore.trusted_root();
    trusted["tlogs"] = json!([]);
    trusted["ctlogs"] = json!([]);
    let root = root(&trusted);
    let unlogged = |identity: KeylessAuthority| {
        KeylessAuthority::without_logs(identity.issuer, identity.subject)
    };
    let stamped = signed(&sigstore, &[], 1);
    let verified = judge(&stamped, unlogged(workflow()), &root).unwrap();
    assert!(verified.checks().contains(Check::Timestamp));
    assert!(!verified.checks().contains(Check::CertificateTransparency));
    assert_eq!(
        judge(&stamped, workflow(), &root).err(),
        Some(Rejection::LogRequired)
    );
    let unstamped = signed(&sigstore, &[], 0);
    assert_eq!(
        judge(&unstamped, unlogged(workflow()), &root).err(),
        Some(Rejection::SigningTimeRequired)
    );
    let mut stranger = unlogged(workflow());
    stranger.subject = Matcher::exact("https://github.com/octo/other").unwrap();
    assert!(matches!(
        judge(&stamped, stranger, &root).err(),
        Some(Rejection::IdentityMismatch { .. })
    ));
}

#[test]
fn what_services_answer_wrongly_is_refused() {
    let sigstore = sigstore(36);
    let root = root(&sigstore.trusted_root());
    let refusal = |service, fault| {
        sigstore.fault(service, fault, 1);
        let signed = signed(&sigstore, BOTH, 1);
        sigstore.heal();
        judge(&signed, workflow(), &root).unwrap_err().to_string()
    };
    let table = [
        (
            Service::Fulcio,
            ServiceFault::OtherChain,
            "certificate: no certificate authority of the trust root issued it",
        ),
        (
            Service::Fulcio,
            ServiceFault::NoPurpose,
            "certificate: it is not for signing code",
        ),
        (
            Service::Fulcio,
            ServiceFault::WrongSct,
            "certificate: its transparency timestamp: the log's signature does not verify",
        ),
        (
            Service::RekorV1,
            ServiceFault::WrongPromise,
            "log entry: the log's promise does not verify",
        ),
        (
            Service::RekorV1,
            ServiceFault::WrongCheckpoint,
            "log entry: the checkpoint's signature does not verify",
        ),
        (
            Service::RekorV2,
            ServiceFault::WrongCheckpoint,
            "log entry: the checkpoint's signature does not verify",
        ),
    ];
    for (service, fault, why) in table {
        assert_eq!(
            refusal(service, fault.clone()),
            why,
            "{service:?} {fault:?}"
        );
    }
    for service in [Service::RekorV1, Service::RekorV2] {
        let why = refusal(service, ServiceFault::WrongProof);
        assert!(why.starts_with("log entry: inclusion proof: "), "{why}");
    }
    let why = refusal(Service::Tsa, ServiceFault::WrongContent);
    assert!(why.starts_with("timestamp: "), "{why}");
}

/// A bundle's media type is not signed, and the older versions ask for less.
#[test]
fn a_bundle_relabelled_to_lose_its_proof_does_not_count() {
    let sigstore = sigstore(38);
    let root = root(&sigstore.trusted_root());
    let relabelled = |log, version| {
        let mut signed = signed(&sigstore, &[log], 1);
        signed["mediaType"] =
            format!("application/vnd.dev.sigstore.bundle+json;version={version}").into();
        let entry = signed.pointer_mut("/verificationMaterial/tlogEntries/0");
        let entry = entry.and_then(Value::as_object_mut).unwrap();
        entry.remove("inclusionProof").unwrap();
        signed
    };
    let promised = relabelled(LogVersion::V1, "0.1");
    assert_eq!(
        judge(&promised, workflow(), &root).err(),
        Some(Rejection::LogProofRequired)
    );
    let mut lenient = workflow();
    lenient.proof = LogProof::PromiseSuffices;
    let verified = judge(&promised, lenient.clone(), &root).unwrap();
    assert!(verified.checks().contains(Check::LogPromise));
    assert!(!verified.checks().contains(Check::LogInclusionProof));
    for (log, version, missing) in [
        (LogVersion::V1, "0.2", "inclusionProof"),
        (LogVersion::V1, "0.3", "inclusionProof"),
        (LogVersion::V2, "0.1", "inclusionPromise"),
        (LogVersion::V2, "0.3", "inclusionProof"),
    ] {
        let judged = judge(&relabelled(log, version), lenient.clone(), &root);
        let why = judged.unwrap_err().to_string();
        assert_eq!(why, format!("`tlogEntries` has no `{missing}`"));
    }
}

/// Nothing is read from the machine's clock: before the instance's keys were
/// in force, and before it signed, nothing counts; long after, it still does.
#[test]
fn the_time_is_the_one_that_was_given() {
    let sigstore = sigstore(37);
    let root = root(&sigstore.trusted_root());
    let subject = Digest::sha256(BLOB);
    let wanted = Wanted {
        subject: &subject,
        keep_predicate: false,
    };
    let signed = signed(&sigstore, &[LogVersion::V1], 0).to_string();
    let at = |now: &str| {
        verify(
            &bundle(signed.clone()),
            &wanted,
            &Authority::Keyless(workflow()),
            &Trust { root: Some(&root) },
            now.parse().unwrap(),
        )
    };
    assert!(at("2400-01-01T00:00:00Z").is_ok());
    assert_eq!(
        at("1999-01-01T00:00:00Z").unwrap_err().to_string(),
        "log entry: no trusted log signed the checkpoint"
    );
    let before = NOW - jiff::SignedDuration::from_secs(1);
    assert_eq!(
        at(&before.to_string()).unwrap_err().to_string(),
        format!("log entry: it was integrated in the future, at {NOW}")
    );
}
