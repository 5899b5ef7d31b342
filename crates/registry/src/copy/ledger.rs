//! The account that a copy gives of itself.

use serde::Serialize;
use waxseal_oci::Digest;

/// Everything that a copy touched, in the order in which it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ledger {
    /// The digest of what was copied.
    pub root: Digest,
    /// Each piece of content and tag.
    pub entries: Vec<Entry>,
}

impl Ledger {
    /// How many entries were written.
    #[must_use]
    pub fn copied(&self) -> usize {
        self.entries
            .iter()
            .filter(|e| e.action == Action::Copied)
            .count()
    }
}

/// One line of a [`Ledger`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Its digest.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// What was done.
    pub action: Action,
    /// The tag, for a tag; the artifact type, for a referrer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What a line of a [`Ledger`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// A configuration or layer.
    Blob,
    /// A manifest under one of cosign's tags.
    CosignTag,
    /// An index.
    Index,
    /// An image's manifest.
    Manifest,
    /// An artifact that refers to something copied.
    Referrer,
    /// The list under a fallback tag.
    ReferrersTag,
    /// The tag that was asked for.
    Tag,
}

/// What a copy did about one piece of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Action {
    /// It was there already.
    AlreadyThere,
    /// It was written and read back.
    Copied,
    /// It was merged with what the target had.
    Merged,
    /// It was left alone: the source does not have it, may not hand it out, or
    /// the target has another.
    Skipped,
}
