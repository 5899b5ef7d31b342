//! Files: each program signs, every program verifies, with either log.

use waxseal_oci::Digest;
use waxseal_verify::Verified;

use crate::evidence::{Kind, Limit, Log, PREDICATE, PROVENANCE, envelope_limit};
use crate::ours::{self, Wanted};
use crate::programs::{Program, Programs};
use crate::services::PERSON;
use crate::table::{Outcome, Table};

pub(crate) fn lines(programs: &Programs, table: &mut Table) {
    for log in [Log::V2, Log::V1] {
        // The first entry of a log has the index 0, which cosign leaves out and
        // sigstore-python then misses. What is looked at comes after it.
        table.line(&format!("{}: a first entry", log.name()), || {
            sign(
                programs,
                Program::Cosign,
                Kind::Signature,
                log,
                "first.json",
            )
        });
        for kind in Kind::ALL {
            for signer in Program::ALL {
                signer_lines(programs, table, log, kind, signer);
            }
        }
    }
}

fn signer_lines(programs: &Programs, table: &mut Table, log: Log, kind: Kind, signer: Program) {
    let what = format!("{}, blob {}: {}", log.name(), kind.name(), signer.name());
    let bundle = bundle(log, kind, signer);
    if (signer, kind, log) == (Program::Javascript, Kind::Attestation, Log::V2) {
        table.line(
            &format!("{what} cannot sign, its kind of entry is gone"),
            || {
                let words = format!("attest statement.json {bundle} signing_config.json token");
                let done = programs.javascript(&words);
                done.fails_saying("invalid type, must be hashedrekord")
                    .map(|_| ())
            },
        );
        return;
    }
    let mut signed = false;
    table.line(&format!("{what} signs"), || {
        sign(programs, signer, kind, log, &bundle)?;
        signed = true;
        Ok(())
    });
    if !signed {
        return;
    }
    for verifier in Program::ALL {
        let verdict = match limit(signer, verifier, kind, log) {
            None => "verifies",
            Some(limit) => limit.why,
        };
        let name = format!("{what} signed, {} {verdict}", verifier.name());
        table.line(&name, || check(programs, signer, verifier, kind, log));
    }
}

/// The name of the bundle that somebody makes.
fn bundle(log: Log, kind: Kind, signer: Program) -> String {
    let log = match log {
        Log::V2 => "v2",
        Log::V1 => "v1",
    };
    format!("{log}-{}-{}.json", signer.word(), kind.name())
}

/// The limit that a verifier of files meets.
fn limit(signer: Program, verifier: Program, kind: Kind, log: Log) -> Option<Limit> {
    match kind {
        Kind::Signature => None,
        Kind::Attestation => envelope_limit(signer, verifier, kind, log),
    }
}

fn sign(programs: &Programs, signer: Program, kind: Kind, log: Log, bundle: &str) -> Outcome {
    let token = programs.read("token")?;
    let suffix = log.suffix();
    let services = log.services();
    let trust = format!("--trust-config trust_config{suffix}.json");
    let done = match (signer, kind) {
        (Program::Waxseal, Kind::Signature) => programs.waxseal(&format!(
            "sign-blob --keyless {services} --bundle {bundle} blob.txt"
        )),
        (Program::Waxseal, Kind::Attestation) => programs.waxseal(&format!(
            "attest-blob --keyless {services} {PREDICATE} --bundle {bundle} blob.txt"
        )),
        (Program::Cosign, Kind::Signature) => {
            programs.cosign(&format!("sign-blob {services} --bundle {bundle} blob.txt"))
        }
        (Program::Cosign, Kind::Attestation) => programs.cosign(&format!(
            "attest-blob {services} {PREDICATE} --bundle {bundle} blob.txt"
        )),
        (Program::Python, Kind::Signature) => programs.python(&format!(
            "{trust} sign --identity-token {token} --bundle {bundle} blob.txt"
        )),
        (Program::Python, Kind::Attestation) => programs.python(&format!(
            "{trust} attest --identity-token {token} --bundle {bundle} \
             --predicate predicate.json --predicate-type {PROVENANCE} blob.txt"
        )),
        (Program::Javascript, Kind::Signature) => programs.javascript(&format!(
            "sign blob.txt {bundle} signing_config{suffix}.json token"
        )),
        (Program::Javascript, Kind::Attestation) => programs.javascript(&format!(
            "attest statement.json {bundle} signing_config{suffix}.json token"
        )),
    };
    done.ok().map(|_| ())
}

fn check(programs: &Programs, signer: Program, verifier: Program, kind: Kind, log: Log) -> Outcome {
    let bundle = bundle(log, kind, signer);
    let identity = programs.identity();
    let root = "--trusted-root trusted_root.json";
    if verifier == Program::Waxseal {
        return ours_verifies(programs, &bundle, kind);
    }
    let verify = |file: &str| match (verifier, kind) {
        (Program::Python, _) => programs.python(&format!(
            "--trust-config trust_config.json verify identity --offline --cert-identity {PERSON} \
             --cert-oidc-issuer {} --bundle {bundle} {file}",
            programs.issuer()
        )),
        (Program::Javascript, _) => programs.javascript(&format!(
            "verify {file} {bundle} trusted_root.json {PERSON} {}",
            programs.issuer()
        )),
        (_, Kind::Signature) => programs.cosign(&format!(
            "verify-blob {root} {identity} --bundle {bundle} {file}"
        )),
        (_, Kind::Attestation) => {
            let words =
                format!("{root} {identity} --bundle {bundle} --type slsaprovenance1 {file}");
            programs.cosign(&format!("verify-blob-attestation {words}"))
        }
    };
    if let Some(limit) = limit(signer, verifier, kind, log) {
        return verify("blob.txt").fails_saying(limit.says).map(|_| ());
    }
    verify("blob.txt").ok()?;
    // sigstore-js leaves the subjects of a statement to its caller.
    if (verifier, kind) != (Program::Javascript, Kind::Attestation) {
        verify("other.txt").fails()?;
    }
    Ok(())
}

fn ours_verifies(programs: &Programs, bundle: &str, kind: Kind) -> Outcome {
    let bundle = programs.read(bundle)?;
    let wanted = Wanted {
        issuer: programs.issuer(),
        subject: PERSON,
        root: programs.root(),
    };
    let verify = |file: &str| ours::verify(bundle.as_bytes(), &programs.path(file), &wanted);
    match (kind, verify("blob.txt").map_err(|why| why.to_string())?) {
        (Kind::Signature, Verified::Signature(_)) => {}
        (Kind::Attestation, Verified::Attestation(found))
            if found.predicate_type() == PROVENANCE => {}
        _ => return Err("we take it for something else".to_owned()),
    }
    match verify("other.txt") {
        Ok(_) => Err("we accept it for another file".to_owned()),
        Err(_) => Ok(()),
    }
}

/// The statement that sigstore-js signs, which makes none itself.
pub(crate) fn statement(blob: &str, predicate: &str) -> String {
    let digest = Digest::sha256(blob.as_bytes());
    format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"blob.txt","digest":{{"sha256":"{}"}}}}],"predicateType":"{PROVENANCE}","predicate":{predicate}}}"#,
        digest.hex(),
    )
}
