//! `Packages` of a Berkeley DB: a hash, whose values are headers. Its numbers
//! are in the order of the machine that wrote it.

use super::Each;
use super::pages::{Pages, be32, le32, part};

pub(super) fn is(bytes: &[u8]) -> bool {
    le32(bytes, 12) == Some(MAGIC) || be32(bytes, 12) == Some(MAGIC)
}

/// Gives each package's header.
pub(super) fn headers(bytes: &[u8], each: Each<'_>) -> Result<(), String> {
    let order = if le32(bytes, 12) == Some(MAGIC) {
        Order::Little
    } else {
        Order::Big
    };
    let size = order
        .u32(bytes, 20)
        .and_then(|size| usize::try_from(size).ok());
    let size = size
        .filter(|size| size.is_power_of_two() && (512..=65_536).contains(size))
        .ok_or("its size of page is none")?;
    // Each of them moves what is on a page.
    if bytes.get(24) != Some(&0) || bytes.get(26).is_none_or(|flags| flags & CHECKSUMS != 0) {
        return Err("it is encrypted, or has checksums, which is not read".to_owned());
    }
    let mut file = File {
        order,
        pages: Pages::new(bytes, size),
    };
    for number in 1..file.pages.count() {
        let Some(page) = file.pages.peek(number) else {
            break;
        };
        if matches!(page.get(25), Some(&HASH_UNSORTED | &HASH)) {
            file.page(page, each)?;
        }
    }
    Ok(())
}

struct File<'a> {
    order: Order,
    pages: Pages<'a>,
}

impl File<'_> {
    /// Gives the headers of a page, which has keys and values in turn.
    fn page(&mut self, page: &[u8], each: Each<'_>) -> Result<(), String> {
        let count = usize::from(self.order.u16(page, 20).ok_or(BROKEN)?);
        let mut end = page.len();
        let mut items = Vec::with_capacity(count.min(page.len() / 2));
        for n in 0..count {
            let start = usize::from(self.order.u16(page, PAGE_HEADER + 2 * n).ok_or(BROKEN)?);
            // Items are put from the end of the page towards its beginning.
            items.push(page.get(start..end).ok_or(BROKEN)?);
            end = start;
        }
        for pair in items.chunks_exact(2) {
            let [key, value] = pair else { continue };
            // The number 0 is the counter of numbers.
            let counter = key.get(1..).is_some_and(|number| number == [0; 4]);
            match value.first() {
                _ if counter => {}
                Some(&ON_PAGE) => each(value.get(1..).unwrap_or_default())?,
                Some(&OFF_PAGE) => {
                    let header = self.overflow(value)?;
                    each(&header)?;
                }
                _ => return Err("a value of it is of a kind that rpm does not use".to_owned()),
            }
        }
        Ok(())
    }

    /// A value that stands on pages of its own.
    fn overflow(&mut self, item: &[u8]) -> Result<Vec<u8>, String> {
        let length = self.order.u32(item, 8).ok_or(BROKEN)?;
        let length = usize::try_from(length).map_err(|_| BROKEN)?;
        let mut next = self.order.u32(item, 4).ok_or(BROKEN)?;
        let mut value = Vec::new();
        while value.len() < length {
            if next == 0 {
                return Err("a value of it is cut short".to_owned());
            }
            let page = self
                .pages
                .take(usize::try_from(next).map_err(|_| BROKEN)?)?;
            if page.get(25) != Some(&OVERFLOW) {
                return Err(BROKEN.to_owned());
            }
            let here = usize::from(self.order.u16(page, 22).ok_or(BROKEN)?);
            value.extend(part(page, PAGE_HEADER, here).ok_or(BROKEN)?);
            next = self.order.u32(page, 16).ok_or(BROKEN)?;
        }
        value.truncate(length);
        Ok(value)
    }
}

/// The order of bytes in a number.
#[derive(Clone, Copy)]
enum Order {
    Big,
    Little,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let two = part(bytes, at, 2)?.try_into().ok()?;
        Some(match self {
            Self::Big => u16::from_be_bytes(two),
            Self::Little => u16::from_le_bytes(two),
        })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        match self {
            Self::Big => be32(bytes, at),
            Self::Little => le32(bytes, at),
        }
    }
}

const MAGIC: u32 = 0x0006_1561;
const CHECKSUMS: u8 = 1;
const PAGE_HEADER: usize = 26;
// Kinds of pages.
const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH: u8 = 13;
// Kinds of items.
const ON_PAGE: u8 = 1;
const OFF_PAGE: u8 = 3;
const BROKEN: &str = "a page of the Berkeley DB is not well formed";
