//! Images: ours and cosign 3 sign and attest, both verify.

use waxseal_testkit::{ImageSpec, Options, Registry};

use crate::programs::{Done, Program, Programs};
use crate::table::Table;

pub(crate) fn lines(programs: &Programs, table: &mut Table) {
    let verifiers = [Program::Waxseal, Program::Cosign];
    for referrers in [true, false] {
        let registry = Registry::start(Options {
            referrers,
            ..Options::default()
        });
        let place = if referrers { "referrers" } else { "tags" };
        for kind in ["signature", "attestation"] {
            for signer in [Program::Cosign] {
                let image = registry.push_image(
                    &format!("interop/{}-{kind}", signer.name().replace(' ', "")),
                    "v1",
                    &ImageSpec::tiny(),
                );
                let image = format!("{}/{}@{}", registry.host(), image.repository, image.digest);
                let mut signed = false;
                table.line(
                    &format!("image {kind} ({place}): {} signs", signer.name()),
                    || {
                        sign(programs, signer, kind, &image).ok()?;
                        signed = true;
                        Ok(())
                    },
                );
                if !signed {
                    continue;
                }
                for verifier in verifiers {
                    let name = format!(
                        "image {kind} ({place}): {} signed, {} verifies",
                        signer.name(),
                        verifier.name()
                    );
                    table.line(&name, || {
                        verify(programs, verifier, kind, &image, &programs.identity()).ok()?;
                        let other = programs.identity().replace("dev@", "eve@");
                        verify(programs, verifier, kind, &image, &other).fails()?;
                        Ok(())
                    });
                }
            }
        }
    }
}

fn sign(programs: &Programs, signer: Program, kind: &str, image: &str) -> Done {
    let services = "--yes --identity-token token --signing-config signing_config.json \
                    --trusted-root trusted_root.json";
    let predicate = "--type slsaprovenance1 --predicate predicate.json";
    match (signer, kind) {
        (Program::Waxseal, "signature") => {
            programs.waxseal(&format!("sign --keyless {services} {image}"))
        }
        (Program::Waxseal, _) => {
            programs.waxseal(&format!("attest --keyless {services} {predicate} {image}"))
        }
        (_, "signature") => programs.cosign(&format!("sign {services} {image}")),
        _ => programs.cosign(&format!("attest {services} {predicate} {image}")),
    }
}

fn verify(programs: &Programs, verifier: Program, kind: &str, image: &str, identity: &str) -> Done {
    let root = "--trusted-root trusted_root.json";
    match (verifier, kind) {
        (Program::Waxseal, "signature") => {
            programs.waxseal(&format!("verify {root} {identity} {image}"))
        }
        (Program::Waxseal, _) => programs.waxseal(&format!(
            "verify {root} {identity} --attestation slsaprovenance1 {image}"
        )),
        (_, "signature") => programs.cosign(&format!("verify {root} {identity} {image}")),
        _ => programs.cosign(&format!(
            "verify-attestation {root} {identity} --type slsaprovenance1 {image}"
        )),
    }
}
