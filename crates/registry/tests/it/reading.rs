//! Reading from a registry that behaves.

use waxseal_oci::{Descriptor, Digest, Index, empty_config, media, referrers_tag};
use waxseal_registry::{Error, Found, RawManifest, ReferrersVia, Source as _};

use crate::fake::{Fake, answer, artifact, builder};

#[tokio::test]
async fn asks_for_what_it_needs_and_nothing_else() {
    let fake = Fake::start().await;
    let image = fake.put_image("v1", b"layer");
    let (signature, blobs) = artifact(&image, media::SIGSTORE_BUNDLE_V03, b"bundle");
    fake.put_manifest(&signature, None);
    fake.put_blob(b"bundle");
    let (client, repository) = (fake.client(), fake.repository());

    let digest = client
        .resolve(&fake.reference("v1"))
        .await
        .unwrap()
        .present()
        .unwrap();
    assert_eq!(digest, image.digest);
    let kind = Some(media::SIGSTORE_BUNDLE_V03);
    let referrers = client.referrers(&repository, &digest, kind).await.unwrap();
    assert_eq!(referrers.via, ReferrersVia::Api);
    assert_eq!(referrers.entries[0].digest, signature.digest);
    let found = client
        .manifest(&repository, &signature.digest)
        .await
        .unwrap();
    assert_eq!(found, Found::Present(signature.clone()));
    let bytes = client.blob(&repository, &blobs[1].0, 100).await.unwrap();
    assert_eq!(bytes, "bundle");

    let kind = "application%2Fvnd.dev.sigstore.bundle.v0.3%2Bjson";
    assert_eq!(
        fake.requests(),
        [
            "HEAD /v2/team/app/manifests/v1".to_owned(),
            format!("GET /v2/team/app/referrers/{digest}?artifactType={kind}"),
            format!("GET /v2/team/app/manifests/{}", signature.digest),
            format!("GET /v2/team/app/blobs/{}", blobs[1].0.digest),
        ]
    );
}

#[tokio::test]
async fn asks_nothing_where_the_answer_is_known() {
    let fake = Fake::start().await;
    let (client, repository) = (fake.client(), fake.repository());
    let digest = Digest::sha256(b"x");
    let pinned = repository.at(&digest);
    assert_eq!(client.resolve(&pinned).await, Ok(Found::Present(digest)));
    let (_, config) = empty_config();
    assert_eq!(client.blob(&repository, &config, 2).await.unwrap(), "{}");
    let mut embedded = Descriptor::of("text/plain", b"inside");
    embedded.data = Some("aW5zaWRl".into());
    assert_eq!(
        client.blob(&repository, &embedded, 6).await.unwrap(),
        "inside"
    );
    assert_eq!(fake.requests(), [""; 0]);
}

#[tokio::test]
async fn does_not_believe_embedded_content() {
    let fake = Fake::start().await;
    let mut descriptor = fake.put_blob(b"inside");
    descriptor.data = Some("bGllcyEh".into());
    let bytes = fake
        .client()
        .blob(&fake.repository(), &descriptor, 6)
        .await
        .unwrap();
    assert_eq!(bytes, "inside");
}

#[tokio::test]
async fn tells_absence() {
    let fake = Fake::without_referrers().await;
    let (client, repository) = (fake.client(), fake.repository());
    let digest = Digest::sha256(b"x");
    assert_eq!(
        client.resolve(&fake.reference("v1")).await,
        Ok(Found::Absent)
    );
    assert_eq!(
        client.manifest(&repository, &digest).await,
        Ok(Found::Absent)
    );
    assert_eq!(
        client.manifest_by_tag(&repository, "v1").await,
        Ok(Found::Absent)
    );
    let referrers = client.referrers(&repository, &digest, None).await.unwrap();
    assert_eq!(
        (referrers.via, referrers.entries),
        (ReferrersVia::Nothing, Vec::new())
    );
    assert_eq!(
        client
            .blob(&repository, &Descriptor::of("text/plain", b"x"), 1)
            .await,
        Err(Error::NotFound {
            what: format!("the blob {}", repository.at(&digest))
        })
    );
}

#[tokio::test]
async fn describes_also_where_the_registry_does_not_do_head() {
    let fake = Fake::start().await;
    let image = fake.put_image("v1", b"layer");
    let described = fake.client().describe(&fake.reference("v1")).await;
    assert_eq!(described, Ok(Found::Present(image.descriptor())));
    fake.hook(|ask| (ask.method == "HEAD").then(|| answer(405, &[], "")));
    let described = fake.client().describe(&fake.reference("v1")).await;
    assert_eq!(described, Ok(Found::Present(image.descriptor())));
    fake.hook(|ask| (ask.method == "HEAD").then(|| answer(200, &[], "")));
    let described = fake
        .client()
        .describe(&fake.repository().at(&image.digest))
        .await;
    assert_eq!(described, Ok(Found::Present(image.descriptor())));
}

#[tokio::test]
async fn reads_the_fallback_tag_past_wrong_labels() {
    let fake = Fake::without_referrers().await;
    let image = fake.put_image("v1", b"layer");
    let labelled = |content: &[u8], kind: Option<&str>| {
        let mut entry = Descriptor::of(media::OCI_MANIFEST, content);
        entry.artifact_type = kind.map(str::to_owned);
        entry
    };
    let entries = vec![
        labelled(b"right", Some(media::SIGSTORE_BUNDLE_V03)),
        labelled(b"as cosign 3.1.1 writes it", Some(media::OCI_EMPTY)),
        labelled(b"without", None),
        labelled(b"other", Some(media::NOTATION_SIGNATURE)),
        labelled(b"right", Some(media::SIGSTORE_BUNDLE_V03)),
    ];
    let list = RawManifest::new(
        media::OCI_INDEX,
        Index::new(entries.clone()).to_bytes().unwrap(),
    );
    fake.put_manifest(&list, Some(&referrers_tag(&image.digest)));
    let (client, repository) = (fake.client(), fake.repository());
    let kind = Some(media::SIGSTORE_BUNDLE_V03);
    let found = client
        .referrers(&repository, &image.digest, kind)
        .await
        .unwrap();
    assert_eq!(
        (found.via, found.entries),
        (ReferrersVia::FallbackTag, entries[..3].to_vec())
    );
    let all = client
        .fallback_referrers(&repository, &image.digest)
        .await
        .unwrap();
    assert_eq!(all.entries, entries[..4]);
}

#[tokio::test]
async fn follows_pages_and_filters_what_the_registry_did_not() {
    let fake = Fake::start().await;
    let subject = Digest::sha256(b"x");
    let page = |names: [&str; 2]| {
        let entry = |name: &str| {
            let mut entry = Descriptor::of(media::OCI_MANIFEST, name.as_bytes());
            entry.artifact_type = Some(name.to_owned());
            entry
        };
        Index::new(names.map(entry).to_vec()).to_bytes().unwrap()
    };
    let (one, two) = (page(["a", "b"]), page(["b", "a"]));
    fake.hook(move |ask| {
        if !ask.path.contains("/referrers/") {
            return None;
        }
        let kind = ("content-type", media::OCI_INDEX);
        Some(match ask.query.contains("last=") {
            false => answer(
                200,
                &[kind, ("link", r#"<?last=b>; rel="next""#)],
                one.clone(),
            ),
            true => answer(200, &[kind], two.clone()),
        })
    });
    let client = fake.client();
    let names = |kind: Option<&'static str>| {
        let (client, repository, subject) = (client.clone(), fake.repository(), subject.clone());
        async move {
            let found = client.referrers(&repository, &subject, kind).await.unwrap();
            found
                .entries
                .into_iter()
                .map(|e| e.artifact_type.unwrap())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(names(None).await, ["a", "b"]);
    assert_eq!(names(Some("b")).await, ["b"]);
}

#[tokio::test]
async fn keeps_content_by_digest() {
    let fake = Fake::start().await;
    let image = fake.put_image("v1", b"layer");
    let layer = fake.put_blob(b"layer");
    let folder = tempfile::tempdir().unwrap();
    let build = || {
        builder()
            .anonymous(true)
            .cache_dir(folder.path())
            .build()
            .unwrap()
    };
    for _ in 0..2 {
        let client = build();
        let found = client.manifest(&fake.repository(), &image.digest).await;
        assert_eq!(found, Ok(Found::Present(image.clone())));
        assert_eq!(
            client.blob(&fake.repository(), &layer, 5).await.unwrap(),
            "layer"
        );
    }
    assert_eq!(fake.requests().len(), 2);
}
