//! Patterns of image names.

use std::fmt;

use waxseal_oci::Reference;

/// A pattern that is compared with a fully qualified repository name, whole.
///
/// `**` stands for anything, `*` for anything without a `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePattern(String);

impl ImagePattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`PatternError`] where it is not one, or covers every registry.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let refuse = |error: fn(String) -> PatternError| Err(error(text.to_owned()));
        if text.is_empty() || text.len() > LONGEST {
            return refuse(PatternError::Length);
        }
        if !text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-/:*[]".contains(&b))
        {
            return refuse(PatternError::Character);
        }
        if text.contains("***") {
            return refuse(PatternError::Stars);
        }
        let (registry, name) = match text.split_once('/') {
            Some(parts) if !parts.1.is_empty() => parts,
            _ => return refuse(PatternError::NotQualified),
        };
        if registry.trim_matches('*').is_empty() {
            return refuse(PatternError::EveryRegistry);
        }
        if !(registry.contains(['.', ':', '*']) || registry == "localhost") {
            return refuse(PatternError::NotQualified);
        }
        if name.contains(':') {
            return refuse(PatternError::Tag);
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether the pattern covers the image's repository. Tag and digest play no part.
    #[must_use]
    pub fn covers(&self, image: &Reference) -> bool {
        let name = image.repository().to_string();
        matches(self.0.as_bytes(), name.as_bytes())
    }
}

impl fmt::Display for ImagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Compares with one row of a table, so that the time is the product of the
/// two lengths whatever the pattern.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let mut reachable = vec![false; name.len() + 1];
    if let Some(first) = reachable.first_mut() {
        *first = true;
    }
    let mut rest = pattern;
    while let Some((&token, after)) = rest.split_first() {
        let crossing = token == b'*' && after.first() == Some(&b'*');
        rest = if crossing {
            after.get(1..).unwrap_or_default()
        } else {
            after
        };
        reachable = step(&reachable, name, token, crossing);
    }
    reachable.last().copied().unwrap_or_default()
}

fn step(reachable: &[bool], name: &[u8], token: u8, crossing: bool) -> Vec<bool> {
    let mut next = Vec::with_capacity(reachable.len());
    let mut carried = false;
    for (at, &here) in reachable.iter().enumerate() {
        let before = at.checked_sub(1);
        let letter = before.and_then(|b| name.get(b)).copied();
        if token == b'*' {
            let may_take = letter.is_some_and(|l| crossing || l != b'/');
            carried = here || (carried && may_take);
            next.push(carried);
        } else {
            let came = before
                .and_then(|b| reachable.get(b))
                .copied()
                .unwrap_or_default();
            next.push(came && letter == Some(token));
        }
    }
    next
}

/// Why a text is not a pattern of image names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// A character that no image name has.
    #[error("`{0}` has a character that no image name has")]
    Character(String),
    /// It covers every registry.
    #[error("`{0}` covers every registry: name the registry")]
    EveryRegistry(String),
    /// It is empty or too long.
    #[error("`{0}` is empty or longer than {LONGEST} characters")]
    Length(String),
    /// It does not begin with a registry.
    #[error(
        "`{0}` does not begin with a registry: names are compared fully qualified, such as `docker.io/library/*`"
    )]
    NotQualified(String),
    /// Three stars in a row.
    #[error("`{0}` has three `*` in a row; `*` stays inside a path component, `**` crosses them")]
    Stars(String),
    /// It has a tag.
    #[error("`{0}` has a tag: a policy covers repositories")]
    Tag(String),
}

const LONGEST: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_compared_whole() {
        let table = [
            ("r.io/shop/**", "r.io/shop/api", true),
            ("r.io/shop/**", "r.io/shop/a/b", true),
            ("r.io/shop/*", "r.io/shop/a/b", false),
            ("r.io/shop/*", "r.io/shop/api", true),
            ("r.io/app*", "r.io/app", true),
            ("r.io/app*", "r.io/app2", true),
            ("r.io/app*", "r.io/app/x", false),
            ("r.io/app*", "evil.io/r.io/app", false),
            ("r.io/app", "r.io/app", true),
            ("r.io/app", "r.io/apps", false),
            ("*.r.io/app", "x.r.io/app", true),
            ("*.r.io/app", "r.io/app", false),
            ("*.r.io/app", "evil.io/x.r.io/app", false),
            ("docker.io/library/*", "nginx", true),
            ("docker.io/**", "acme/app", true),
            ("localhost:5000/**", "localhost:5000/a", true),
            ("r.io/**/api", "r.io/x/y/api", true),
            ("r.io/**/api", "r.io/api", false),
        ];
        for (pattern, name, wanted) in table {
            let pattern = ImagePattern::parse(pattern).unwrap();
            let image: Reference = name.parse().unwrap();
            assert_eq!(pattern.covers(&image), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn refuses_what_covers_everything() {
        let why = |s: &str| ImagePattern::parse(s).unwrap_err();
        assert_eq!(why("**"), PatternError::NotQualified("**".into()));
        assert_eq!(why("*/x"), PatternError::EveryRegistry("*/x".into()));
        assert_eq!(why("**/x"), PatternError::EveryRegistry("**/x".into()));
        assert_eq!(why("shop/**"), PatternError::NotQualified("shop/**".into()));
        assert_eq!(why("r.io/x:1"), PatternError::Tag("r.io/x:1".into()));
        assert_eq!(why("r.io/***"), PatternError::Stars("r.io/***".into()));
        assert_eq!(why("r.io/a b"), PatternError::Character("r.io/a b".into()));
        assert_eq!(why(""), PatternError::Length(String::new()));
    }
}
