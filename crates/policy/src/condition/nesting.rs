//! How deeply a condition is nested, before the parser sees it.

/// The depth of its brackets, or the number of its `?` if that is more: what
/// stands behind each is parsed inside of the one before. Those in texts and
/// comments do not count.
pub(super) fn depth(source: &str) -> usize {
    let (mut depth, mut deepest, mut choices) = (0_usize, 0_usize, 0_usize);
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match c {
            '(' | '[' | '{' => {
                depth += 1;
                deepest = deepest.max(depth);
                after
            }
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                after
            }
            '?' => {
                choices += 1;
                after
            }
            '/' if after.starts_with('/') => after.split_once('\n').map_or("", |(_, next)| next),
            '"' | '\'' => behind_text(rest, c, false),
            c if is_word(c) => behind_word(rest),
            _ => after,
        };
    }
    deepest.max(choices)
}

/// Behind a word, or behind a text whose prefix the word is (`r"…"`, `br'…'`).
fn behind_word(at: &str) -> &str {
    let behind = at.trim_start_matches(is_word);
    let word = at.strip_suffix(behind).unwrap_or_default();
    let is_prefix = word.len() <= 2 && word.chars().all(|c| matches!(c, 'r' | 'R' | 'b' | 'B'));
    match behind.chars().next() {
        Some(quote @ ('"' | '\'')) if is_prefix => {
            behind_text(behind, quote, word.contains(['r', 'R']))
        }
        _ => behind,
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn behind_text(at: &str, quote: char, raw: bool) -> &str {
    let triple = quote.to_string().repeat(3);
    let (close, mut rest) = match at.strip_prefix(&triple) {
        Some(rest) => (triple, rest),
        None => (quote.to_string(), at.get(1..).unwrap_or_default()),
    };
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix(&close) {
            return behind;
        }
        let mut chars = rest.chars();
        if chars.next() == Some('\\') && !raw {
            chars.next();
        }
        rest = chars.as_str();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_comments_do_not_count() {
        let table = [
            ("a", 0),
            ("f(a[0], (b))", 2),
            ("a.matches('((((') && (b)", 1),
            (r#"a == ")" && ((b))"#, 2),
            (r"a == '\'))' && ((b))", 2),
            (r"a == r'\' && ((b))", 2),
            ("a == '''it's )))''' && ((b))", 2),
            ("a // )))\n && ((b))", 2),
            ("bar('x') && rb(((c)))", 3),
            ("a ? b : c ? d : '?'", 2),
            ("'(((", 0),
        ];
        for (source, wanted) in table {
            assert_eq!(depth(source), wanted, "{source}");
        }
    }
}
