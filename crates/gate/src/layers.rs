//! What is in the layers of an image.
//!
//! Each layer is read once, as a stream, and counts only when its digest has
//! turned out to be right.

use std::future::Future;
use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use tokio::sync::mpsc;
use waxseal_oci::{Descriptor, Manifest, Repository};
use waxseal_registry::{BlobStream, Source};
use waxseal_sbom::{Inventory, Scanner};

use crate::Fault;

/// Why there is no inventory of an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayersError {
    /// They could not be fetched.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// They came, and cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// Where layers come from.
pub(crate) trait Layers: Sync {
    fn open(&self, layer: &Descriptor) -> impl Future<Output = Result<BlobStream, Fault>> + Send;
}

/// The layers of a repository.
struct In<'a, S> {
    source: &'a S,
    repository: &'a Repository,
}

impl<S: Source> Layers for In<'_, S> {
    async fn open(&self, layer: &Descriptor) -> Result<BlobStream, Fault> {
        let stream = self.source.blob_stream(self.repository, layer).await;
        stream.map_err(|error| Fault::from(&error))
    }
}

/// Takes the inventory of an image's layers (untrusted). `progress` is told
/// which layer comes next, counted from 1, and its size in bytes.
///
/// # Errors
/// [`LayersError`] where a layer cannot be had or cannot be read: part of an
/// inventory is none.
pub async fn inventory<S: Source>(
    source: &S,
    repository: &Repository,
    manifest: &Manifest,
    progress: impl FnMut(usize, u64),
) -> Result<Inventory, LayersError> {
    scan(&In { source, repository }, manifest, progress).await
}

pub(crate) async fn scan<L: Layers>(
    layers: &L,
    manifest: &Manifest,
    mut progress: impl FnMut(usize, u64),
) -> Result<Inventory, LayersError> {
    let strange = |layer: &&Descriptor| !is_layer(&layer.media_type);
    if let Some(layer) = manifest.layers.iter().find(strange) {
        return Err(LayersError::Unreadable(format!(
            "it is not a container image: `{}` is not the type of a layer",
            layer.media_type
        )));
    }
    let mut scanner = Scanner::new();
    // The uppermost layer stands last.
    for (n, layer) in manifest.layers.iter().rev().enumerate() {
        progress(n + 1, layer.size);
        let mut stream = layers.open(layer).await?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let digest = layer.digest.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let read = scanner.layer(&digest, &mut Chunks::new(receiver));
            read.map(|()| scanner)
        });
        let sent = async {
            // Who reads is woken for many at once: what a connection brings is small.
            let (mut waiting, mut length) = (Vec::new(), 0);
            while let Some(chunk) = stream.next().await? {
                length += chunk.len();
                waiting.push(chunk);
                if length < TOGETHER {
                    continue;
                }
                length = 0;
                if sender.send(std::mem::take(&mut waiting)).await.is_err() {
                    return Ok(());
                }
            }
            // Gone only if it has read enough.
            let _ = sender.send(waiting).await;
            Ok::<(), waxseal_registry::Error>(())
        };
        let sent = sent.await;
        drop(sender);
        let read = reading
            .await
            .map_err(|e| LayersError::Unreadable(format!("cannot read a layer: {e}")))?;
        sent.map_err(|error| Fault::from(&error))?;
        scanner = read.map_err(|error| LayersError::Unreadable(error.to_string()))?;
    }
    Ok(scanner.finish())
}

/// How many bytes the layers say that they have, as they are stored.
pub(crate) fn bytes(manifest: &Manifest) -> u64 {
    let sizes = manifest.layers.iter().map(|layer| layer.size);
    sizes.fold(0, u64::saturating_add)
}

fn is_layer(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.")
        || media_type.starts_with("application/vnd.docker.image.rootfs.")
}

/// Chunks that arrive, as something to read from.
struct Chunks {
    receiver: mpsc::Receiver<Vec<Bytes>>,
    waiting: std::vec::IntoIter<Bytes>,
    chunk: Bytes,
}

impl Chunks {
    fn new(receiver: mpsc::Receiver<Vec<Bytes>>) -> Self {
        Self {
            receiver,
            waiting: Vec::new().into_iter(),
            chunk: Bytes::new(),
        }
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            if let Some(chunk) = self.waiting.next() {
                self.chunk = chunk;
                continue;
            }
            match self.receiver.blocking_recv() {
                Some(waiting) => self.waiting = waiting.into_iter(),
                None => return Ok(0),
            }
        }
        let read = (&*self.chunk).read(buffer)?;
        self.chunk.advance(read);
        Ok(read)
    }
}

/// Bytes that are handed over together.
const TOGETHER: usize = 256 * 1024;
/// How often so many may wait to be read.
const WAITING: usize = 4;
