//! Images: ours and cosign 3 sign and attest, both verify; sigstore-python and
//! sigstore-js, which know no registries, are given the bundle.

use waxseal_oci::Manifest;
use waxseal_testkit::{ImageSpec, Options, PushedImage, Registry};

use crate::evidence::{Kind, Log, PREDICATE, envelope_limit};
use crate::programs::{Done, Program, Programs};
use crate::services::PERSON;
use crate::table::Table;

/// An image in its registry.
struct Image<'a> {
    registry: &'a Registry,
    pushed: PushedImage,
    /// `HOST/NAME@DIGEST`.
    name: String,
}

pub(crate) fn lines(programs: &Programs, table: &mut Table) {
    for (log, referrers) in [(Log::V2, true), (Log::V2, false), (Log::V1, true)] {
        let registry = Registry::start(Options {
            referrers,
            ..Options::default()
        });
        for kind in Kind::ALL {
            for signer in [Program::Waxseal, Program::Cosign] {
                let repository = format!("{}/{}", signer.word(), kind.name());
                let pushed = registry.push_image(&repository, "v1", &ImageSpec::tiny());
                let image = Image {
                    registry: &registry,
                    name: format!("{}/{repository}@{}", registry.host(), pushed.digest),
                    pushed,
                };
                image_lines(programs, table, log, kind, signer, &image);
            }
        }
    }
}

fn image_lines(
    programs: &Programs,
    table: &mut Table,
    log: Log,
    kind: Kind,
    signer: Program,
    image: &Image<'_>,
) {
    let referrers = image.registry.options().referrers;
    let place = if referrers { "" } else { " by tag" };
    let what = format!(
        "{}, image {}{place}: {}",
        log.name(),
        kind.name(),
        signer.name()
    );
    let mut signed = false;
    table.line(&format!("{what} signs"), || {
        sign(programs, signer, kind, log, &image.name).ok()?;
        signed = true;
        Ok(())
    });
    if !signed {
        return;
    }
    for verifier in Program::ALL {
        let limit = envelope_limit(signer, verifier, kind, log);
        let verdict = limit.map_or("verifies", |limit| limit.why);
        let name = format!("{what} signed, {} {verdict}", verifier.name());
        match verifier {
            Program::Waxseal | Program::Cosign => table.line(&name, || {
                verify(programs, verifier, kind, &image.name, &programs.identity()).ok()?;
                let other = programs.identity().replace("dev@", "eve@");
                verify(programs, verifier, kind, &image.name, &other).fails()?;
                Ok(())
            }),
            Program::Python | Program::Javascript if referrers => table.line(&name, || {
                let done = verify_bundle(programs, verifier, image)?;
                match limit {
                    Some(limit) => done.fails_saying(limit.says).map(|_| ()),
                    None => done.ok().map(|_| ()),
                }
            }),
            Program::Python | Program::Javascript => {}
        }
    }
}

fn sign(programs: &Programs, signer: Program, kind: Kind, log: Log, image: &str) -> Done {
    let services = log.services();
    match (signer, kind) {
        (Program::Waxseal, Kind::Signature) => {
            programs.waxseal(&format!("sign --keyless {services} {image}"))
        }
        (Program::Waxseal, Kind::Attestation) => {
            programs.waxseal(&format!("attest --keyless {services} {PREDICATE} {image}"))
        }
        (_, Kind::Signature) => programs.cosign(&format!("sign {services} {image}")),
        (_, Kind::Attestation) => {
            programs.cosign(&format!("attest {services} {PREDICATE} {image}"))
        }
    }
}

fn verify(programs: &Programs, verifier: Program, kind: Kind, image: &str, identity: &str) -> Done {
    let root = "--trusted-root trusted_root.json";
    match (verifier, kind) {
        (Program::Waxseal, Kind::Signature) => {
            programs.waxseal(&format!("verify {root} {identity} {image}"))
        }
        (Program::Waxseal, Kind::Attestation) => programs.waxseal(&format!(
            "verify {root} {identity} --attestation slsaprovenance1 {image}"
        )),
        (_, Kind::Signature) => programs.cosign(&format!("verify {root} {identity} {image}")),
        (_, Kind::Attestation) => programs.cosign(&format!(
            "verify-attestation {root} {identity} --type slsaprovenance1 {image}"
        )),
    }
}

/// The verdict of a peer that is given the bundle and the image's digest.
fn verify_bundle(
    programs: &Programs,
    verifier: Program,
    image: &Image<'_>,
) -> Result<Done, String> {
    programs.write("image.json", &bundle(image)?);
    let issuer = programs.issuer();
    Ok(match verifier {
        Program::Javascript => programs.javascript(&format!(
            "verify blob.txt image.json trusted_root.json {PERSON} {issuer}"
        )),
        _ => programs.python(&format!(
            "--trust-config trust_config.json verify identity --offline --cert-identity {PERSON} \
             --cert-oidc-issuer {issuer} --bundle image.json {}",
            image.pushed.digest
        )),
    })
}

/// The one bundle that refers to an image.
fn bundle(image: &Image<'_>) -> Result<String, String> {
    let PushedImage {
        repository, digest, ..
    } = &image.pushed;
    let referrers = image.registry.contents().referrers(repository, digest);
    let [referrer] = referrers.as_slice() else {
        return Err(format!("{} referrers", referrers.len()));
    };
    let manifest = image
        .registry
        .manifest(repository, referrer.digest.as_str());
    let manifest: Option<Manifest> = manifest.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let layer = manifest.and_then(|manifest| manifest.layers.first().cloned());
    let bundle = layer.and_then(|layer| image.registry.blob(repository, &layer.digest));
    let bundle = bundle.ok_or("the referrer has no bundle")?;
    String::from_utf8(bundle).map_err(|error| error.to_string())
}
