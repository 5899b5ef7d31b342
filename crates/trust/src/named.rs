//! A trust root with where it comes from and how old it is.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::Name;

/// A trust root that can be used.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NamedRoot {
    /// What it is called.
    pub name: Name,
    /// Where it comes from.
    pub origin: Origin,
    /// The `trusted_root.json`.
    pub trusted_root: Vec<u8>,
    /// The `signing_config.json`, where there is one.
    pub signing_config: Option<Vec<u8>>,
}

/// Where a trust root comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// It is in the program, as it was when that was built.
    Embedded {
        /// Where the current one is.
        url: String,
    },
    /// Somebody gave it.
    File {
        /// When.
        kept: Timestamp,
    },
    /// It was fetched from a TUF repository.
    Repository {
        /// From where.
        url: String,
        /// When.
        fetched: Timestamp,
        /// Until when the repository vouches for it.
        expires: Timestamp,
        /// The version of the repository's root.
        root_version: u64,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded { .. } => f.write_str("embedded in this program"),
            Self::File { .. } => f.write_str("a file"),
            Self::Repository { url, .. } => f.write_str(url),
        }
    }
}

/// Whether a root is as it should be at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Vouched for until then.
    Current {
        /// When that ends.
        until: Timestamp,
    },
    /// A copy of unknown age.
    Embedded,
    /// Its repository has not been asked since then.
    Stale {
        /// When it ceased to be vouched for.
        since: Timestamp,
    },
    /// Good until somebody replaces it.
    Unlimited,
}

impl NamedRoot {
    /// Whether it is still vouched for.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        match self.origin {
            Origin::Embedded { .. } => Standing::Embedded,
            Origin::File { .. } => Standing::Unlimited,
            Origin::Repository { expires, .. } if expires < now => {
                Standing::Stale { since: expires }
            }
            Origin::Repository { expires, .. } => Standing::Current { until: expires },
        }
    }

    /// When it was fetched or given.
    #[must_use]
    pub fn fetched(&self) -> Option<Timestamp> {
        match self.origin {
            Origin::Embedded { .. } => None,
            Origin::File { kept } => Some(kept),
            Origin::Repository { fetched, .. } => Some(fetched),
        }
    }

    /// Until when its repository vouches for it, if it has one.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        match self.origin {
            Origin::Repository { expires, .. } => Some(expires),
            Origin::Embedded { .. } | Origin::File { .. } => None,
        }
    }

    /// How long ago it was fetched or given.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        let then = self.fetched()?;
        Some(now.duration_since(then).max(SignedDuration::ZERO))
    }

    /// Its standing, if it is good enough: one that ceased to be vouched for
    /// longer than `most` ago is not.
    ///
    /// # Errors
    /// [`StaleError`].
    pub fn admit(&self, now: Timestamp, most: SignedDuration) -> Result<Standing, StaleError> {
        let standing = self.standing(now);
        match standing {
            Standing::Stale { since } if now.duration_since(since) > most => Err(StaleError {
                name: self.name.clone(),
                since,
            }),
            _ => Ok(standing),
        }
    }
}

/// A root that nobody has vouched for in a while.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the trust root `{name}` is stale: its repository vouched for it until {since}")]
#[non_exhaustive]
pub struct StaleError {
    /// Which.
    pub name: Name,
    /// When it ceased to be vouched for.
    pub since: Timestamp,
}
