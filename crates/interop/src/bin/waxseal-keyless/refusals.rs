//! What must not verify, and for which reason.

use serde_json::{Value, json};
use waxseal_testkit::sigstore::{Sigstore, SigstoreOptions};
use waxseal_verify::Rejection;

use crate::ours::{Wanted, verify};
use crate::programs::Programs;
use crate::services::{PERSON, Services};
use crate::table::{Outcome, Table};

/// Whether a refusal is for the right reason.
type Reason = fn(&Rejection) -> bool;

/// One refusal: what is changed, and what our answer has to be.
struct Case {
    name: &'static str,
    bundle: Value,
    root: Value,
    subject: &'static str,
    issuer: String,
    reason: Reason,
}

pub(crate) fn lines(programs: &Programs, services: &Services, table: &mut Table) {
    let mut signed = None;
    table.line("refused: what is changed verifies as it is", || {
        programs
            .cosign(
                "sign-blob --yes --identity-token token --signing-config signing_config.json \
                 --trusted-root trusted_root.json --bundle refused.json blob.txt",
            )
            .ok()?;
        let bundle = programs.read("refused.json")?;
        let wanted = Wanted {
            issuer: programs.issuer(),
            subject: PERSON,
            root: programs.root(),
        };
        verify(bundle.as_bytes(), &programs.path("blob.txt"), &wanted)
            .map_err(|why| why.to_string())?;
        signed = serde_json::from_str(&bundle).ok();
        Ok(())
    });
    let Some(bundle) = signed else {
        return;
    };
    let foreign = Sigstore::start(SigstoreOptions {
        seed: 2,
        ..SigstoreOptions::default()
    });
    for case in cases(services, &bundle, &foreign.trusted_root()) {
        table.line(&format!("refused: {}", case.name), || {
            refused(programs, &case)
        });
    }
}

fn cases(services: &Services, bundle: &Value, foreign: &Value) -> Vec<Case> {
    let right = |name, reason| Case {
        name,
        bundle: bundle.clone(),
        root: services.trusted_root().clone(),
        subject: PERSON,
        issuer: services.issuer().to_owned(),
        reason,
    };
    let with = |mut document: Value, place: &str, value: Value| {
        let (parent, name) = place.rsplit_once('/').expect("a place");
        let parent = document.pointer_mut(parent).and_then(Value::as_object_mut);
        parent.expect(place).insert(name.to_owned(), value);
        document
    };
    let of = |name: &str| foreign.get(name).cloned().unwrap_or_default();
    let entries = "/verificationMaterial/tlogEntries";
    let timestamps = "/verificationMaterial/timestampVerificationData";
    let proof = "/verificationMaterial/tlogEntries/0/inclusionProof";
    let mut cases = vec![
        Case {
            subject: "eve@example.com",
            ..right("another identity", |r| {
                matches!(r, Rejection::IdentityMismatch { .. })
            })
        },
        Case {
            issuer: "https://accounts.example.com".to_owned(),
            ..right("another issuer", |r| {
                matches!(r, Rejection::IssuerMismatch { .. })
            })
        },
        Case {
            bundle: with(
                with(bundle.clone(), entries, json!([])),
                timestamps,
                json!({}),
            ),
            ..right("a certificate without log and timestamp", |r| {
                matches!(r, Rejection::LogRequired | Rejection::SigningTimeRequired)
            })
        },
        Case {
            bundle: with(bundle.clone(), timestamps, json!({})),
            ..right("a log without a time, and no timestamp", |r| {
                matches!(r, Rejection::SigningTimeRequired)
            })
        },
    ];
    let foreign_parts: [(_, _, Reason); 4] = [
        ("a foreign log", "tlogs", |r| {
            matches!(r, Rejection::LogEntryInvalid(_))
        }),
        (
            "a foreign timestamp authority",
            "timestampAuthorities",
            |r| {
                matches!(
                    r,
                    Rejection::TimestampInvalid(_) | Rejection::SigningTimeRequired
                )
            },
        ),
        (
            "a foreign certificate authority",
            "certificateAuthorities",
            |r| matches!(r, Rejection::Certificate(_)),
        ),
        ("a foreign certificate transparency log", "ctlogs", |r| {
            matches!(r, Rejection::Certificate(_))
        }),
    ];
    for (name, part, reason) in foreign_parts {
        cases.push(Case {
            root: with(
                services.trusted_root().clone(),
                &format!("/{part}"),
                of(part),
            ),
            ..right(name, reason)
        });
    }
    let note = bundle.pointer(&format!("{proof}/checkpoint/envelope"));
    let note = note.and_then(Value::as_str).unwrap_or_default();
    let entry = "/verificationMaterial/tlogEntries/0";
    for (name, changes) in [
        (
            "a log entry of another index",
            vec![
                ("logIndex", json!("7")),
                ("inclusionProof/logIndex", json!("7")),
            ],
        ),
        (
            "an inclusion proof of other hashes",
            vec![("inclusionProof/hashes", json!([ZEROS]))],
        ),
        (
            "a checkpoint of another tree",
            vec![(
                "inclusionProof/checkpoint",
                json!({ "envelope": other_root(note) }),
            )],
        ),
    ] {
        let bundle = changes
            .into_iter()
            .fold(bundle.clone(), |bundle, (place, value)| {
                with(bundle, &format!("{entry}/{place}"), value)
            });
        cases.push(Case {
            bundle,
            ..right(name, |r| matches!(r, Rejection::LogEntryInvalid(_)))
        });
    }
    cases
}

fn refused(programs: &Programs, case: &Case) -> Outcome {
    programs.write("refused.json", &case.bundle.to_string());
    programs.write("refused-root.json", &case.root.to_string());
    let wanted = Wanted {
        issuer: &case.issuer,
        subject: case.subject,
        root: &case.root,
    };
    let bundle = case.bundle.to_string();
    match verify(bundle.as_bytes(), &programs.path("blob.txt"), &wanted) {
        Ok(_) => return Err("we accept it".to_owned()),
        Err(reason) if !(case.reason)(&reason) => return Err(format!("refused as `{reason}`")),
        Err(_) => {}
    }
    let identity = format!(
        "--certificate-identity {} --certificate-oidc-issuer {}",
        case.subject, case.issuer
    );
    let words =
        format!("--trusted-root refused-root.json {identity} --bundle refused.json blob.txt");
    programs.cosign(&format!("verify-blob {words}")).fails()?;
    Ok(())
}

/// The same checkpoint over another root.
fn other_root(note: &str) -> String {
    let mut lines: Vec<&str> = note.split('\n').collect();
    if let Some(root) = lines.get_mut(2) {
        *root = ZEROS;
    }
    lines.join("\n")
}

/// 32 bytes of zeros.
const ZEROS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
