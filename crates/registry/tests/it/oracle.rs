//! What `oci-client` makes of the same registry.

use oci_client::Reference;
use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;
use waxseal_oci::media;
use waxseal_registry::Source as _;

use crate::fake::{Fake, artifact};

fn oracle() -> Client {
    Client::new(ClientConfig {
        protocol: ClientProtocol::Http,
        ..ClientConfig::default()
    })
}

#[tokio::test]
async fn agrees_about_manifests_and_referrers() {
    for fake in [Fake::start().await, Fake::without_referrers().await] {
        let image = fake.put_image("v1", b"layer");
        let client = fake.client();
        for content in [b"one", b"two"] {
            let (manifest, blobs) = artifact(&image, media::SIGSTORE_BUNDLE_V03, content);
            let artifact = waxseal_registry::Artifact::new(manifest, blobs);
            client
                .attach(&fake.repository(), &image.descriptor(), &artifact)
                .await
                .unwrap();
        }
        // Something of another type, which a filter leaves out.
        let (manifest, blobs) = artifact(&image, "text/plain", b"three");
        let other = waxseal_registry::Artifact::new(manifest, blobs);
        client
            .attach(&fake.repository(), &image.descriptor(), &other)
            .await
            .unwrap();

        let theirs: Reference = fake.reference("v1").to_string().parse().unwrap();
        let (bytes, digest) = oracle()
            .pull_manifest_raw(&theirs, &RegistryAuth::Anonymous, &[media::OCI_MANIFEST])
            .await
            .unwrap();
        let ours = client
            .manifest_by_tag(&fake.repository(), "v1")
            .await
            .unwrap()
            .present()
            .unwrap();
        assert_eq!(
            (ours.bytes.as_ref(), ours.digest.as_str()),
            (bytes.as_ref(), digest.as_str())
        );

        let pinned: Reference = fake
            .repository()
            .at(&image.digest)
            .to_string()
            .parse()
            .unwrap();
        let list = oracle().pull_referrers(&pinned, None).await.unwrap();
        let mut theirs: Vec<_> = list
            .manifests
            .into_iter()
            .map(|e| (e.digest, e.artifact_type))
            .collect();
        let ours = client
            .referrers(&fake.repository(), &image.digest, None)
            .await
            .unwrap();
        let mut ours: Vec<_> = ours
            .entries
            .into_iter()
            .map(|e| (e.digest.to_string(), e.artifact_type))
            .collect();
        theirs.sort();
        ours.sort();
        assert_eq!(ours.len(), 3);
        assert_eq!(ours, theirs);
    }
}
