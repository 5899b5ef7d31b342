//! Layouts in folders and archives, honest and not.

use waxseal_oci::{Manifest, Reference, empty_config};

use super::*;
use crate::{ReferrersVia, Source as _};

fn artifact(subject: Option<&RawManifest>, kind: &str) -> RawManifest {
    let (_, config) = empty_config();
    let mut manifest = Manifest::new(config, Vec::new());
    manifest.artifact_type = Some(kind.to_owned());
    manifest.subject = subject.map(RawManifest::descriptor);
    RawManifest::new(media::OCI_MANIFEST, manifest.to_bytes().unwrap())
}

fn reference() -> Reference {
    "r.test/app:v1".parse().unwrap()
}

#[tokio::test]
async fn keeps_an_image_and_its_referrers_in_folder_and_archive() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path().join("layout")).unwrap();
    let image = artifact(None, "image");
    let signature = artifact(Some(&image), "signature");
    layout.write_manifest(&signature, None).unwrap();
    layout.write_manifest(&image, Some("v1")).unwrap();
    layout.write_blob(&empty_config().1, b"{}").unwrap();

    let packed = folder.path().join("layout.tar");
    layout.pack(&packed).unwrap();
    let again = folder.path().join("again.tar");
    layout.pack(&again).unwrap();
    assert_eq!(
        std::fs::read(&packed).unwrap(),
        std::fs::read(&again).unwrap()
    );

    for layout in [layout, Layout::open(packed).unwrap()] {
        let repository = reference().repository().clone();
        let digest = layout
            .resolve(&reference())
            .await
            .unwrap()
            .present()
            .unwrap();
        assert_eq!(digest, image.digest);
        assert_eq!(
            layout.manifest(&repository, &digest).await,
            Ok(Found::Present(image.clone()))
        );
        let referrers = layout
            .referrers(&repository, &digest, Some("signature"))
            .await
            .unwrap();
        assert_eq!(referrers.via, ReferrersVia::Layout);
        assert_eq!(referrers.entries[0].digest, signature.digest);
        assert_eq!(
            referrers.entries[0].artifact_type.as_deref(),
            Some("signature")
        );
        let none = layout
            .referrers(&repository, &digest, Some("sbom"))
            .await
            .unwrap();
        assert_eq!(none.entries, []);
        assert_eq!(
            layout
                .blob(&repository, &empty_config().1, 2)
                .await
                .unwrap(),
            "{}"
        );
        let stream = layout
            .blob_stream(&repository, &empty_config().1)
            .await
            .unwrap();
        assert_eq!(stream.collect(2).await.unwrap(), "{}");
        assert_eq!(
            layout.manifest_by_tag(&repository, "v2").await,
            Ok(Found::Absent)
        );
        let images: Vec<_> = layout
            .images()
            .unwrap()
            .into_iter()
            .map(|d| d.digest)
            .collect();
        assert_eq!(images, std::slice::from_ref(&image.digest));
    }
}

#[tokio::test]
async fn moves_a_tag() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path()).unwrap();
    layout
        .write_manifest(&artifact(None, "one"), Some("v1"))
        .unwrap();
    layout
        .write_manifest(&artifact(None, "two"), Some("v1"))
        .unwrap();
    let digest = layout
        .resolve(&reference())
        .await
        .unwrap()
        .present()
        .unwrap();
    assert_eq!(digest, artifact(None, "two").digest);
    assert_eq!(layout.entries().unwrap().len(), 1);
}

#[tokio::test]
async fn refuses_content_that_is_not_what_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path()).unwrap();
    let blob = Descriptor::of("text/plain", b"right");
    let wrong = Digest::sha256(b"wrong");
    assert_eq!(
        layout.write_blob(&blob, b"wrong"),
        Err(Error::DigestMismatch {
            what: format!("the blob {}", blob.digest),
            wanted: blob.digest.clone(),
            found: wrong.clone()
        })
    );
    layout.write_blob(&blob, b"right").unwrap();
    std::fs::write(folder.path().join(blob_name(&blob.digest)), b"wrong").unwrap();
    let repository = reference().repository().clone();
    let what = format!("the blob {} in {}", blob.digest, folder.path().display());
    let mismatch = Error::DigestMismatch {
        what: what.clone(),
        wanted: blob.digest.clone(),
        found: wrong,
    };
    assert_eq!(
        layout.blob(&repository, &blob, 5).await,
        Err(mismatch.clone())
    );
    let stream = layout.blob_stream(&repository, &blob).await.unwrap();
    assert_eq!(stream.collect(5).await, Err(mismatch));
    assert_eq!(
        layout.blob(&repository, &blob, 4).await,
        Err(Error::TooLarge {
            what: what.clone(),
            limit: 4
        })
    );
    std::fs::write(folder.path().join(blob_name(&blob.digest)), b"longer").unwrap();
    assert_eq!(
        layout.blob(&repository, &blob, 5).await,
        Err(Error::SizeMismatch {
            what,
            wanted: 5,
            found: 6
        })
    );
}

#[cfg(unix)]
#[tokio::test]
async fn follows_no_links() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path().join("layout")).unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, b"secret").unwrap();
    let blob = Descriptor::of("text/plain", b"secret");
    let path = layout.root().join(blob_name(&blob.digest));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&secret, &path).unwrap();
    assert_eq!(
        layout.blob(reference().repository(), &blob, 6).await,
        Err(layout_error(&path, "it is not a file"))
    );
}

#[test]
fn says_what_is_not_a_layout() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Layout::open(folder.path()).map(|_| ());
    assert_eq!(
        open(),
        Err(layout_error(
            folder.path(),
            "there is no `oci-layout` in it"
        ))
    );
    std::fs::write(
        folder.path().join(LAYOUT_FILE),
        r#"{"imageLayoutVersion":"2.0.0"}"#,
    )
    .unwrap();
    assert_eq!(
        open(),
        Err(layout_error(
            folder.path(),
            "image layout version `2.0.0` is not known (known: 1.0.0)"
        ))
    );
    std::fs::write(folder.path().join(LAYOUT_FILE), LAYOUT_FILE_CONTENT).unwrap();
    assert_eq!(
        open(),
        Err(layout_error(
            folder.path(),
            "there is no `index.json` in it"
        ))
    );
    assert_eq!(
        Layout::create(folder.path()).map(|_| ()),
        Err(layout_error(folder.path(), "the folder is not empty"))
    );
}

#[test]
fn knows_tags_that_are_made_from_digests() {
    let hex = "a".repeat(64);
    assert!(is_derived(&format!("sha256-{hex}")));
    assert!(is_derived(&format!("sha256-{hex}.sig")));
    assert!(!is_derived("v1"));
    assert!(!is_derived("sha256-short"));
}
