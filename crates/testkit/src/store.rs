//! What the registry holds, in memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use serde_json::Value;
use waxseal_oci::{Annotations, Descriptor, Digest};

/// A manifest as it was pushed.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

/// Everything in one repository. Blobs belong to it: another repository's must
/// be mounted, as in a real registry.
#[derive(Debug, Default)]
struct Repository {
    blobs: BTreeMap<Digest, Bytes>,
    manifests: BTreeMap<Digest, Stored>,
    tags: BTreeMap<String, Digest>,
    /// By subject, in the order of arrival, each referrer once.
    referrers: BTreeMap<Digest, Vec<Descriptor>>,
}

/// A handle to what a registry holds: reads and writes past HTTP.
#[derive(Clone, Debug, Default)]
pub struct Contents(Arc<Shelves>);

#[derive(Debug, Default)]
struct Shelves {
    repositories: Mutex<BTreeMap<String, Repository>>,
    uploads: Mutex<BTreeMap<String, Vec<u8>>>,
    serial: AtomicU64,
}

impl Contents {
    /// Points a tag at a manifest.
    pub fn tag(&self, repository: &str, tag: &str, digest: &Digest) {
        let tag = tag.to_owned();
        self.in_repository(repository, |r| r.tags.insert(tag, digest.clone()));
    }

    /// What a tag points at.
    #[must_use]
    pub fn tagged(&self, repository: &str, tag: &str) -> Option<Digest> {
        self.in_repository(repository, |r| r.tags.get(tag).cloned())
    }

    /// The tags of a repository, sorted.
    #[must_use]
    pub fn tags(&self, repository: &str) -> Vec<String> {
        self.in_repository(repository, |r| r.tags.keys().cloned().collect())
    }

    /// The bytes of a manifest by its tag or digest.
    #[must_use]
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<Vec<u8>> {
        self.stored(repository, reference).map(|s| s.bytes.to_vec())
    }

    /// The bytes of a blob.
    #[must_use]
    pub fn blob(&self, repository: &str, digest: &Digest) -> Option<Vec<u8>> {
        self.blob_bytes(repository, digest).map(|b| b.to_vec())
    }

    /// The artifacts whose subject is this digest.
    #[must_use]
    pub fn referrers(&self, repository: &str, subject: &Digest) -> Vec<Descriptor> {
        self.in_repository(repository, |r| {
            r.referrers.get(subject).cloned().unwrap_or_default()
        })
    }

    /// Stores a blob under its digest.
    pub fn push_blob(&self, repository: &str, media_type: &str, bytes: &[u8]) -> Descriptor {
        let descriptor = Descriptor::of(media_type, bytes);
        let bytes = Bytes::copy_from_slice(bytes);
        self.put_blob(repository, &descriptor.digest, bytes);
        descriptor
    }

    /// Stores a manifest under a tag or a digest, whatever its content: what it
    /// names need not be there, and it need not be JSON.
    pub fn push_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Descriptor {
        let bytes = Bytes::copy_from_slice(bytes);
        let digest = Digest::sha256(&bytes);
        self.put_manifest(repository, reference, digest, media_type, bytes)
    }

    /// Removes a manifest with its tags and its entry among the referrers, or
    /// one tag. Returns whether it was there.
    pub fn delete(&self, repository: &str, reference: &str) -> bool {
        self.in_repository(repository, |r| {
            let Ok(digest) = reference.parse::<Digest>() else {
                return r.tags.remove(reference).is_some();
            };
            r.tags.retain(|_, d| *d != digest);
            for list in r.referrers.values_mut() {
                list.retain(|e| e.digest != digest);
            }
            r.manifests.remove(&digest).is_some()
        })
    }

    /// Removes a blob. Returns whether it was there.
    pub fn delete_blob(&self, repository: &str, digest: &Digest) -> bool {
        self.in_repository(repository, |r| r.blobs.remove(digest).is_some())
    }

    pub(crate) fn has_repository(&self, repository: &str) -> bool {
        self.0.repositories.lock().unwrap().contains_key(repository)
    }

    pub(crate) fn stored(&self, repository: &str, reference: &str) -> Option<Stored> {
        self.in_repository(repository, |r| {
            let digest = match reference.parse::<Digest>() {
                Ok(digest) => digest,
                Err(_) => r.tags.get(reference)?.clone(),
            };
            r.manifests.get(&digest).cloned()
        })
    }

    pub(crate) fn blob_bytes(&self, repository: &str, digest: &Digest) -> Option<Bytes> {
        self.in_repository(repository, |r| r.blobs.get(digest).cloned())
    }

    pub(crate) fn put_blob(&self, repository: &str, digest: &Digest, bytes: Bytes) {
        self.in_repository(repository, |r| r.blobs.insert(digest.clone(), bytes));
    }

    pub(crate) fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        digest: Digest,
        media_type: &str,
        bytes: Bytes,
    ) -> Descriptor {
        let mut descriptor = Descriptor::of(media_type, &bytes);
        descriptor.digest = digest.clone();
        let entry = Entry::read(&bytes);
        let stored = Stored {
            digest: digest.clone(),
            media_type: media_type.to_owned(),
            bytes,
        };
        self.in_repository(repository, |r| {
            r.manifests.insert(digest.clone(), stored);
            if reference.parse::<Digest>().is_err() {
                r.tags.insert(reference.to_owned(), digest.clone());
            }
            let Some((subject, entry)) = entry.subject.clone().map(|s| (s, entry)) else {
                return;
            };
            let list = r.referrers.entry(subject).or_default();
            if list.iter().all(|e| e.digest != digest) {
                let mut listed = descriptor.clone();
                listed.artifact_type = entry.artifact_type;
                listed.annotations = entry.annotations;
                list.push(listed);
            }
        });
        descriptor
    }

    pub(crate) fn start_upload(&self) -> String {
        let id = format!("u{}", self.0.serial.fetch_add(1, Ordering::SeqCst));
        self.uploads().insert(id.clone(), Vec::new());
        id
    }

    /// Appends to an upload; returns its length, or nothing if there is no such upload.
    pub(crate) fn append_upload(&self, id: &str, bytes: &[u8]) -> Option<usize> {
        let mut uploads = self.uploads();
        let upload = uploads.get_mut(id)?;
        upload.extend_from_slice(bytes);
        Some(upload.len())
    }

    pub(crate) fn take_upload(&self, id: &str) -> Option<Vec<u8>> {
        self.uploads().remove(id)
    }

    fn uploads(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.uploads.lock().unwrap()
    }

    fn in_repository<T>(&self, name: &str, act: impl FnOnce(&mut Repository) -> T) -> T {
        let mut repositories = self.0.repositories.lock().unwrap();
        match repositories.get_mut(name) {
            Some(repository) => act(repository),
            None => {
                let mut fresh = Repository::default();
                let result = act(&mut fresh);
                if !(fresh.blobs.is_empty() && fresh.manifests.is_empty() && fresh.tags.is_empty())
                {
                    repositories.insert(name.to_owned(), fresh);
                }
                result
            }
        }
    }
}

/// What a manifest says about itself, read as laxly as a registry reads it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) subject: Option<Digest>,
    artifact_type: Option<String>,
    annotations: Annotations,
    /// The configuration, the layers and the members, by digest.
    pub(crate) blobs: Vec<Digest>,
    pub(crate) members: Vec<Digest>,
}

impl Entry {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
            return Self::default();
        };
        let digest = |v: &Value| v.get("digest")?.as_str()?.parse::<Digest>().ok();
        let list = |name: &str| {
            let found = value.get(name).and_then(Value::as_array);
            found.into_iter().flatten()
        };
        let text = |v: Option<&Value>| v.and_then(Value::as_str).map(str::to_owned);
        let config = value.get("config");
        // image-spec 1.1, "Guidelines for Artifact Usage": the configuration's
        // media type stands in for a missing `artifactType`.
        let artifact_type = text(value.get("artifactType"))
            .or_else(|| text(config.and_then(|c| c.get("mediaType"))));
        let annotations = value.get("annotations").cloned().unwrap_or_default();
        // image-spec, "Non-distributable layers": what has `urls` lies elsewhere.
        let here = |v: &&Value| v.get("urls").is_none_or(|u| *u == Value::Array(Vec::new()));
        let mut blobs: Vec<_> = list("layers").filter(here).filter_map(digest).collect();
        blobs.extend(config.and_then(digest));
        Self {
            subject: value.get("subject").and_then(digest),
            artifact_type,
            annotations: serde_json::from_value(annotations).unwrap_or_default(),
            blobs,
            members: list("manifests").filter_map(digest).collect(),
        }
    }
}
