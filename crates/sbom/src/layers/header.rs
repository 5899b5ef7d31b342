//! Headers of an archive, with the long names and attributes that stand before them.

use std::io::Read;

use tar::{EntryType, GnuHeader};

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
    /// The file that this is another name of, or where a symbolic link leads to.
    pub(super) link: Option<Vec<u8>>,
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) executable: bool,
}

/// What the headers before an entry say of it.
///
/// Where tools differ in what they make of such headers, what is listed here need
/// not be what is unpacked: an archive that says a thing twice is refused.
#[derive(Default)]
pub(super) struct Pending {
    gnu_path: Option<Vec<u8>>,
    gnu_link: Option<Vec<u8>>,
    pax: Option<Attributes>,
}

#[derive(Default)]
struct Attributes {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    /// The name of a file with holes, whose `path` is made up.
    sparse_name: Option<Vec<u8>>,
    is_sparse: bool,
}

impl Pending {
    /// The next entry, unless this one speaks of the one behind it.
    pub(super) fn read<R: Read>(
        &mut self,
        entry: &mut tar::Entry<'_, R>,
    ) -> Result<Option<Header>, LayerError> {
        let kind = entry.header().entry_type();
        if kind.is_gnu_longname() || kind.is_gnu_longlink() {
            // A text of C: what follows the first NUL is not part of it.
            let name = extension(entry)?;
            let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
            let of = match kind.is_gnu_longname() {
                true => &mut self.gnu_path,
                false => &mut self.gnu_link,
            };
            if of.replace(name.to_vec()).is_some() {
                return Err(LayerError::Header("has two long names"));
            }
            return Ok(None);
        }
        if kind.is_pax_global_extensions() {
            extension(entry)?;
            return Ok(None);
        }
        if kind.is_pax_local_extensions() {
            let attributes = attributes(&extension(entry)?)?;
            if self.pax.replace(attributes).is_some() {
                return Err(LayerError::Header("has two headers of attributes"));
            }
            return Ok(None);
        }
        let Self {
            gnu_path,
            gnu_link,
            pax,
        } = std::mem::take(self);
        let pax = pax.unwrap_or_default();
        let header = entry.header();
        if has_no_content(kind) && header.entry_size()? != 0 {
            return Err(LayerError::Header("that is no file has a size"));
        }
        if kind.is_gnu_sparse() && header.as_gnu().is_some_and(GnuHeader::is_extended) {
            return Err(LayerError::Header(
                "is a sparse file of more parts than its header holds",
            ));
        }
        let kind = match kind {
            _ if pax.is_sparse => Kind::Sparse,
            EntryType::Regular | EntryType::Continuous => Kind::File,
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => Kind::Symlink,
            EntryType::Link => Kind::HardLink,
            EntryType::GNUSparse => Kind::Sparse,
            _ => Kind::Other,
        };
        let is_twice =
            |gnu: &Option<Vec<u8>>, pax: &Option<Vec<u8>>| gnu.is_some() && pax.is_some();
        if is_twice(&gnu_path, &pax.path) || is_twice(&gnu_link, &pax.link) {
            return Err(LayerError::Header("has its name twice"));
        }
        let path = pax.sparse_name.or(pax.path).or(gnu_path);
        let path = path.unwrap_or_else(|| header.path_bytes().into_owned());
        let is_link = matches!(kind, Kind::HardLink | Kind::Symlink);
        let link = is_link.then(|| pax.link.or(gnu_link));
        let link =
            link.and_then(|long| long.or_else(|| Some(header.link_name_bytes()?.into_owned())));
        Ok(Some(Header {
            link,
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
}

fn attributes(mut bytes: &[u8]) -> Result<Attributes, LayerError> {
    let mut all = Attributes::default();
    while !bytes.is_empty() {
        let (key, value, rest) = attribute(bytes).ok_or(LayerError::Header(
            "has attributes in no form that is known",
        ))?;
        bytes = rest;
        match key {
            // "If the value is empty, the attribute is deleted" (POSIX, pax, "Extended
            // Header"): what the header itself says is meant.
            b"path" => all.path = Some(value.to_vec()).filter(|path| !path.is_empty()),
            b"linkpath" => all.link = Some(value.to_vec()).filter(|path| !path.is_empty()),
            // Read raw, the next header's own size decides where the one
            // behind it begins: two tools must not see two archives.
            b"size" => return Err(LayerError::Header("has its size in an attribute")),
            key if key.starts_with(b"GNU.sparse.") => {
                all.is_sparse = true;
                if key == b"GNU.sparse.name" && !value.is_empty() {
                    all.sparse_name = Some(value.to_vec());
                }
            }
            _ => {}
        }
    }
    Ok(all)
}

/// The first of some attributes, and those behind it: "the extended header shall
/// consist of one or more records, each constructed as `%d %s=%s\n`, length,
/// keyword, value" (POSIX, pax). A value may have line feeds in it, as that of a
/// file's capabilities does.
fn attribute(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = bytes.iter().take(DIGITS).position(|byte| *byte == b' ')?;
    let (digits, _) = bytes.split_at_checked(blank)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let (record, rest) = bytes.split_at_checked(length)?;
    let record = record.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let (key, value) = record.split_at_checked(equals)?;
    (!key.is_empty()).then_some((key, value.get(1..)?, rest))
}

/// Whether the next header follows at once, whatever size this one gives. Some
/// tools skip that many bytes, and with them whole entries.
fn has_no_content(kind: EntryType) -> bool {
    kind.is_dir()
        || kind.is_symlink()
        || kind.is_hard_link()
        || kind.is_character_special()
        || kind.is_block_special()
        || kind.is_fifo()
}

fn extension<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Vec<u8>, LayerError> {
    if entry.size() > limits::HEADER_BYTES {
        return Err(LayerError::Header("has a name or attributes of a megabyte"));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Digits of an attribute's length, and the blank behind them.
const DIGITS: usize = 12;
