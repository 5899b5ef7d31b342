//! The files of a layout: in a folder, or in a `.tar` file as they lie there.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use waxseal_oci::{Digest, LAYOUT_FILE};

use crate::Error;
use crate::cache::write_whole;

#[derive(Debug)]
pub(crate) enum Store {
    Folder(PathBuf),
    /// Where each file lies in the archive. It is read in place: nothing is
    /// unpacked, so no name in it can lead anywhere.
    Tar {
        path: PathBuf,
        files: HashMap<String, (u64, u64)>,
    },
}

/// A file of a layout and its length.
pub(crate) type Opened = (io::Take<File>, u64);

impl Store {
    pub(crate) fn open(path: PathBuf) -> Result<Self, Error> {
        let meta = fs::metadata(&path).map_err(|e| io_error(&path, &e))?;
        if meta.is_dir() {
            return Ok(Self::Folder(path));
        }
        let files = list(&path)?;
        Ok(Self::Tar { path, files })
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Tar { path, .. } => path,
        }
    }

    /// Opens a file by its name in the layout; `None` where there is none.
    pub(crate) fn file(&self, name: &str) -> Result<Option<Opened>, Error> {
        match self {
            Self::Folder(root) => {
                let path = root.join(name);
                // A link or a device is not content, wherever it leads.
                match fs::symlink_metadata(&path) {
                    Ok(meta) if meta.is_file() => {}
                    Ok(_) => return Err(layout_error(&path, "it is not a file")),
                    Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(e) => return Err(io_error(&path, &e)),
                }
                let file = File::open(&path).map_err(|e| io_error(&path, &e))?;
                let length = file.metadata().map_err(|e| io_error(&path, &e))?.len();
                Ok(Some((file.take(length), length)))
            }
            Self::Tar { path, files } => {
                let Some((start, length)) = files.get(name).copied() else {
                    return Ok(None);
                };
                let seek = || -> io::Result<File> {
                    let mut file = File::open(path)?;
                    file.seek(SeekFrom::Start(start))?;
                    Ok(file)
                };
                let file = seek().map_err(|e| io_error(path, &e))?;
                Ok(Some((file.take(length), length)))
            }
        }
    }

    /// Reads a whole file of at most `max` bytes.
    pub(crate) fn read(&self, name: &str, max: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some((mut file, length)) = self.file(name)? else {
            return Ok(None);
        };
        if length > max {
            let what = format!("{}/{name}", self.path().display());
            return Err(Error::TooLarge { what, limit: max });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.read_to_end(&mut bytes)
            .map_err(|e| io_error(self.path(), &e))?;
        Ok(Some(bytes))
    }

    /// Writes a file, whole or not at all.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.writable()?.join(name);
        write_whole(&path, &[bytes]).map_err(|e| io_error(&path, &e))
    }

    /// The folder, where it is one that can be written to.
    pub(crate) fn writable(&self) -> Result<&Path, Error> {
        match self {
            Self::Folder(root) => Ok(root),
            Self::Tar { path, .. } => Err(Error::Io {
                path: path.display().to_string(),
                reason: "a packed layout is only read".into(),
            }),
        }
    }

    /// Writes everything into one archive, in the order of the names and with
    /// nothing in it that differs between two runs.
    pub(crate) fn pack(&self, to: &Path) -> Result<(), Error> {
        let root = self.writable()?;
        let fail = |e: io::Error| io_error(to, &e);
        let parent = to
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        parent.metadata().map_err(fail)?;
        let temporary = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(parent)
            .map_err(|e| fail(e.kind().into()))?;
        let mut archive = tar::Builder::new(io::BufWriter::new(temporary));
        let mut names = vec![LAYOUT_FILE.to_owned(), INDEX_FILE.to_owned()];
        names.extend(blob_names(root).map_err(|e| io_error(root, &e))?);
        for name in names {
            let Some((file, length)) = self.file(&name)? else {
                continue;
            };
            let mut header = tar::Header::new_ustar();
            header.set_size(length);
            header.set_mode(0o644);
            header.set_mtime(0);
            header.set_entry_type(tar::EntryType::Regular);
            archive
                .append_data(&mut header, &name, file)
                .map_err(fail)?;
        }
        let temporary = archive
            .into_inner()
            .map_err(fail)?
            .into_inner()
            .map_err(|e| fail(e.into_error()))?;
        temporary.persist(to).map_err(|e| fail(e.error))?;
        Ok(())
    }
}

/// The name of a blob in a layout.
pub(crate) fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
}

pub(crate) fn io_error(path: &Path, error: &io::Error) -> Error {
    Error::Io {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

pub(crate) fn layout_error(path: &Path, reason: impl Into<String>) -> Error {
    Error::Layout {
        path: path.display().to_string(),
        reason: reason.into(),
    }
}

/// The places of the files that an archive holds.
fn list(path: &Path) -> Result<HashMap<String, (u64, u64)>, Error> {
    let fail = |e: io::Error| layout_error(path, format!("it is not a tar archive: {e}"));
    let file = File::open(path).map_err(|e| io_error(path, &e))?;
    let mut archive = tar::Archive::new(file);
    let mut files = HashMap::new();
    for entry in archive.entries_with_seek().map_err(fail)? {
        let entry = entry.map_err(fail)?;
        // Anything but a plain file (a link, a sparse file) is not content.
        if entry.header().entry_type() != tar::EntryType::Regular {
            continue;
        }
        let name = entry.path_bytes().into_owned();
        let Ok(name) = String::from_utf8(name) else {
            continue;
        };
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        let place = (entry.raw_file_position(), entry.size());
        if files.insert(name.clone(), place).is_some() {
            return Err(layout_error(path, format!("it holds `{name}` twice")));
        }
        if files.len() > FILES {
            return Err(layout_error(
                path,
                format!("it holds more than {FILES} files"),
            ));
        }
    }
    Ok(files)
}

/// The names of all blobs of a folder, sorted.
fn blob_names(root: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for algorithm in fs::read_dir(root.join("blobs"))? {
        let algorithm = algorithm?;
        if !algorithm.file_type()?.is_dir() {
            continue;
        }
        for blob in fs::read_dir(algorithm.path())? {
            let name = format!(
                "{}:{}",
                algorithm.file_name().to_string_lossy(),
                blob?.file_name().to_string_lossy()
            );
            if let Ok(digest) = name.parse::<Digest>() {
                names.push(blob_name(&digest));
            }
        }
    }
    names.sort();
    Ok(names)
}

pub(crate) const INDEX_FILE: &str = "index.json";
const FILES: usize = 100_000;
