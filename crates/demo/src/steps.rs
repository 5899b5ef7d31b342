//! The steps, in order.

use serde_json::json;
use waxseal_oci::media;
use waxseal_testkit::{Options, Registry};

use crate::stage::{Stage, say};
use crate::{image, webhook};

pub(crate) fn run() -> Result<(), String> {
    let stage = Stage::set()?;
    let registry = Registry::start(Options::default());
    let host = registry.host().to_owned();

    say("An embedded registry on loopback, and two small images in it");
    let api = image::push(&registry, "shop/api", "1.0", "the real one\n")?;
    let web = image::push(&registry, "shop/web", "1.0", "nobody signed this\n")?;
    println!(
        "    {}\n      {}\n    {}\n      {}",
        api.reference, api.digest, web.reference, web.digest
    );

    say("A key: encrypted, in cosign's own format");
    stage.waxseal("keygen --output-prefix release", 0)?;

    say("Sign the image. The tag is resolved once; what is signed is the digest");
    stage.waxseal(
        &format!("--insecure-http sign --key release.key {}", api.reference),
        0,
    )?;

    say("Attest its SBOM, which names the image by its digest");
    stage.write("bom.cdx.json", &image::sbom(&api.descriptor, "api"))?;
    stage.waxseal(
        &format!(
            "--insecure-http attest --key release.key --sbom bom.cdx.json {}",
            api.by_digest
        ),
        0,
    )?;

    say("An SBOM of another image is not attested");
    stage.waxseal(
        &format!(
            "--insecure-http attest --key release.key --sbom bom.cdx.json {}",
            web.by_digest
        ),
        1,
    )?;

    say("What is attached now");
    stage.waxseal(&format!("--insecure-http tree {}", api.reference), 0)?;

    say("Verify the signature, then the SBOM's attestation");
    registry.reset();
    stage.waxseal(
        &format!("--insecure-http verify --key release.pub {}", api.reference),
        0,
    )?;
    println!("    (the registry was asked {} times)", registry.count());
    let verify_sbom = "--insecure-http verify --key release.pub --attestation cyclonedx";
    stage.waxseal(&format!("{verify_sbom} {}", api.reference), 0)?;

    say("The image that nobody signed is refused");
    stage.waxseal(
        &format!("--insecure-http verify --key release.pub {}", web.reference),
        3,
    )?;

    say("A genuine signature, copied onto another image, is refused");
    transplant(&registry, &api.digest.to_string(), &web.descriptor)?;
    stage.waxseal(
        &format!("--insecure-http verify --key release.pub {}", web.reference),
        3,
    )?;

    say("A verdict is a file: capture it, stop the registry, replay it");
    stage.waxseal(
        &format!(
            "--insecure-http capture --key release.pub -o evidence.tar {}",
            api.reference
        ),
        0,
    )?;
    stage.waxseal("replay evidence.tar", 0)?;

    say("The same policy in the cluster: the webhook, over TLS");
    let policy = format!(
        "apiVersion: waxseal.dev/v1alpha1\n\
         kind: ImagePolicy\n\
         metadata: {{ name: release }}\n\
         spec:\n  \
           match: {{ images: [\"{host}/shop/**\"] }}\n  \
           authorities:\n    \
             release-key: {{ key: {{ file: release.pub }} }}\n  \
           require:\n    \
             - signature: {{ from: [release-key] }}\n    \
             - attestation: {{ type: cyclonedx, from: [release-key], where: \"predicate.components.exists(c, c.name == 'busybox-static')\" }}\n"
    );
    std::fs::create_dir(stage.path("policies")).map_err(|e| e.to_string())?;
    stage.write("policies/release.yaml", &policy)?;
    std::fs::copy(
        stage.path("release.pub"),
        stage.path("policies/release.pub"),
    )
    .map_err(|e| e.to_string())?;
    for line in policy.lines() {
        println!("    {line}");
    }
    stage.waxseal("policy check policies/release.yaml", 0)?;
    webhook::play(
        &stage,
        &api.reference,
        &api.digest.to_string(),
        &web.reference,
    )
}

/// Attaches the referrers of one image to another, as somebody with push rights could.
fn transplant(registry: &Registry, from: &str, to: &waxseal_oci::Descriptor) -> Result<(), String> {
    let (_, _, list) = registry.inside(
        "GET",
        &format!("/v2/shop/api/referrers/{from}"),
        &[],
        Vec::new(),
    );
    let list: serde_json::Value = serde_json::from_slice(&list).map_err(|e| e.to_string())?;
    for entry in list["manifests"].as_array().into_iter().flatten() {
        let digest = entry["digest"].as_str().unwrap_or_default();
        let bytes = registry
            .manifest("shop/api", digest)
            .ok_or("a referrer is missing")?;
        let mut manifest: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
        for blob in [&manifest["config"], &manifest["layers"][0]] {
            let digest = blob["digest"].as_str().unwrap_or_default();
            let digest = digest.parse().map_err(|e| format!("{e}"))?;
            let content = registry
                .blob("shop/api", &digest)
                .ok_or("a blob is missing")?;
            registry.push_blob("shop/web", "application/octet-stream", &content);
        }
        manifest["subject"] = json!({
            "mediaType": to.media_type, "digest": to.digest, "size": to.size,
        });
        let bytes = manifest.to_string().into_bytes();
        let digest = waxseal_oci::Digest::sha256(&bytes);
        registry.push_manifest("shop/web", digest.as_str(), media::OCI_MANIFEST, &bytes);
    }
    Ok(())
}
