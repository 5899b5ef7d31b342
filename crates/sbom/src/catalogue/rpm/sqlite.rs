//! `rpmdb.sqlite`: the table `Packages`, as <https://www.sqlite.org/fileformat2.html>
//! says where its rows are.

use super::Each;
use super::pages::{Pages, be16, be32, part};

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SQLite format 3\0")
}

/// Gives each package's header.
pub(super) fn headers(bytes: &[u8], each: Each<'_>) -> Result<(), String> {
    let size = match be16(bytes, 16) {
        Some(1) => 65_536,
        Some(size) if size.is_power_of_two() && size >= 512 => usize::from(size),
        _ => return Err("its size of page is none".to_owned()),
    };
    let reserved = usize::from(bytes.get(20).copied().unwrap_or_default());
    let mut file = File {
        pages: Pages::new(bytes, size),
        usable: size - reserved,
    };
    // "The usable size is not allowed to be less than 480."
    if file.usable < 480 {
        return Err("its pages have no room".to_owned());
    }
    let mut root = None;
    file.rows(SCHEMA, &mut |record| {
        // type, name, tbl_name, rootpage, sql
        let columns = record_columns(record).ok_or(BROKEN)?;
        let [kind, name, _, page, ..] = columns.as_slice() else {
            return Err(BROKEN.to_owned());
        };
        if kind.bytes == b"table" && name.bytes == b"Packages" {
            root = page.number();
        }
        Ok(())
    })?;
    let root = root.ok_or("it has no table `Packages`")?;
    file.rows(root, &mut |record| {
        // hnum, blob
        let columns = record_columns(record).ok_or(BROKEN)?;
        let [_, blob, ..] = columns.as_slice() else {
            return Err(BROKEN.to_owned());
        };
        each(blob.bytes)
    })
}

struct File<'a> {
    pages: Pages<'a>,
    usable: usize,
}

impl File<'_> {
    /// Gives the record of each row of a table. Pages count from 1.
    fn rows(
        &mut self,
        root: usize,
        each: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut waiting = vec![root];
        while let Some(number) = waiting.pop() {
            let page = self
                .pages
                .take(number.checked_sub(1).ok_or("it names page 0")?)?;
            // The file's header stands before that of the first page.
            let start = if number == SCHEMA { FILE_HEADER } else { 0 };
            let kind = *page.get(start).ok_or(BROKEN)?;
            let cells = usize::from(be16(page, start + 3).ok_or(BROKEN)?);
            let array = start + if kind == INTERIOR { 12 } else { 8 };
            // Backwards where they wait, so that rows come in their order.
            if kind == INTERIOR {
                waiting.push(number_at(page, start + 8)?);
            }
            let mut left = Vec::new();
            for cell in 0..cells {
                let at = usize::from(be16(page, array + 2 * cell).ok_or(BROKEN)?);
                match kind {
                    INTERIOR => left.push(number_at(page, at)?),
                    LEAF => each(&self.payload(page, at)?)?,
                    _ => return Err(format!("page {number} is of no table")),
                }
            }
            if !matches!(kind, INTERIOR | LEAF) {
                return Err(format!("page {number} is of no table"));
            }
            waiting.extend(left.into_iter().rev());
        }
        Ok(())
    }

    /// The payload of a cell, with what stands on other pages.
    fn payload(&mut self, page: &[u8], at: usize) -> Result<Vec<u8>, String> {
        let (length, rest) = varint(page.get(at..).ok_or(BROKEN)?).ok_or(BROKEN)?;
        let (_row, rest) = varint(rest).ok_or(BROKEN)?;
        let length = usize::try_from(length).map_err(|_| BROKEN)?;
        let here = self.local(length);
        let mut payload = part(rest, 0, here).ok_or(BROKEN)?.to_vec();
        let mut next = if here < length {
            number_at(rest, here)?
        } else {
            0
        };
        while payload.len() < length {
            let number = next.checked_sub(1).ok_or("a row of it is cut short")?;
            let more = self.pages.take(number)?;
            next = number_at(more, 0)?;
            let room = self.usable.saturating_sub(4).min(length - payload.len());
            payload.extend(part(more, 4, room).ok_or(BROKEN)?);
        }
        Ok(payload)
    }

    /// How much of a payload stands in its cell: the format's X, M and K.
    fn local(&self, length: usize) -> usize {
        let most = self.usable - 35;
        if length <= most {
            return length;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (self.usable - 4);
        if fitting <= most { fitting } else { least }
    }
}

fn number_at(bytes: &[u8], at: usize) -> Result<usize, String> {
    let number = be32(bytes, at).ok_or(BROKEN)?;
    usize::try_from(number).map_err(|_| BROKEN.to_owned())
}

/// One value of a row.
struct Column<'a> {
    kind: u64,
    bytes: &'a [u8],
}

impl Column<'_> {
    fn number(&self) -> Option<usize> {
        match self.kind {
            9 => Some(1),
            1..=6 => {
                let value = self.bytes.iter();
                usize::try_from(value.fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))).ok()
            }
            _ => None,
        }
    }
}

/// The first columns of a record.
fn record_columns(record: &[u8]) -> Option<Vec<Column<'_>>> {
    let (header, _) = varint(record)?;
    let header = usize::try_from(header).ok()?;
    let mut values = record.get(header..)?;
    let (_, mut kinds) = varint(record.get(..header)?)?;
    let mut columns = Vec::new();
    while !kinds.is_empty() && columns.len() < COLUMNS {
        let (kind, rest) = varint(kinds)?;
        kinds = rest;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (kind - 12) / 2,
        };
        let (bytes, rest) = values.split_at_checked(usize::try_from(length).ok()?)?;
        values = rest;
        columns.push(Column { kind, bytes });
    }
    Some(columns)
}

/// A number of one to nine bytes, and what is behind it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (n, byte) in bytes.iter().enumerate().take(9) {
        if n == 8 {
            return Some((value << 8 | u64::from(*byte), bytes.get(9..)?));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(n + 1..)?));
        }
    }
    None
}

const SCHEMA: usize = 1;
const FILE_HEADER: usize = 100;
const INTERIOR: u8 = 0x05;
const LEAF: u8 = 0x0d;
/// As many as the schema has.
const COLUMNS: usize = 5;
const BROKEN: &str = "a page of the SQLite database is not well formed";
