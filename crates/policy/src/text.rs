//! Untrusted text on its way to a person.

use std::fmt::Write as _;

use crate::limits;

/// `text` with control characters, line breaks and direction marks escaped, cut
/// at 512 characters. What comes from a registry or a document goes through
/// here before a terminal, a log or a webhook's message sees it.
#[must_use]
pub fn escaped(text: &str) -> String {
    escaped_to(limits::SHOWN_CHARS, text)
}

/// The same of several lines, which stay lines, and not cut.
#[must_use]
pub fn escaped_lines(text: &str) -> String {
    let lines = text.split('\n').map(|line| escaped_to(usize::MAX, line));
    lines.collect::<Vec<_>>().join("\n")
}

/// The same, cut at `longest` characters.
pub(crate) fn escaped_to(longest: usize, text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(longest));
    for (n, c) in text.chars().enumerate() {
        if n >= longest {
            out.push('…');
            break;
        }
        if c.is_control() || is_hidden(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// What shows as nothing, or turns the text around it about.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines() {
        let long = "x".repeat(1_000);
        assert_eq!(
            escaped_lines(&format!("a\x1b[2J\r\n{long}")),
            format!("a\\u{{1b}}[2J\\u{{d}}\n{long}")
        );
    }

    #[test]
    fn terminals_are_safe() {
        assert_eq!(
            escaped("\x1b]0;x\x07\u{202e}é"),
            "\\u{1b}]0;x\\u{7}\\u{202e}é"
        );
        assert_eq!(
            escaped("a\r\n\u{2028}\u{85}b"),
            "a\\u{d}\\u{a}\\u{2028}\\u{85}b"
        );
        assert_eq!(escaped(&"x".repeat(600)), format!("{}…", "x".repeat(512)));
    }
}
