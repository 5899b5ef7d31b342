//! Taking the inventory of an image or of a folder.

use std::env;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc;
use waxseal_oci::{
    Descriptor, Digest, Document, LAYOUT_FILE, Manifest, REF_NAME_ANNOTATION, Reference, Repository,
};
use waxseal_registry::{Layout, Source};
use waxseal_sbom::{Inventory, Scanner, Target};

use crate::context::Context;
use crate::error::Failure;
use crate::store;

/// An inventory, and what it is of.
pub(crate) struct Taken {
    pub(crate) inventory: Inventory,
    pub(crate) target: Target,
    /// The layers, the lowest first; a folder has none.
    pub(crate) layers: Vec<Descriptor>,
}

/// Takes the inventory of an image layout, an archive, a folder, or an image
/// in a registry, as which of them the text names something that is there.
pub(crate) fn take(
    context: &Context,
    text: &str,
    platform: Option<&str>,
) -> Result<Taken, Failure> {
    let path = Path::new(text);
    let is_path = path.exists();
    if is_path && path.is_dir() && !path.join(LAYOUT_FILE).exists() {
        if platform.is_some() {
            return Err(Failure::usage("a folder is not for a platform"));
        }
        return folder(context, path);
    }
    if is_path {
        let layout = Layout::open(path)?;
        let (repository, digest) = in_layout(&layout, path)?;
        return context.block_on(async {
            let found = image(context, &layout, &repository, &digest, platform).await?;
            let name = path
                .file_name()
                .map_or(text.into(), |n| n.to_string_lossy());
            let target = Target::unnamed(name, &found.digest);
            found.taken(target)
        })?;
    }
    let reference = store::reference(text).map_err(|failure| {
        failure
            .hint("what is to be looked at is an image, an image layout, or a folder that is there")
    })?;
    context.block_on(of_image(context, &reference, platform))?
}

/// Takes the inventory of an image in a registry.
pub(crate) async fn of_image(
    context: &Context,
    reference: &Reference,
    platform: Option<&str>,
) -> Result<Taken, Failure> {
    let client = context.client()?;
    let digest = client
        .resolve(reference)
        .await?
        .required(reference.to_string())?;
    let repository = reference.repository();
    let found = image(context, client, repository, &digest, platform).await?;
    let target = Target::image(repository, &found.digest);
    found.taken(target)
}

/// The platforms of an index in a registry; none where it is one image.
pub(crate) async fn platforms(
    context: &Context,
    reference: &Reference,
) -> Result<Vec<String>, Failure> {
    let client = context.client()?;
    let name = || reference.to_string();
    let digest = client.resolve(reference).await?.required(name())?;
    let raw = client.manifest(reference.repository(), &digest).await?;
    Ok(match raw.required(name())?.document()? {
        Document::Index(index) => images(&index.manifests)
            .into_iter()
            .map(|(_, platform)| platform)
            .collect(),
        _ => Vec::new(),
    })
}

/// The time that documents give: that of `SOURCE_DATE_EPOCH`, if there is one.
pub(crate) fn created() -> Result<Option<Timestamp>, Failure> {
    let Some(text) = env::var_os("SOURCE_DATE_EPOCH").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let seconds = text.to_str().and_then(|text| text.parse().ok());
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map(Some)
        .ok_or_else(|| Failure::usage("SOURCE_DATE_EPOCH is not a number of seconds since 1970"))
}

/// The one image of a layout.
fn in_layout(layout: &Layout, path: &Path) -> Result<(Repository, Digest), Failure> {
    let images = layout.images()?;
    let mut digests: Vec<&Digest> = images.iter().map(|entry| &entry.digest).collect();
    digests.dedup();
    let [digest] = digests.as_slice() else {
        let names = images.iter().map(|entry| {
            let name = entry.annotation(REF_NAME_ANNOTATION);
            name.map_or_else(|| entry.digest.to_string(), str::to_owned)
        });
        return Err(Failure::new(format_args!(
            "`{}` holds {} images: {}",
            path.display(),
            digests.len(),
            names.collect::<Vec<_>>().join(", ")
        )));
    };
    // A layout has no repositories; any name will do.
    let any: Reference = "layout.invalid/image".parse().map_err(Failure::new)?;
    Ok((any.repository().clone(), (*digest).clone()))
}

struct Scanned {
    inventory: Inventory,
    digest: Digest,
    platform: Option<String>,
    layers: Vec<Descriptor>,
}

impl Scanned {
    fn taken(self, target: Target) -> Result<Taken, Failure> {
        let target = match self.platform {
            Some(platform) => target.for_platform(platform),
            None => target,
        };
        Ok(Taken {
            inventory: self.inventory,
            target,
            layers: self.layers,
        })
    }
}

/// The inventory of an image, or of the member of an index for a platform.
async fn image<S: Source>(
    context: &Context,
    source: &S,
    repository: &Repository,
    digest: &Digest,
    platform: Option<&str>,
) -> Result<Scanned, Failure> {
    let document = |digest: Digest| async move {
        let name = repository.at(&digest).to_string();
        let raw = source.manifest(repository, &digest).await?;
        Ok::<_, Failure>(raw.required(name)?.document()?)
    };
    let (manifest, digest, platform) = match document(digest.clone()).await? {
        Document::Manifest(manifest) => (manifest, digest.clone(), None),
        Document::Index(index) => {
            let (child, platform) = member(&index.manifests, platform)?;
            match document(child.clone()).await? {
                Document::Manifest(manifest) => (manifest, child, Some(platform)),
                _ => return Err(Failure::new("an index in an index is not looked into")),
            }
        }
        _ => return Err(Failure::new("it is neither an image nor an index")),
    };
    let inventory = layers(context, source, repository, &manifest).await?;
    Ok(Scanned {
        inventory,
        digest,
        platform,
        layers: manifest.layers,
    })
}

/// The members of an index that are images, with their platforms.
fn images(entries: &[Descriptor]) -> Vec<(&Digest, String)> {
    entries
        .iter()
        .filter(|entry| entry.annotation("vnd.docker.reference.type").is_none())
        .filter_map(|entry| Some((&entry.digest, entry.platform.as_ref()?.to_string())))
        .collect()
}

/// The member of an index that is meant.
fn member(entries: &[Descriptor], wanted: Option<&str>) -> Result<(Digest, String), Failure> {
    let images = images(entries);
    let names = || {
        let names: Vec<&str> = images.iter().map(|(_, name)| name.as_str()).collect();
        names.join(", ")
    };
    let chosen = match (wanted, images.as_slice()) {
        (Some(wanted), _) => images.iter().find(|(_, name)| name == wanted),
        (None, [one]) => Some(one),
        (None, _) => {
            return Err(Failure::usage("it is an index of several platforms")
                .hint(format!("say which with --platform: {}", names())));
        }
    };
    let (digest, name) = chosen.ok_or_else(|| {
        Failure::new(format_args!(
            "the index has no image for `{}`; it has {}",
            wanted.unwrap_or_default(),
            names()
        ))
    })?;
    Ok(((*digest).clone(), name.clone()))
}

/// The inventory of an image's layers, each of them read once, as a stream.
async fn layers<S: Source>(
    context: &Context,
    source: &S,
    repository: &Repository,
    manifest: &Manifest,
) -> Result<Inventory, Failure> {
    let strange = |layer: &&Descriptor| !is_layer(&layer.media_type);
    if let Some(layer) = manifest.layers.iter().find(strange) {
        return Err(Failure::new(format_args!(
            "it is not a container image: `{}` is not the type of a layer",
            layer.media_type
        )));
    }
    let count = manifest.layers.len();
    let mut scanner = Scanner::new();
    // The uppermost layer stands last.
    for (n, layer) in manifest.layers.iter().rev().enumerate() {
        context.progress(format_args!(
            "layer {} of {count}, {:.1} MB",
            n + 1,
            megabytes(layer.size)
        ));
        let mut stream = source.blob_stream(repository, layer).await?;
        let (sender, receiver) = mpsc::channel(CHUNKS);
        let digest = layer.digest.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let read = scanner.layer(&digest, &mut Chunks::new(receiver));
            read.map(|()| scanner)
        });
        // Whatever the layer says counts only once its digest is known to be right.
        let sent = async {
            while let Some(chunk) = stream.next().await? {
                if sender.send(chunk).await.is_err() {
                    return Ok(());
                }
            }
            Ok::<(), waxseal_registry::Error>(())
        };
        let sent = sent.await;
        drop(sender);
        let read = reading
            .await
            .map_err(|e| Failure::new(format_args!("cannot read a layer: {e}")))?;
        sent?;
        scanner = read.map_err(Failure::new)?;
    }
    Ok(scanner.finish())
}

fn is_layer(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.")
        || media_type.starts_with("application/vnd.docker.image.rootfs.")
}

#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "shown with one digit"
)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Chunks that arrive, as something to read from.
struct Chunks {
    receiver: mpsc::Receiver<Bytes>,
    chunk: Bytes,
}

impl Chunks {
    fn new(receiver: mpsc::Receiver<Bytes>) -> Self {
        Self {
            receiver,
            chunk: Bytes::new(),
        }
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.receiver.blocking_recv() {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.chunk.len());
        let taken = self.chunk.split_to(length);
        if let Some(to) = buffer.get_mut(..length) {
            to.copy_from_slice(&taken);
        }
        Ok(length)
    }
}

/// The inventory of a folder that is taken for a root filesystem. Links are
/// not followed, and other filesystems' special files are passed over.
fn folder(context: &Context, root: &Path) -> Result<Taken, Failure> {
    let mut scanner = Scanner::new();
    let mut waiting = vec![root.to_owned()];
    let mut seen = 0_u64;
    while let Some(folder) = waiting.pop() {
        let listed = fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = match listed {
            Ok(entries) => entries,
            Err(error) => {
                scanner.note(
                    &relative(root, &folder),
                    format!("cannot be listed: {error}"),
                );
                continue;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            seen += 1;
            if seen > waxseal_sbom::limits::ENTRIES {
                return Err(Failure::new(format_args!(
                    "`{}` has more than {} files",
                    root.display(),
                    waxseal_sbom::limits::ENTRIES
                )));
            }
            let path = entry.path();
            let name = relative(root, &path);
            // Of the link itself where it is one.
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) => {
                    scanner.note(&name, format!("cannot be looked at: {error}"));
                    continue;
                }
            };
            if metadata.is_dir() {
                waiting.push(path);
            } else if metadata.is_file() {
                let mut file = Lazy::new(&path);
                let executable = is_executable(&metadata);
                let read = scanner.file(&name, metadata.len(), executable, &mut file);
                if let Err(error) = read {
                    scanner.note(&name, format!("cannot be read: {error}"));
                }
            }
        }
    }
    context.progress(format_args!("{seen} files"));
    let name = root.canonicalize().ok();
    let name = name.as_deref().and_then(Path::file_name);
    let name = name.map_or_else(|| "root".into(), |name| name.to_string_lossy());
    Ok(Taken {
        inventory: scanner.finish(),
        target: Target::folder(name),
        layers: Vec::new(),
    })
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    true
}

/// A file that is opened when somebody wants its content.
struct Lazy<'a> {
    path: &'a Path,
    file: Option<fs::File>,
}

impl<'a> Lazy<'a> {
    fn new(path: &'a Path) -> Self {
        Self { path, file: None }
    }
}

impl Read for Lazy<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.read(buffer),
            None => self.file.insert(fs::File::open(self.path)?).read(buffer),
        }
    }
}

/// Chunks that wait to be read.
const CHUNKS: usize = 16;
