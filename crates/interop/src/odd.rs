//! What cosign gets wrong, and what a network is not needed for.

use crate::images::{BUNDLE3, VERIFY3};
use crate::stage::Stage;
use crate::table::Table;

pub(crate) fn lines(stage: &Stage, table: &mut Table) {
    for site in &stage.sites {
        let name = format!("an attestation is not a signature, {} referrers", site.name);
        table.line(&name, || {
            let image = stage.image(site, "attested-only")?;
            let kind = "https://example.com/scan-failed/v1";
            stage
                .cosign3(&format!(
                    "attest --key theirs3.key {BUNDLE3} --type {kind} --predicate failed.json {image}"
                ))
                .ok()?;
            // cosign takes "scan failed, do not deploy" for a signature; we name it.
            stage.cosign3(&format!("verify --key theirs3.pub {VERIFY3} {image}")).ok()?;
            stage.waxseal(&format!("verify --key theirs3.pub {image}")).exits(3)?.says(kind)?;
            Ok(())
        });
        let name = format!(
            "a verdict is replayed without a network, {} referrers",
            site.name
        );
        table.line(&name, || {
            let image = stage.image(site, "captured")?;
            stage
                .cosign3(&format!("sign --key theirs3.key {BUNDLE3} {image}"))
                .ok()?;
            let file = format!("evidence-{}.tar", site.name);
            stage
                .waxseal(&format!("capture --key theirs3.pub -o {file} {image}"))
                .ok()?;
            stage
                .waxseal_offline(&format!("replay {file}"))
                .ok()?
                .says("verified")?;
            let file = format!("refused-{}.tar", site.name);
            stage
                .waxseal(&format!("capture --key other.pub -o {file} {image}"))
                .exits(3)?;
            stage.waxseal_offline(&format!("replay {file}")).exits(3)?;
            Ok(())
        });
        let name = format!(
            "the tree lists what cosign attached, {} referrers",
            site.name
        );
        table.line(&name, || {
            let image = stage.image(site, "listed")?;
            stage
                .cosign3(&format!("sign --key theirs3.key {BUNDLE3} {image}"))
                .ok()?;
            let tree = stage.waxseal(&format!("tree {image}")).ok()?;
            tree.says("signature sha256:")?
                .says("signed with the key of hint")?;
            Ok(())
        });
    }
}
