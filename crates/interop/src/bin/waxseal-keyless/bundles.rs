//! Files: each program signs, every program verifies, with either log.

use waxseal_oci::Digest;
use waxseal_verify::Verified;

use crate::ours::{self, Wanted};
use crate::programs::{Program, Programs};
use crate::services::PERSON;
use crate::table::{Outcome, Table};

/// What a bundle says about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Signature,
    Attestation,
}

/// Which log it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Log {
    V2,
    V1,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Attestation => "attestation",
        }
    }
}

impl Log {
    fn name(self) -> &'static str {
        match self {
            Self::V2 => "Rekor v2",
            Self::V1 => "Rekor v1",
        }
    }

    /// What the names of the files end with that lead to this log.
    fn suffix(self) -> &'static str {
        match self {
            Self::V2 => "",
            Self::V1 => "_v1",
        }
    }
}

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
        for kind in [Kind::Signature, Kind::Attestation] {
            for signer in SIGNERS {
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
            Some((why, _)) => why,
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
    format!(
        "{log}-{}-{}.json",
        signer.name().replace(' ', ""),
        kind.name()
    )
}

/// What a peer cannot verify, whoever signed it rightly, and what it says.
fn limit(
    signer: Program,
    verifier: Program,
    kind: Kind,
    log: Log,
) -> Option<(&'static str, &'static str)> {
    match (signer, verifier, kind, log) {
        (Program::Cosign, Program::Python, Kind::Attestation, _) => Some((
            "cannot: it reads no statements v0.1",
            "malformed in-toto statement",
        )),
        (_, Program::Javascript, Kind::Attestation, Log::V2) => Some((
            "cannot: it knows no envelopes under entries by hash",
            "digest mismatch",
        )),
        _ => None,
    }
}

fn sign(programs: &Programs, signer: Program, kind: Kind, log: Log, bundle: &str) -> Outcome {
    let token = programs.read("token")?;
    let suffix = log.suffix();
    let services = format!(
        "--yes --identity-token token --signing-config signing_config{suffix}.json \
         --trusted-root trusted_root.json"
    );
    let predicate = "--type slsaprovenance1 --predicate predicate.json";
    let trust = format!("--trust-config trust_config{suffix}.json");
    let done = match (signer, kind) {
        (Program::Waxseal, Kind::Signature) => programs.waxseal(&format!(
            "sign-blob --keyless {services} --bundle {bundle} blob.txt"
        )),
        (Program::Waxseal, Kind::Attestation) => programs.waxseal(&format!(
            "attest-blob --keyless {services} {predicate} --bundle {bundle} blob.txt"
        )),
        (Program::Cosign, Kind::Signature) => {
            programs.cosign(&format!("sign-blob {services} --bundle {bundle} blob.txt"))
        }
        (Program::Cosign, Kind::Attestation) => programs.cosign(&format!(
            "attest-blob {services} {predicate} --bundle {bundle} blob.txt"
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
    let verify = |file: &str| {
        match (verifier, kind) {
        (Program::Cosign, Kind::Attestation) => programs.cosign(&format!(
            "verify-blob-attestation {root} {identity} --bundle {bundle} --type slsaprovenance1 {file}"
        )),
        (Program::Cosign | Program::Waxseal, Kind::Signature | Kind::Attestation) => programs.cosign(&format!(
            "verify-blob {root} {identity} --bundle {bundle} {file}"
        )),
        (Program::Python, _) => programs.python(&format!(
            "--trust-config trust_config.json verify identity --offline --cert-identity {PERSON} \
             --cert-oidc-issuer {} --bundle {bundle} {file}",
            programs.issuer()
        )),
        (Program::Javascript, _) => programs.javascript(&format!(
            "verify {file} {bundle} trusted_root.json {PERSON} {}",
            programs.issuer()
        )),
    }
    };
    if let Some((_, says)) = limit(signer, verifier, kind, log) {
        return verify("blob.txt").fails_saying(says).map(|_| ());
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

/// Who signs files.
const SIGNERS: [Program; 3] = [Program::Cosign, Program::Python, Program::Javascript];
/// The type of SLSA provenance v1.
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
