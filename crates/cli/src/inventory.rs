//! Taking the inventory of an image or of a folder.

use std::env;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use jiff::Timestamp;
use waxseal_gate::{Fault, LayersError};
use waxseal_oci::{
    Descriptor, Digest, Document, LAYOUT_FILE, REF_NAME_ANNOTATION, Reference, Repository,
};
use waxseal_policy::escaped;
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
    let taken = context.block_on(of_image(context, &reference, platform))?;
    taken.map_err(|failure| failure.maybe_hint(not_a_path(text)))
}

/// What is said of a short name that led nowhere: it may have been meant for a path.
fn not_a_path(text: &str) -> Option<String> {
    let first = text.split('/').next().unwrap_or_default();
    let names_a_registry = first.contains(['.', ':']) || first == "localhost";
    (!names_a_registry && !text.contains('@')).then(|| {
        format!("there is no file or folder `{text}`, so it was taken for an image's name")
    })
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

/// The platforms of an index in a registry, and how many of its entries are for none;
/// neither where it is one image.
pub(crate) async fn platforms(
    context: &Context,
    reference: &Reference,
) -> Result<(Vec<String>, usize), Failure> {
    let digest = context.client()?.resolve(reference).await?;
    let digest = digest.required(reference.to_string())?;
    let entries = entries(context, reference.repository(), &digest).await?;
    let entries = entries.unwrap_or_default();
    let named = images(&entries).into_iter();
    let others = entries.iter().filter(|entry| entry.platform.is_none());
    Ok((
        named.map(|(_, platform)| platform).collect(),
        others.count(),
    ))
}

/// The images of an index with their platforms; nothing where it is no index.
pub(crate) async fn members(
    context: &Context,
    repository: &Repository,
    digest: &Digest,
) -> Result<Option<Vec<(Descriptor, String)>>, Failure> {
    let entries = entries(context, repository, digest).await?;
    Ok(entries.map(|entries| images(&entries)))
}

/// The entries of an index; nothing where it is no index.
async fn entries(
    context: &Context,
    repository: &Repository,
    digest: &Digest,
) -> Result<Option<Vec<Descriptor>>, Failure> {
    let raw = context.client()?.manifest(repository, digest).await?;
    let raw = raw.required(repository.at(digest).to_string())?;
    Ok(match raw.document()? {
        Document::Index(index) => Some(index.manifests),
        _ => None,
    })
}

/// Warns of what could not be read.
pub(crate) fn warn(context: &Context, inventory: &Inventory) {
    for note in inventory.notes.iter().take(SHOWN) {
        let [path, reason] = [&note.at.path, &note.reason].map(|text| escaped(text));
        context.warn(format_args!("`{path}`: {reason}"));
    }
    if let Some(more) = inventory.notes.len().checked_sub(SHOWN).filter(|n| *n > 0) {
        context.warn(format_args!("and {more} more that could not be read"));
    }
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
    let count = manifest.layers.len();
    let progress = |n, bytes| {
        context.progress(format_args!(
            "layer {n} of {count}, {:.1} MB",
            megabytes(bytes)
        ));
    };
    let inventory = waxseal_gate::inventory(source, repository, &manifest, progress);
    let inventory = inventory.await.map_err(|error| match error {
        LayersError::Fault(Fault {
            message,
            hint: Some(hint),
            ..
        }) => Failure::new(message).hint(hint),
        error => Failure::new(error),
    })?;
    Ok(Scanned {
        inventory,
        digest,
        platform,
        layers: manifest.layers,
    })
}

/// The members of an index that are images, with their platforms. An attestation that
/// a build leaves beside them is for none that is known; what is for another would be
/// run, whatever its annotations say.
fn images(entries: &[Descriptor]) -> Vec<(Descriptor, String)> {
    let is_unknown =
        |entry: &Descriptor| entry.platform.as_ref().is_some_and(|p| p.os == "unknown");
    let is_beside = |entry: &Descriptor| entry.annotation("vnd.docker.reference.type").is_some();
    entries
        .iter()
        .filter(|entry| !(is_beside(entry) && is_unknown(entry)))
        .filter_map(|entry| Some((entry.clone(), entry.platform.as_ref()?.to_string())))
        .collect()
}

/// The member of an index that is meant.
fn member(entries: &[Descriptor], wanted: Option<&str>) -> Result<(Digest, String), Failure> {
    let images = images(entries);
    let names = || {
        let names: Vec<&str> = images.iter().map(|(_, name)| name.as_str()).collect();
        escaped(&names.join(", "))
    };
    let chosen = match (wanted, images.as_slice()) {
        (Some(wanted), _) => {
            let mut of_it = images.iter().filter(|(_, name)| name == wanted);
            let first = of_it.next();
            if let Some((other, _)) =
                of_it.find(|(e, _)| first.is_some_and(|(f, _)| f.digest != e.digest))
            {
                // Which of them is run is up to the runtime.
                return Err(Failure::new(format_args!(
                    "the index has several images for `{}`, {} among them",
                    escaped(wanted),
                    other.digest
                ))
                .hint("name one of them by its digest"));
            }
            first
        }
        (None, [one]) => Some(one),
        (None, _) => {
            return Err(Failure::usage("it is an index of several platforms")
                .hint(format!("say which with --platform: {}", names())));
        }
    };
    let (entry, name) = chosen.ok_or_else(|| {
        Failure::new(format_args!(
            "the index has no image for `{}`; it has {}",
            wanted.unwrap_or_default(),
            names()
        ))
    })?;
    Ok((entry.digest.clone(), name.clone()))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "shown with one digit"
)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The inventory of a folder that is taken for a root filesystem. Links are
/// not followed, other filesystems' special files are passed over, and so is
/// what a running system mounts on `proc`, `sys` and `dev`.
fn folder(context: &Context, root: &Path) -> Result<Taken, Failure> {
    let mut scanner = Scanner::new();
    let mut waiting = vec![root.to_owned()];
    let of_root = fs::metadata(root).ok();
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
                let of_the_kernel = ["proc", "sys", "dev"].contains(&name.as_str())
                    && of_root
                        .as_ref()
                        .is_some_and(|of_root| is_mounted(of_root, &metadata));
                if !of_the_kernel {
                    waiting.push(path);
                }
            } else if metadata.is_symlink() {
                match fs::read_link(&path) {
                    Ok(target) => scanner.link(&name, &target.to_string_lossy()),
                    Err(error) => scanner.note(&name, format!("cannot be read: {error}")),
                }
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

/// Whether something in a folder is of another filesystem than the folder.
#[cfg(unix)]
fn is_mounted(folder: &fs::Metadata, inside: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    folder.dev() != inside.dev()
}

#[cfg(not(unix))]
fn is_mounted(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    false
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

/// Notes that are shown one by one.
const SHOWN: usize = 20;

#[cfg(test)]
mod tests {
    use super::{images, member, not_a_path};
    use waxseal_oci::Descriptor;

    #[test]
    fn an_annotation_alone_makes_no_attestation() {
        let entry = |os: &str| -> Descriptor {
            let text = format!(
                r#"{{"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1,
                    "digest": "sha256:{}", "platform": {{"os": "{os}", "architecture": "amd64"}},
                    "annotations": {{"vnd.docker.reference.type": "attestation-manifest"}}}}"#,
                "a".repeat(64)
            );
            serde_json::from_str(&text).unwrap()
        };
        let names = images(&[entry("linux"), entry("unknown")]).into_iter();
        assert_eq!(
            names.map(|(_, name)| name).collect::<Vec<_>>(),
            ["linux/amd64"]
        );
    }

    #[test]
    fn one_of_several_images_for_a_platform_is_not_taken_for_all() {
        let entry = |digit: &str, os: &str| -> Descriptor {
            let text = format!(
                r#"{{"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1,
                    "digest": "sha256:{}", "platform": {{"os": "{os}", "architecture": "amd64"}}}}"#,
                digit.repeat(64)
            );
            serde_json::from_str(&text).unwrap()
        };
        let entries = [
            entry("a", "linux"),
            entry("b", "linux"),
            entry("c", "windows"),
        ];
        let taken = |entries: &[Descriptor], wanted| {
            let taken = member(entries, Some(wanted));
            taken
                .map_err(|f| f.in_one_line())
                .map(|(d, _)| d.to_string())
        };
        let several = format!(
            "the index has several images for `linux/amd64`, sha256:{} among them; name one of \
             them by its digest",
            "b".repeat(64)
        );
        assert_eq!(taken(&entries, "linux/amd64"), Err(several));
        let only = format!("sha256:{}", "c".repeat(64));
        assert_eq!(taken(&entries, "windows/amd64"), Ok(only));
        // The same image twice is one.
        let same = [entry("a", "linux"), entry("a", "linux")];
        assert!(taken(&same, "linux/amd64").is_ok());
    }

    #[test]
    fn only_a_short_name_may_have_been_a_path() {
        let said = "there is no file or folder `rootfs/usr`, so it was taken for an image's name";
        assert_eq!(not_a_path("rootfs/usr").as_deref(), Some(said));
        for image in [
            "registry.example.com/shop",
            "localhost/shop",
            "127.0.0.1:5000/shop",
            "shop@sha256:00",
        ] {
            assert_eq!(not_a_path(image), None, "{image}");
        }
    }
}
