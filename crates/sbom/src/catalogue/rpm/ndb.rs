//! `Packages.db`, rpm's own container: slots, which say where the headers are.
//! All numbers are little-endian; rpm's `rpmpkg.c` has the layout.

use super::Each;
use super::pages::{le32, part};

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RpmP")
}

/// Gives each package's header.
pub(super) fn headers(bytes: &[u8], each: Each<'_>) -> Result<(), String> {
    if le32(bytes, 4) != Some(0) {
        return Err("a version of ndb that is not known".to_owned());
    }
    let pages = le32(bytes, 12).and_then(|pages| usize::try_from(pages).ok());
    let slots = pages
        .and_then(|pages| part(bytes, 0, pages.checked_mul(PAGE)?))
        .and_then(|all| all.get(HEADER..))
        .ok_or("its slots are cut short")?;
    // Slots could all name one header; together they are no more than the file.
    let mut left = bytes.len();
    for slot in slots.chunks_exact(SLOT) {
        if !slot.starts_with(b"Slot") {
            return Err("a slot of it is none".to_owned());
        }
        let (package, block) = (le32(slot, 4), le32(slot, 8));
        let (Some(package), Some(block)) = (package, block) else {
            continue;
        };
        // One that is free.
        if block == 0 {
            continue;
        }
        let header = blob(bytes, package, block)
            .ok_or_else(|| format!("package {package} is not where its slot says"))?;
        left = left
            .checked_sub(header.len())
            .ok_or("its slots name one header again and again")?;
        each(header)?;
    }
    Ok(())
}

fn blob(bytes: &[u8], package: u32, block: u32) -> Option<&[u8]> {
    let at = usize::try_from(block).ok()?.checked_mul(BLOCK)?;
    let head = part(bytes, at, BLOCK)?;
    if !head.starts_with(b"BlbS") || le32(head, 4)? != package {
        return None;
    }
    let length = usize::try_from(le32(head, 12)?).ok()?;
    part(bytes, at + BLOCK, length)
}

const PAGE: usize = 4_096;
const HEADER: usize = 32;
const SLOT: usize = 16;
const BLOCK: usize = 16;
