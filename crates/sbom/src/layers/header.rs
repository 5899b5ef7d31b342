//! Headers of an archive, with the long names and attributes that stand before them.

use std::io::Read;

use tar::EntryType;

use super::LayerError;
use crate::limits;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    /// A symbolic link, which is not followed.
    Symlink,
    /// Another name of a file.
    HardLink,
    /// A file with holes.
    Sparse,
    /// A device, a pipe, or what is not known.
    Other,
}

/// An entry, its names put together.
pub(super) struct Header {
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) executable: bool,
}

/// What the headers before an entry say of it.
#[derive(Default)]
pub(super) struct Pending {
    gnu_path: Option<Vec<u8>>,
    pax_path: Option<Vec<u8>>,
    pax_sparse: bool,
}

impl Pending {
    /// The next entry, unless this one speaks of the one behind it.
    pub(super) fn read<R: Read>(
        &mut self,
        entry: &mut tar::Entry<'_, R>,
    ) -> Result<Option<Header>, LayerError> {
        let kind = entry.header().entry_type();
        if kind.is_gnu_longname() {
            let name = extension(entry)?;
            let name = name.strip_suffix(&[0]).unwrap_or(&name).to_vec();
            self.gnu_path = Some(name);
            return Ok(None);
        }
        if kind.is_gnu_longlink() || kind.is_pax_global_extensions() {
            // Where a link leads does not matter: none is followed.
            extension(entry)?;
            return Ok(None);
        }
        if kind.is_pax_local_extensions() {
            let attributes = extension(entry)?;
            self.attributes(&attributes)?;
            return Ok(None);
        }
        let pending = std::mem::take(self);
        let header = entry.header();
        let kind = match kind {
            _ if pending.pax_sparse => Kind::Sparse,
            EntryType::Regular | EntryType::Continuous => Kind::File,
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => Kind::Symlink,
            EntryType::Link => Kind::HardLink,
            EntryType::GNUSparse => Kind::Sparse,
            _ => Kind::Other,
        };
        let path = pending.pax_path.or(pending.gnu_path);
        let path = path.unwrap_or_else(|| header.path_bytes().into_owned());
        Ok(Some(Header {
            // Old archives say "folder" with a slash alone.
            kind: match kind {
                Kind::File if path.ends_with(b"/") => Kind::Folder,
                kind => kind,
            },
            path,
            size: header.size()?,
            executable: header.mode().is_ok_and(|mode| mode & 0o111 != 0),
        }))
    }

    fn attributes(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        for attribute in tar::PaxExtensions::new(bytes) {
            let attribute = attribute?;
            match attribute.key_bytes() {
                b"path" => self.pax_path = Some(attribute.value_bytes().to_vec()),
                // Read raw, the next header's own size decides where the one
                // behind it begins: two tools must not see two archives.
                b"size" => return Err(LayerError::Header("has its size in an attribute")),
                key if key.starts_with(b"GNU.sparse.") => self.pax_sparse = true,
                _ => {}
            }
        }
        Ok(())
    }
}

fn extension<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Vec<u8>, LayerError> {
    if entry.size() > limits::HEADER_BYTES {
        return Err(LayerError::Header("has a name or attributes of a megabyte"));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    Ok(bytes)
}
