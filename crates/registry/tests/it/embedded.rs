//! The same client against a registry that others wrote (`ferro-oci-server`).

use bytes::Bytes;
use waxseal_oci::{Descriptor, Manifest, Reference, empty_config, media};
use waxseal_registry::{Artifact, Client, Error, RawManifest, ReferrersVia, Source as _, copy};
use waxseal_testkit::{Auth, Fault, ImageSpec, Match, Options, Registry};

use crate::fake::builder;
use crate::pace::Instantly;

fn start(referrers: bool, auth: Auth) -> (Registry, Reference) {
    let registry = Registry::start(Options {
        referrers,
        auth,
        ..Options::default()
    });
    let image = registry.push_image("team/app", "v1", &ImageSpec::tiny());
    let reference = image.reference.parse().unwrap();
    registry.reset();
    (registry, reference)
}

fn client(registry: &Registry) -> Client {
    // `user:secret`.
    let config = format!(
        r#"{{"auths":{{"{}":{{"auth":"dXNlcjpzZWNyZXQ="}}}}}}"#,
        registry.host()
    );
    let empty = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/empty-docker-config.json"
    );
    builder()
        .docker_config(empty)
        .docker_config_json(config)
        .build()
        .unwrap()
}

async fn attach(client: &Client, image: &Reference, content: &'static str) -> RawManifest {
    let subject = client.describe(image).await.unwrap().present().unwrap();
    let (empty, config) = empty_config();
    let content = Bytes::from_static(content.as_bytes());
    let layer = Descriptor::of(media::SIGSTORE_BUNDLE_V03, &content);
    let mut manifest = Manifest::new(config.clone(), vec![layer.clone()]);
    manifest.artifact_type = Some(media::SIGSTORE_BUNDLE_V03.to_owned());
    manifest.subject = Some(subject.clone());
    let raw = RawManifest::new(media::OCI_MANIFEST, manifest.to_bytes().unwrap());
    let blobs = vec![(config, Bytes::from_static(empty)), (layer, content)];
    let artifact = Artifact::new(raw.clone(), blobs);
    client
        .attach(image.repository(), &subject, &artifact)
        .await
        .unwrap();
    raw
}

#[tokio::test]
async fn attaches_and_finds_however_it_has_to_log_in() {
    for auth in [Auth::None, Auth::Basic, Auth::Token, Auth::PrivateToken] {
        for (api, via) in [
            (true, ReferrersVia::Api),
            (false, ReferrersVia::FallbackTag),
        ] {
            let (registry, image) = start(api, auth);
            let client = client(&registry);
            let one = attach(&client, &image, "one").await;
            let two = attach(&client, &image, "two").await;
            let digest = client.resolve(&image).await.unwrap().present().unwrap();
            let kind = Some(media::SIGSTORE_BUNDLE_V03);
            let found = client
                .referrers(image.repository(), &digest, kind)
                .await
                .unwrap();
            assert_eq!(found.via, via);
            let mut found: Vec<_> = found.entries.into_iter().map(|e| e.digest).collect();
            let mut wanted = [one.digest, two.digest];
            found.sort();
            wanted.sort();
            assert_eq!(found, wanted, "{auth:?}");
        }
    }
}

#[tokio::test]
async fn a_stranger_is_told_so() {
    for auth in [Auth::Basic, Auth::PrivateToken] {
        let (registry, image) = start(true, auth);
        let stranger = builder().anonymous(true).build().unwrap();
        let refused = stranger.resolve(&image).await;
        let Err(Error::Unauthorized {
            registry: named, ..
        }) = refused
        else {
            panic!("{refused:?}")
        };
        assert_eq!(named, registry.host());
    }
}

#[tokio::test]
async fn goes_on_when_its_token_expires() {
    let (registry, image) = start(true, Auth::PrivateToken);
    let client = client(&registry);
    for _ in 0..3 {
        assert!(!client.resolve(&image).await.unwrap().is_absent());
        registry.expire_tokens();
    }
}

#[tokio::test]
async fn asks_three_times_by_digest_and_four_by_tag() {
    for by_tag in [false, true] {
        let (registry, image) = start(true, Auth::None);
        let signature = attach(&client(&registry), &image, "bundle").await;
        let digest = client(&registry)
            .resolve(&image)
            .await
            .unwrap()
            .present()
            .unwrap();
        registry.reset();
        let client = client(&registry);
        let wanted = if by_tag { image } else { image.pinned(&digest) };
        let digest = client.resolve(&wanted).await.unwrap().present().unwrap();
        let repository = wanted.repository();
        let found = client.referrers(repository, &digest, None).await.unwrap();
        let manifest = client
            .manifest(repository, &found.entries[0].digest)
            .await
            .unwrap();
        assert_eq!(manifest.present().as_ref(), Some(&signature));
        let bundle = Descriptor::of(media::SIGSTORE_BUNDLE_V03, b"bundle");
        client.blob(repository, &bundle, 100).await.unwrap();
        assert_eq!(registry.count(), if by_tag { 4 } else { 3 });
    }
}

#[tokio::test]
async fn survives_a_short_illness() {
    let (registry, image) = start(true, Auth::None);
    let pace = Instantly::new();
    let client = builder()
        .anonymous(true)
        .pace(pace.clone())
        .build()
        .unwrap();
    for fault in [Fault::too_many(1), Fault::status(503)] {
        registry.fault(Match::any("/manifests/"), fault, 2);
        assert!(!client.resolve(&image).await.unwrap().is_absent());
    }
    assert_eq!(pace.slept().len(), 4);
}

#[tokio::test]
async fn copies_between_them() {
    for (from_api, to_api) in [(true, false), (false, true)] {
        let (from, image) = start(from_api, Auth::PrivateToken);
        let (to, _) = start(to_api, Auth::Basic);
        let signature = attach(&client(&from), &image, "bundle").await;
        let target: Reference = format!("{}/other/app:v2", to.host()).parse().unwrap();
        copy(&client(&from), &image, &client(&to), &target)
            .await
            .unwrap();
        let client = client(&to);
        let digest = client.resolve(&target).await.unwrap().present().unwrap();
        let found = client
            .referrers(target.repository(), &digest, None)
            .await
            .unwrap();
        assert_eq!(found.entries.len(), 1);
        assert_eq!(found.entries[0].digest, signature.digest);
        assert_eq!(
            found.entries[0].artifact_type.as_deref(),
            Some(media::SIGSTORE_BUNDLE_V03)
        );
    }
}
