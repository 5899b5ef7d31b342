//! Content kept on disk by its digest.
//!
//! What is read is hashed as if it came from a registry, so the cache can make
//! things faster or slower, never true; a failure of the cache is a miss. Files
//! appear whole, by renaming. The folder is bounded: the content that was
//! unused for longest goes first.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use waxseal_oci::{Digest, limits::MANIFEST_BYTES};

use crate::RawManifest;
use crate::stream::len;

/// A folder of content. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: Arc<Folder>,
}

#[derive(Debug)]
struct Folder {
    root: PathBuf,
    most: u64,
    /// What has been written since the folder was last measured.
    written: AtomicU64,
}

impl Cache {
    pub(crate) fn new(root: PathBuf, most: u64) -> Self {
        Self {
            folder: Arc::new(Folder {
                root,
                most,
                written: AtomicU64::new(0),
            }),
        }
    }

    /// Content of this digest and size, if it is there and right.
    pub(crate) async fn get(&self, digest: &Digest, size: u64) -> Option<Bytes> {
        let (folder, wanted) = (Arc::clone(&self.folder), digest.clone());
        let bytes = off_thread(size, move || folder.read("blobs", &wanted, size)).await?;
        (len(&bytes) == size).then_some(bytes)
    }

    pub(crate) async fn put(&self, digest: &Digest, bytes: &Bytes) {
        let (folder, digest, bytes) = (Arc::clone(&self.folder), digest.clone(), bytes.clone());
        off_thread(len(&bytes), move || {
            folder.write("blobs", &digest, &[&bytes])
        })
        .await;
    }

    /// A manifest of this digest, with the media type that it came with.
    pub(crate) async fn manifest(&self, digest: &Digest) -> Option<(String, Bytes)> {
        self.folder.read_manifest(digest)
    }

    pub(crate) async fn keep_manifest(&self, manifest: &RawManifest) {
        let media_type = manifest.media_type.as_str();
        if media_type.len() > MEDIA_TYPE_BYTES || media_type.contains('\n') {
            return;
        }
        let parts: [&[u8]; 3] = [media_type.as_bytes(), b"\n", &manifest.bytes];
        self.folder.write("manifests", &manifest.digest, &parts);
    }
}

impl Folder {
    fn path(&self, kind: &str, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        let shelf = hex.get(..2).unwrap_or_default();
        self.root
            .join(kind)
            .join(digest.algorithm().name())
            .join(shelf)
            .join(hex)
    }

    fn read(&self, kind: &str, digest: &Digest, size: u64) -> Option<Bytes> {
        let path = self.path(kind, digest);
        let bytes = read_at_most(&path, size)?;
        if !digest.matches(&bytes) {
            // Somebody altered it, or the disk did.
            let _ = fs::remove_file(&path);
            return None;
        }
        Some(bytes.into())
    }

    fn read_manifest(&self, digest: &Digest) -> Option<(String, Bytes)> {
        let path = self.path("manifests", digest);
        let most = MANIFEST_BYTES
            .saturating_add(len(&[0; MEDIA_TYPE_BYTES]))
            .saturating_add(1);
        let whole = Bytes::from(read_at_most(&path, most)?);
        let end = whole.iter().position(|b| *b == b'\n')?;
        let media_type = std::str::from_utf8(whole.get(..end)?).ok()?.to_owned();
        let bytes = whole.slice(end.checked_add(1)?..);
        if !digest.matches(&bytes) {
            let _ = fs::remove_file(&path);
            return None;
        }
        Some((media_type, bytes))
    }

    /// Writes a file unless it is there. The caller has checked the digest.
    fn write(&self, kind: &str, digest: &Digest, parts: &[&[u8]]) {
        let path = self.path(kind, digest);
        if path.exists() {
            return;
        }
        let total = parts
            .iter()
            .map(|part| len(part))
            .fold(0, u64::saturating_add);
        if total > self.most / 8 {
            return;
        }
        if let Err(error) = write_whole(&path, parts) {
            tracing::debug!(%error, path = %path.display(), "the cache was not written");
            return;
        }
        let written = self
            .written
            .fetch_add(total, Ordering::Relaxed)
            .saturating_add(total);
        if written > self.most / 8 || self.is_due() {
            self.written.store(0, Ordering::Relaxed);
            let _ = self.sweep();
        }
    }

    /// Whether the folder has not been measured for an hour.
    fn is_due(&self) -> bool {
        let marker = self.root.join("swept");
        let age = fs::metadata(&marker)
            .and_then(|m| m.modified())
            .map(|t| t.elapsed());
        !matches!(age, Ok(Ok(age)) if age < SWEEP_EVERY)
    }

    /// Deletes what was unused for longest until the folder is at three quarters.
    fn sweep(&self) -> io::Result<()> {
        File::create(self.root.join("swept"))?.set_modified(SystemTime::now())?;
        let mut files = Vec::new();
        for kind in ["blobs", "manifests"] {
            collect_files(&self.root.join(kind), 0, &mut files);
        }
        let mut total = files.iter().map(|f| f.1).fold(0, u64::saturating_add);
        if total <= self.most {
            return Ok(());
        }
        files.sort_by_key(|f| f.0);
        for (_, size, path) in files {
            if total <= self.most / 4 * 3 {
                break;
            }
            if fs::remove_file(path).is_ok() {
                total = total.saturating_sub(size);
            }
        }
        Ok(())
    }
}

fn collect_files(folder: &Path, depth: u8, files: &mut Vec<(SystemTime, u64, PathBuf)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        match entry.metadata() {
            Ok(meta) if meta.is_dir() && depth < 3 => {
                collect_files(&entry.path(), depth.saturating_add(1), files);
            }
            Ok(meta) if meta.is_file() => {
                let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push((used, meta.len(), entry.path()));
            }
            _ => {}
        }
    }
}

/// The content of a file that is no longer than it may be.
fn read_at_most(path: &Path, most: u64) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let meta = file.metadata().ok()?;
    if !meta.is_file() || meta.len() > most {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).ok()?);
    (&file)
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .ok()?;
    // The time of the last use decides what is kept; its failure does not matter.
    let _ = file.set_modified(SystemTime::now());
    Some(bytes)
}

/// Writes a file so that it is there whole or not at all.
pub(crate) fn write_whole(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let parent = path
        .parent()
        .ok_or_else(|| io::Error::other("a path without a folder"))?;
    fs::create_dir_all(parent)?;
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(parent)
        .map_err(|e| io::Error::from(e.kind()))?;
    for part in parts {
        file.write_all(part)?;
    }
    file.flush()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// Runs file work of this size: here where it is short, else beside the runtime.
async fn off_thread<T: Send + Default + 'static>(
    size: u64,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    if size <= SHORT {
        return work();
    }
    tokio::task::spawn_blocking(work).await.unwrap_or_default()
}

/// What a folder holds unless told otherwise.
pub(crate) const MOST: u64 = 1024 * 1024 * 1024;

const SHORT: u64 = 256 * 1024;
const MEDIA_TYPE_BYTES: usize = 256;
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(most: u64) -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("cache"), most);
        (folder, cache)
    }

    #[tokio::test]
    async fn gives_back_only_what_is_right() {
        let (_folder, cache) = cache(MOST);
        let bytes = Bytes::from_static(b"content");
        let digest = Digest::sha256(&bytes);
        assert_eq!(cache.get(&digest, 7).await, None);
        cache.put(&digest, &bytes).await;
        assert_eq!(cache.get(&digest, 7).await, Some(bytes.clone()));
        assert_eq!(cache.get(&digest, 6).await, None);
        fs::write(cache.folder.path("blobs", &digest), b"altered").unwrap();
        assert_eq!(cache.get(&digest, 7).await, None);
        assert!(!cache.folder.path("blobs", &digest).exists());
    }

    #[tokio::test]
    async fn keeps_manifests_with_their_type() {
        let (_folder, cache) = cache(MOST);
        let manifest = RawManifest::new("application/x", &b"{}\n{}"[..]);
        cache.keep_manifest(&manifest).await;
        assert_eq!(
            cache.manifest(&manifest.digest).await,
            Some(("application/x".to_owned(), manifest.bytes))
        );
    }

    #[tokio::test]
    async fn forgets_what_was_unused_for_longest() {
        let (_folder, cache) = cache(8000);
        let content = |i: u8| Bytes::from(vec![i; 900]);
        for i in 0..10 {
            let bytes = content(i);
            let digest = Digest::sha256(&bytes);
            cache.put(&digest, &bytes).await;
            let then = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(i));
            let path = cache.folder.path("blobs", &digest);
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(then)
                .unwrap();
        }
        cache.folder.sweep().unwrap();
        let mut kept = Vec::new();
        for i in 0..10 {
            kept.push(cache.get(&Digest::sha256(&content(i)), 900).await.is_some());
        }
        assert_eq!(
            kept,
            [
                false, false, false, true, true, true, true, true, true, true
            ]
        );
    }
}
