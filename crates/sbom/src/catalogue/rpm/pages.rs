//! Bytes at places that a database names.

/// So many bytes from a place on.
pub(super) fn part(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}

pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(part(bytes, at, 2)?.try_into().ok()?))
}

pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(part(bytes, at, 4)?.try_into().ok()?))
}

pub(super) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(part(bytes, at, 4)?.try_into().ok()?))
}

/// The pages of a database, each of which is given out once: a chain of pages
/// that comes back to itself ends there.
pub(super) struct Pages<'a> {
    bytes: &'a [u8],
    size: usize,
    given: Vec<bool>,
}

impl<'a> Pages<'a> {
    /// Pages of so many bytes, the last of which may be cut.
    pub(super) fn new(bytes: &'a [u8], size: usize) -> Self {
        Self {
            bytes,
            size,
            given: vec![false; bytes.len() / size.max(1)],
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.given.len()
    }

    /// The page of a number that begins at 0.
    pub(super) fn take(&mut self, number: usize) -> Result<&'a [u8], String> {
        let given = self
            .given
            .get_mut(number)
            .ok_or_else(|| format!("it names page {number}, which it does not have"))?;
        if std::mem::replace(given, true) {
            return Err(format!("it names page {number} twice"));
        }
        self.peek(number)
            .ok_or_else(|| format!("its page {number} is cut short"))
    }

    /// The page of a number, which may be taken later.
    pub(super) fn peek(&self, number: usize) -> Option<&'a [u8]> {
        part(self.bytes, number.checked_mul(self.size)?, self.size)
    }
}
