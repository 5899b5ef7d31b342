//! What named roots are called.

use std::fmt;
use std::str::FromStr;

/// The name of a trust root: lower-case letters, digits, `-`, `_` and `.`, at
/// most 64 of them, the first a letter or a digit. It is a file's name, too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let starts = text.bytes().next().is_some_and(plain);
        let all = text.bytes().all(|c| plain(c) || b"-_.".contains(&c));
        if !starts || !all || text.len() > LENGTH {
            return Err(NameError(text.chars().take(LENGTH).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// It cannot be the name of a trust root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` cannot be the name of a trust root: lower-case letters, digits, `-`, `_` and `.` can, \
     after a letter or a digit, {LENGTH} at most",
    .0.escape_debug()
)]
pub struct NameError(String);

const LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn a_name_leads_nowhere_else() {
        for text in ["sigstore", "acme-2.prod_eu", "0"] {
            assert_eq!(text.parse::<Name>().unwrap().as_str(), text);
        }
        let long = "a".repeat(65);
        for text in [
            "", ".", "..", "../x", "a/b", "A", "-a", "a b", "a\u{1b}", &long,
        ] {
            assert!(text.parse::<Name>().is_err(), "{text}");
        }
    }
}
