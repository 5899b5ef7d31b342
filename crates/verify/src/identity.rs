//! Patterns for identities, always compared with the whole of a value.

use std::fmt;

use regex::{Regex, RegexBuilder};

use crate::limits;

/// A pattern that a whole value has to match.
#[derive(Clone, Debug)]
pub struct Matcher {
    kind: Kind,
    text: String,
}

#[derive(Clone, Debug)]
enum Kind {
    Absent,
    Exact,
    Pattern(Regex),
}

impl Matcher {
    /// Exactly `text`.
    ///
    /// # Errors
    /// If it is empty: nothing is called that.
    pub fn exact(text: impl Into<String>) -> Result<Self, MatcherError> {
        let text = checked(text.into())?;
        Ok(Self {
            kind: Kind::Exact,
            text,
        })
    }

    /// A pattern in which `*` stands for any characters but `/`, `**` for any
    /// at all, and `?` for one character but `/`.
    ///
    /// # Errors
    /// If it is empty, too long, or lets everything match.
    pub fn glob(pattern: impl Into<String>) -> Result<Self, MatcherError> {
        let text = checked(pattern.into())?;
        if text.chars().all(|c| matches!(c, '*' | '?')) {
            return Err(MatcherError::MatchesAll(text));
        }
        let mut expression = String::new();
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("**") {
                expression.push_str(".*");
                rest = after;
                continue;
            }
            match c {
                '*' => expression.push_str("[^/]*"),
                '?' => expression.push_str("[^/]"),
                c => expression.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        let kind = Kind::Pattern(compile(&text, &expression)?);
        Ok(Self { kind, text })
    }

    /// A regular expression, which has to match the whole value whether or not
    /// it says so itself.
    ///
    /// # Errors
    /// If it is empty, too long, no expression, or lets everything match.
    pub fn regex(pattern: impl Into<String>) -> Result<Self, MatcherError> {
        let text = checked(pattern.into())?;
        let regex = compile(&text, &text)?;
        // Values that no identity has in common with another. None is empty: `.+`
        // lets in as many as `.*`.
        if [
            "\u{1}",
            "https://\u{1}.invalid/\u{2}",
            "\u{1}@\u{2}.invalid",
        ]
        .iter()
        .all(|probe| regex.is_match(probe))
        {
            return Err(MatcherError::MatchesAll(text));
        }
        Ok(Self {
            kind: Kind::Pattern(regex),
            text,
        })
    }

    /// Nothing: there has to be no value, and none matches.
    #[must_use]
    pub fn absent() -> Self {
        Self {
            kind: Kind::Absent,
            text: "nobody".to_owned(),
        }
    }

    /// How a value that does not match is told from what is wanted, in a sentence.
    pub(crate) fn unmatched(&self) -> String {
        match self.kind {
            Kind::Absent | Kind::Exact => format!("not `{}`", self.text),
            Kind::Pattern(_) => format!("which `{}` does not match from end to end", self.text),
        }
    }

    /// Whether there has to be no value.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self.kind, Kind::Absent)
    }

    /// Whether the whole of `value` matches.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        match &self.kind {
            Kind::Absent => false,
            Kind::Exact => self.text == value,
            Kind::Pattern(regex) => regex.is_match(value),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a pattern was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MatcherError {
    /// It is empty.
    #[error("an identity pattern is empty")]
    Empty,
    /// It lets everybody in.
    #[error("the identity pattern `{0}` matches everything")]
    MatchesAll(String),
    /// It is no regular expression.
    #[error("the identity pattern `{pattern}` is no regular expression: {why}")]
    Syntax {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// It is too long.
    #[error(
        "an identity pattern has more than {} characters",
        limits::PATTERN_CHARS
    )]
    TooLong,
}

fn checked(text: String) -> Result<String, MatcherError> {
    if text.is_empty() {
        Err(MatcherError::Empty)
    } else if text.len() > limits::PATTERN_CHARS {
        Err(MatcherError::TooLong)
    } else {
        Ok(text)
    }
}

/// The engine is linear in the value's length, whatever the expression.
fn compile(pattern: &str, expression: &str) -> Result<Regex, MatcherError> {
    let syntax = |error: regex::Error| MatcherError::Syntax {
        pattern: pattern.to_owned(),
        why: error
            .to_string()
            .lines()
            .last()
            .unwrap_or_default()
            .trim()
            .to_owned(),
    };
    // Compiled alone first: `a)|(b` must not close the group that anchors it.
    RegexBuilder::new(expression)
        .size_limit(SIZE)
        .build()
        .map_err(syntax)?;
    RegexBuilder::new(&format!("^(?:{expression})$"))
        .size_limit(SIZE)
        .build()
        .map_err(syntax)
}

const SIZE: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_whole_value() {
        let regex = Matcher::regex("a+").unwrap();
        assert!(regex.matches("aa") && !regex.matches("aab") && !regex.matches("aa\n"));
        let glob = Matcher::glob("https://x/*/w.yml@refs/tags/**").unwrap();
        assert!(glob.matches("https://x/repo/w.yml@refs/tags/v1/2"));
        assert!(!glob.matches("https://x/org/repo/w.yml@refs/tags/v1"));
        assert!(!glob.matches("evil https://x/repo/w.yml@refs/tags/v1"));
        assert!(!Matcher::glob("a.c").unwrap().matches("abc"));
        assert!(!Matcher::exact("a*").unwrap().matches("ab"));
    }

    #[test]
    fn refuses_what_lets_everybody_in() {
        let error = |result: Result<Matcher, MatcherError>| result.err();
        assert_eq!(
            error(Matcher::glob("**")),
            Some(MatcherError::MatchesAll("**".into()))
        );
        for everything in [".*", ".+", "^.+$", "(a|.*)", r"\S+", "(?s:.)+", "[^ ]{1,}"] {
            assert_eq!(
                error(Matcher::regex(everything)),
                Some(MatcherError::MatchesAll(everything.into()))
            );
        }
        assert_eq!(error(Matcher::exact("")), Some(MatcherError::Empty));
        assert_eq!(
            error(Matcher::regex("a".repeat(1025))),
            Some(MatcherError::TooLong)
        );
        assert!(matches!(
            Matcher::regex("a)|(b"),
            Err(MatcherError::Syntax { .. })
        ));
    }
}
