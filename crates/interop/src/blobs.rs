//! Blobs, both ways.

use crate::images::{BUNDLE3, LEGACY2, VERIFY3};
use crate::stage::Stage;
use crate::table::{Outcome, Table};

const BUNDLE2: &str = "--new-bundle-format --trusted-root tr.json --insecure-ignore-tlog=true";

pub(crate) fn lines(stage: &Stage, table: &mut Table) {
    table.line("blob, bundle: waxseal → cosign3", || {
        stage
            .waxseal("sign-blob --key ours.key --bundle w.json blob.txt")
            .ok()?;
        stage
            .cosign3(&format!(
                "verify-blob --key ours.pub --bundle w.json {VERIFY3} blob.txt"
            ))
            .ok()?;
        stage
            .cosign3(&format!(
                "verify-blob --key other.pub --bundle w.json {VERIFY3} blob.txt"
            ))
            .fails()?;
        Ok(())
    });
    table.line("blob, bundle: waxseal → cosign2", || {
        stage
            .waxseal("sign-blob --key ours.key --bundle w2.json blob.txt")
            .ok()?;
        stage
            .cosign2(&format!(
                "verify-blob --key ours.pub --bundle w2.json {BUNDLE2} blob.txt"
            ))
            .ok()?;
        stage
            .cosign2(&format!(
                "verify-blob --key other.pub --bundle w2.json {BUNDLE2} blob.txt"
            ))
            .fails()?;
        Ok(())
    });
    table.line("blob, bundle: cosign3 → waxseal", || {
        stage
            .cosign3(&format!(
                "sign-blob --key theirs3.key {BUNDLE3} --bundle c3.json blob.txt"
            ))
            .ok()?;
        read_back(stage, "theirs3", "c3.json")
    });
    table.line("blob, bundle: cosign2 → waxseal", || {
        let words = "--new-bundle-format --bundle c2.json blob.txt";
        stage
            .cosign2(&format!("sign-blob --key theirs2.key {LEGACY2} {words}"))
            .ok()?;
        read_back(stage, "theirs2", "c2.json")
    });
    table.line("blob, legacy: waxseal → cosign2", || {
        stage
            .waxseal("sign-blob --key ours.key --bundle wl.json --output-signature w.sig blob.txt")
            .ok()?;
        let verify = "--signature w.sig --insecure-ignore-tlog=true blob.txt";
        stage
            .cosign2(&format!("verify-blob --key ours.pub {verify}"))
            .ok()?;
        stage
            .cosign2(&format!("verify-blob --key other.pub {verify}"))
            .fails()?;
        Ok(())
    });
    table.line("blob, legacy: cosign2 → waxseal", || {
        let words = "--output-signature c2.sig --bundle c2.former blob.txt";
        stage
            .cosign2(&format!("sign-blob --key theirs2.key {LEGACY2} {words}"))
            .ok()?;
        read_back(stage, "theirs2", "c2.former")?;
        for (key, code) in [("theirs2", 0), ("other", 3)] {
            stage
                .waxseal(&format!(
                    "verify-blob --key {key}.pub --signature c2.sig blob.txt"
                ))
                .exits(code)?;
        }
        Ok(())
    });
    table.line("blob, legacy attestation: cosign2 → waxseal", || {
        let kind = "--type https://example.com/t/v1";
        let words = format!("{kind} --predicate failed.json --output-signature c2.dsse blob.txt");
        stage
            .cosign2(&format!("attest-blob --key theirs2.key {LEGACY2} {words}"))
            .ok()?;
        for (key, code) in [("theirs2", 0), ("other", 3)] {
            stage
                .waxseal(&format!(
                    "verify-blob --key {key}.pub {kind} --signature c2.dsse blob.txt"
                ))
                .exits(code)?;
        }
        Ok(())
    });
    table.line("blob, attestation: waxseal → cosign3", || {
        let words = "--type https://example.com/t/v1 --predicate failed.json";
        stage
            .waxseal(&format!(
                "attest-blob --key ours.key {words} --bundle wa.json blob.txt"
            ))
            .ok()?;
        let verify = "verify-blob-attestation --type https://example.com/t/v1 --bundle wa.json";
        stage
            .cosign3(&format!("{verify} --key ours.pub {VERIFY3} blob.txt"))
            .ok()?;
        stage
            .cosign3(&format!("{verify} --key other.pub {VERIFY3} blob.txt"))
            .fails()?;
        Ok(())
    });
}

fn read_back(stage: &Stage, key: &str, bundle: &str) -> Outcome {
    stage
        .waxseal(&format!(
            "verify-blob --key {key}.pub --bundle {bundle} blob.txt"
        ))
        .ok()?;
    stage
        .waxseal(&format!(
            "verify-blob --key other.pub --bundle {bundle} blob.txt"
        ))
        .exits(3)?;
    stage
        .waxseal(&format!(
            "verify-blob --key {key}.pub --bundle {bundle} layer.txt"
        ))
        .exits(3)?;
    Ok(())
}
