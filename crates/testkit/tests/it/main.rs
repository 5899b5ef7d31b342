//! The registry answers as the distribution specification says.

use waxseal_oci::{Descriptor, Manifest, empty_config, media};
use waxseal_testkit::{ImageSpec, Options, Registry};

#[test]
fn referrers_follow_their_subject() {
    let registry = Registry::start(Options::default());
    let image = registry.push_image("a/b", "v1", &ImageSpec::tiny());
    let (empty, config) = empty_config();
    registry.push_blob("a/b", media::OCI_EMPTY, empty);
    let layer = registry.push_blob("a/b", "text/plain", b"evidence");
    let mut manifest = Manifest::new(config, vec![layer]);
    manifest.subject = Some(image.descriptor.clone());
    manifest.artifact_type = Some("application/vnd.test".into());
    let bytes = manifest.to_bytes().unwrap();
    let digest = Descriptor::of(media::OCI_MANIFEST, &bytes).digest;
    registry.push_manifest("a/b", digest.as_str(), media::OCI_MANIFEST, &bytes);
    let path = format!("/v2/a/b/referrers/{}", image.digest);
    let (status, _, body) = registry.inside("GET", &path, &[], Vec::new());
    assert_eq!(status, 200);
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains(digest.as_str()), "{text}");
    assert!(text.contains("application/vnd.test"), "{text}");
    assert_eq!(
        registry.count(),
        0,
        "what goes past the layers is not counted"
    );
}
