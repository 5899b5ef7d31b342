//! Bundles and annotations of a private Sigstore, of every kind, changed in
//! each member, each encoded byte and each character of their text: no change
//! may count, unless what it changed is no part of what is verified. Where
//! that is so, [`meaning`] takes it away, and says why.
//!
//! A seeded choice is made here of the bytes and characters; with
//! `WAXSEAL_EVERY_BYTE` in the environment it is all of them.
#![expect(
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test, which says how much it tried"
)]

use std::num::NonZeroU8;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use serde_json::{Map, Value, json};
use waxseal_oci::Digest;
use waxseal_testkit::NOW;
use waxseal_testkit::sigstore::{Claims, LogVersion, Payload, Sigstore, TagLayer, Witnesses};
use waxseal_verify::{
    Authority, Demand, KeylessAuthority, Rejection, Trust, TrustedRoot, Verified, Wanted, verify,
};
use x509_cert::der::{Decode as _, Encode as _};
use x509_tsp::TimeStampResp;

use crate::annotations::{self, Kind};
use crate::conformance::Case;
use crate::mutation::{Random, mutants};
use crate::support::{bundle, now};
use crate::witnesses::{root, sigstore, workflow};

/// A bundle, another by the same signer of the same content, and what is asked
/// for: everything that is there.
struct Sample {
    name: String,
    bundle: Value,
    donor: Value,
    authority: KeylessAuthority,
}

impl Sample {
    fn all(sigstore: &Sigstore) -> Vec<Self> {
        use LogVersion::{V1, V2, V2Dsse};
        let (blob, statement) = (Payload::Blob(b"the image"), annotations::statement());
        let statement = Payload::Statement(&statement);
        let mut samples = Vec::new();
        for (name, payload, logs, timestamps) in [
            ("a message in Rekor v1", blob, &[V1][..], 0),
            ("a message in Rekor v2", blob, &[V2], 1),
            ("a statement in Rekor v1", statement, &[V1], 1),
            ("a statement in Rekor v2", statement, &[V2], 1),
            ("a statement in Rekor v2 as such", statement, &[V2Dsse], 1),
            ("a statement in two logs", statement, &[V1, V2], 1),
            ("a statement in no log", statement, &[], 1),
        ] {
            let witnesses = Witnesses { logs, timestamps };
            let make = || sigstore.bundle(&Claims::github(), payload, witnesses);
            samples.push(Self {
                name: name.to_owned(),
                bundle: make(),
                donor: make(),
                authority: asking(logs.len(), timestamps),
            });
        }
        let older = samples.first().map(|sample| Self {
            name: "a message in Rekor v1, v0.2".to_owned(),
            bundle: older(&sample.bundle),
            donor: older(&sample.donor),
            authority: sample.authority.clone(),
        });
        samples.extend(older);
        samples
    }

    fn judge(&self, text: Vec<u8>, root: &TrustedRoot) -> Result<Verified, Rejection> {
        let subject = annotations::image();
        let wanted = Wanted {
            subject: &subject,
            keep_predicate: false,
        };
        let authority = Authority::Keyless(self.authority.clone());
        let trust = Trust { root: Some(root) };
        verify(&bundle(text), &wanted, &authority, &trust, NOW)
    }
}

fn asking(logs: usize, timestamps: usize) -> KeylessAuthority {
    let count = |count: usize| match NonZeroU8::new(u8::try_from(count).unwrap()) {
        Some(count) => Demand::Distinct(count),
        None => Demand::Optional,
    };
    let mut authority = workflow();
    authority.log = count(logs);
    authority.timestamp = count(timestamps);
    authority
}

/// The same as a bundle v0.2, with a chain.
fn older(bundle: &Value) -> Value {
    let mut bundle = bundle.clone();
    let media_type = bundle.pointer_mut("/mediaType").unwrap();
    *media_type = "application/vnd.dev.sigstore.bundle+json;version=0.2".into();
    let material = bundle.pointer_mut("/verificationMaterial").unwrap();
    let material = material.as_object_mut().unwrap();
    let certificate = material.remove("certificate").unwrap();
    let chain = json!({ "certificates": [certificate] });
    material.insert("x509CertificateChain".to_owned(), chain);
    bundle
}

#[test]
fn no_changed_member_counts() {
    let sigstore = sigstore(71);
    let root = root(&sigstore.trusted_root());
    let mut random = Random::new(0x5eed_0071);
    let mut tally = Tally::default();
    for sample in Sample::all(&sigstore) {
        assert!(
            sample
                .judge(sample.bundle.to_string().into(), &root)
                .is_ok()
        );
        let original = meaning(&sample.bundle);
        for place in places(&sample.bundle) {
            let changes = changes(&sample.bundle, &place, &sample.donor);
            let (some, all): (Vec<_>, Vec<_>) = changes
                .into_iter()
                .partition(|(how, _)| ["replaced", "edited"].contains(how));
            for (how, mutant) in all.iter().chain(random.few(&some)) {
                let judged = sample.judge(mutant.to_string().into(), &root);
                tally.count(judged.is_ok(), meaning(mutant) == original, || {
                    format!("{}: {place} {how}: {mutant}", sample.name)
                });
            }
        }
    }
    tally.end();
}

#[test]
fn no_changed_encoded_byte_counts() {
    let sigstore = sigstore(72);
    let root = root(&sigstore.trusted_root());
    let mut random = Random::new(0x5eed_0072);
    let mut tally = Tally::default();
    for sample in Sample::all(&sigstore) {
        let original = meaning(&sample.bundle);
        for place in places(&sample.bundle) {
            let leaf = sample.bundle.pointer(&place).and_then(Value::as_str);
            let bytes = leaf.and_then(|text| STANDARD.decode(text).ok());
            let bytes = bytes.filter(|bytes| bytes.len() >= 16).unwrap_or_default();
            for at in random.some(bytes.len()) {
                for mutant in mutants(&bytes, at, &mut random) {
                    let mut changed = sample.bundle.clone();
                    *changed.pointer_mut(&place).unwrap() = STANDARD.encode(&mutant).into();
                    let judged = sample.judge(changed.to_string().into(), &root);
                    tally.count(judged.is_ok(), meaning(&changed) == original, || {
                        format!("{}: {place} at {at}", sample.name)
                    });
                }
            }
        }
    }
    tally.end();
}

#[test]
fn no_changed_character_counts() {
    let sigstore = sigstore(73);
    let root = root(&sigstore.trusted_root());
    let mut random = Random::new(0x5eed_0073);
    let mut tally = Tally::default();
    for sample in Sample::all(&sigstore) {
        let original = meaning(&sample.bundle);
        let text = sample.bundle.to_string().into_bytes();
        for at in random.some(text.len()) {
            for mutant in mutants(&text, at, &mut random) {
                let means = serde_json::from_slice(&mutant).map(|json| meaning(&json));
                let same = means.is_ok_and(|means| means == original);
                let judged = sample.judge(mutant.clone(), &root);
                tally.count(judged.is_ok(), same, || {
                    let (name, what) = (&sample.name, difference(&text, &mutant));
                    format!("{name}: {what}")
                });
            }
        }
    }
    tally.end();
}

/// Every accepted case of the conformance suite, where it is there.
#[test]
fn no_changed_case_of_the_suite_counts() {
    let mut random = Random::new(0x5eed_0075);
    let mut tally = Tally::default();
    let cases = Case::accepted();
    if cases.is_empty() {
        return;
    }
    for (name, case) in cases {
        let root = TrustedRoot::from_json(&case.root).unwrap();
        let json: Value = serde_json::from_slice(&case.bundle).unwrap();
        let count = |place: &str| {
            let items = json.pointer(&format!("/verificationMaterial/{place}"));
            items.and_then(Value::as_array).map_or(0, Vec::len)
        };
        let (logs, timestamps) = (
            count("tlogEntries"),
            count("timestampVerificationData/rfc3161Timestamps"),
        );
        let authority = demanding(case.authority(), logs, timestamps);
        let subject = Digest::sha256(&case.artifact);
        let judge = |text: Vec<u8>| {
            let wanted = Wanted {
                subject: &subject,
                keep_predicate: false,
            };
            let trust = Trust { root: Some(&root) };
            verify(&bundle(text), &wanted, &authority, &trust, now()).is_ok()
        };
        assert!(judge(case.bundle.clone()), "{name}");
        let original = meaning(&json);
        let mut all = Vec::new();
        for place in places(&json) {
            all.extend(
                changes(&json, &place, &json)
                    .into_iter()
                    .map(|(_, json)| json),
            );
            let leaf = json.pointer(&place).and_then(Value::as_str);
            let bytes = leaf.and_then(|text| STANDARD.decode(text).ok());
            let bytes = bytes.unwrap_or_default();
            for at in random.some(bytes.len()) {
                for mutant in mutants(&bytes, at, &mut random) {
                    let mut changed = json.clone();
                    *changed.pointer_mut(&place).unwrap() = STANDARD.encode(&mutant).into();
                    all.push(changed);
                }
            }
        }
        for mutant in random.few(&all) {
            let accepted = judge(mutant.to_string().into());
            tally.count(accepted, meaning(mutant) == original, || {
                let (was, is) = (json.to_string(), mutant.to_string());
                format!("{name}: {}", difference(was.as_bytes(), is.as_bytes()))
            });
        }
    }
    tally.end();
}

/// The same authority, asking for as many logs and timestamps.
fn demanding(authority: Authority, logs: usize, timestamps: usize) -> Authority {
    let asking = asking(logs, timestamps);
    match authority {
        Authority::Key(mut key) => {
            (key.log, key.timestamp) = (asking.log, asking.timestamp);
            Authority::Key(key)
        }
        Authority::Keyless(mut keyless) => {
            (keyless.log, keyless.timestamp) = (asking.log, asking.timestamp);
            Authority::Keyless(keyless)
        }
        other => other,
    }
}

/// cosign 2's annotations, with a promise and a timestamp that are both asked
/// for: removed, emptied, taken from another layer, and changed inside.
#[test]
fn no_changed_annotation_counts() {
    let sigstore = sigstore(74);
    let root = root(&sigstore.trusted_root());
    let mut random = Random::new(0x5eed_0074);
    let mut tally = Tally::default();
    for kind in Kind::ALL {
        let make = || {
            let mut layer = kind.logged(&sigstore);
            sigstore.stamp_layer(&mut layer);
            layer
        };
        let (layer, donor) = (make(), make());
        let original = layer_meaning(&layer);
        let mut judge = |what: &str, mutant: &TagLayer| {
            let judged = kind.judge_at(NOW, mutant, asking(1, 1), &root);
            tally.count(judged.is_ok(), layer_meaning(mutant) == original, || {
                let changed = format!("{:?}", mutant.annotations);
                let before = format!("{:?}", layer.annotations);
                let how = difference(before.as_bytes(), changed.as_bytes());
                format!("{kind:?} {what}: {how}")
            });
        };
        let mut contents = vec![donor.content.clone(), [&layer.content[..], b" "].concat()];
        for at in random.some(layer.content.len()) {
            contents.extend(mutants(&layer.content, at, &mut random));
        }
        for content in contents {
            let annotations = layer.annotations.clone();
            judge(
                "content",
                &TagLayer {
                    content,
                    annotations,
                },
            );
        }
        for (name, text) in &layer.annotations {
            let mut without = layer.clone();
            without.annotations.remove(name);
            judge("without", &without);
            let mut others = vec![String::new(), text.repeat(2), format!("{text} ")];
            others.extend(donor.annotations.get(name).cloned());
            for at in random.some(text.len()) {
                let mutants = mutants(text.as_bytes(), at, &mut random);
                others.extend(mutants.into_iter().flat_map(String::from_utf8));
            }
            if let Ok(json) = serde_json::from_str::<Value>(text) {
                let other = donor.annotations.get(name).unwrap();
                let other: Value = serde_json::from_str(other).unwrap();
                for place in places(&json) {
                    let changes = changes(&json, &place, &other);
                    others.extend(changes.into_iter().map(|(_, json)| json.to_string()));
                    let leaf = json.pointer(&place).and_then(Value::as_str);
                    let bytes = leaf.and_then(|text| STANDARD.decode(text).ok());
                    let bytes = bytes.unwrap_or_default();
                    for at in random.some(bytes.len()) {
                        for mutant in mutants(&bytes, at, &mut random) {
                            let mut changed = json.clone();
                            *changed.pointer_mut(&place).unwrap() = STANDARD.encode(&mutant).into();
                            others.push(changed.to_string());
                        }
                    }
                }
            }
            for other in others {
                let mut changed = layer.clone();
                changed.annotations.insert(name.clone(), other);
                judge(name, &changed);
            }
        }
    }
    tally.end();
}

/// What was tried, and what should not have counted.
#[derive(Default)]
struct Tally {
    refused: usize,
    same: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn count(&mut self, accepted: bool, same: bool, describe: impl FnOnce() -> String) {
        match (accepted, same) {
            (false, _) => self.refused += 1,
            (true, true) => self.same += 1,
            (true, false) => self.wrong.push(describe()),
        }
    }

    fn end(self) {
        let Self {
            refused,
            same,
            wrong,
        } = self;
        eprintln!("{refused} refused, {same} the same");
        if !wrong.is_empty() {
            let shown: Vec<&String> = wrong.iter().take(40).collect();
            panic!("{} counted, such as {shown:#?}", wrong.len());
        }
        assert!(refused > 8 * same, "{refused} refused, {same} the same");
    }
}

/// Where two texts begin to differ, and how.
fn difference(was: &[u8], is: &[u8]) -> String {
    let same = was.iter().zip(is).take_while(|(a, b)| a == b).count();
    let near = |text: &[u8]| {
        let near = text.iter().skip(same.saturating_sub(40)).take(80);
        String::from_utf8_lossy(&near.copied().collect::<Vec<u8>>()).into_owned()
    };
    format!("at {same}: {} became {}", near(was), near(is))
}

/// Pointers to everything in a document, but for the document itself.
fn places(value: &Value) -> Vec<String> {
    fn below(value: &Value, at: &str, places: &mut Vec<String>) {
        let mut each = |name: &str, value: &Value| {
            let place = format!("{at}/{name}");
            places.push(place.clone());
            below(value, &place, places);
        };
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| each(name, value)),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.for_each(|(at, value)| each(&at.to_string(), value));
            }
            _ => {}
        }
    }
    let mut places = Vec::new();
    below(value, "", &mut places);
    places
}

/// Every way to change what stands in one place.
fn changes(whole: &Value, place: &str, donor: &Value) -> Vec<(&'static str, Value)> {
    let here = whole.pointer(place).unwrap();
    let mut changes = Vec::new();
    let mut set = |how, value: Value| {
        let mut changed = whole.clone();
        *changed.pointer_mut(place).unwrap() = value;
        if changed != *whole {
            changes.push((how, changed));
        }
    };
    for value in [
        Value::Null,
        json!(false),
        json!(0),
        json!(1),
        json!(""),
        json!("0"),
        json!("AAAA"),
        json!([]),
        json!({}),
    ] {
        set("replaced", value);
    }
    set("wrapped in a list", json!([here]));
    set("wrapped in an object", json!({ "content": here }));
    if let Some(other) = donor.pointer(place) {
        set("taken from another", other.clone());
    }
    match here {
        Value::Object(members) => {
            let mut more = members.clone();
            more.insert("critical".to_owned(), true.into());
            set("with a member more", more.into());
        }
        Value::Array(items) => {
            let mut twice = items.clone();
            twice.extend(items.first().cloned());
            set("with an element twice", twice.into());
            let mut turned = items.clone();
            turned.reverse();
            set("turned around", turned.into());
        }
        Value::String(text) => {
            let (first, rest) = text.split_at(text.len().min(1));
            let (all, _) = text.split_at(text.len().saturating_sub(1));
            for other in [
                rest.to_owned(),
                all.to_owned(),
                format!("{text} "),
                format!("{text}\n"),
                format!("{text}{text}"),
                text.to_uppercase(),
                format!("{}{rest}", if first == "A" { "B" } else { "A" }),
                format!("-{text}"),
                format!("{text}1"),
            ] {
                set("edited", other.into());
            }
        }
        _ => {}
    }
    let (parent, name) = place.rsplit_once('/').unwrap();
    let mut without = whole.clone();
    match without.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.remove(name);
        }
        Some(Value::Array(items)) => {
            items.remove(name.parse().unwrap());
        }
        _ => {}
    }
    changes.push(("removed", without));
    changes
}

/// What a bundle says, without what is no part of what is verified.
fn meaning(whole: &Value) -> Value {
    let mut bundle = tidy(whole);
    let material = "/verificationMaterial";
    for entry in elements(&mut bundle, &format!("{material}/tlogEntries")) {
        entry_meaning(entry);
    }
    let stamps = format!("{material}/timestampVerificationData/rfc3161Timestamps");
    let timed = elements(&mut bundle, &stamps).next().is_some();
    // Which key it is by is a hint; that it is by one is not.
    let key = whole.pointer("/verificationMaterial/publicKey");
    let by_key = key.is_some_and(Value::is_object);
    if by_key && let Some(Value::Object(members)) = bundle.pointer_mut(material) {
        members.insert("publicKey".to_owned(), true.into());
    }
    for entry in elements(&mut bundle, &format!("{material}/tlogEntries")) {
        // A promise adds nothing to a proof but the time, which a timestamp
        // says as well, and which a key does without.
        if (timed || by_key) && entry.pointer("/inclusionProof").is_some() {
            remove(entry, "", "inclusionPromise");
        }
    }
    for stamp in elements(&mut bundle, &stamps) {
        let token = stamp.pointer("/signedTimestamp").and_then(Value::as_str);
        if let Some(token) = token.and_then(stamped) {
            *stamp = token;
        }
    }
    // The same timestamp twice is one: authorities are counted, not tokens.
    if let Some(Value::Array(items)) = bundle.pointer_mut(&stamps) {
        items.dedup();
    }
    // Entries are held against each other and in no order.
    if let Some(Value::Array(entries)) = bundle.pointer_mut(&format!("{material}/tlogEntries")) {
        entries.sort_by_key(Value::to_string);
    }
    // Certificates above the leaf are hints: each is checked as it is used.
    let chain = format!("{material}/x509CertificateChain/certificates");
    if let Some(Value::Array(chain)) = bundle.pointer_mut(&chain) {
        chain.truncate(1);
    }
    // The signature is over the artifact; its digest is said twice.
    remove(&mut bundle, "/messageSignature", "messageDigest");
    // Which key: a hint, of a certificate's key none is needed.
    for signature in elements(&mut bundle, "/dsseEnvelope/signatures") {
        remove(signature, "", "keyid");
    }
    bundle
}

fn entry_meaning(entry: &mut Value) {
    let version = entry.pointer("/kindVersion/version");
    if version.and_then(Value::as_str) == Some("0.0.2") {
        // Rekor v2 signs no times.
        remove(entry, "", "integratedTime");
        // Its checkpoint says which log it is, by the key's hint, and how
        // large its tree is, with which root.
        remove(entry, "", "logId");
        for name in ["logIndex", "rootHash", "treeSize"] {
            remove(entry, "/inclusionProof", name);
        }
    }
    let place = "/inclusionProof/checkpoint/envelope";
    if let Some(text) = entry.pointer_mut(place)
        && let Some((signed, lines)) = text.as_str().and_then(|text| text.split_once("\n\n"))
    {
        // The first line is the log's, by its hint; the name in front of it
        // stands in what is signed, too. No trust root has keys of witnesses,
        // whose lines are below.
        let log = lines.split_whitespace().nth(2);
        *text = json!([signed, log]);
    }
}

/// What a timestamp authority signed. How the token is wrapped, which
/// certificates are sent along and how the signer is named only help to find
/// the authority, whose certificate is in the trust root.
fn stamped(token: &str) -> Option<Value> {
    let token = STANDARD.decode(token).ok()?;
    let response = TimeStampResp::from_der(&token).ok()?;
    let token: ContentInfo = response.time_stamp_token?;
    let signed: SignedData = token.content.decode_as().ok()?;
    let signer = signed.signer_infos.0.get(0)?;
    Some(json!([
        // CMS signs the octets, not the tag in front of them.
        signed.encap_content_info.econtent?.value(),
        signer.signed_attrs.to_der().ok()?,
        signer.signature.as_bytes(),
    ]))
}

/// What a layer says, without what is no part of what is verified.
fn layer_meaning(layer: &TagLayer) -> Value {
    let text = |name| layer.annotations.get(name).map_or("", String::as_str);
    let json = |name| serde_json::from_str::<Value>(text(name)).unwrap_or_default();
    // Spaces around a certificate, and around and between what is in an object.
    let certificate = pem::parse_many(text(annotations::CERTIFICATE)).unwrap_or_default();
    let certificate: Vec<&[u8]> = certificate.iter().map(pem::Pem::contents).collect();
    let timestamp = json(annotations::TIMESTAMP);
    let token = timestamp.pointer("/SignedRFC3161Timestamp");
    let token = token.and_then(Value::as_str).and_then(stamped);
    // The chain above the certificate is a hint.
    json!([
        layer.content,
        // An attestation has its signature in the envelope.
        layer
            .content
            .starts_with(b"{\"critical")
            .then(|| text(annotations::SIGNATURE)),
        certificate,
        tidy(&json(annotations::BUNDLE)),
        token.unwrap_or(timestamp),
    ])
}

/// The same document as protobuf's JSON has it in only one way: nothing and
/// the default are the same, as are numbers and texts of numbers.
fn tidy(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().filter_map(|(name, value)| {
                let value = match tidy(value) {
                    Value::Number(number) if INTEGERS.contains(&name.as_str()) => {
                        number.to_string().into()
                    }
                    value => value,
                };
                let default = match &value {
                    Value::Null => true,
                    Value::Array(items) => items.is_empty(),
                    Value::Object(members) => members.is_empty(),
                    Value::String(text) => text == "0" && INTEGERS.contains(&name.as_str()),
                    _ => false,
                };
                (!default).then(|| (name.clone(), value))
            });
            Value::Object(members.collect::<Map<String, Value>>())
        }
        Value::Array(items) => items.iter().map(tidy).collect(),
        other => other.clone(),
    }
}

fn elements<'a>(whole: &'a mut Value, place: &str) -> impl Iterator<Item = &'a mut Value> {
    let items = whole.pointer_mut(place).and_then(Value::as_array_mut);
    items.into_iter().flatten()
}

fn remove(whole: &mut Value, place: &str, name: &str) {
    if let Some(Value::Object(members)) = whole.pointer_mut(place) {
        members.remove(name);
    }
}

const INTEGERS: [&str; 3] = ["logIndex", "treeSize", "integratedTime"];
