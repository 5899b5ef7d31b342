//! Images that move with all that hangs on them, verified by cosign where they arrive.

use crate::images::{VERIFY2, VERIFY3};
use crate::stage::{Site, Stage};
use crate::table::{Outcome, Table};

pub(crate) fn lines(stage: &Stage, table: &mut Table) {
    let [with, without] = &stage.sites;
    for (from, to) in [(with, without), (without, with), (without, without)] {
        let name = format!("copy, {} → {} referrers", from.name, to.name);
        table.line(&name, || {
            let image = attached(stage, from, &format!("copy-from-{}", to.name))?;
            let target = format!("{}/copied-{}:v1", to.host, from.name);
            stage.waxseal(&format!("copy {image} {target}")).ok()?;
            arrived(stage, &target)
        });
        let name = format!("save and load, {} → {} referrers", from.name, to.name);
        table.line(&name, || {
            let image = attached(stage, from, &format!("save-from-{}", to.name))?;
            let folder = format!("saved-{}-{}", from.name, to.name);
            stage.waxseal(&format!("save {image} -o {folder}")).ok()?;
            let target = format!("{}/loaded-{}:v1", to.host, from.name);
            stage.waxseal(&format!("load {folder} {target}")).ok()?;
            arrived(stage, &target)
        });
    }
    for site in [with, without] {
        table.line(
            &format!(
                "oras and crane read what waxseal wrote, {} referrers",
                site.name
            ),
            || {
                let image = attached(stage, site, "read-by-others")?;
                let listed = stage
                    .peer("oras", &format!("discover --plain-http {image}"))
                    .ok()?;
                listed.says("application/vnd.dev.sigstore.bundle.v0.3+json")?;
                let repository = image.split('@').next().unwrap_or_default();
                let tags = stage
                    .peer("crane", &format!("ls --insecure {repository}"))
                    .ok()?;
                tags.says(".sig")?.says("v1")?;
                Ok(())
            },
        );
    }
}

/// An image with a bundle, an attestation and a legacy signature.
fn attached(stage: &Stage, site: &Site, name: &str) -> Result<String, String> {
    let image = stage.image(site, name)?;
    stage
        .waxseal(&format!("sign --key ours.key {image}"))
        .ok()?;
    stage
        .waxseal(&format!("sign --legacy --key ours.key {image}"))
        .ok()?;
    stage
        .waxseal(&format!("attest --key ours.key --sbom bom.json {image}"))
        .ok()?;
    Ok(image)
}

fn arrived(stage: &Stage, target: &str) -> Outcome {
    stage
        .cosign3(&format!("verify --key ours.pub {VERIFY3} {target}"))
        .ok()?;
    let attestation =
        format!("verify-attestation --key ours.pub {VERIFY3} --type cyclonedx {target}");
    stage.cosign3(&attestation).ok()?;
    stage
        .cosign2(&format!("verify --key ours.pub {VERIFY2} {target}"))
        .ok()?;
    stage
        .waxseal(&format!("verify --key ours.pub {target}"))
        .ok()?;
    stage
        .waxseal(&format!(
            "verify --key ours.pub --attestation cyclonedx {target}"
        ))
        .ok()?;
    Ok(())
}
