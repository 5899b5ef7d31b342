//! The signing cases of Sigstore's conformance suite, over its command line,
//! with the private services in place of its staging instance. They have the
//! suite's names. It takes sigstore-python to see that a bundle is well formed;
//! here cosign is asked too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use waxseal_oci::Digest;
use waxseal_testkit::sigstore::Claims;

use crate::evidence::Log;
use crate::programs::{Done, Programs};
use crate::services::{PERSON, Services};
use crate::table::{Outcome, Table};

pub(crate) fn lines(programs: &Programs, services: &Services, table: &mut Table) {
    for log in [Log::V2, Log::V1] {
        let name = |case: &str| format!("conformance, {}: {case}", log.name());
        table.line(&name("test_simple"), || {
            sign(programs, log, "", "simple.json", "blob.txt")?.ok()?;
            everybody_verifies(programs, "simple.json", "verify-blob")
        });
        table.line(&name("test_sign_does_not_produce_root"), || {
            let bundle = signed(programs, log, "", "rootless.json", "blob.txt")?;
            holds(&bundle, "messageSignature", "dsseEnvelope")?;
            rootless(&bundle, services.trusted_root())
        });
        table.line(&name("test_sign_verify_dsse"), || {
            let bundle = signed(programs, log, "--in-toto ", "dsse.json", "statement.json")?;
            holds(&bundle, "dsseEnvelope", "messageSignature")?;
            let payload = at(&bundle, "/dsseEnvelope/payload")?;
            if payload != STANDARD.encode(programs.read("statement.json")?) {
                return Err("the payload is not the statement".to_owned());
            }
            everybody_verifies(
                programs,
                "dsse.json",
                "verify-blob-attestation --type slsaprovenance1",
            )
        });
    }
    table.line("conformance: test_sign_verify_rekor2", || {
        let bundle = signed(programs, Log::V2, "", "rekor2.json", "blob.txt")?;
        let entry = "/verificationMaterial/tlogEntries/0/kindVersion";
        let kind = at(&bundle, &format!("{entry}/kind"))?;
        let version = at(&bundle, &format!("{entry}/version"))?;
        if (kind, version) != ("hashedrekord", "0.0.2") {
            return Err(format!("the entry is {kind} {version}"));
        }
        everybody_verifies(programs, "rekor2.json", "verify-blob")
    });
    refused(programs, table);
    for (name, token, says) in tokens(services) {
        table.line(&format!("conformance: no bundle by {name}"), || {
            let bundle = format!("{}.json", name.replace(' ', "-"));
            let words = words(Log::V2, "", &token, &bundle, "blob.txt");
            programs.conformance(&words).fails_saying(says)?;
            if programs.path(&bundle).exists() {
                return Err("there is a bundle".to_owned());
            }
            Ok(())
        });
    }
}

/// Whom and what a good bundle does not hold for.
fn refused(programs: &Programs, table: &mut Table) {
    let issuer = programs.issuer();
    let other = Digest::sha256(b"another blob\n");
    let cases = [
        (
            "another identity",
            "eve@example.com",
            issuer,
            "blob.txt",
            "identity-mismatch",
        ),
        (
            "another issuer",
            PERSON,
            "https://accounts.example.com",
            "blob.txt",
            "issuer-mismatch",
        ),
        (
            "another file",
            PERSON,
            issuer,
            "other.txt",
            "subject-mismatch",
        ),
        (
            "another digest",
            PERSON,
            issuer,
            other.as_str(),
            "subject-mismatch",
        ),
    ];
    for (name, identity, issuer, subject, code) in cases {
        table.line(&format!("conformance: refused for {name}"), || {
            for bundle in ["simple.json", "dsse.json"] {
                let words = format!(
                    "verify-bundle --bundle {bundle} --certificate-identity {identity} \
                     --certificate-oidc-issuer {issuer} --trusted-root trusted_root.json {subject}"
                );
                let says = format!("refused: {code}: ");
                programs.conformance(&words).fails_saying(&says)?;
            }
            Ok(())
        });
    }
}

/// Tokens that nobody gets a certificate for, and what is said.
fn tokens(services: &Services) -> [(&'static str, String, &'static str); 4] {
    let person = || Claims::email(PERSON);
    let forged = services.token();
    let signed = forged.rsplit_once('.').map_or("", |(signed, _)| signed);
    [
        (
            "a token that is none",
            "garbage".to_owned(),
            "the identity token is malformed",
        ),
        (
            "an expired token",
            services.token_with(&person().with("exp", 1_600_000_000)),
            "the identity token expired at 2020-09-13T12:26:40Z",
        ),
        (
            "a token for others",
            services.token_with(&person().with("aud", "others")),
            "the identity token is for `others`, not for `sigstore`",
        ),
        (
            "a forged token",
            format!("{signed}.{}", "A".repeat(86)),
            "answered 400: `There was an error processing the identity token`",
        ),
    ]
}

fn words(log: Log, switch: &str, token: &str, bundle: &str, file: &str) -> String {
    format!(
        "sign-bundle {switch}--identity-token {token} --bundle {bundle} \
         --trusted-root trusted_root.json --signing-config signing_config{}.json {file}",
        log.suffix()
    )
}

fn sign(
    programs: &Programs,
    log: Log,
    switch: &str,
    bundle: &str,
    file: &str,
) -> Result<Done, String> {
    let token = programs.read("token")?;
    Ok(programs.conformance(&words(log, switch, &token, bundle, file)))
}

fn signed(
    programs: &Programs,
    log: Log,
    switch: &str,
    bundle: &str,
    file: &str,
) -> Result<Value, String> {
    sign(programs, log, switch, bundle, file)?.ok()?;
    serde_json::from_str(&programs.read(bundle)?).map_err(|e| e.to_string())
}

/// Ours over the suite's command line, by file and by digest, and the others.
fn everybody_verifies(programs: &Programs, bundle: &str, cosign: &str) -> Outcome {
    let identity = programs.identity();
    let root = "--trusted-root trusted_root.json";
    let digest = Digest::sha256(programs.read("blob.txt")?.as_bytes());
    for subject in ["blob.txt", digest.as_str()] {
        programs
            .conformance(&format!(
                "verify-bundle --bundle {bundle} {identity} {root} {subject}"
            ))
            .ok()?;
    }
    programs
        .python(&format!(
            "--trust-config trust_config.json verify identity --offline --cert-identity {PERSON} \
             --cert-oidc-issuer {} --bundle {bundle} blob.txt",
            programs.issuer()
        ))
        .ok()?;
    programs
        .cosign(&format!(
            "{cosign} {root} {identity} --bundle {bundle} blob.txt"
        ))
        .ok()
        .map(|_| ())
}

/// The one content and not the other.
fn holds(bundle: &Value, one: &str, other: &str) -> Outcome {
    match (bundle.get(one), bundle.get(other)) {
        (Some(_), None) => Ok(()),
        _ => Err(format!("wanted {one} and no {other}")),
    }
}

/// The signer's certificate alone, and none that a root has.
fn rootless(bundle: &Value, root: &Value) -> Outcome {
    let certificate = at(bundle, "/verificationMaterial/certificate/rawBytes")?;
    if bundle
        .pointer("/verificationMaterial/x509CertificateChain")
        .is_some()
        || root.to_string().contains(certificate)
    {
        return Err("there is more than the signer's certificate".to_owned());
    }
    Ok(())
}

fn at<'a>(bundle: &'a Value, place: &str) -> Result<&'a str, String> {
    let found = bundle.pointer(place).and_then(Value::as_str);
    found.ok_or_else(|| format!("the bundle has no {place}"))
}
