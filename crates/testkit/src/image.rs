//! Small images to push.

use waxseal_oci::{Descriptor, Digest, Index, Manifest, Platform, media};

use crate::Registry;

/// What an image is made of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImageSpec {
    /// The layer's bytes.
    pub layer: Vec<u8>,
    /// The platform in the configuration.
    pub platform: String,
}

impl ImageSpec {
    /// An image of one small layer for linux/amd64.
    #[must_use]
    pub fn tiny() -> Self {
        Self {
            layer: b"a layer".to_vec(),
            platform: "linux/amd64".into(),
        }
    }

    /// The same image with another layer, hence another digest.
    #[must_use]
    pub fn with_marker(mut self, marker: &str) -> Self {
        self.layer = marker.as_bytes().to_vec();
        self
    }

    /// The same image for another platform.
    #[must_use]
    pub fn for_platform(mut self, platform: &str) -> Self {
        platform.clone_into(&mut self.platform);
        self
    }
}

/// An image in the registry.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PushedImage {
    /// `host/repository:tag`.
    pub reference: String,
    /// `host/repository@sha256:…`.
    pub by_digest: String,
    /// The repository's name, without the host.
    pub repository: String,
    /// The digest of its manifest or index.
    pub digest: Digest,
    /// Its descriptor.
    pub descriptor: Descriptor,
}

impl Registry {
    /// Pushes an image under a tag.
    pub fn push_image(&self, repository: &str, tag: &str, spec: &ImageSpec) -> PushedImage {
        let platform = Platform::parse(&spec.platform).expect("a platform");
        let config = format!(
            r#"{{"architecture":"{}","os":"{}","rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
            platform.architecture,
            platform.os,
            Digest::sha256(&spec.layer)
        );
        let config_descriptor = self.push_blob(repository, media::OCI_CONFIG, config.as_bytes());
        let layer_type = "application/vnd.oci.image.layer.v1.tar";
        let layer = self.push_blob(repository, layer_type, &spec.layer);
        let manifest = Manifest::new(config_descriptor, vec![layer]);
        let bytes = manifest.to_bytes().unwrap();
        let mut pushed = self.push_manifest(repository, tag, media::OCI_MANIFEST, &bytes);
        pushed.descriptor.platform = Some(platform);
        pushed
    }

    /// Pushes an index of one image for each platform under a tag; returns it and its members.
    pub fn push_index(
        &self,
        repository: &str,
        tag: &str,
        platforms: &[&str],
    ) -> (PushedImage, Vec<PushedImage>) {
        let members: Vec<_> = platforms
            .iter()
            .map(|p| {
                let spec = ImageSpec::tiny()
                    .with_marker(&format!("{tag} {p}"))
                    .for_platform(p);
                let child = format!("{tag}-{}", p.replace('/', "-"));
                self.push_image(repository, &child, &spec)
            })
            .collect();
        let index = Index::new(members.iter().map(|m| m.descriptor.clone()).collect());
        let bytes = index.to_bytes().unwrap();
        (
            self.push_manifest(repository, tag, media::OCI_INDEX, &bytes),
            members,
        )
    }

    /// Stores any blob.
    pub fn push_blob(&self, repository: &str, media_type: &str, bytes: &[u8]) -> Descriptor {
        self.contents().push_blob(repository, media_type, bytes)
    }

    /// Stores any manifest under a tag or digest, well formed or not.
    pub fn push_manifest(
        &self,
        repository: &str,
        tag: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> PushedImage {
        let contents = self.contents();
        let descriptor = contents.push_manifest(repository, tag, media_type, bytes);
        let host = self.host();
        PushedImage {
            reference: format!("{host}/{repository}:{tag}"),
            by_digest: format!("{host}/{repository}@{}", descriptor.digest),
            repository: repository.to_owned(),
            digest: descriptor.digest.clone(),
            descriptor,
        }
    }

    /// The bytes of a manifest by tag or digest, or nothing.
    #[must_use]
    pub fn manifest(&self, repository: &str, tag: &str) -> Option<Vec<u8>> {
        self.contents().manifest(repository, tag)
    }

    /// The bytes of a blob, or nothing.
    #[must_use]
    pub fn blob(&self, repository: &str, digest: &Digest) -> Option<Vec<u8>> {
        self.contents().blob(repository, digest)
    }
}
