//! A trusted root and a signing configuration that `waxseal trust create` makes
//! of the services' certificates and keys.

use crate::programs::Programs;
use crate::services::Services;
use crate::table::Table;

pub(crate) fn lines(programs: &Programs, services: &Services, table: &mut Table) {
    let identity = programs.identity();
    let made = "--signing-config made/signing_config.json --trusted-root made/trusted_root.json";
    let mut there = false;
    table.line("trust create: made of certificates and keys", || {
        let parts = services.parts();
        programs
            .waxseal(&format!("trust create -o made {parts}"))
            .ok()?;
        programs
            .waxseal(&format!("trust pin made {made}"))
            .ok()
            .map(|_| there = true)
    });
    if !there {
        return;
    }
    table.line("trust create: waxseal signs, cosign 3 verifies", || {
        programs
            .waxseal(
                "sign-blob --keyless --yes --identity-token token --trust-root made \
                 --bundle made-ours.json blob.txt",
            )
            .ok()?;
        let verify = "verify-blob --trusted-root made/trusted_root.json --bundle made-ours.json";
        programs
            .cosign(&format!(
                "{verify} {identity} --use-signed-timestamps blob.txt"
            ))
            .ok()
            .map(|_| ())
    });
    table.line("trust create: cosign 3 signs, waxseal verifies", || {
        programs
            .cosign(&format!(
                "sign-blob --yes --identity-token token {made} --bundle made-theirs.json blob.txt"
            ))
            .ok()?;
        let verify = "verify-blob --trust-root made --bundle made-theirs.json";
        programs
            .waxseal(&format!("{verify} {identity} blob.txt"))
            .ok()
            .map(|_| ())
    });
}
