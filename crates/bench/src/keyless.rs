//! The rows of keyless bundles: B10 in a process each, B11 many in one process,
//! B12 the same again.
//!
//! The bundles are of a private Sigstore in this process, with keys as the
//! public one has them: authorities of P-384, signers and logs of P-256, the
//! second log of Ed25519.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::json;
use waxseal_testkit::KeyKind;
use waxseal_testkit::sigstore::{
    Claims, LogVersion, Payload, Sigstore, SigstoreOptions, Witnesses,
};

use crate::inside;
use crate::stage::{Stage, entry};

pub(crate) const PERSON: &str = "dev@example.com";

/// The two kinds of bundle that there are today.
const KINDS: [(&str, &str, Witnesses<'static>); 2] = [
    ("v1", "Rekor v1", Witnesses::FORMER),
    ("v2", "Rekor v2 and timestamp", Witnesses::TODAY),
];

fn sigstore() -> Sigstore {
    Sigstore::start(SigstoreOptions {
        authorities: KeyKind::EcdsaP384,
        ..SigstoreOptions::default()
    })
}

fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::write(path, content).expect("a file");
}

/// So many bundles over distinct blobs, each with its blob, in a folder.
fn bundles(sigstore: &Sigstore, folder: &Path, witnesses: Witnesses<'_>, count: usize) {
    fs::create_dir_all(folder).expect("a folder");
    let claims = Claims::email(PERSON);
    for n in 0..count {
        let blob = format!("the release {n}\n");
        let bundle = sigstore.bundle(&claims, Payload::Blob(blob.as_bytes()), witnesses);
        write(&folder.join(format!("{n}.json")), bundle.to_string());
        write(&folder.join(format!("{n}.txt")), blob);
    }
    write(
        &folder.join("trusted_root.json"),
        sigstore.trusted_root().to_string(),
    );
    let config = sigstore.signing_config(&[LogVersion::V1, LogVersion::V2]);
    let trust = json!({
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": sigstore.trusted_root(),
        "signingConfig": config,
    });
    write(&folder.join("trust_config.json"), trust.to_string());
    write(&folder.join("issuer.txt"), sigstore.issuer_url());
}

pub(crate) fn b10(stage: &Stage, runs: usize) {
    let sigstore = sigstore();
    let issuer = sigstore.issuer_url();
    for (kind, name, witnesses) in KINDS {
        bundles(&sigstore, &stage.path(kind), witnesses, 1);
        let flags = |person: &str| {
            format!(
                "--bundle {kind}/0.json --trusted-root {kind}/trusted_root.json \
                 --certificate-identity {person} --certificate-oidc-issuer {issuer} {kind}/0.txt"
            )
        };
        let cosign = |person: &str| format!("verify-blob {}", flags(person));
        let python = |person: &str| {
            format!(
                "--trust-config {kind}/trust_config.json verify identity --offline \
                 --cert-identity {person} --cert-oidc-issuer {issuer} \
                 --bundle {kind}/0.json {kind}/0.txt"
            )
        };
        let js = |person: &str| {
            format!("verify {kind}/0.txt {kind}/0.json {kind}/trusted_root.json {person} {issuer}")
        };
        let probe = |person: &str| format!("{} probe {kind} {person} {issuer}", inside::WORD);
        let other = "somebody@example.com";
        let entries = [
            entry("waxseal", cosign(PERSON), Some(cosign(other))),
            entry("cosign3", cosign(PERSON), Some(cosign(other))),
            entry("sigstore-python", python(PERSON), Some(python(other))),
            entry("sigstore-js", js(PERSON), Some(js(other))),
            entry(
                "itself (the crate sigstore-verify and no more)",
                probe(PERSON),
                Some(probe(other)),
            ),
        ];
        let title = format!("B10 one keyless bundle in a process, {name}, no network");
        let target = "cpu ≥ 20 × cosign 3, ≥ 250 × sigstore-python, ≥ 75 × sigstore-js";
        stage.row(&title, target, runs, None, &entries);
    }
}

/// What one verification takes, in microseconds of processor and wall time.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Each {
    cpu: f64,
    wall: f64,
}

/// Ours, and the signature checks alone, in turn.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Beside {
    ours: Each,
    floor: Each,
    /// The checks alone, each by a key that is read for it.
    anew: Each,
}

pub(crate) fn b11(stage: &Stage, runs: usize) {
    let sigstore = sigstore();
    let count = if runs > 3 { 1_000 } else { 200 };
    for (kind, name, witnesses) in KINDS {
        let folder = stage.path(&format!("many-{kind}"));
        bundles(&sigstore, &folder, witnesses, count);
        println!("### B11 {count} distinct keyless bundles in one process, {name}\n");
        println!(
            "target: ≥ 0.97 of the signature checks alone on one core, ≥ 1.9 × that on two; \
             ≥ 2.7 × sigstore-python, ≥ 12 × sigstore-js\n"
        );
        println!("| | cpu µs each | wall µs each | wall × ours |");
        println!("| --- | --: | --: | --: |");
        let turns: Beside = read(&within(&folder, &["beside", kind]));
        let ours = turns.ours;
        let line = |name: &str, each: Each| {
            println!(
                "| {name} | {:.0} | {:.0} | {:.2} |",
                each.cpu,
                each.wall,
                each.wall / ours.wall
            );
        };
        line("waxseal", ours);
        line(
            "its signature checks alone (aws-lc), in turn with it",
            turns.floor,
        );
        line("the same, each key read for its check", turns.anew);
        line("waxseal, alone", measured(&within(&folder, &["ours", "1"])));
        line(
            "waxseal, two threads",
            measured(&within(&folder, &["ours", "2"])),
        );
        line(
            "the crate sigstore-verify",
            measured(&within(&folder, &["crate", "1"])),
        );
        let few = count.min(100).to_string();
        let script = stage.path("many.py");
        write(&script, include_str!("inside/many.py"));
        let python = stage.peer("sigstore-python/bin/python");
        line(
            "sigstore-python",
            measured(&output(
                Command::new(python).arg(&script).arg(&folder).arg(&few),
            )),
        );
        let script = stage.path("many.mjs");
        write(&script, include_str!("inside/many.mjs"));
        let modules = stage.peer("sigstore-js/sigstore.mjs");
        let mut node = Command::new("node");
        node.arg(&script).arg(modules).arg(&folder).arg(&few);
        line("sigstore-js", measured(&output(&mut node)));
        println!();
    }
}

pub(crate) fn b12(stage: &Stage, _: usize) {
    println!("### B12 the same keyless signature again, from the cache of verdicts\n");
    println!("target: ≥ 100 000 a second\n");
    let folder = stage.path("again");
    fs::create_dir_all(&folder).expect("a folder");
    let each = measured(&within(&folder, &["again"]));
    println!("| | cpu µs each | wall µs each | a second |");
    println!("| --- | --: | --: | --: |");
    println!(
        "| waxseal, one thread | {:.2} | {:.2} | {:.0} |\n",
        each.cpu,
        each.wall,
        1e6 / each.wall
    );
}

/// What this program prints when it does something itself, in a process of its own.
fn within(folder: &Path, words: &[&str]) -> Vec<u8> {
    let program = std::env::current_exe().expect("this program");
    output(
        Command::new(program)
            .arg(inside::WORD)
            .args(words)
            .current_dir(folder),
    )
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{command:?}");
    output.stdout
}

fn measured(text: &[u8]) -> Each {
    read(text)
}

fn read<T: serde::de::DeserializeOwned>(text: &[u8]) -> T {
    serde_json::from_slice(text).expect("numbers")
}
