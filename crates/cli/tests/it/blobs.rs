//! `sign-blob`, `attest-blob` and `verify-blob`.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use waxseal_oci::Digest;

use crate::run::{Place, Ran};

const KEYS: [(&str, &str); 4] = [
    ("cosign2.key", "cosign2.pub"),
    ("ed25519.cosign3.key", "ed25519.pub"),
    ("p384.parameters.pem", "p384.pub"),
    ("rsa2048.pkcs1.pem", "rsa2048.pub"),
];

fn place() -> Place {
    let place = Place::new();
    for (private, public) in KEYS {
        place.key(private);
        place.key(public);
    }
    place.write("blob", vec![7; 1 << 20]);
    place
}

fn piped(mut command: Command, content: &[u8]) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(content).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn what_is_signed_verifies_and_nothing_else_does() {
    let place = place();
    place.write("other", "other");
    for (private, public) in KEYS {
        place.ok(["sign-blob", "-k", private, "-b", "blob.json", "blob"]);
        let verify = |public: &str, file: &str| {
            let ran = place.run(["verify-blob", "-k", public, "-b", "blob.json", file]);
            (ran.code, ran.stdout)
        };
        let (code, stdout) = verify(public, "blob");
        assert_eq!(code, Some(0), "{private}: {stdout}");
        let digest = Digest::sha256(&vec![7; 1 << 20]);
        assert!(stdout.starts_with(&format!("blob: verified\n  digest       {digest}\n")));
        let (code, stdout) = verify(public, "other");
        assert_eq!(code, Some(3), "{private}");
        assert!(stdout.starts_with("other: refused\n  because "), "{stdout}");
        let (code, stdout) = verify("rsa3072.pub", "blob");
        assert_eq!(
            (code, stdout.as_str()),
            (Some(1), ""),
            "a key that is not there"
        );
        let wrong = if public == "cosign2.pub" {
            "p384.pub"
        } else {
            "cosign2.pub"
        };
        assert_eq!(verify(wrong, "blob").0, Some(3), "{private}");
        // Any of several keys will do.
        let ran = place.run([
            "verify-blob",
            "-k",
            wrong,
            "-k",
            public,
            "-b",
            "blob.json",
            "blob",
        ]);
        assert_eq!(ran.code, Some(0));
    }
}

#[test]
fn what_cosign_2_wrote_beside_a_file_verifies() {
    let place = place();
    place.write("other", "other");
    place.ok([
        "sign-blob",
        "-k",
        "cosign2.key",
        "-b",
        "blob.json",
        "--output-signature",
        "blob.sig",
        "blob",
    ]);
    let text = std::fs::read_to_string(place.path("blob.sig")).unwrap();
    let former = format!(r#"{{"base64Signature":"{text}"}}"#);
    place.write("blob.cosign", former);
    for beside in [["--signature", "blob.sig"], ["--bundle", "blob.cosign"]] {
        let verify = |key: &str, file: &str| {
            let words = ["verify-blob", "-k", key, "-o", "json", file];
            let ran = place.run(words.into_iter().chain(beside));
            let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
            (ran.code, answer["refusal"]["code"].clone())
        };
        assert_eq!(verify("cosign2.pub", "blob"), (Some(0), Value::Null));
        for (key, file) in [("p384.pub", "blob"), ("cosign2.pub", "other")] {
            let refused = (Some(3), Value::from("signature-invalid"));
            assert_eq!(verify(key, file), refused, "{key} {file}");
        }
    }
    // An attestation by itself is an envelope.
    place.write("predicate.json", r#"{"a":1}"#);
    place.ok([
        "attest-blob",
        "-k",
        "cosign2.key",
        "--type",
        "https://example.com/t/v1",
        "--predicate",
        "predicate.json",
        "-b",
        "attested.json",
        "blob",
    ]);
    let bundle = std::fs::read(place.path("attested.json")).unwrap();
    let bundle: Value = serde_json::from_slice(&bundle).unwrap();
    place.write("blob.dsse", bundle["dsseEnvelope"].to_string());
    let verify = |kind: &str, file: &str| {
        let words = ["verify-blob", "-k", "cosign2.pub", "--type", kind];
        let more = ["--signature", "blob.dsse", file];
        place.run(words.into_iter().chain(more)).code
    };
    assert_eq!(verify("https://example.com/t/v1", "blob"), Some(0));
    assert_eq!(verify("https://example.com/t/v1", "other"), Some(3));
    assert_eq!(verify("https://example.com/t/v2", "blob"), Some(3));
}

#[test]
fn a_pipe_is_signed_and_verified() {
    let place = place();
    let content = vec![7; 1 << 20];
    let signed = piped(
        place.command(["sign-blob", "-k", "cosign2.key", "-"]),
        &content,
    );
    assert_eq!(signed.code, Some(0), "{}", signed.stderr);
    place.write("piped.json", signed.stdout);
    place.ok([
        "verify-blob",
        "-k",
        "cosign2.pub",
        "-b",
        "piped.json",
        "blob",
    ]);
    let arguments = ["verify-blob", "-k", "cosign2.pub", "-b", "piped.json", "-"];
    assert_eq!(piped(place.command(arguments), &content).code, Some(0));
    assert_eq!(piped(place.command(arguments), b"other").code, Some(3));

    let refused = piped(
        place.command(["sign-blob", "-k", "ed25519.cosign3.key", "-"]),
        &content,
    );
    assert_eq!(refused.code, Some(1));
    assert_eq!(
        refused.stderr,
        "error: `-` is not signed: an Ed25519 key reads the content several times, and it can be \
         read only once\nhint: give the content as a file\n"
    );
    let both = [
        "sign-blob",
        "-k",
        "cosign2.key",
        "--password-file",
        "-",
        "-",
    ];
    assert_eq!(place.run(both).code, Some(2));
}

#[test]
fn an_attestation_is_asked_for_by_its_type() {
    let place = place();
    place.write("p.json", r#"{"scanner":{"result":"fine"}}"#);
    let attest = [
        "attest-blob",
        "-k",
        "cosign2.key",
        "--type",
        "vuln",
        "--predicate",
        "p.json",
    ];
    place.ok(attest.into_iter().chain(["-b", "att.json", "blob"]));
    let verify = |more: &[&str]| {
        let all = ["verify-blob", "-k", "cosign2.pub", "-b", "att.json", "blob"];
        let ran = place.run(all.iter().chain(more));
        (ran.code, ran.stdout)
    };
    assert_eq!(verify(&["--attestation", "vuln"]).0, Some(0));
    let said = "{\"scanner\":{\"result\":\"fine\"}}\n";
    let write = ["--attestation", "vuln", "--write-predicate"];
    let written = || std::fs::read_to_string(place.path("said.json")).ok();
    place.key("cosign3.pub");
    // Of a stranger's bundle, or another type, nothing is written.
    let of = |key, kind, file| {
        let verify = ["verify-blob", "-k", key, "-b", "att.json", file];
        let write = ["--type", kind, "--write-predicate", "said.json"];
        place.run(verify.iter().chain(&write)).code
    };
    assert_eq!(of("cosign3.pub", "vuln", "blob"), Some(3));
    assert_eq!(of("cosign2.pub", "openvex", "blob"), Some(3));
    assert_eq!(of("cosign2.pub", "vuln", "p.json"), Some(3));
    assert_eq!(written(), None);
    assert_eq!(verify(&[&write[..], &["said.json"]].concat()).0, Some(0));
    assert_eq!(written().as_deref(), Some(said));
    let (code, out) = verify(&[&write[..], &["-"]].concat());
    assert_eq!((code, out.as_str()), (Some(0), said));
    assert_eq!(verify(&["--write-predicate", "-"]).0, Some(2));
    assert_eq!(
        verify(&[]),
        (
            Some(3),
            "blob: refused\n  because the bundle is an attestation of vuln, not a signature; \
             --attestation asks for one\n"
                .to_owned()
        )
    );
    assert_eq!(
        verify(&["--attestation", "openvex"]).1,
        "blob: refused\n  because the bundle is an attestation of vuln, not of openvex\n"
    );
    place.ok(["sign-blob", "-k", "cosign2.key", "-b", "att.json", "blob"]);
    assert_eq!(
        verify(&["--attestation", "vuln"]).1,
        "blob: refused\n  because the bundle is a signature, not an attestation of vuln\n"
    );
}

#[test]
fn a_statement_is_signed_as_it_is() {
    let place = place();
    let digest = Digest::sha256(&vec![7; 1 << 20]);
    let other = Digest::sha256(b"other");
    let statement = format!(
        r#"{{ "predicateType": "https://example.com/p",
             "_type": "https://in-toto.io/Statement/v1", "predicate": {{}},
             "subject": [ {{ "digest": {{ "sha256": "{}" }} }}, {{ "digest": {{ "sha256": "{}" }} }} ] }}
"#,
        digest.hex(),
        other.hex(),
    );
    place.write("s.json", &statement);
    place.write("other", "other");
    place.write("third", "third");
    let attest = |file: &[&str]| {
        let all = ["attest-blob", "-k", "cosign2.key", "--statement", "s.json"];
        place.run(all.iter().chain(file))
    };
    for file in [&[][..], &["blob"], &["other"]] {
        let ran = attest(file);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let about = if file == ["other"] { &other } else { &digest };
        assert_eq!(
            ran.stderr,
            format!("attested https://example.com/p for {about}\n")
        );
        let bundle: Value = serde_json::from_str(&ran.stdout).unwrap();
        let payload = bundle.pointer("/dsseEnvelope/payload").unwrap();
        let payload = STANDARD.decode(payload.as_str().unwrap()).unwrap();
        assert_eq!(String::from_utf8(payload).unwrap(), statement);
        place.write("att.json", ran.stdout);
        let verify = ["verify-blob", "-k", "cosign2.pub", "-b", "att.json"];
        for file in ["blob", "other"] {
            let more = ["--attestation", "https://example.com/p", file];
            place.ok(verify.iter().chain(&more));
        }
    }
    let refused = |file: &[&str], why: &str| {
        let ran = attest(file);
        let got = (ran.code, ran.stdout.as_str(), ran.stderr.as_str());
        let error = format!("error: `s.json`: {why}\n");
        assert_eq!(got, (Some(1), "", error.as_str()));
    };
    let third = Digest::sha256(b"third");
    refused(&["third"], &format!("the statement is not about {third}"));
    place.write("s.json", statement.replace("sha256", "sha1"));
    refused(
        &[],
        "the first subject has no digest by SHA-256, SHA-384 or SHA-512",
    );
    place.write("s.json", statement.replace("in-toto.io", "example.com"));
    refused(
        &[],
        "unknown statement type `https://example.com/Statement/v1` (known: in-toto v0.1 and v1)",
    );
    let ran = attest(&["--type", "vuln", "--predicate", "s.json"]);
    assert_eq!(ran.code, Some(2));
}

#[test]
fn the_answer_for_programs_is_versioned() {
    let place = place();
    place.ok(["sign-blob", "-k", "cosign2.key", "-b", "blob.json", "blob"]);
    let answer = |arguments: &[&str]| -> Value {
        let all = ["verify-blob", "-b", "blob.json", "blob", "-o", "json"];
        serde_json::from_str(&place.run(all.iter().chain(arguments)).stdout).unwrap()
    };
    let allowed = answer(&["-k", "cosign2.pub"]);
    assert_eq!(allowed["apiVersion"], "waxseal.dev/v1alpha1");
    assert_eq!(allowed["kind"], "BlobVerification");
    assert_eq!(allowed["verdict"], "allow");
    assert_eq!(
        allowed["digest"],
        Digest::sha256(&vec![7; 1 << 20]).as_str()
    );
    let denied = answer(&["-k", "cosign2.pub", "--log", "required"]);
    assert_eq!(denied["verdict"], "deny");
    assert_eq!(denied["refusal"]["code"], "log-required");
}
