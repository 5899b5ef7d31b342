//! Timestamps of an authority whose chain is known already: what was checked
//! once must not let anything else by.
#![expect(clippy::unwrap_used, reason = "a test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use jiff::Timestamp;
use serde_json::Value;
use sigstore_types::{DerCertificate, SignatureBytes, TimestampToken};
use sigstore_verify::tsa::{TsaAuthority, verify_timestamp_for_authority};
use waxseal_oci::Digest;
use waxseal_testkit::NOW;
use waxseal_testkit::sigstore::{Claims, Clock, Payload, Sigstore, Witnesses};
use waxseal_verify::{Authority, KeylessAuthority, Rejection, Trust, TrustedRoot, Wanted, verify};
use x509_cert::der::asn1::Any;
use x509_cert::der::{Decode as _, Encode as _};
use x509_tsp::TimeStampResp;

use crate::mutation::{Random, mutants};
use crate::support::bundle;
use crate::witnesses::{root, sigstore, workflow};

const BLOB: &[u8] = b"what is signed";
const TOKEN: &str =
    "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";

/// A signature that nothing but a timestamp speaks for.
fn stamped(sigstore: &Sigstore) -> Value {
    let witnesses = Witnesses {
        logs: &[],
        timestamps: 1,
    };
    sigstore.bundle(&Claims::github(), Payload::Blob(BLOB), witnesses)
}

fn token(signed: &Value) -> Vec<u8> {
    let text = signed.pointer(TOKEN).and_then(Value::as_str).unwrap();
    STANDARD.decode(text).unwrap()
}

fn with_token(signed: &Value, token: &[u8]) -> Value {
    let mut signed = signed.clone();
    *signed.pointer_mut(TOKEN).unwrap() = STANDARD.encode(token).into();
    signed
}

fn judge(signed: &Value, root: &TrustedRoot, now: Timestamp) -> Result<(), Rejection> {
    let KeylessAuthority {
        issuer, subject, ..
    } = workflow();
    let authority = KeylessAuthority::without_logs(issuer, subject);
    let subject = Digest::sha256(BLOB);
    let wanted = Wanted {
        subject: &subject,
        keep_predicate: false,
    };
    let authority = Authority::Keyless(authority);
    let trust = Trust { root: Some(root) };
    verify(
        &bundle(signed.to_string()),
        &wanted,
        &authority,
        &trust,
        now,
    )
    .map(|_| ())
}

fn refusal(signed: &Value, root: &TrustedRoot, now: Timestamp) -> String {
    judge(signed, root, now).unwrap_err().to_string()
}

#[test]
fn a_known_chain_is_refused_where_it_had_expired() {
    let sigstore = sigstore(91);
    let trusted = sigstore.trusted_root();
    let good = stamped(&sigstore);
    // The authority's certificate is good until the end of 2039.
    let later: Timestamp = "2045-01-01T00:00:00Z".parse().unwrap();
    sigstore.set_clock(Clock::Fixed(later));
    let late = stamped(&sigstore);
    let expired = "timestamp: TSA certificate validation failed: TSA certificate chain validation \
                   failed: CertExpired";
    // Whichever comes first.
    let known = root(&trusted);
    assert_eq!(judge(&good, &known, NOW), Ok(()));
    for _ in 0..2 {
        let why = refusal(&late, &known, later);
        assert!(why.starts_with(expired), "{why}");
    }
    assert_eq!(judge(&good, &known, later), Ok(()));
    let unknown = root(&trusted);
    let why = refusal(&late, &unknown, later);
    assert!(why.starts_with(expired), "{why}");
    assert_eq!(judge(&good, &unknown, NOW), Ok(()));
}

#[test]
fn a_known_chain_is_refused_outside_its_window() {
    let sigstore = sigstore(92);
    let good = stamped(&sigstore);
    let mut trusted = sigstore.trusted_root();
    assert_eq!(judge(&good, &root(&trusted), NOW), Ok(()));
    let before = NOW - jiff::SignedDuration::from_secs(1);
    trusted["timestampAuthorities"][0]["validFor"]["end"] = before.to_string().into();
    let known = root(&trusted);
    let why = format!(
        "timestamp: timestamp {NOW} is outside the validity period of the timestamp authority \
         that signed it"
    );
    for _ in 0..2 {
        assert_eq!(refusal(&good, &known, NOW), why);
    }
}

#[test]
fn another_certificate_is_refused_beside_a_known_chain() {
    let (ours, other) = (sigstore(93), sigstore(94));
    let mut trusted = ours.trusted_root();
    let good = stamped(&ours);
    let known = root(&trusted);
    assert_eq!(judge(&good, &known, NOW), Ok(()));
    let signature = good.pointer("/messageSignature/signature").unwrap();
    let signature = STANDARD.decode(signature.as_str().unwrap()).unwrap();
    let foreign = with_token(&good, &other.timestamp(&signature));
    let unknown = "timestamp: Failed to verify timestamp signature: CMS signer does not match any \
                   trusted TSA certificate";
    for _ in 0..2 {
        assert_eq!(refusal(&foreign, &known, NOW), unknown);
    }
    // Another's certificate that does not come from the one that is trusted.
    let certificate = "/timestampAuthorities/0/certChain/certificates/0";
    let others = other.trusted_root();
    *trusted.pointer_mut(certificate).unwrap() = others.pointer(certificate).unwrap().clone();
    let mixed = root(&trusted);
    for _ in 0..2 {
        let why = refusal(&foreign, &mixed, NOW);
        assert!(
            why.starts_with(
                "timestamp: TSA certificate validation failed: TSA certificate chain validation \
                 failed: "
            ),
            "{why}"
        );
        assert_eq!(refusal(&good, &mixed, NOW), unknown);
    }
}

/// The token with other certificates in it, or none.
fn repacked(token: &[u8], change: impl FnOnce(&mut SignedData)) -> Vec<u8> {
    let mut response = TimeStampResp::from_der(token).unwrap();
    let content: &mut ContentInfo = response.time_stamp_token.as_mut().unwrap();
    let mut data: SignedData = content.content.decode_as().unwrap();
    change(&mut data);
    content.content = Any::encode_from(&data).unwrap();
    response.to_der().unwrap()
}

#[test]
fn the_certificate_that_came_along_has_to_be_the_trusted_one() {
    let sigstore = sigstore(95);
    let trusted = sigstore.trusted_root();
    let known = root(&trusted);
    let good = stamped(&sigstore);
    let original = token(&good);
    assert_eq!(repacked(&original, |_| ()), original);
    let bare = repacked(&original, |data| data.certificates = None);
    assert_eq!(judge(&with_token(&good, &bare), &known, NOW), Ok(()));

    let leaf = trusted
        .pointer("/timestampAuthorities/0/certChain/certificates/0/rawBytes")
        .and_then(Value::as_str);
    let leaf = STANDARD.decode(leaf.unwrap()).unwrap();
    let start = original.windows(leaf.len()).position(|part| part == leaf);
    let start = start.unwrap();
    let changed_at = |at: usize| {
        let mut changed = original.clone();
        *changed.get_mut(start + at).unwrap() ^= 1;
        with_token(&good, &changed)
    };
    // A byte of its signature, which nobody looks at.
    assert_eq!(
        refusal(&changed_at(leaf.len() - 1), &known, NOW),
        "timestamp: Failed to verify timestamp signature: the certificate in the token is not the \
         trusted TSA's"
    );
    for at in 0..leaf.len() {
        assert!(judge(&changed_at(at), &known, NOW).is_err(), "byte {at}");
    }
    // Only the one above it.
    let above = repacked(&original, |data| {
        let set = data.certificates.take().unwrap().0.into_vec();
        let others = set.into_iter().filter(|one| one.to_der().unwrap() != leaf);
        data.certificates = Some(others.collect::<Vec<_>>().try_into().unwrap());
    });
    assert_eq!(
        refusal(&with_token(&good, &above), &known, NOW),
        "timestamp: Failed to verify timestamp signature: the certificate in the token is not the \
         trusted TSA's"
    );
}

/// `sigstore-tsa` walks the whole chain each time: what it refuses is refused.
#[test]
fn nothing_counts_that_the_crate_refuses() {
    let sigstore = sigstore(96);
    let trusted = sigstore.trusted_root();
    let known = root(&trusted);
    let good = stamped(&sigstore);
    let certificates = trusted
        .pointer("/timestampAuthorities/0/certChain/certificates")
        .and_then(Value::as_array)
        .unwrap();
    let der = |value: &Value| {
        let text = value.pointer("/rawBytes").and_then(Value::as_str);
        DerCertificate::new(STANDARD.decode(text.unwrap()).unwrap())
    };
    let (leaf, anchor) = (certificates.first().unwrap(), certificates.last().unwrap());
    let authority = TsaAuthority::new(der(leaf), Vec::new(), der(anchor), None);
    let signature = good.pointer("/messageSignature/signature").unwrap();
    let signature = STANDARD.decode(signature.as_str().unwrap()).unwrap();
    let signature = SignatureBytes::new(signature);
    let theirs = |token: &[u8]| {
        let token = TimestampToken::new(token.to_vec());
        verify_timestamp_for_authority(&token, &signature, &authority).is_ok()
    };
    let original = token(&good);
    assert!(theirs(&original));
    let mut random = Random::new(0x5eed_0096);
    let (mut refused, mut same) = (0, 0);
    for at in random.some(original.len()) {
        for mutant in mutants(&original, at, &mut random) {
            let ours = judge(&with_token(&good, &mutant), &known, NOW).is_ok();
            assert!(!ours || theirs(&mutant), "byte {at}");
            refused += usize::from(!ours);
            same += usize::from(ours);
        }
    }
    assert!(refused > same, "{refused} refused, {same} not");
}
