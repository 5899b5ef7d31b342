//! The layers of an image as a stream: which files they leave in the end, and
//! the content of those that somebody wants.
//!
//! Layers are read from the uppermost down, so that a file that is hidden is
//! never looked at. Everything in a layer is untrusted; nothing is written
//! anywhere, and no link is followed.

mod ahead;
mod decompress;
mod header;
mod path;

use std::collections::HashSet;
use std::io::{self, Read};
use std::thread;

use waxseal_oci::Digest;

pub(crate) use header::Kind;

use ahead::Ahead;

use crate::limits;

/// A file that a layer leaves in the image.
pub(crate) struct File<'a> {
    pub(crate) path: &'a str,
    pub(crate) size: u64,
    pub(crate) executable: bool,
    pub(crate) kind: Kind,
    /// The path of the file that this is another name of, where that can be told; of
    /// a symbolic link the target, as it is written there.
    pub(crate) link: Option<&'a str>,
    /// Whether an upper layer hides the file that this is another name of.
    pub(crate) only_name: bool,
}

/// Who looks at the files.
pub(crate) trait Visitor {
    /// Is shown a file that is not hidden, and its content, of which it reads what
    /// it wants. A path may be shown again from the same layer: the last one is it.
    fn file(&mut self, file: &File<'_>, content: &mut dyn Read) -> io::Result<()>;

    /// Is told of a symbolic link that an upper layer hides, and where it led to: what
    /// the layers between the two have below it may have been unpacked there.
    fn gone(&mut self, _path: &str, _target: &str) {}

    /// Is told of an entry that is not followed, and why.
    fn odd(&mut self, path: &str, reason: String);
}

/// What the layers that were read so far hide.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Paths that are something other than a folder, or that were deleted.
    hidden: HashSet<Box<str>>,
    /// Folders of which the lower layers show nothing.
    opaque: HashSet<Box<str>>,
    /// Folders that a layer has an entry for. What is no folder is not there below one.
    folders: HashSet<Box<str>>,
    hidden_bytes: usize,
    entries: u64,
    decompressed: u64,
}

impl Walk {
    /// Reads one layer to its end; those above it were read before.
    pub(crate) fn layer(
        &mut self,
        compressed: &mut (dyn Read + Send),
        visitor: &mut dyn Visitor,
    ) -> Result<(), LayerError> {
        let left = limits::DECOMPRESSED.saturating_sub(self.decompressed);
        let mut upper = Layer::default();
        let (read, decompressed) = thread::scope(|scope| {
            let (source, mut plain) = ahead::pair();
            let decompressing = scope.spawn(move || source.fill(compressed, left));
            let read = self.entries(&mut plain, visitor, &mut upper);
            // The rest is read as well: only then is the layer's digest known to be right.
            let read = read.and_then(|()| Ok(plain.drain()?));
            // Nothing waits for who has gone.
            drop(plain);
            (read, decompressing.join())
        });
        let decompressed = decompressed.map_err(|_| {
            let reason = "its decompression has come to an unexpected end";
            LayerError::Read(io::Error::other(reason))
        })??;
        self.decompressed += decompressed.bytes;
        if let Some(most) = decompressed.bomb {
            return Err(LayerError::Bomb(most));
        }
        read?;
        // A layer hides only what is below it.
        self.remember(upper)
    }

    fn entries(
        &mut self,
        plain: &mut Ahead,
        visitor: &mut dyn Visitor,
        upper: &mut Layer,
    ) -> Result<(), LayerError> {
        let mut archive = tar::Archive::new(plain);
        // Raw, since the names that the crate would read for us have no limit.
        let entries = archive.entries_with_seek()?.raw(true);
        let mut pending = header::Pending::default();
        // Most entries are in the folder of the one before them.
        let mut last = (String::new(), self.hides_below(""));
        for entry in entries {
            let mut entry = entry?;
            self.entries += 1;
            if self.entries > limits::ENTRIES {
                return Err(LayerError::Entries);
            }
            let Some(read) = pending.read(&mut entry)? else {
                continue;
            };
            let path = match path::normal(&read.path) {
                Ok(Some(path)) => path,
                Ok(None) => continue,
                Err(reason) => {
                    let shown = String::from_utf8_lossy(&read.path).into_owned();
                    visitor.odd(&shown, reason.to_owned());
                    continue;
                }
            };
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            if name == OPAQUE {
                upper.opaque.push(folder.into());
                continue;
            }
            if let Some(deleted) = name.strip_prefix(WHITEOUT) {
                // Other names that begin so are reserved, and mean nothing here.
                if !deleted.is_empty() && !deleted.starts_with(WHITEOUT) {
                    upper.hidden.push(join(folder, deleted).into());
                }
                continue;
            }
            if last.0 != folder {
                last = (folder.to_owned(), self.hides_below(folder));
            }
            let mut is_hidden = last.1 || self.hidden.contains(path.as_str());
            match read.kind {
                Kind::Folder => upper.folders.push(path.as_str().into()),
                // Who unpacks without being root leaves devices out, and what is below
                // them is there.
                Kind::Other => {}
                _ => {
                    is_hidden |= self.folders.contains(path.as_str());
                    upper.hidden.push(path.as_str().into());
                }
            }
            if is_hidden && read.kind != Kind::Symlink {
                continue;
            }
            let link = read.link.and_then(|link| match read.kind {
                Kind::Symlink => Some(String::from_utf8_lossy(&link).into_owned()),
                _ => path::normal(&link).ok().flatten(),
            });
            if is_hidden {
                visitor.gone(&path, link.as_deref().unwrap_or_default());
                continue;
            }
            let of = link.as_deref().filter(|_| read.kind == Kind::HardLink);
            let file = File {
                only_name: of.is_some_and(|of| self.hides(of)),
                link: link.as_deref(),
                path: &path,
                size: read.size,
                executable: read.executable,
                kind: read.kind,
            };
            visitor.file(&file, &mut entry)?;
        }
        Ok(())
    }

    /// The paths of all that was in the layers and no folder, deleted or not; nothing
    /// where no layer was read.
    pub(crate) fn paths(&self) -> Option<impl Iterator<Item = &str>> {
        (self.entries > 0).then(|| self.hidden.iter().map(|path| &**path))
    }

    /// Whether the layers that were read before hide a file.
    fn hides(&self, path: &str) -> bool {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.hidden.contains(path) || self.folders.contains(path) || self.hides_below(folder)
    }

    /// Whether nothing in a folder is to be seen.
    fn hides_below(&self, folder: &str) -> bool {
        let above = folder.match_indices('/');
        let above = above.filter_map(|(end, _)| folder.get(..end));
        let mut all = above.chain([folder, ""]);
        all.any(|folder| self.hidden.contains(folder) || self.opaque.contains(folder))
    }

    fn remember(&mut self, upper: Layer) -> Result<(), LayerError> {
        self.hidden.reserve(upper.hidden.len());
        for path in upper.hidden {
            self.hidden_bytes += path.len() + size_of::<Box<str>>();
            self.hidden.insert(path);
        }
        for path in upper.opaque {
            self.hidden_bytes += path.len() + size_of::<Box<str>>();
            self.opaque.insert(path);
        }
        for path in upper.folders {
            self.hidden_bytes += path.len() + size_of::<Box<str>>();
            self.folders.insert(path);
        }
        if self.hidden_bytes > limits::HIDDEN_BYTES {
            return Err(LayerError::Entries);
        }
        Ok(())
    }
}

/// What one layer hides.
#[derive(Default)]
struct Layer {
    hidden: Vec<Box<str>>,
    opaque: Vec<Box<str>>,
    folders: Vec<Box<str>>,
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// Reads until the buffer is full or there is no more.
pub(crate) fn fill<R: Read + ?Sized>(content: &mut R, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match content.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Why the layers of an image cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// It grows beyond all measure.
    #[error("it decompresses to more than {0} bytes")]
    Bomb(u64),
    /// It has too many entries.
    #[error(
        "the layers have more than {} entries, or names without end",
        limits::ENTRIES
    )]
    Entries,
    /// A header is too large, or contradicts itself.
    #[error("an entry {0}")]
    Header(&'static str),
    /// It cannot be read, or is not an archive.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// Something in a layer, by the layer's digest.
    #[error("the layer {layer}: {error}")]
    In {
        /// The layer.
        layer: Digest,
        /// What is wrong with it.
        error: Box<Self>,
    },
    /// It has more packages than can be.
    #[error("it has more than {} packages", limits::PACKAGES)]
    Packages,
}

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

#[cfg(test)]
mod tests;
