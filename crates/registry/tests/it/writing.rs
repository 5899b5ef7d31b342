//! Writing to a registry, alone and in a crowd.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use waxseal_oci::{Descriptor, Digest, Document, Index, Manifest, media, referrers_tag};
use waxseal_registry::{Artifact, Client, Error, Found, RawManifest, ReferrersVia, Source as _};

use crate::fake::{Fake, answer, artifact, builder};

const BUNDLE: &str = media::SIGSTORE_BUNDLE_V03;

fn listed(fake: &Fake, subject: &Digest) -> Vec<Descriptor> {
    match fake
        .tagged(&referrers_tag(subject))
        .map(|list| list.document().unwrap())
    {
        Some(Document::Index(index)) => index.manifests,
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn hangs_an_artifact_where_there_is_the_api() {
    let fake = Fake::start().await;
    let image = fake.put_image("v1", b"layer");
    fake.forget_requests();
    let (manifest, blobs) = artifact(&image, BUNDLE, b"bundle");
    let artifact = Artifact::new(manifest.clone(), blobs);
    let client = fake.client();
    let attached = client
        .attach(&fake.repository(), &image.descriptor(), &artifact)
        .await
        .unwrap();
    assert_eq!(
        (&attached.digest, attached.via, attached.writes),
        (&manifest.digest, ReferrersVia::Api, 0)
    );
    assert_eq!(fake.tagged(&referrers_tag(&image.digest)), None);
    let referrers = client
        .referrers(&fake.repository(), &image.digest, None)
        .await
        .unwrap();
    assert_eq!(referrers.entries.len(), 1);
    // HEAD {}; POST, PUT of the bundle; PUT manifest; and the GET above.
    assert_eq!(fake.requests().len(), 5, "{:#?}", fake.requests());
}

#[tokio::test]
async fn hangs_an_artifact_where_there_is_no_api() {
    let fake = Fake::without_referrers().await;
    let image = fake.put_image("v1", b"layer");
    let other = Descriptor::of(media::OCI_MANIFEST, b"somebody else's");
    let list = Index::new(vec![other.clone()]);
    let list = RawManifest::new(media::OCI_INDEX, list.to_bytes().unwrap());
    fake.put_manifest(&list, Some(&referrers_tag(&image.digest)));
    let (manifest, blobs) = artifact(&image, BUNDLE, b"bundle");
    let artifact = Artifact::new(manifest.clone(), blobs);
    let client = fake.client();
    for writes in [1, 0] {
        let attached = client
            .attach(&fake.repository(), &image.descriptor(), &artifact)
            .await
            .unwrap();
        assert_eq!(
            (attached.via, attached.writes),
            (ReferrersVia::FallbackTag, writes)
        );
        let entries = listed(&fake, &image.digest);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0], other);
        assert_eq!(entries[1].digest, manifest.digest);
        assert_eq!(entries[1].artifact_type.as_deref(), Some(BUNDLE));
        assert_eq!(entries[1].annotation("made-by"), Some("a test"));
        assert_eq!(entries[1].size, manifest.descriptor().size);
    }
}

#[tokio::test]
async fn refuses_to_hang_an_artifact_on_something_else() {
    let fake = Fake::start().await;
    let (one, two) = (fake.put_image("v1", b"one"), fake.put_image("v2", b"two"));
    let (manifest, blobs) = artifact(&one, BUNDLE, b"bundle");
    let artifact = Artifact::new(manifest.clone(), blobs);
    fake.forget_requests();
    assert_eq!(
        fake.client()
            .attach(&fake.repository(), &two.descriptor(), &artifact)
            .await,
        Err(Error::Answer {
            what: format!("the artifact {}", manifest.digest),
            reason: format!("its subject is not {}", two.digest)
        })
    );
    assert_eq!(fake.requests(), [""; 0]);
}

#[tokio::test]
async fn does_not_write_over_an_image_in_the_fallback_tag() {
    let fake = Fake::without_referrers().await;
    let image = fake.put_image("v1", b"layer");
    let tag = referrers_tag(&image.digest);
    fake.put_manifest(&image, Some(&tag));
    let (manifest, blobs) = artifact(&image, BUNDLE, b"bundle");
    let artifact = Artifact::new(manifest, blobs);
    let refused = fake
        .client()
        .attach(&fake.repository(), &image.descriptor(), &artifact)
        .await;
    assert_eq!(
        refused,
        Err(Error::NotReferrers {
            what: format!("{}:{tag}", fake.repository())
        })
    );
    assert_eq!(fake.tagged(&tag), Some(image));
}

fn payload(name: String) -> (Descriptor, Bytes) {
    let bytes = Bytes::from(name);
    (Descriptor::of(media::SIMPLE_SIGNING, &bytes), bytes)
}

fn layers(fake: &Fake, tag: &str) -> Vec<Descriptor> {
    match fake.tagged(tag).unwrap().document().unwrap() {
        Document::Manifest(manifest) => manifest.layers,
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn appends_signatures_as_cosign_keeps_them() {
    let fake = Fake::without_referrers().await;
    let client = fake.client();
    let tag = "sha256-aa.sig";
    let (mut one, bytes) = payload("payload".into());
    one.annotations.insert(
        "dev.cosignproject.cosign/signature".into(),
        "first key".into(),
    );
    let mut two = one.clone();
    two.annotations.insert(
        "dev.cosignproject.cosign/signature".into(),
        "second key".into(),
    );
    for (layer, writes) in [(&one, 1), (&two, 1), (&one, 0)] {
        let layers = vec![(layer.clone(), bytes.clone())];
        let appended = client
            .append_to_tag(&fake.repository(), tag, layers)
            .await
            .unwrap();
        assert_eq!(appended.writes, writes);
    }
    assert_eq!(layers(&fake, tag), [one, two]);
    let manifest = fake.tagged(tag).unwrap();
    let Document::Manifest(inner) = manifest.document().unwrap() else {
        panic!("a manifest")
    };
    assert_eq!(inner.config.media_type, media::OCI_CONFIG);
    assert!(fake.has_blob(&inner.config.digest));
}

/// Each writer is a client of its own, as if it were a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_writers_at_once_lose_nothing() {
    let fake = Fake::without_referrers().await;
    let image = fake.put_image("v1", b"layer");
    let mut tasks = Vec::new();
    for i in 0..50 {
        let (fake, image) = (fake.clone(), image.clone());
        tasks.push(tokio::spawn(async move {
            let (_, config) = waxseal_oci::empty_config();
            let mut manifest = Manifest::new(config, Vec::new());
            manifest.artifact_type = Some(format!("kind {i}"));
            manifest.subject = Some(image.descriptor());
            let raw = RawManifest::new(media::OCI_MANIFEST, manifest.to_bytes().unwrap());
            let artifact = Artifact::new(raw.clone(), Vec::new());
            let client = fake.client();
            client
                .attach(&fake.repository(), &image.descriptor(), &artifact)
                .await
                .unwrap();
            raw.digest
        }));
    }
    // What cosign does, meanwhile: read, add, write, leave.
    let naive = {
        let (fake, image) = (fake.clone(), image.clone());
        tokio::spawn(async move {
            let client = fake.client();
            for i in 0..10 {
                naive_write(&client, &fake, &image, i).await;
                tokio::task::yield_now().await;
            }
        })
    };
    let mut wanted = HashSet::new();
    for task in tasks {
        wanted.insert(task.await.unwrap());
    }
    naive.await.unwrap();
    let there: HashSet<Digest> = listed(&fake, &image.digest)
        .into_iter()
        .map(|e| e.digest)
        .collect();
    assert_eq!(wanted.difference(&there).count(), 0);
}

async fn naive_write(client: &Client, fake: &Fake, image: &RawManifest, i: usize) {
    let tag = referrers_tag(&image.digest);
    let found = client
        .manifest_by_tag(&fake.repository(), &tag)
        .await
        .unwrap();
    let mut entries = match found.present().map(|m| m.document().unwrap()) {
        Some(Document::Index(index)) => index.manifests,
        _ => Vec::new(),
    };
    let mut entry = Descriptor::of(media::OCI_MANIFEST, format!("naive {i}").as_bytes());
    entry.artifact_type = Some(media::OCI_EMPTY.into());
    entries.push(entry);
    let list = RawManifest::new(media::OCI_INDEX, Index::new(entries).to_bytes().unwrap());
    client
        .push_manifest(&fake.repository(), &list, Some(&tag))
        .await
        .unwrap();
}

#[tokio::test]
async fn pushes_only_what_is_missing() {
    let fake = Fake::start().await;
    let there = fake.put_blob(b"{}");
    let (client, repository) = (fake.client(), fake.repository());
    client
        .push_blob(&repository, &there, "{}".into())
        .await
        .unwrap();
    let big = Bytes::from(vec![7; 100_000]);
    let missing = Descriptor::of("text/plain", &big);
    client
        .push_blob(&repository, &missing, big.clone())
        .await
        .unwrap();
    client.push_blob(&repository, &missing, big).await.unwrap();
    let methods: Vec<_> = fake.asks().iter().map(|a| a.method.to_string()).collect();
    assert_eq!(methods, ["HEAD", "HEAD", "POST", "PUT", "HEAD"]);
    assert!(fake.has_blob(&missing.digest));
}

#[tokio::test]
async fn refuses_to_push_what_is_not_what_it_is_called() {
    let fake = Fake::start().await;
    let (client, repository) = (fake.client(), fake.repository());
    let blob = Descriptor::of("text/plain", b"right");
    let what = format!("the blob {}", repository.at(&blob.digest));
    let (wanted, found) = (blob.digest.clone(), Digest::sha256(b"wrong"));
    assert_eq!(
        client.push_blob(&repository, &blob, "wrong".into()).await,
        Err(Error::DigestMismatch {
            what,
            wanted,
            found
        })
    );
    assert_eq!(fake.requests(), [""; 0]);
}

#[tokio::test]
async fn sends_chunks_where_it_has_to() {
    let fake = Fake::start().await;
    fake.hook(|ask| {
        (ask.method == "PUT" && ask.path.contains("/uploads/") && !ask.body.is_empty())
            .then(|| answer(405, &[], ""))
    });
    let blob = Descriptor::of("text/plain", b"content");
    fake.client()
        .push_blob(&fake.repository(), &blob, "content".into())
        .await
        .unwrap();
    assert!(fake.has_blob(&blob.digest));
    let chunk = fake
        .asks()
        .into_iter()
        .find(|a| a.method == "PATCH")
        .unwrap();
    assert_eq!(chunk.header("content-range"), Some("0-6"));
}

#[tokio::test]
async fn begins_an_upload_anew_where_it_failed() {
    let fake = Fake::start().await;
    let left = AtomicUsize::new(1);
    fake.hook(move |ask| {
        let fails = ask.method == "PUT"
            && left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                .is_ok();
        fails.then(|| answer(503, &[], ""))
    });
    let client = builder()
        .anonymous(true)
        .pace(crate::pace::Instantly::new())
        .build()
        .unwrap();
    let blob = Descriptor::of("text/plain", b"content");
    client
        .push_blob(&fake.repository(), &blob, "content".into())
        .await
        .unwrap();
    let methods: Vec<_> = fake.asks().iter().map(|a| a.method.to_string()).collect();
    assert_eq!(methods, ["POST", "PUT", "POST", "PUT"]);
}

#[tokio::test]
async fn notices_a_registry_that_stores_something_else() {
    let fake = Fake::start().await;
    let other = Digest::sha256(b"other");
    let header = other.clone();
    fake.hook(move |ask| {
        let headers = [("docker-content-digest", header.as_str())];
        (ask.method == "PUT").then(|| answer(201, &headers, ""))
    });
    let image = fake.put_image("v1", b"layer");
    let repository = fake.repository();
    assert_eq!(
        fake.client()
            .push_manifest(&repository, &image, Some("v2"))
            .await
            .map(|_| ()),
        Err(Error::DigestMismatch {
            what: format!("the manifest {repository}:v2"),
            wanted: image.digest,
            found: other
        })
    );
}

#[tokio::test]
async fn says_when_the_tag_is_there() {
    let fake = Fake::start().await;
    let image = fake.put_image("v1", b"layer");
    let client = fake.client();
    let pushed = client
        .push_manifest(&fake.repository(), &image, Some("v2"))
        .await
        .unwrap();
    assert!(!pushed.subject_seen);
    let found = client.resolve(&fake.reference("v2")).await;
    assert_eq!(found, Ok(Found::Present(image.digest)));
}
