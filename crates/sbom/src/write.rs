//! SBOM documents: the same bytes for the same inventory.

mod aggregate;
mod cyclonedx;
mod spdx2;
mod table;

use std::cell::RefCell;
use std::io::{self, BufWriter, Write};

use jiff::Timestamp;
use serde::Serialize;
use waxseal_oci::{Algorithm, Digest, Hasher, Repository};

use crate::inventory::{Inventory, License};

/// What an inventory was taken of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// Its name: a repository, or the name of a file or folder.
    pub name: String,
    /// The digest of the image's manifest.
    pub digest: Option<Digest>,
    /// The image's package URL.
    pub purl: Option<String>,
    /// The platform, where the image is for one.
    pub platform: Option<String>,
}

impl Target {
    /// An image in a registry, by the digest of its manifest.
    #[must_use]
    pub fn image(repository: &Repository, digest: &Digest) -> Self {
        let name = repository.name();
        let last = name.rsplit('/').next().unwrap_or(name);
        Self {
            name: repository.to_string(),
            purl: Some(format!(
                "pkg:oci/{last}@{}%3A{}?repository_url={}/{name}",
                digest.algorithm().name(),
                digest.hex(),
                repository.registry()
            )),
            digest: Some(digest.clone()),
            platform: None,
        }
    }

    /// An image without a registry: a layout, an archive.
    #[must_use]
    pub fn unnamed(name: impl Into<String>, digest: &Digest) -> Self {
        Self {
            name: name.into(),
            digest: Some(digest.clone()),
            ..Self::default()
        }
    }

    /// A folder.
    #[must_use]
    pub fn folder(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// The same target, for one platform.
    #[must_use]
    pub fn for_platform(mut self, platform: impl Into<String>) -> Self {
        self.platform = Some(platform.into());
        self
    }
}

impl Inventory {
    /// The inventory as CycloneDX 1.6, in JSON.
    ///
    /// `created` is the time that the document gives; without it, it gives none.
    /// The serial number comes from the content.
    #[must_use]
    pub fn to_cyclonedx(&self, target: &Target, created: Option<Timestamp>) -> Vec<u8> {
        let text = Text::default();
        text.write(&cyclonedx::document(self, target, created, &text));
        text.finish()
    }

    /// The inventory as SPDX 2.3, in JSON.
    ///
    /// `created` is the time that the document gives; the format requires one,
    /// which is the beginning of 1970 where there is none.
    #[must_use]
    pub fn to_spdx(&self, target: &Target, created: Option<Timestamp>) -> Vec<u8> {
        pretty(&spdx2::document(self, target, created))
    }

    /// The inventory as a table for people.
    #[must_use]
    pub fn to_table(&self) -> String {
        table::lines(self)
    }
}

/// One image of several: what its SBOM is of, and the document itself.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Member<'a> {
    /// The image.
    pub target: &'a Target,
    /// Its SBOM, as [`Inventory::to_cyclonedx`] wrote it.
    pub document: &'a [u8],
}

/// The SBOM of an index as CycloneDX 1.6: it names the images by digest, and
/// each one's own SBOM by its serial number (a BOM-Link). What is in the images
/// stands in theirs.
#[must_use]
pub fn aggregate(target: &Target, members: &[Member<'_>], created: Option<Timestamp>) -> Vec<u8> {
    pretty(&aggregate::document(target, members, created))
}

/// A document as it is written. It is made while it is written, since that of a
/// large image is many times as large in memory.
#[derive(Default)]
struct Text(RefCell<Vec<u8>>);

impl Text {
    #[expect(
        clippy::expect_used,
        reason = "what has texts for keys and is written to memory cannot fail"
    )]
    fn write(&self, document: &impl Serialize) {
        serde_json::to_writer_pretty(self, document).expect("JSON");
    }

    /// A UUID of what has been written so far.
    fn uuid(&self) -> String {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(&self.0.borrow());
        named_by(&hasher.finish())
    }

    fn finish(self) -> Vec<u8> {
        let mut text = self.0.into_inner();
        text.push(b'\n');
        text
    }
}

impl Write for &Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn pretty(document: &impl Serialize) -> Vec<u8> {
    let text = Text::default();
    text.write(document);
    text.finish()
}

/// A UUID of the content.
#[expect(
    clippy::expect_used,
    reason = "what has texts for keys and is hashed cannot fail"
)]
fn uuid(content: &impl Serialize) -> String {
    let mut hashing = BufWriter::new(Hashing(Hasher::new(Algorithm::Sha256)));
    serde_json::to_writer(&mut hashing, content).expect("JSON");
    let Hashing(hasher) = hashing.into_inner().expect("a hash");
    named_by(&hasher.finish())
}

/// A UUID of version 8, from a SHA-256.
fn named_by(digest: &Digest) -> String {
    let hex = digest.hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-8{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

/// Takes what is written into a hash.
#[derive(Debug)]
struct Hashing(Hasher);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A time with whole seconds.
fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second())
        .unwrap_or(time)
        .to_string()
}

/// Whether an expression is one licence of SPDX's list, and which.
fn listed_id(license: &License) -> Option<&str> {
    match license {
        License::Expression(text) => spdx::license_id(text).map(|_| text.as_str()),
        License::Named(_) => None,
    }
}

#[cfg(test)]
mod tests;
