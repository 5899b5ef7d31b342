//! What somebody with push rights, and without the key, could try.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use waxseal_testkit::evidence::SIGN;
use waxseal_testkit::{PushedImage, Registry};

/// Attaches one image's signature to another.
pub(crate) fn transplant(
    registry: &Registry,
    from: &PushedImage,
    to: &PushedImage,
) -> Result<(), String> {
    let bundle = signature(registry, from)?;
    registry.attach_bundle(to, &bundle, SIGN);
    Ok(())
}

/// Attaches one image's signature to another, with the digest in its payload replaced.
pub(crate) fn edit(
    registry: &Registry,
    from: &PushedImage,
    to: &PushedImage,
) -> Result<(), String> {
    let bundle = signature(registry, from)?;
    let mut bundle: Value = serde_json::from_slice(&bundle).map_err(|e| e.to_string())?;
    let payload = bundle
        .pointer_mut("/dsseEnvelope/payload")
        .ok_or("the bundle has no payload")?;
    let statement = STANDARD
        .decode(payload.as_str().unwrap_or_default())
        .map_err(|e| e.to_string())?;
    let statement = String::from_utf8(statement).map_err(|e| e.to_string())?;
    let statement = statement.replace(from.digest.hex(), to.digest.hex());
    *payload = Value::String(STANDARD.encode(statement));
    registry.attach_bundle(to, bundle.to_string().as_bytes(), SIGN);
    Ok(())
}

/// The bundle that signs an image.
fn signature(registry: &Registry, image: &PushedImage) -> Result<Vec<u8>, String> {
    let repository = &image.repository;
    for entry in registry.contents().referrers(repository, &image.digest) {
        if entry.annotation(waxseal_oci::media::ANNOTATION_PREDICATE_TYPE) != Some(SIGN) {
            continue;
        }
        let manifest = registry.manifest(repository, entry.digest.as_str());
        let manifest: waxseal_oci::Manifest =
            serde_json::from_slice(&manifest.unwrap_or_default()).map_err(|e| e.to_string())?;
        let layer = manifest.layers.first().ok_or("the signature is empty")?;
        let bundle = registry.blob(repository, &layer.digest);
        return bundle.ok_or_else(|| "the signature is not there".to_owned());
    }
    Err(format!("nobody signed {}", image.reference))
}
