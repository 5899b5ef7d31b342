//! Many signers at once on a registry without the referrers API.

use std::process::Child;

use crate::images::BUNDLE3;
use crate::stage::Stage;
use crate::table::{Outcome, Table};

/// How many of ours sign at once.
const OURS: usize = 50;

pub(crate) fn lines(stage: &Stage, table: &mut Table) {
    table.line(
        "fifty signers at once lose nothing, without referrers",
        || {
            let image = prepare(stage, "crowd")?;
            all(signers(stage, &image, OURS))?;
            complete(stage, &image, OURS)
        },
    );
    table.line(
        "ten signers lose nothing while cosign3 writes in between, without referrers",
        || {
            let image = prepare(stage, "mixed-crowd")?;
            let mut started = signers(stage, &image, 10);
            for _ in 0..3 {
                let words = format!("sign --key theirs3.key {BUNDLE3} {image}");
                started.push(stage.start_peer("cosign3", &words));
            }
            all(started)?;
            complete(stage, &image, 10)
        },
    );
}

/// An image, and a key for each signer: unencrypted, so that fifty of them fit
/// on a small machine.
fn prepare(stage: &Stage, name: &str) -> Result<String, String> {
    let [_, without] = &stage.sites;
    for n in 0..OURS {
        if stage.path(&format!("crowd{n}.key")).exists() {
            continue;
        }
        let pair = rcgen::KeyPair::generate().map_err(|e| e.to_string())?;
        stage.write_private(&format!("crowd{n}.key"), &pair.serialize_pem());
        stage.write(&format!("crowd{n}.pub"), &pair.public_key_pem());
    }
    stage.image(without, name)
}

fn signers(stage: &Stage, image: &str, count: usize) -> Vec<Child> {
    (0..count)
        .map(|n| stage.start_waxseal(&format!("sign --key crowd{n}.key {image}")))
        .collect()
}

fn all(started: Vec<Child>) -> Outcome {
    for child in started {
        let output = child.wait_with_output().map_err(|e| e.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
    }
    Ok(())
}

fn complete(stage: &Stage, image: &str, count: usize) -> Outcome {
    let lost: Vec<String> = (0..count)
        .filter(|n| {
            stage
                .waxseal(&format!("verify --key crowd{n}.pub {image}"))
                .code
                != 0
        })
        .map(|n| n.to_string())
        .collect();
    if lost.is_empty() {
        Ok(())
    } else {
        Err(format!("lost: {}", lost.join(", ")))
    }
}
