//! Keys, exchanged both ways.

use crate::images::{BUNDLE3, LEGACY2, VERIFY2, VERIFY3};
use crate::stage::Stage;
use crate::table::{Outcome, Table};

pub(crate) fn lines(stage: &Stage, table: &mut Table) {
    for theirs in ["theirs2", "theirs3"] {
        table.line(&format!("key: {theirs} signs with waxseal"), || {
            let image = stage.image(with(stage), &format!("key-{theirs}"))?;
            stage
                .waxseal(&format!("sign --key {theirs}.key {image}"))
                .ok()?;
            stage
                .cosign3(&format!("verify --key {theirs}.pub {VERIFY3} {image}"))
                .ok()?;
            Ok(())
        });
    }
    for algorithm in ["p256", "p384", "ed25519", "rsa-3072"] {
        table.line(
            &format!("key: waxseal's {algorithm}, signed by waxseal, read by cosign3"),
            || {
                let prefix = format!("k-{algorithm}");
                stage
                    .waxseal(&format!(
                        "keygen --algorithm {algorithm} --output-prefix {prefix}"
                    ))
                    .ok()?;
                let image = stage.image(with(stage), &format!("key-{algorithm}"))?;
                stage
                    .waxseal(&format!("sign --key {prefix}.key {image}"))
                    .ok()?;
                stage
                    .cosign3(&format!("verify --key {prefix}.pub {VERIFY3} {image}"))
                    .ok()?;
                stage
                    .cosign3(&format!("verify --key ours.pub {VERIFY3} {image}"))
                    .fails()?;
                Ok(())
            },
        );
    }
    table.line("key: waxseal's signs with cosign3", || {
        let image = stage.image(with(stage), "key-by-cosign3")?;
        stage
            .cosign3(&format!("sign --key ours.key {BUNDLE3} {image}"))
            .ok()?;
        verified(stage, &image)
    });
    table.line("key: waxseal's signs with cosign2", || {
        let image = stage.image(with(stage), "key-by-cosign2")?;
        stage
            .cosign2(&format!("sign --key ours.key {LEGACY2} {image}"))
            .ok()?;
        stage
            .cosign2(&format!("verify --key ours.pub {VERIFY2} {image}"))
            .ok()?;
        verified(stage, &image)
    });
    table.line("key: waxseal and cosign3 derive one public key", || {
        let ours = stage.waxseal("public-key --key theirs3.key").ok()?.stdout;
        let theirs = stage.cosign3("public-key --key theirs3.key").ok()?.stdout;
        if ours.trim() == theirs.trim() {
            Ok(())
        } else {
            Err(format!("{ours}\n{theirs}"))
        }
    });
}

fn verified(stage: &Stage, image: &str) -> Outcome {
    stage
        .waxseal(&format!("verify --key ours.pub {image}"))
        .ok()?;
    stage
        .waxseal(&format!("verify --key other.pub {image}"))
        .exits(3)?;
    Ok(())
}

fn with(stage: &Stage) -> &crate::stage::Site {
    let [with, _] = &stage.sites;
    with
}
