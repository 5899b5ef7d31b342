//! cosign 2's keyless signatures and attestations, which keep certificate,
//! chain, promise and timestamp in annotations: as strict as a bundle.
#![expect(clippy::unwrap_used, reason = "a test")]

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use waxseal_oci::Digest;
use waxseal_testkit::NOW;
use waxseal_testkit::sigstore::{
    Claims, Clock, LogVersion, Payload, Service, ServiceFault, Sigstore, TagLayer,
};
use waxseal_verify::{
    Authority, Check, Format, KeylessAuthority, LogProof, Matcher, Rejection, Trust, TrustedRoot,
    Verified, Wanted, verify,
};

use crate::support::{attestation, signature};
use crate::witnesses::{root, sigstore, workflow};

pub(crate) const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
pub(crate) const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
pub(crate) const CHAIN: &str = "dev.sigstore.cosign/chain";
pub(crate) const BUNDLE: &str = "dev.sigstore.cosign/bundle";
pub(crate) const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

pub(crate) fn image() -> Digest {
    Digest::sha256(b"the image")
}

/// What cosign 2 signs of an image.
pub(crate) fn payload() -> Vec<u8> {
    let payload = json!({
        "critical": {
            "identity": { "docker-reference": "registry.example.com/app" },
            "image": { "docker-manifest-digest": image() },
            "type": "cosign container image signature",
        },
        "optional": null,
    });
    payload.to_string().into_bytes()
}

/// What it attests.
pub(crate) fn statement() -> Vec<u8> {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "subject": [{ "name": "registry.example.com/app", "digest": { "sha256": image().hex() } }],
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "predicate": {},
    });
    statement.to_string().into_bytes()
}

/// The kinds of layers that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Signature,
    /// An attestation whose entry is of the kind `dsse`.
    Attestation,
    /// One whose entry is of the kind `intoto`, as it was at first.
    Former,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Signature, Self::Attestation, Self::Former];

    /// A layer with a certificate, which nobody has seen.
    pub(crate) fn unseen(self, sigstore: &Sigstore) -> TagLayer {
        let (payload, statement) = (payload(), statement());
        let payload = match self {
            Self::Signature => Payload::Blob(&payload),
            _ => Payload::Statement(&statement),
        };
        sigstore.tag_layer(&Claims::github(), payload)
    }

    pub(crate) fn log(self, sigstore: &Sigstore, layer: &mut TagLayer) {
        let version = match self {
            Self::Former => LogVersion::V1Intoto,
            _ => LogVersion::V1,
        };
        sigstore.log_layer(layer, version);
    }

    /// A layer that a log has promised to include.
    pub(crate) fn logged(self, sigstore: &Sigstore) -> TagLayer {
        let mut layer = self.unseen(sigstore);
        self.log(sigstore, &mut layer);
        layer
    }

    fn judge(
        self,
        layer: &TagLayer,
        authority: KeylessAuthority,
        root: &TrustedRoot,
    ) -> Result<Verified, Rejection> {
        self.judge_at(LATER, layer, authority, root)
    }

    pub(crate) fn judge_at(
        self,
        now: Timestamp,
        layer: &TagLayer,
        authority: KeylessAuthority,
        root: &TrustedRoot,
    ) -> Result<Verified, Rejection> {
        let (content, annotations) = (layer.content.clone(), layer.annotations.clone());
        let candidate = match self {
            Self::Signature => signature(content, annotations),
            _ => attestation(content, annotations),
        };
        let subject = image();
        let wanted = Wanted {
            subject: &subject,
            keep_predicate: false,
        };
        let trust = Trust { root: Some(root) };
        verify(
            &candidate,
            &wanted,
            &Authority::Keyless(authority),
            &trust,
            now,
        )
    }

    fn refusal(self, layer: &TagLayer, root: &TrustedRoot) -> String {
        let judged = self.judge(layer, workflow(), root);
        judged.unwrap_err().to_string()
    }
}

/// Asks for no log, but for a timestamp.
fn timestamped() -> KeylessAuthority {
    let workflow = workflow();
    KeylessAuthority::without_logs(workflow.issuer, workflow.subject)
}

/// An instance's root that knows the authority's own certificate only.
fn without_intermediate(sigstore: &Sigstore) -> TrustedRoot {
    let mut trusted = sigstore.trusted_root();
    let place = "/certificateAuthorities/0/certChain/certificates";
    let certificates = trusted.pointer_mut(place).and_then(Value::as_array_mut);
    certificates.unwrap().remove(0);
    root(&trusted)
}

fn with(layer: &TagLayer, name: &str, value: impl Into<String>) -> TagLayer {
    let mut layer = layer.clone();
    layer.annotations.insert(name.to_owned(), value.into());
    layer
}

fn without(layer: &TagLayer, name: &str) -> TagLayer {
    let mut layer = layer.clone();
    layer.annotations.remove(name).unwrap();
    layer
}

fn taken(layer: &TagLayer, name: &str, from: &TagLayer) -> TagLayer {
    with(layer, name, from.annotations.get(name).unwrap())
}

/// The log's answer, changed.
fn answer(layer: &TagLayer, change: impl FnOnce(&mut Value)) -> TagLayer {
    let text = layer.annotations.get(BUNDLE).unwrap();
    let mut answer: Value = serde_json::from_str(text).unwrap();
    change(&mut answer);
    with(layer, BUNDLE, answer.to_string())
}

fn set(answer: &mut Value, place: &str, value: impl Into<Value>) {
    *answer.pointer_mut(place).unwrap() = value.into();
}

#[test]
fn each_kind_counts_with_a_promise_or_a_timestamp() {
    let sigstore = sigstore(51);
    let root = root(&sigstore.trusted_root());
    for kind in Kind::ALL {
        let mut layer = kind.logged(&sigstore);
        let promised = kind.judge(&layer, workflow(), &root).unwrap();
        for check in [
            Check::CertificateChain,
            Check::CertificateTransparency,
            Check::Identity,
            Check::LogEntryBinding,
            Check::LogPromise,
        ] {
            assert!(promised.checks().contains(check), "{kind:?} {check:?}");
        }
        assert!(!promised.checks().contains(Check::LogInclusionProof));
        assert_eq!(promised.times(), [NOW]);
        let (format, attested) = match kind {
            Kind::Signature => (Format::SimpleSigning, false),
            _ => (Format::LegacyAttestation, true),
        };
        assert_eq!(promised.format(), format);
        assert_eq!(matches!(promised, Verified::Attestation(_)), attested);

        sigstore.stamp_layer(&mut layer);
        let both = kind.judge(&layer, workflow(), &root).unwrap();
        assert!(both.checks().contains(Check::Timestamp), "{kind:?}");
        assert_eq!(both.times(), [NOW, NOW]);

        let stamped = without(&layer, BUNDLE);
        let verified = kind.judge(&stamped, timestamped(), &root).unwrap();
        assert!(!verified.checks().contains(Check::LogPromise), "{kind:?}");
        assert_eq!(
            kind.refusal(&stamped, &root),
            "a transparency log entry is required; there is none"
        );
    }
}

#[test]
fn an_answer_of_the_log_that_is_wrong() {
    let sigstore = sigstore(52);
    let root = root(&sigstore.trusted_root());
    for kind in Kind::ALL {
        let layer = kind.logged(&sigstore);
        let refusal = |layer: &TagLayer| kind.refusal(layer, &root);
        let mut spoilt = kind.unseen(&sigstore);
        sigstore.fault(Service::RekorV1, ServiceFault::WrongPromise, 1);
        kind.log(&sigstore, &mut spoilt);
        let unpromised = "log entry: the log's promise does not verify";
        assert_eq!(refusal(&spoilt), unpromised);
        for (place, value) in [
            ("/Payload/integratedTime", json!(NOW.as_second() + 1)),
            ("/Payload/logIndex", json!(4711)),
        ] {
            let changed = answer(&layer, |answer| set(answer, place, value));
            assert_eq!(refusal(&changed), unpromised, "{kind:?} {place}");
        }
        let name = "00".repeat(32);
        let foreign = answer(&layer, |answer| set(answer, "/Payload/logID", name.clone()));
        assert_eq!(
            refusal(&foreign),
            format!("log entry: no trusted log {name} at {NOW}")
        );
        let other_key = crate::witnesses::sigstore(53);
        let mut elsewhere = kind.unseen(&sigstore);
        kind.log(&other_key, &mut elsewhere);
        let why = refusal(&elsewhere);
        assert!(why.starts_with("log entry: no trusted log "), "{why}");
        let future = answer(&layer, |answer| {
            set(answer, "/Payload/integratedTime", LATER.as_second() + 1);
        });
        let at = LATER + SignedDuration::from_secs(1);
        assert_eq!(
            refusal(&future),
            format!("log entry: it was integrated in the future, at {at}")
        );
    }
}

/// CVE-2022-36056: any entry that was genuine was taken.
#[test]
fn an_entry_of_another_signature() {
    let sigstore = sigstore(54);
    let root = root(&sigstore.trusted_root());
    for kind in Kind::ALL {
        let (layer, other) = (kind.logged(&sigstore), kind.logged(&sigstore));
        let swapped = taken(&layer, BUNDLE, &other);
        let part = match kind {
            Kind::Former => "content",
            _ => "signature",
        };
        let wrong = format!("log entry: it is for another {part}");
        assert_eq!(kind.refusal(&swapped, &root), wrong);
        let elsewhere = match kind {
            Kind::Signature => Kind::Attestation.logged(&sigstore),
            _ => Kind::Signature.logged(&sigstore),
        };
        let other_kind = taken(&layer, BUNDLE, &elsewhere);
        assert_eq!(
            kind.refusal(&other_kind, &root),
            "log entry: it is for another kind of signature"
        );
    }
}

#[test]
fn a_certificate_that_was_not_valid_then() {
    let sigstore = sigstore(55);
    let root = root(&sigstore.trusted_root());
    for kind in Kind::ALL {
        for (minutes, why) in [(-1, "was not valid yet"), (11, "was not valid any more")] {
            let at = NOW + SignedDuration::from_mins(minutes);
            let wrong = format!("certificate: it, or one above it, {why} at {at}");
            let mut logged = kind.unseen(&sigstore);
            let mut stamped = kind.logged(&sigstore);
            sigstore.set_clock(Clock::Fixed(at));
            kind.log(&sigstore, &mut logged);
            sigstore.stamp_layer(&mut stamped);
            sigstore.set_clock(Clock::Fixed(NOW));
            assert_eq!(kind.refusal(&logged, &root), wrong);
            // One good time does not make up for a bad one.
            assert_eq!(kind.refusal(&stamped, &root), wrong);
            let stamped = without(&stamped, BUNDLE);
            let judged = kind.judge(&stamped, timestamped(), &root);
            assert_eq!(judged.unwrap_err().to_string(), wrong);
        }
    }
}

#[test]
fn a_chain_that_is_missing_or_leads_elsewhere() {
    const UNKNOWN: &str = "certificate: no certificate authority of the trust root issued it";
    let sigstore = sigstore(56);
    let (whole, bare) = (
        root(&sigstore.trusted_root()),
        without_intermediate(&sigstore),
    );
    let other = crate::witnesses::sigstore(57);
    for kind in Kind::ALL {
        let layer = kind.logged(&sigstore);
        assert!(kind.judge(&layer, workflow(), &bare).is_ok());
        // The chain is a hint: what the trust root has need not be given.
        let unchained = without(&layer, CHAIN);
        assert!(kind.judge(&unchained, workflow(), &whole).is_ok());
        assert_eq!(kind.refusal(&unchained, &bare), UNKNOWN);
        let foreign = taken(&layer, CHAIN, &kind.logged(&other));
        assert_eq!(kind.refusal(&foreign, &bare), UNKNOWN);
        let mut stranger = kind.unseen(&other);
        kind.log(&sigstore, &mut stranger);
        assert_eq!(kind.refusal(&stranger, &whole), UNKNOWN);
        sigstore.fault(Service::Fulcio, ServiceFault::OtherChain, 1);
        assert_eq!(kind.refusal(&kind.logged(&sigstore), &whole), UNKNOWN);
        sigstore.fault(Service::Fulcio, ServiceFault::WrongSct, 1);
        assert_eq!(
            kind.refusal(&kind.logged(&sigstore), &whole),
            "certificate: its transparency timestamp: the log's signature does not verify"
        );
        let many = layer.annotations.get(CHAIN).unwrap().repeat(8);
        assert_eq!(
            kind.refusal(&with(&layer, CHAIN, many), &whole),
            "`certificates` has 17 elements; 16 are the most that are read"
        );
    }
}

#[test]
fn a_certificate_of_somebody_else() {
    let sigstore = sigstore(58);
    let root = root(&sigstore.trusted_root());
    for kind in Kind::ALL {
        let (layer, other) = (kind.logged(&sigstore), kind.logged(&sigstore));
        let swapped = taken(&layer, CERTIFICATE, &other);
        assert_eq!(
            kind.refusal(&swapped, &root),
            "the signature does not verify with this key"
        );
        let certificate = layer.annotations.get(CERTIFICATE).unwrap();
        let two = with(&layer, CERTIFICATE, certificate.repeat(2));
        assert_eq!(
            kind.refusal(&two, &root),
            "certificate: 2 certificates in one annotation"
        );
        assert_eq!(
            kind.refusal(&without(&layer, CERTIFICATE), &root),
            "signed with a key, not with a certificate"
        );
        let mut stranger = workflow();
        stranger.subject = Matcher::exact("https://github.com/octo/other").unwrap();
        assert!(matches!(
            kind.judge(&layer, stranger, &root).err(),
            Some(Rejection::IdentityMismatch { .. })
        ));
    }
}

#[test]
fn a_timestamp_of_another_signature() {
    let sigstore = sigstore(59);
    let root = root(&sigstore.trusted_root());
    let other = crate::witnesses::sigstore(60);
    for kind in Kind::ALL {
        let [mut layer, mut elsewhere] = [kind.unseen(&sigstore), kind.unseen(&sigstore)];
        sigstore.stamp_layer(&mut layer);
        sigstore.stamp_layer(&mut elsewhere);
        let refusal = |layer: &TagLayer| {
            let judged = kind.judge(layer, timestamped(), &root);
            judged.unwrap_err().to_string()
        };
        assert!(kind.judge(&layer, timestamped(), &root).is_ok());
        let swapped = taken(&layer, TIMESTAMP, &elsewhere);
        assert_eq!(refusal(&swapped), "timestamp: it is over something else");
        let mut foreign = layer.clone();
        other.stamp_layer(&mut foreign);
        assert_eq!(
            refusal(&foreign),
            "timestamp: Failed to verify timestamp signature: CMS signer does not match any \
             trusted TSA certificate"
        );
        assert_eq!(
            refusal(&without(&layer, TIMESTAMP)),
            "no trusted log or timestamp authority says when it was signed"
        );
        // Also where no timestamp is needed, one that is there has to hold.
        kind.log(&sigstore, &mut layer);
        let swapped = taken(&layer, TIMESTAMP, &elsewhere);
        assert_eq!(
            kind.refusal(&swapped, &root),
            "timestamp: it is over something else"
        );
    }
}

/// An attestation is timestamped as a whole, a signature by itself.
#[test]
fn a_timestamp_over_another_part() {
    let sigstore = sigstore(61);
    let root = root(&sigstore.trusted_root());
    for kind in Kind::ALL {
        let layer = kind.unseen(&sigstore);
        let mut other_part = layer.clone();
        let sig = match kind {
            Kind::Signature => String::new(),
            _ => {
                let envelope: Value = serde_json::from_slice(&layer.content).unwrap();
                let sig = envelope.pointer("/signatures/0/sig");
                sig.and_then(Value::as_str).unwrap().to_owned()
            }
        };
        other_part.annotations.insert(SIGNATURE.to_owned(), sig);
        sigstore.stamp_layer(&mut other_part);
        let changed = taken(&layer, TIMESTAMP, &other_part);
        let judged = kind.judge(&changed, timestamped(), &root);
        assert_eq!(
            judged.unwrap_err().to_string(),
            "timestamp: it is over something else"
        );
    }
}

#[test]
fn annotations_that_cannot_be_read() {
    let sigstore = sigstore(62);
    let root = root(&sigstore.trusted_root());
    for kind in Kind::ALL {
        let mut layer = kind.logged(&sigstore);
        sigstore.stamp_layer(&mut layer);
        let twice = layer.annotations.get(BUNDLE).unwrap();
        let twice = twice.replacen('{', r#"{"Payload":{},"#, 1);
        let more = answer(&layer, |answer| set(answer, "/Payload/body", ""));
        let more = more.annotations.get(BUNDLE).unwrap();
        for (name, value, why) in [
            (BUNDLE, "{}", "`bundle` has no `SignedEntryTimestamp`"),
            (
                BUNDLE,
                &twice,
                "the key `Payload` stands twice in one object",
            ),
            (BUNDLE, more, "`Payload` has no `body`"),
            (
                TIMESTAMP,
                "{}",
                "`rfc3161timestamp` has no `SignedRFC3161Timestamp`",
            ),
            (
                TIMESTAMP,
                r#"{"SignedRFC3161Timestamp":"AAAA"}"#,
                "timestamp: Failed to parse timestamp response: failed to decode TimeStampToken: \
                 unknown/unsupported ASN.1 DER tag: 0x00",
            ),
            (
                CERTIFICATE,
                "nothing",
                "certificate: 0 certificates in one annotation",
            ),
            (
                CERTIFICATE,
                "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
                "certificate: `PUBLIC KEY` in an annotation",
            ),
            (
                CHAIN,
                "-----BEGIN CERTIFICATE-----",
                "certificate: a chain without certificates",
            ),
            (
                CHAIN,
                "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n",
                "certificate: annotation: invalid data: Invalid symbol 63, offset 0.",
            ),
        ] {
            let refusal = kind.refusal(&with(&layer, name, value), &root);
            assert_eq!(refusal, why, "{kind:?} {name}");
        }
    }
}

/// A promise is no proof, and whoever asks for proofs gets none here.
#[test]
fn a_promise_counts_where_it_is_all_there_can_be() {
    let sigstore = sigstore(63);
    let root = root(&sigstore.trusted_root());
    for kind in Kind::ALL {
        let mut authority = workflow();
        authority.proof = LogProof::Always;
        let judged = kind.judge(&kind.logged(&sigstore), authority, &root);
        assert_eq!(judged.err(), Some(Rejection::LogProofRequired));
    }
}

/// An hour after everything was signed.
pub(crate) const LATER: Timestamp = Timestamp::constant(1_767_229_200, 0);
