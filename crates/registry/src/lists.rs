//! The two kinds of list that live under a tag: referrers in an index, and
//! signatures as the layers of a manifest.

use bytes::Bytes;
use serde::Serialize;
use waxseal_oci::{Descriptor, Document, Index, Manifest, media};

use crate::merge::Kind;
use crate::{Error, RawManifest};

/// The list of the referrers tag schema: the entries of an index.
#[derive(Debug)]
pub(crate) struct ReferrersList;

impl Kind for ReferrersList {
    fn entries(&self, what: &str, version: &RawManifest) -> Result<Vec<Descriptor>, Error> {
        match version.document()? {
            Document::Index(index) => Ok(index.manifests),
            _ => Err(Error::NotReferrers {
                what: what.to_owned(),
            }),
        }
    }

    fn render(
        &self,
        base: Option<&RawManifest>,
        entries: Vec<Descriptor>,
    ) -> Result<(RawManifest, Vec<(Descriptor, Bytes)>), Error> {
        let mut index = match base.map(RawManifest::document).transpose()? {
            Some(Document::Index(index)) => index,
            _ => Index::new(Vec::new()),
        };
        index.media_type = Some(media::OCI_INDEX.to_owned());
        index.manifests = entries;
        Ok((
            RawManifest::new(media::OCI_INDEX, json(&index)?),
            Vec::new(),
        ))
    }

    fn annotations_count(&self) -> bool {
        false
    }
}

/// cosign 2's list: the layers of an image manifest, whose configuration names
/// each of them once more.
#[derive(Debug)]
pub(crate) struct LayerList;

impl Kind for LayerList {
    fn entries(&self, what: &str, version: &RawManifest) -> Result<Vec<Descriptor>, Error> {
        match version.document()? {
            Document::Manifest(manifest) => Ok(manifest.layers),
            _ => Err(Error::Answer {
                what: what.to_owned(),
                reason: "it holds an index where a list of signatures belongs".into(),
            }),
        }
    }

    fn render(
        &self,
        base: Option<&RawManifest>,
        layers: Vec<Descriptor>,
    ) -> Result<(RawManifest, Vec<(Descriptor, Bytes)>), Error> {
        let config = Bytes::from(json(&Config::of(&layers))?);
        let descriptor = Descriptor::of(media::OCI_CONFIG, &config);
        let mut manifest = match base.map(RawManifest::document).transpose()? {
            Some(Document::Manifest(manifest)) => manifest,
            _ => Manifest::new(descriptor.clone(), Vec::new()),
        };
        let media_type = manifest
            .media_type
            .get_or_insert_with(|| media::OCI_MANIFEST.to_owned())
            .clone();
        manifest.config = descriptor.clone();
        manifest.layers = layers;
        Ok((
            RawManifest::new(media_type, json(&manifest)?),
            vec![(descriptor, config)],
        ))
    }

    /// Two keys may sign one payload: one layer by its digest, two signatures.
    fn annotations_count(&self) -> bool {
        true
    }
}

/// The image configuration that cosign writes, in the order of its members.
#[derive(Serialize)]
struct Config<'a> {
    architecture: &'a str,
    created: &'a str,
    history: Vec<History<'a>>,
    os: &'a str,
    rootfs: RootFs<'a>,
    config: Empty,
}

#[derive(Serialize)]
struct History<'a> {
    created: &'a str,
}

#[derive(Serialize)]
struct RootFs<'a> {
    r#type: &'a str,
    diff_ids: Vec<&'a str>,
}

#[derive(Serialize)]
struct Empty {}

impl<'a> Config<'a> {
    fn of(layers: &'a [Descriptor]) -> Self {
        Self {
            architecture: "",
            created: NEVER,
            history: layers.iter().map(|_| History { created: NEVER }).collect(),
            os: "",
            rootfs: RootFs {
                r#type: "layers",
                diff_ids: layers.iter().map(|l| l.digest.as_str()).collect(),
            },
            config: Empty {},
        }
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|e| Error::Answer {
        what: "the next version of the list".into(),
        reason: e.to_string(),
    })
}

const NEVER: &str = "0001-01-01T00:00:00Z";

#[cfg(test)]
mod tests {
    use waxseal_oci::Digest;

    use super::*;

    #[test]
    fn writes_the_configuration_that_cosign_writes() {
        let layer = Descriptor::of(media::SIMPLE_SIGNING, b"payload");
        let (manifest, blobs) = LayerList.render(None, vec![layer.clone()]).unwrap();
        let wanted = format!(
            r#"{{"architecture":"","created":"0001-01-01T00:00:00Z","history":[{{"created":"0001-01-01T00:00:00Z"}}],"os":"","rootfs":{{"type":"layers","diff_ids":["{}"]}},"config":{{}}}}"#,
            layer.digest
        );
        assert_eq!(blobs[0].1, wanted.as_bytes());
        assert_eq!(blobs[0].0.digest, Digest::sha256(wanted.as_bytes()));
        assert_eq!(LayerList.entries("it", &manifest), Ok(vec![layer]));
    }

    #[test]
    fn keeps_what_a_list_says_of_itself() {
        let base = RawManifest::new(
            media::OCI_INDEX,
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":null,"annotations":{"a":"b"}}"#,
        );
        let entry = Descriptor::of(media::OCI_MANIFEST, b"x");
        let (next, _) = ReferrersList.render(Some(&base), vec![entry]).unwrap();
        let Document::Index(index) = next.document().unwrap() else {
            panic!("an index")
        };
        assert_eq!(index.annotations["a"], "b");
        assert_eq!(index.manifests.len(), 1);
    }
}
