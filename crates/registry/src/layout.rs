//! Image layouts (image-spec 1.1, "OCI Image Layout").

mod referrers;
mod source;
mod store;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use waxseal_oci::{
    CosignTag, Descriptor, Digest, Document, Index, LAYOUT_FILE, LAYOUT_FILE_CONTENT,
    REF_NAME_ANNOTATION, check_layout_file, limits::MANIFEST_BYTES, media,
};

use crate::blob::check;
use crate::{BlobStream, Error, Found, RawManifest};
use referrers::Subjects;
use store::{INDEX_FILE, Store, blob_name, io_error, layout_error};

/// An image layout: a folder, or (read only) a `.tar` file of one.
///
/// A layout holds one repository's content; the repository named in a question
/// is not looked at, and tags are the `org.opencontainers.image.ref.name` of
/// the entries of its index. Files are read and written on the calling thread.
#[derive(Debug)]
pub struct Layout {
    store: Store,
    /// Held while `index.json` is replaced.
    writing: Mutex<()>,
    subjects: Mutex<Subjects>,
}

impl Layout {
    /// A new, empty layout in a folder that is empty or not there yet.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Layout`] where the folder holds something else.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let root = root.into();
        match std::fs::read_dir(&root) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(layout_error(&root, "the folder is not empty"));
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                std::fs::create_dir_all(&root).map_err(|e| io_error(&root, &e))?;
            }
            Err(e) => return Err(io_error(&root, &e)),
        }
        let blobs = root.join("blobs");
        std::fs::create_dir_all(&blobs).map_err(|e| io_error(&blobs, &e))?;
        let layout = Self::of(Store::Folder(root));
        layout
            .store
            .write(LAYOUT_FILE, LAYOUT_FILE_CONTENT.as_bytes())?;
        layout.write_index(&Index::new(Vec::new()))?;
        Ok(layout)
    }

    /// The layout in a folder or a `.tar` file. Blobs are checked when they
    /// are read.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Layout`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let layout = Self::of(Store::open(path.into())?);
        let marker = layout.store.read(LAYOUT_FILE, MANIFEST_BYTES)?;
        let marker =
            marker.ok_or_else(|| layout.refuse(format!("there is no `{LAYOUT_FILE}` in it")))?;
        check_layout_file(&marker).map_err(|reason| layout.refuse(reason))?;
        layout.index()?;
        Ok(layout)
    }

    /// As [`Layout::open`] where there is a layout, else as [`Layout::create`].
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Layout`].
    pub fn open_or_create(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        if path.join(LAYOUT_FILE).exists() || path.is_file() {
            Self::open(path)
        } else {
            Self::create(path)
        }
    }

    /// Writes the layout as one `.tar` file, the same bytes for the same content.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn pack(&self, file: &Path) -> Result<(), Error> {
        self.store.pack(file)
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.store.path()
    }

    /// The entries of `index.json`.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Layout`].
    pub fn entries(&self) -> Result<Vec<Descriptor>, Error> {
        Ok(self.index()?.manifests)
    }

    /// The entries that are neither evidence for another nor one of cosign's
    /// tags: what there is to load.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Layout`].
    pub fn images(&self) -> Result<Vec<Descriptor>, Error> {
        let mut images = Vec::new();
        for entry in self.entries()? {
            if entry
                .annotation(REF_NAME_ANNOTATION)
                .is_some_and(is_derived)
            {
                continue;
            }
            let manifest = self.read_manifest(&entry.digest)?.present();
            let subject = manifest.map(|m| m.subject()).transpose()?.flatten();
            if subject.is_none() {
                images.push(entry);
            }
        }
        Ok(images)
    }

    /// Stores a blob under its digest.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::DigestMismatch`] where the bytes are others.
    pub fn write_blob(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), Error> {
        check(format!("the blob {}", descriptor.digest), descriptor, bytes)?;
        if self.has(&descriptor.digest)? {
            return Ok(());
        }
        self.store.write(&blob_name(&descriptor.digest), bytes)
    }

    /// Stores a manifest, with a tag or without; in either case `index.json`
    /// lists it. A tag that named something else names this from now on.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_manifest(&self, manifest: &RawManifest, tag: Option<&str>) -> Result<(), Error> {
        self.store_manifest(manifest)?;
        self.list(manifest, tag)
    }

    /// Stores a manifest that another one names.
    pub(crate) fn store_manifest(&self, manifest: &RawManifest) -> Result<(), Error> {
        self.write_blob(&manifest.descriptor(), &manifest.bytes)
    }

    /// Lists a manifest in `index.json`.
    pub(crate) fn list(&self, manifest: &RawManifest, tag: Option<&str>) -> Result<(), Error> {
        let mut entry = manifest.descriptor();
        let document = manifest.document()?;
        if entry.media_type.is_empty() {
            document.media_type().clone_into(&mut entry.media_type);
        }
        if let Document::Manifest(inner) = document {
            entry.artifact_type = inner.artifact_type;
        }
        if let Some(tag) = tag {
            entry
                .annotations
                .insert(REF_NAME_ANNOTATION.to_owned(), tag.to_owned());
        }
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut index = self.index()?;
        let name = |d: &Descriptor| d.annotation(REF_NAME_ANNOTATION).map(str::to_owned);
        if index
            .manifests
            .iter()
            .any(|d| d.digest == entry.digest && (tag.is_none() || name(d) == name(&entry)))
        {
            return Ok(());
        }
        index.manifests.retain(|d| {
            // The same content without a name is listed by name now; a name
            // that meant other content means this.
            let unnamed = d.digest == entry.digest && name(d).is_none();
            let renamed = tag.is_some() && name(d).as_deref() == tag;
            !unnamed && !renamed
        });
        index.manifests.push(entry);
        self.write_index(&index)
    }

    /// Stores the content of a stream, if it is what it should be.
    pub(crate) async fn write_stream(
        &self,
        descriptor: &Descriptor,
        mut content: BlobStream,
    ) -> Result<(), Error> {
        use std::io::Write as _;

        if self.has(&descriptor.digest)? {
            return Ok(());
        }
        let path = self.store.writable()?.join(blob_name(&descriptor.digest));
        let fail = |e: std::io::Error| io_error(&path, &e);
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(fail)?;
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(folder)
            .map_err(|e| fail(e.kind().into()))?;
        while let Some(chunk) = content.next().await? {
            file.write_all(&chunk).map_err(fail)?;
        }
        file.persist(&path).map_err(|e| fail(e.error))?;
        Ok(())
    }

    pub(crate) fn has(&self, digest: &Digest) -> Result<bool, Error> {
        Ok(self.store.file(&blob_name(digest))?.is_some())
    }

    fn of(store: Store) -> Self {
        Self {
            store,
            writing: Mutex::new(()),
            subjects: Mutex::default(),
        }
    }

    fn refuse(&self, reason: impl Into<String>) -> Error {
        layout_error(self.root(), reason)
    }

    /// `index.json`, untrusted.
    fn index(&self) -> Result<Index, Error> {
        let bytes = self.store.read(INDEX_FILE, MANIFEST_BYTES)?;
        let bytes =
            bytes.ok_or_else(|| self.refuse(format!("there is no `{INDEX_FILE}` in it")))?;
        match Document::parse(&bytes, Some(media::OCI_INDEX)) {
            Ok(Document::Index(index)) => Ok(index),
            Ok(_) => Err(self.refuse(format!("its `{INDEX_FILE}` is not an index"))),
            Err(reason) => Err(self.refuse(format!("in its `{INDEX_FILE}`: {reason}"))),
        }
    }

    fn write_index(&self, index: &Index) -> Result<(), Error> {
        let bytes = index.to_bytes().map_err(|e| self.refuse(e.to_string()))?;
        self.store.write(INDEX_FILE, &bytes)
    }

    /// The entry that a tag names.
    fn named(&self, tag: &str) -> Result<Found<Descriptor>, Error> {
        let named = |d: &Descriptor| d.annotation(REF_NAME_ANNOTATION) == Some(tag);
        Ok(self
            .entries()?
            .into_iter()
            .find(named)
            .map_or(Found::Absent, Found::Present))
    }

    /// A manifest, its digest checked. Its media type is its own.
    fn read_manifest(&self, digest: &Digest) -> Result<Found<RawManifest>, Error> {
        let Some(bytes) = self.store.read(&blob_name(digest), MANIFEST_BYTES)? else {
            return Ok(Found::Absent);
        };
        let found = Digest::of(digest.algorithm(), &bytes);
        if found != *digest {
            let what = format!("{}/{}", self.root().display(), blob_name(digest));
            return Err(Error::DigestMismatch {
                what,
                wanted: digest.clone(),
                found,
            });
        }
        let mut manifest = RawManifest {
            bytes: bytes.into(),
            media_type: String::new(),
            digest: digest.clone(),
        };
        if let Ok(document) = manifest.document() {
            document.media_type().clone_into(&mut manifest.media_type);
        }
        Ok(Found::Present(manifest))
    }
}

/// Whether a tag is made from a digest: cosign's, or the referrers list.
fn is_derived(tag: &str) -> bool {
    let bare = CosignTag::ALL
        .iter()
        .find_map(|t| tag.strip_suffix(t.suffix()))
        .unwrap_or(tag);
    bare.split_once('-').is_some_and(|(algorithm, hex)| {
        waxseal_oci::Algorithm::from_name(algorithm).is_some()
            && hex.len() >= 64
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}
