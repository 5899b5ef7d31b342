//! Image references (distribution `reference` grammar, as every container
//! runtime reads it).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Digest, DigestError};

/// A repository: the registry's host (and port) and the name inside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    registry: String,
    name: String,
}

impl Repository {
    /// The host, with its port if it has one: `registry.example.com:5000`.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The name inside the registry: `shop/api`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The reference to a digest in this repository.
    #[must_use]
    pub fn at(&self, digest: &Digest) -> Reference {
        Reference {
            repository: self.clone(),
            tag: None,
            digest: Some(digest.clone()),
        }
    }

    /// The reference to a tag in this repository.
    ///
    /// # Errors
    /// [`ReferenceError::Tag`] where `tag` is not one.
    pub fn tagged(&self, tag: &str) -> Result<Reference, ReferenceError> {
        check_tag(tag)?;
        Ok(Reference {
            repository: self.clone(),
            tag: Some(tag.to_owned()),
            digest: None,
        })
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)
    }
}

/// A fully qualified image reference: a repository with a tag, a digest or both.
///
/// `nginx` parses to `docker.io/library/nginx:latest`, as it does everywhere.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    repository: Repository,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Where the image is.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The tag, if the reference has one (`latest` where it had nothing).
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if the reference has one. It wins over the tag.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same reference, tag kept, pinned to `digest`.
    #[must_use]
    pub fn pinned(&self, digest: &Digest) -> Self {
        Self {
            digest: Some(digest.clone()),
            ..self.clone()
        }
    }

    /// The same reference without its digest, if a tag remains.
    #[must_use]
    pub fn without_digest(&self) -> Option<Self> {
        self.tag.is_some().then(|| Self {
            digest: None,
            ..self.clone()
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if let Some(bad) = text.chars().find(|c| !c.is_ascii_graphic()) {
            return Err(ReferenceError::Character(bad));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let (registry, path) = split_registry(rest)?;
        let (name, tag) = match path.rsplit_once(':') {
            Some((name, tag)) => {
                check_tag(tag)?;
                (name, Some(tag.to_owned()))
            }
            None => (path.as_str(), None),
        };
        check_name(&registry, name)?;
        let tag = match (tag, &digest) {
            (None, None) => Some("latest".to_owned()),
            (tag, _) => tag,
        };
        let repository = Repository {
            registry,
            name: name.to_owned(),
        };
        Ok(Self {
            repository,
            tag,
            digest,
        })
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn split_registry(text: &str) -> Result<(String, String), ReferenceError> {
    let named = text.split_once('/').filter(|(host, _)| {
        host.contains(['.', ':', '[']) || *host == "localhost" || has_uppercase(host)
    });
    match named {
        Some((host, path)) => {
            check_host(host)?;
            if matches!(host, "docker.io" | "index.docker.io") {
                return Ok((DOCKER_HUB.to_owned(), on_docker_hub(path)));
            }
            Ok((host.to_owned(), path.to_owned()))
        }
        None => Ok((DOCKER_HUB.to_owned(), on_docker_hub(text))),
    }
}

fn on_docker_hub(path: &str) -> String {
    if path.contains('/') {
        path.to_owned()
    } else {
        format!("library/{path}")
    }
}

fn has_uppercase(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_uppercase())
}

/// A registry has one spelling: patterns of names are compared as text, and
/// whatever reaches the same host under another would slip past them.
fn check_host(host: &str) -> Result<(), ReferenceError> {
    let refuse = || Err(ReferenceError::Registry(host.to_owned()));
    let (name, port) = match host.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((address, rest))) => match (rest, rest.strip_prefix(':')) {
            ("", _) => (Err(address), None),
            (_, Some(port)) => (Err(address), Some(port)),
            _ => return refuse(),
        },
        Some(None) => return refuse(),
        None => match host.split_once(':') {
            Some((name, port)) => (Ok(name), Some(port)),
            None => (Ok(host), None),
        },
    };
    let name = match name {
        Ok(name) if is_host_name(name) => name.to_owned(),
        Err(address) => match address.parse::<Ipv6Addr>() {
            Ok(address) => match address.to_ipv4_mapped() {
                Some(address) => address.to_string(),
                None => format!("[{address}]"),
            },
            Err(_) => return refuse(),
        },
        Ok(_) => return refuse(),
    };
    let usual = match port {
        None => name,
        Some(digits) if !digits.bytes().all(|b| b.is_ascii_digit()) => return refuse(),
        Some(digits) => match digits.parse::<u16>() {
            Ok(port) => format!("{name}:{port}"),
            Err(_) => return refuse(),
        },
    };
    if usual != host {
        let found = host.to_owned();
        return Err(ReferenceError::Spelling { found, usual });
    }
    Ok(())
}

/// A host's name, or an IPv4 address as it is usually written. What ends in a
/// number is an address, if any: some resolvers take `127.1` for one.
fn is_host_name(name: &str) -> bool {
    let label = |l: &str| {
        !l.is_empty()
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let last = name.rsplit('.').next().unwrap_or(name);
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_number = match hex {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => last.bytes().all(|b| b.is_ascii_digit()),
    };
    if is_number {
        return name.parse::<Ipv4Addr>().is_ok();
    }
    name.split('.').all(label)
}

fn check_name(registry: &str, name: &str) -> Result<(), ReferenceError> {
    if has_uppercase(name) {
        return Err(ReferenceError::Uppercase(name.to_owned()));
    }
    if registry.len() + 1 + name.len() > NAME_MAX {
        return Err(ReferenceError::TooLong);
    }
    if !name.split('/').all(is_component) {
        return Err(ReferenceError::Name(name.to_owned()));
    }
    Ok(())
}

/// `path-component := alpha-numeric [separator alpha-numeric]*`, where a
/// separator is `.`, `_`, `__` or any number of `-`.
fn is_component(component: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !edge(component.bytes().next()) || !edge(component.bytes().last()) {
        return false;
    }
    component
        .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .filter(|separator| !separator.is_empty())
        .all(|s| matches!(s, "." | "_" | "__") || s.bytes().all(|b| b == b'-'))
}

fn check_tag(tag: &str) -> Result<(), ReferenceError> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let valid = tag.len() <= TAG_MAX
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'));
    if valid {
        Ok(())
    } else {
        Err(ReferenceError::Tag(tag.to_owned()))
    }
}

/// Why a text is not an image reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// A character that no reference has (a space, a control, non-ASCII).
    #[error("an image reference has no {0:?}")]
    Character(char),
    /// The digest behind `@` is not one.
    #[error("in the digest of the reference: {0}")]
    Digest(#[from] DigestError),
    /// Nothing at all.
    #[error("the image reference is empty")]
    Empty,
    /// The name is not made of valid path components.
    #[error("`{0}` is not a repository name")]
    Name(String),
    /// The registry is not a host, or its port is not a number.
    #[error("`{0}` is not a registry host")]
    Registry(String),
    /// The registry is written in an unusual way, which names are not compared in.
    #[error("`{found}` is an unusual way to write the registry `{usual}`")]
    Spelling {
        /// As it is written.
        found: String,
        /// As it is usually written.
        usual: String,
    },
    /// The tag is not one.
    #[error("`{0}` is not a tag")]
    Tag(String),
    /// Registry and name together are over 255 characters.
    #[error("the repository name is longer than {NAME_MAX} characters")]
    TooLong,
    /// The name has an uppercase letter.
    #[error("a repository name is lowercase: `{0}`")]
    Uppercase(String),
}

const DOCKER_HUB: &str = "docker.io";
const NAME_MAX: usize = 255;
const TAG_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn qualifies_names() {
        let full = |s: &str| {
            s.parse::<Reference>()
                .map(|r| r.to_string())
                .unwrap_or_default()
        };
        assert_eq!(full("nginx"), "docker.io/library/nginx:latest");
        assert_eq!(full("index.docker.io/nginx:1"), "docker.io/library/nginx:1");
        assert_eq!(full("acme/app"), "docker.io/acme/app:latest");
        assert_eq!(full("localhost/app:1"), "localhost/app:1");
        assert_eq!(full("localhost:5000/a/b"), "localhost:5000/a/b:latest");
        assert_eq!(full("[::1]:5000/a"), "[::1]:5000/a:latest");
        let both = format!("r.io/a:t@sha256:{HEX}");
        assert_eq!(full(&both), both);
    }

    #[test]
    fn refuses_with_the_reason() {
        let why = |s: &str| s.parse::<Reference>().map(|r| r.to_string());
        assert_eq!(why(""), Err(ReferenceError::Empty));
        assert_eq!(why("ok/X:1"), Err(ReferenceError::Uppercase("ok/X".into())));
        assert_eq!(why("a b"), Err(ReferenceError::Character(' ')));
        assert_eq!(
            why("a..b"),
            Err(ReferenceError::Name("library/a..b".into()))
        );
        assert_eq!(why("a:"), Err(ReferenceError::Tag(String::new())));
        assert_eq!(
            why("r.io:x/a"),
            Err(ReferenceError::Registry("r.io:x".into()))
        );
        let spelling = |found: &str, usual: &str| {
            let (found, usual) = (found.to_owned(), usual.to_owned());
            Err(ReferenceError::Spelling { found, usual })
        };
        assert_eq!(why("r.io:0443/a"), spelling("r.io:0443", "r.io:443"));
        assert_eq!(why("[0:0::1]/a"), spelling("[0:0::1]", "[::1]"));
        let mapped = "[::ffff:127.0.0.1]:5000";
        assert_eq!(
            why("[::ffff:127.0.0.1]:5000/a"),
            spelling(mapped, "127.0.0.1:5000")
        );
        for host in [
            "r.io:+443",
            "r.io:",
            "r.io:65536",
            "[::1",
            "[::1]5",
            "[::1]:",
            "127.1",
            "2130706433:80",
            "0x7f.1",
            "127.0.0.01",
            "0x7f000001:80",
            "r.io.",
            "-r.io",
            "[127.0.0.1]",
        ] {
            assert_eq!(
                why(&format!("{host}/a")),
                Err(ReferenceError::Registry(host.to_owned()))
            );
        }
        assert_eq!(
            why("ok/x@sha256:abc"),
            Err(ReferenceError::Digest(DigestError::Length {
                algorithm: "sha256",
                found: 3
            }))
        );
        assert_eq!(why("a/../b"), Err(ReferenceError::Name("a/../b".into())));
    }
}
