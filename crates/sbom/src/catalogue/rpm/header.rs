//! The header of one package: an index of tags, and the data that it points into.
//!
//! As `headerImport` of rpm has it: two lengths, the index, the data, all numbers
//! in network order. A database's headers have no magic number in front.

use super::super::Package;
use super::pages::{be32, part};
use crate::inventory::{Ecosystem, License};

/// The package that a header describes; none where it is a key.
pub(super) fn package(bytes: &[u8]) -> Result<Option<Package>, String> {
    let header = Header::new(bytes).ok_or("its header is cut short")?;
    let name = header.text(NAME).ok_or("its header has no name")?;
    if name == "gpg-pubkey" {
        return Ok(None);
    }
    let version = header.text(VERSION).ok_or_else(|| no(&name, "version"))?;
    let release = header.text(RELEASE).ok_or_else(|| no(&name, "release"))?;
    Ok(Some(Package {
        version: format!("{version}-{release}"),
        epoch: header.number(EPOCH),
        architecture: header.text(ARCHITECTURE),
        supplier: header.text(VENDOR),
        licenses: header
            .text(LICENSE)
            .and_then(|text| License::of(&text))
            .into_iter()
            .collect(),
        ecosystem: Some(Ecosystem::Rpm),
        name,
        ..Package::default()
    }))
}

fn no(name: &str, what: &str) -> String {
    format!("the header of `{name}` has no {what}")
}

struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

impl<'a> Header<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let entries = usize::try_from(be32(bytes, 0)?).ok()?;
        let length = usize::try_from(be32(bytes, 4)?).ok()?;
        let index = part(bytes, 8, entries.checked_mul(ENTRY)?)?;
        let data = part(bytes, 8 + index.len(), length)?;
        Some(Self { index, data })
    }

    /// The type of a tag's value, and the data from there on.
    fn value(&self, tag: u32) -> Option<(u32, &'a [u8])> {
        let entry = self
            .index
            .chunks_exact(ENTRY)
            .find(|entry| be32(entry, 0) == Some(tag))?;
        let at = usize::try_from(be32(entry, 8)?).ok()?;
        Some((be32(entry, 4)?, self.data.get(at..)?))
    }

    /// A text, of a list the first.
    fn text(&self, tag: u32) -> Option<String> {
        let (kind, data) = self.value(tag)?;
        if !matches!(kind, STRING | STRINGS | TRANSLATED) {
            return None;
        }
        let end = data.iter().position(|byte| *byte == 0)?;
        let text = String::from_utf8_lossy(data.get(..end)?).into_owned();
        Some(text).filter(|text| !text.is_empty() && text != "(none)")
    }

    fn number(&self, tag: u32) -> Option<u32> {
        let (kind, data) = self.value(tag)?;
        (kind == INT32).then(|| be32(data, 0))?
    }
}

/// Bytes of an entry of the index: tag, type, offset, count.
const ENTRY: usize = 16;

// Tags and types of rpm's `rpmtag.h`.
const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const VENDOR: u32 = 1011;
const LICENSE: u32 = 1014;
const ARCHITECTURE: u32 = 1022;
const INT32: u32 = 4;
const STRING: u32 = 6;
const STRINGS: u32 = 8;
const TRANSLATED: u32 = 9;
