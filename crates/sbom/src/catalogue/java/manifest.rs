//! The two forms of attributes in an archive: the manifest's, and properties.

use std::collections::BTreeMap;

/// Attributes by name.
pub(super) type Attributes = BTreeMap<String, String>;

/// The main section of a manifest. A line that begins with a blank goes on with
/// the one before it: a line has at most 72 bytes.
pub(super) fn main(bytes: &[u8]) -> Attributes {
    let text = String::from_utf8_lossy(bytes);
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.is_empty() {
            break;
        }
        match (line.strip_prefix(' '), lines.last_mut()) {
            (Some(more), Some(last)) => last.push_str(more),
            _ => lines.push(line.to_owned()),
        }
    }
    let each = lines.iter().filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        Some((key.trim().to_owned(), value.trim().to_owned()))
    });
    each.filter(|(_, value)| !value.is_empty()).collect()
}

/// A file of properties, as Maven writes it: without escapes and without lines
/// that go on.
pub(super) fn properties(bytes: &[u8]) -> Attributes {
    let text = String::from_utf8_lossy(bytes);
    let each = text.lines().filter_map(|line| {
        let line = line.trim();
        if line.starts_with(['#', '!']) {
            return None;
        }
        let (key, value) = line.split_once(['=', ':'])?;
        Some((key.trim().to_owned(), value.trim().to_owned()))
    });
    each.collect()
}
