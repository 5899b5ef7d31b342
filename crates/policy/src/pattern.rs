//! Patterns of image names.

use std::fmt;

use waxseal_oci::{Reference, ReferenceError};

use crate::limits;

/// A pattern that is compared with a fully qualified repository name, whole.
///
/// `**` stands for anything, `*` for anything without a `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePattern {
    text: String,
    /// The text, with the registry as [`qualified`] writes it.
    compared: String,
}

impl ImagePattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`PatternError`] where it is not one, or covers every registry.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let refuse = |error: fn(String) -> PatternError| Err(error(text.to_owned()));
        if text.is_empty() || text.len() > limits::PATTERN_CHARS {
            return Err(PatternError::Length);
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
        if text.chars().all(|c| matches!(c, '*' | '/')) {
            return refuse(PatternError::EveryRegistry);
        }
        let (registry, name) = match text.split_once('/') {
            Some(parts) if !parts.1.is_empty() => parts,
            _ => return refuse(PatternError::NotQualified),
        };
        if registry.contains('*') {
            check_registry(registry).map_err(|error| error(text.to_owned()))?;
        } else if !(registry.contains(['.', ':']) || registry == "localhost") {
            return refuse(PatternError::NotQualified);
        }
        if name.contains(':') {
            return refuse(PatternError::Tag);
        }
        if name.bytes().any(|b| b.is_ascii_uppercase()) {
            return refuse(PatternError::Uppercase);
        }
        check_name(text, registry, name)?;
        Ok(Self {
            compared: qualified(registry, name),
            text: text.to_owned(),
        })
    }

    /// Whether the pattern covers the image's repository. Tag and digest play no part.
    #[must_use]
    pub fn covers(&self, image: &Reference) -> bool {
        let repository = image.repository();
        let name = qualified(repository.registry(), repository.name());
        let written = format!("{}/{}", repository.registry(), repository.name());
        [name, written.to_ascii_lowercase()]
            .iter()
            .any(|name| matches(self.compared.as_bytes(), name.as_bytes()))
    }
}

impl fmt::Display for ImagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One registry has one name: hosts are the same in any case, `:443` is what a
/// registry has that names no port, and Docker Hub has three hosts. Were they
/// compared as they are written, `REGISTRY.example.com/shop` would slip past the
/// policy for `registry.example.com/shop`.
fn qualified(registry: &str, name: &str) -> String {
    let registry = registry.strip_suffix(":443").unwrap_or(registry);
    let registry = registry.to_ascii_lowercase();
    if HUB.contains(&registry.as_str()) {
        return format!("{}/{name}", HUB[0]);
    }
    format!("{registry}/{name}")
}

const HUB: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// A pattern that no image's name can have covers nothing, whatever its author meant.
fn check_name(pattern: &str, registry: &str, name: &str) -> Result<(), PatternError> {
    let of_nothing = |reason| PatternError::Nothing {
        pattern: pattern.to_owned(),
        reason,
    };
    if !registry.contains('*') {
        let any: Result<Reference, _> = format!("{registry}/a/b").parse();
        any.map_err(of_nothing)?;
    }
    for component in name.split('/').filter(|part| !part.contains('*')) {
        let any: Result<Reference, _> = format!("localhost/{component}").parse();
        any.map_err(|_| of_nothing(ReferenceError::Name(name.to_owned())))?;
    }
    let on_hub = qualified(registry, "").strip_suffix('/') == Some(HUB[0]);
    if on_hub && !name.contains('/') && !name.contains("**") {
        return Err(PatternError::Library(pattern.to_owned()));
    }
    Ok(())
}

/// A `*` stands for a part of a host, and never for a domain that anybody can register in.
fn check_registry(registry: &str) -> Result<(), fn(String) -> PatternError> {
    if registry.contains("**") {
        return Err(if registry == "**" {
            PatternError::EveryRegistry
        } else {
            PatternError::Domain
        });
    }
    if registry == "*" {
        return Err(PatternError::EveryRegistry);
    }
    let mut labels = registry.rsplit('.');
    let fixed = |label: Option<&str>| label.is_some_and(|l| !l.is_empty() && !l.contains('*'));
    if fixed(labels.next()) && fixed(labels.next()) {
        Ok(())
    } else {
        Err(PatternError::Domain)
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
    /// Its `*` covers more than the hosts of one domain.
    #[error(
        "`{0}`: a `*` in the registry stands for hosts of a domain that is written out, such as `*.example.com`"
    )]
    Domain(String),
    /// It covers every registry.
    #[error("`{0}` covers every registry: name the registry")]
    EveryRegistry(String),
    /// It is empty or too long.
    #[error(
        "a pattern is empty or longer than {} characters",
        limits::PATTERN_CHARS
    )]
    Length,
    /// It covers no image: Docker Hub has none directly under its name.
    #[error("`{0}` covers no image: `nginx` is fully qualified `docker.io/library/nginx`")]
    Library(String),
    /// It covers no image, since none can be named so.
    #[error("`{pattern}` covers no image: {reason}")]
    Nothing {
        /// The pattern.
        pattern: String,
        /// Why no image is named so.
        reason: ReferenceError,
    },
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
    /// It has uppercase letters, which no repository has.
    #[error("`{0}` has uppercase letters, which no repository has")]
    Uppercase(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_covers_everything() {
        let why = |s: &str| ImagePattern::parse(s).unwrap_err();
        assert_eq!(why("**"), PatternError::EveryRegistry("**".into()));
        assert_eq!(why("*/x"), PatternError::EveryRegistry("*/x".into()));
        assert_eq!(why("**/x"), PatternError::EveryRegistry("**/x".into()));
        assert_eq!(why("shop/**"), PatternError::NotQualified("shop/**".into()));
        assert_eq!(why("r.io/x:1"), PatternError::Tag("r.io/x:1".into()));
        assert_eq!(why("r.io/***"), PatternError::Stars("r.io/***".into()));
        assert_eq!(why("r.io/a b"), PatternError::Character("r.io/a b".into()));
        assert_eq!(why(""), PatternError::Length);
    }

    #[test]
    fn refuses_what_covers_nothing() {
        let why = |s: &str| ImagePattern::parse(s).unwrap_err().to_string();
        for (pattern, reason) in [
            ("r.io/a//b", "`a//b` is not a repository name"),
            ("r.io/-x", "`-x` is not a repository name"),
            ("r.io/x/", "`x/` is not a repository name"),
            ("r.io//**", "`/**` is not a repository name"),
            ("r..io/**", "`r..io` is not a registry host"),
            ("r.io./**", "`r.io.` is not a registry host"),
            ("r.io:99999/**", "`r.io:99999` is not a registry host"),
            (
                "r.io:0443/**",
                "`r.io:0443` is an unusual way to write the registry `r.io:443`",
            ),
            (
                "[0:0::1]:5000/**",
                "`[0:0::1]:5000` is an unusual way to write the registry `[::1]:5000`",
            ),
        ] {
            assert_eq!(
                why(pattern),
                format!("`{pattern}` covers no image: {reason}")
            );
        }
        for pattern in ["docker.io/nginx", "docker.io/*", "index.docker.io/a*"] {
            assert_eq!(
                why(pattern),
                PatternError::Library(pattern.into()).to_string()
            );
        }
    }
}
