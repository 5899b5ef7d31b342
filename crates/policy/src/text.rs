//! Untrusted text on its way to a person.

use std::fmt::Write as _;

/// `text` with control characters, line breaks and direction marks escaped, cut
/// at 512 characters. What comes from a registry or a document goes through
/// here before a terminal, a log or a webhook's message sees it.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST));
    for (n, c) in text.chars().enumerate() {
        if n >= LONGEST {
            out.push('…');
            break;
        }
        let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if c.is_control() || hidden {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

const LONGEST: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_safe() {
        assert_eq!(
            escaped("\x1b]0;x\x07\u{202e}é"),
            "\\u{1b}]0;x\\u{7}\\u{202e}é"
        );
    }
}
