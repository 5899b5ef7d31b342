//! Evidence made by hand lies where a client looks for it.

use serde_json::json;
use waxseal_oci::{Index, media, referrers_tag};
use waxseal_testkit::evidence::{self, SIGN};
use waxseal_testkit::{ImageSpec, KeyKind, Options, Registry, TestKey};

#[test]
fn a_bundle_is_listed_with_its_hints() {
    let key = TestKey::generate();
    for referrers in [true, false] {
        let registry = Registry::start(Options {
            referrers,
            ..Options::default()
        });
        let image = registry.push_image("a/b", "v1", &ImageSpec::tiny());
        let bundle = evidence::signature(&image.digest, &key).to_string();
        let entry = registry.attach_bundle(&image, bundle.as_bytes(), SIGN);
        let listed = if referrers {
            registry.contents().referrers("a/b", &image.digest)
        } else {
            let list = registry.manifest("a/b", &referrers_tag(&image.digest));
            let list: Index = serde_json::from_slice(&list.unwrap()).unwrap();
            list.manifests
        };
        assert_eq!(listed, [entry]);
        assert_eq!(
            listed[0].annotation(media::ANNOTATION_PREDICATE_TYPE),
            Some(SIGN)
        );
    }
}

#[test]
fn keys_of_every_kind_sign() {
    for kind in [
        KeyKind::EcdsaP256,
        KeyKind::EcdsaP384,
        KeyKind::Ed25519,
        KeyKind::Rsa2048,
    ] {
        let key = TestKey::of(kind);
        assert!(key.public_pem().starts_with("-----BEGIN PUBLIC KEY-----"));
        assert!(key.private_pem().starts_with("-----BEGIN PRIVATE KEY-----"));
        let bundle = evidence::bundle(b"{}", "text/plain", &key);
        assert_eq!(bundle["dsseEnvelope"]["payload"], json!("e30="));
    }
}
