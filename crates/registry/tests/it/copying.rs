//! Copying between registries and layouts.

use bytes::Bytes;
use waxseal_oci::{CosignTag, Descriptor, Document, Index, media, referrers_tag};
use waxseal_registry::copy::{Action, Kind, Ledger};
use waxseal_registry::{Artifact, Client, Error, Layout, RawManifest, Source, copy};

use crate::fake::{Fake, answer, artifact};

const BUNDLE: &str = media::SIGSTORE_BUNDLE_V03;

/// An index of two images, with everything hanging on it that can: a
/// signature, a signature of the signature, and cosign 2's tag on one image.
struct Release {
    index: RawManifest,
    images: [RawManifest; 2],
    signature: RawManifest,
    counter: RawManifest,
    sig: RawManifest,
}

async fn release(fake: &Fake) -> Release {
    let client = fake.client();
    let repository = fake.repository();
    let images = [fake.put_image("a", b"amd64"), fake.put_image("b", b"arm64")];
    let index = Index::new(images.iter().map(RawManifest::descriptor).collect());
    let index = RawManifest::new(media::OCI_INDEX, index.to_bytes().unwrap());
    fake.put_manifest(&index, Some("v1"));
    let attach = async |subject: &RawManifest, content| {
        let (manifest, blobs) = artifact(subject, BUNDLE, content);
        let artifact = Artifact::new(manifest.clone(), blobs);
        client
            .attach(&repository, &subject.descriptor(), &artifact)
            .await
            .unwrap();
        manifest
    };
    let signature = attach(&index, b"signature").await;
    let counter = attach(&signature, b"counter-signature").await;
    let payload = Bytes::from_static(b"payload");
    let layer = Descriptor::of(media::SIMPLE_SIGNING, &payload);
    let tag = CosignTag::Signature.tag(&images[0].digest);
    client
        .append_to_tag(&repository, &tag, vec![(layer, payload)])
        .await
        .unwrap();
    let sig = fake.tagged(&tag).unwrap();
    Release {
        index,
        images,
        signature,
        counter,
        sig,
    }
}

async fn assert_whole(source: &impl Source, reference: &waxseal_oci::Reference, release: &Release) {
    let repository = reference.repository();
    let digest = source.resolve(reference).await.unwrap().present().unwrap();
    assert_eq!(digest, release.index.digest);
    for manifest in release
        .images
        .iter()
        .chain([&release.signature, &release.counter])
    {
        let found = source.manifest(repository, &manifest.digest).await.unwrap();
        assert_eq!(found.present().as_ref(), Some(manifest));
        let Document::Manifest(inner) = manifest.document().unwrap() else {
            continue;
        };
        for blob in inner.layers {
            source.blob(repository, &blob, 100).await.unwrap();
        }
    }
    for (subject, referrer) in [
        (&release.index, &release.signature),
        (&release.signature, &release.counter),
    ] {
        let found = source
            .referrers(repository, &subject.digest, Some(BUNDLE))
            .await
            .unwrap();
        assert!(found.entries.iter().any(|e| {
            e.digest == referrer.digest && e.artifact_type.as_deref() == Some(BUNDLE)
        }));
    }
    let tag = CosignTag::Signature.tag(&release.images[0].digest);
    let sig = source
        .manifest_by_tag(repository, &tag)
        .await
        .unwrap()
        .present();
    assert_eq!(sig.as_ref(), Some(&release.sig));
}

fn count(ledger: &Ledger, kind: Kind, action: Action) -> usize {
    ledger
        .entries
        .iter()
        .filter(|e| (e.kind, e.action) == (kind, action))
        .count()
}

#[tokio::test]
async fn what_several_indexes_name_comes_before_all_of_them() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    let put = |names: &[&RawManifest], tag| {
        let index = Index::new(names.iter().map(|m| m.descriptor()).collect());
        let index = RawManifest::new(media::OCI_INDEX, index.to_bytes().unwrap());
        from.put_manifest(&index, tag);
        index
    };
    let image = from.put_image("a", b"amd64");
    let shared = put(&[&image], None);
    let other = put(&[&shared], None);
    // The shared one is met first, and again inside the other.
    let root = put(&[&shared, &other], Some("v1"));
    let ledger = copy(
        &from.client(),
        &from.reference("v1"),
        &to.client(),
        &to.reference("v1"),
    )
    .await
    .unwrap();
    let order: Vec<_> = ledger
        .entries
        .iter()
        .filter(|e| matches!(e.kind, Kind::Manifest | Kind::Index))
        .map(|e| e.digest.clone())
        .collect();
    let wanted = [&image, &shared, &other, &root].map(|m| m.digest.clone());
    assert_eq!(order, wanted);
}

#[tokio::test]
async fn carries_everything_to_every_kind_of_registry_and_back() {
    for source_has_api in [true, false] {
        for target_has_api in [true, false] {
            let start = async |api| {
                if api {
                    Fake::start().await
                } else {
                    Fake::without_referrers().await
                }
            };
            let (from, to) = (start(source_has_api).await, start(target_has_api).await);
            let release = release(&from).await;
            let ledger = copy(
                &from.client(),
                &from.reference("v1"),
                &to.client(),
                &to.reference("v9"),
            )
            .await
            .unwrap();
            assert_whole(&to.client(), &to.reference("v9"), &release).await;
            assert_eq!(ledger.root, release.index.digest);
            assert_eq!(count(&ledger, Kind::Index, Action::Copied), 1);
            assert_eq!(count(&ledger, Kind::Manifest, Action::Copied), 2);
            assert_eq!(count(&ledger, Kind::Referrer, Action::Copied), 2);
            assert_eq!(count(&ledger, Kind::CosignTag, Action::Copied), 1);
            assert_eq!(count(&ledger, Kind::Tag, Action::Copied), 1);
            let lists = if target_has_api { 0 } else { 2 };
            assert_eq!(count(&ledger, Kind::ReferrersTag, Action::Merged), lists);

            let again = copy(
                &from.client(),
                &from.reference("v1"),
                &to.client(),
                &to.reference("v9"),
            )
            .await
            .unwrap();
            assert_eq!(again.copied(), 0, "{again:#?}");
            assert_eq!(count(&again, Kind::Referrer, Action::AlreadyThere), 2);
        }
    }
}

#[tokio::test]
async fn saves_and_loads() {
    let from = Fake::without_referrers().await;
    let release = release(&from).await;
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path().join("layout")).unwrap();
    copy(
        &from.client(),
        &from.reference("v1"),
        &layout,
        &from.reference("v1"),
    )
    .await
    .unwrap();
    assert_whole(&layout, &from.reference("v1"), &release).await;
    let images: Vec<_> = layout
        .images()
        .unwrap()
        .into_iter()
        .map(|d| d.digest)
        .collect();
    assert_eq!(images, std::slice::from_ref(&release.index.digest));

    let packed = folder.path().join("layout.tar");
    layout.pack(&packed).unwrap();
    let packed = Layout::open(packed).unwrap();
    let to = Fake::without_referrers().await;
    copy(
        &packed,
        &from.reference("v1"),
        &to.client(),
        &to.reference("v1"),
    )
    .await
    .unwrap();
    assert_whole(&to.client(), &to.reference("v1"), &release).await;
}

#[tokio::test]
async fn keeps_what_the_target_has() {
    let (from, to) = (Fake::start().await, Fake::without_referrers().await);
    let release = release(&from).await;
    let own = Descriptor::of(media::OCI_MANIFEST, b"the target's own");
    let list = RawManifest::new(
        media::OCI_INDEX,
        Index::new(vec![own.clone()]).to_bytes().unwrap(),
    );
    let tag = referrers_tag(&release.index.digest);
    to.put_manifest(&list, Some(&tag));
    let sig = CosignTag::Signature.tag(&release.images[0].digest);
    let payload = Bytes::from_static(b"the target's own payload");
    let layer = Descriptor::of(media::SIMPLE_SIGNING, &payload);
    let client: Client = to.client();
    client
        .append_to_tag(&to.repository(), &sig, vec![(layer, payload)])
        .await
        .unwrap();

    let ledger = copy(
        &from.client(),
        &from.reference("v1"),
        &client,
        &to.reference("v1"),
    )
    .await
    .unwrap();
    let Document::Index(index) = to.tagged(&tag).unwrap().document().unwrap() else {
        panic!("a list")
    };
    let digests: Vec<_> = index.manifests.iter().map(|d| d.digest.clone()).collect();
    assert_eq!(digests, [own.digest, release.signature.digest]);
    let Document::Manifest(merged) = to.tagged(&sig).unwrap().document().unwrap() else {
        panic!("layers")
    };
    assert_eq!(merged.layers.len(), 2);
    assert_eq!(count(&ledger, Kind::CosignTag, Action::Merged), 1);
}

#[tokio::test]
async fn passes_over_referrers_that_are_gone() {
    let (from, to) = (Fake::without_referrers().await, Fake::start().await);
    let image = from.put_image("v1", b"layer");
    let gone = Descriptor::of(media::OCI_MANIFEST, b"gone");
    let list = RawManifest::new(
        media::OCI_INDEX,
        Index::new(vec![gone.clone()]).to_bytes().unwrap(),
    );
    from.put_manifest(&list, Some(&referrers_tag(&image.digest)));
    let ledger = copy(
        &from.client(),
        &from.reference("v1"),
        &to.client(),
        &to.reference("v1"),
    )
    .await
    .unwrap();
    assert_eq!(count(&ledger, Kind::Referrer, Action::Skipped), 1);
    assert!(to.has_manifest(&image.digest));
}

#[tokio::test]
async fn notices_what_was_not_written() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    let image = from.put_image("v1", b"layer");
    to.hook(|ask| {
        (ask.method == "PUT" && ask.path.contains("/manifests/")).then(|| answer(201, &[], ""))
    });
    let what = format!("the manifest {}", to.repository().at(&image.digest));
    assert_eq!(
        copy(
            &from.client(),
            &from.reference("v1"),
            &to.client(),
            &to.reference("v1")
        )
        .await,
        Err(Error::NotWritten {
            what,
            reason: "it is not there".into()
        })
    );
}

#[tokio::test]
async fn says_what_is_missing() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    let (source, target) = (from.reference("v1"), to.reference("v1"));
    assert_eq!(
        copy(&from.client(), &source, &to.client(), &target).await,
        Err(Error::NotFound {
            what: format!("the image {source}")
        })
    );
    let absent = Descriptor::of(media::OCI_MANIFEST, b"absent");
    let index = RawManifest::new(
        media::OCI_INDEX,
        Index::new(vec![absent.clone()]).to_bytes().unwrap(),
    );
    from.put_manifest(&index, Some("v1"));
    let what = format!("the manifest {}", from.repository().at(&absent.digest));
    assert_eq!(
        copy(&from.client(), &source, &to.client(), &target).await,
        Err(Error::NotFound { what })
    );
    assert!(!to.requests().iter().any(|r| r.starts_with("PUT")));
}

/// A stream that is read holds no place that the write it feeds would need.
#[tokio::test]
async fn does_not_wait_for_itself() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    from.put_image("v1", b"layer");
    let client = crate::fake::builder()
        .anonymous(true)
        .concurrency(1)
        .build()
        .unwrap();
    copy(&client, &from.reference("v1"), &client, &to.reference("v1"))
        .await
        .unwrap();
    let image = client.resolve(&to.reference("v1")).await;
    assert!(!image.unwrap().is_absent());
}
