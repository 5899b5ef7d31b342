//! Certificates over keys of every kind that Rekor takes, in both generations
//! of its entries: the family's own verifier reads only one kind in the second.
#![expect(clippy::unwrap_used, reason = "a test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use waxseal_oci::{Algorithm, Digest};
use waxseal_testkit::sigstore::{Claims, LogVersion, Payload, Sigstore, Witnesses};
use waxseal_testkit::{KeyKind, NOW};
use waxseal_verify::{
    Authority, BlobVerifier, Check, EntryPart, Rejection, Trust, TrustedRoot, Verified, Wanted,
    verify,
};

use crate::annotations::{image, statement};
use crate::support::bundle;
use crate::witnesses::{root, sigstore, workflow};

const BLOB: &[u8] = b"the image";
/// Every kind, and the digest that a signature by it is over.
const KINDS: [(KeyKind, Algorithm); 5] = [
    (KeyKind::EcdsaP256, Algorithm::Sha256),
    (KeyKind::EcdsaP384, Algorithm::Sha384),
    (KeyKind::EcdsaP521, Algorithm::Sha512),
    (KeyKind::Ed25519, Algorithm::Sha512),
    (KeyKind::Rsa2048, Algorithm::Sha256),
];

fn signed(sigstore: &Sigstore, kind: KeyKind, payload: Payload<'_>, log: LogVersion) -> Value {
    let witnesses = Witnesses {
        logs: &[log],
        timestamps: 1,
    };
    sigstore.bundle_by(kind, &Claims::github(), payload, witnesses)
}

/// Whether a bundle counts for a digest.
fn judge(signed: &Value, subject: &Digest, root: &TrustedRoot) -> Result<Verified, Rejection> {
    let wanted = Wanted {
        subject,
        keep_predicate: false,
    };
    let authority = Authority::Keyless(workflow());
    let trust = Trust { root: Some(root) };
    verify(
        &bundle(signed.to_string()),
        &wanted,
        &authority,
        &trust,
        NOW,
    )
}

/// Whether it counts for a file.
fn judge_file(signed: &Value, file: &[u8], root: &TrustedRoot) -> Result<Verified, Rejection> {
    let candidate = bundle(signed.to_string());
    let authority = Authority::Keyless(workflow());
    let trust = Trust { root: Some(root) };
    let mut verifier = BlobVerifier::new(&candidate, &authority, trust, NOW)?;
    verifier.update(file);
    verifier.finish()
}

fn proven(verified: &Verified) -> bool {
    let checks = verified.checks();
    let all = [
        Check::Identity,
        Check::LogEntryBinding,
        Check::LogInclusionProof,
        Check::Timestamp,
    ];
    all.into_iter().all(|check| checks.contains(check))
}

#[test]
fn a_file_by_every_kind_of_key() {
    let sigstore = sigstore(81);
    let root = root(&sigstore.trusted_root());
    for (kind, algorithm) in KINDS {
        for log in [LogVersion::V2, LogVersion::V1] {
            let signed = signed(&sigstore, kind, Payload::Blob(BLOB), log);
            let verified = judge_file(&signed, BLOB, &root).unwrap();
            assert!(proven(&verified), "{kind:?} {log:?}");
            // The digest that was signed does in place of the file, another
            // one does not.
            let digest = Digest::of(algorithm, BLOB);
            assert!(proven(&judge(&signed, &digest, &root).unwrap()));
            let needed = match algorithm {
                Algorithm::Sha256 => None,
                algorithm => Some(Rejection::DigestNeeded { algorithm }),
            };
            assert_eq!(judge(&signed, &Digest::sha256(BLOB), &root).err(), needed);
            let other = judge_file(&signed, b"another file", &root).unwrap_err();
            assert_eq!(other.code(), "subject-mismatch", "{kind:?}: {other}");
            let unsaid = without_digest(&signed);
            assert!(proven(&judge_file(&unsaid, BLOB, &root).unwrap()));
            assert_eq!(
                judge_file(&unsaid, b"another file", &root).err(),
                Some(Rejection::SignatureInvalid),
                "{kind:?}"
            );
        }
    }
}

#[test]
fn a_statement_by_every_kind_of_key() {
    let sigstore = sigstore(82);
    let root = root(&sigstore.trusted_root());
    let statement = statement();
    for (kind, _) in KINDS {
        for log in [LogVersion::V2, LogVersion::V2Dsse, LogVersion::V1] {
            let make = || signed(&sigstore, kind, Payload::Statement(&statement), log);
            let (signed, other) = (make(), make());
            let verified = judge(&signed, &image(), &root).unwrap();
            assert!(proven(&verified), "{kind:?} {log:?}");
            // An entry of the same kind, content and identity is not enough.
            let entries = "/verificationMaterial/tlogEntries";
            let mut swapped = signed.clone();
            *swapped.pointer_mut(entries).unwrap() = other.pointer(entries).unwrap().clone();
            assert_eq!(
                judge(&swapped, &image(), &root).err(),
                Some(Rejection::LogEntryMismatch(EntryPart::Signature)),
                "{kind:?} {log:?}"
            );
            // Nor is a signature by another key than the certificate's.
            let envelope = "/dsseEnvelope";
            let mut swapped = signed.clone();
            *swapped.pointer_mut(envelope).unwrap() = other.pointer(envelope).unwrap().clone();
            assert_eq!(
                judge(&swapped, &image(), &root).err(),
                Some(Rejection::SignatureInvalid),
                "{kind:?} {log:?}"
            );
        }
    }
}

/// A signature under another kind of key than made it is no signature.
#[test]
fn a_certificate_over_another_kind_of_key() {
    let sigstore = sigstore(83);
    let root = root(&sigstore.trusted_root());
    let statement = statement();
    let make = |kind| {
        signed(
            &sigstore,
            kind,
            Payload::Statement(&statement),
            LogVersion::V2,
        )
    };
    let certificate = "/verificationMaterial/certificate";
    for (kind, _) in KINDS {
        for (other, _) in KINDS.into_iter().filter(|(other, _)| *other != kind) {
            let (mut signed, other) = (make(kind), make(other));
            let other = other.pointer(certificate).unwrap().clone();
            *signed.pointer_mut(certificate).unwrap() = other;
            assert_eq!(
                judge(&signed, &image(), &root).err(),
                Some(Rejection::SignatureInvalid)
            );
        }
    }
}

/// What an entry says of its signature's digest has to be true of what was
/// signed, also for digests that the key does not sign.
#[test]
fn an_entry_over_another_digest() {
    let sigstore = sigstore(84);
    let root = root(&sigstore.trusted_root());
    for (kind, algorithm) in KINDS {
        let mut signed = signed(&sigstore, kind, Payload::Blob(BLOB), LogVersion::V2);
        let place = "/verificationMaterial/tlogEntries/0/canonicalizedBody";
        let body = signed.pointer_mut(place).unwrap();
        let text = STANDARD.decode(body.as_str().unwrap()).unwrap();
        let text = String::from_utf8(text).unwrap();
        let digest = |bytes: &[u8]| STANDARD.encode(Digest::of(algorithm, bytes).to_bytes());
        let changed = text.replace(&digest(BLOB), &digest(b"another file"));
        assert_ne!(text, changed);
        *body = STANDARD.encode(changed).into();
        assert_eq!(
            judge_file(&signed, BLOB, &root).err(),
            Some(Rejection::LogEntryMismatch(EntryPart::Digest)),
            "{kind:?}"
        );
    }
}

fn without_digest(signed: &Value) -> Value {
    let mut signed = signed.clone();
    let message = signed.pointer_mut("/messageSignature").unwrap();
    message.as_object_mut().unwrap().remove("messageDigest");
    signed
}
