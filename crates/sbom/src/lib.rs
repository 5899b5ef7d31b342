//! Software bills of materials: which format a document is, whether it is
//! well formed, what it says it describes.
//!
//! Reads CycloneDX 1.4 to 1.7 and SPDX 2.2, 2.3 and 3.0, as JSON. It keeps
//! counts and the claimed subjects, never the components, so that a document
//! of many megabytes costs its own length and little more. It refuses XML,
//! tag-value, unknown versions and documents that list nothing.
//!
//! ```
//! let document = br#"{"bomFormat":"CycloneDX","specVersion":"1.6",
//!     "components":[{"type":"library","name":"zlib"}]}"#;
//! let sbom = waxseal_sbom::detect(document)?;
//! assert_eq!(sbom.format.to_string(), "CycloneDX 1.6");
//! assert_eq!(sbom.components, 1);
//! # Ok::<(), waxseal_sbom::SbomError>(())
//! ```

mod catalogue;
mod compare;
mod cyclonedx;
mod error;
mod inventory;
mod layers;
pub mod limits;
mod listing;
mod read;
mod spdx;
mod spdx3;
mod subject;
mod walk;
mod write;

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

use crate::walk::{Count, Text};

pub use crate::catalogue::Scanner;
pub use crate::compare::{
    Change, Changes, Claims, Comparison, Difference, HashChange, HashDifference, Unread, changes,
};
pub use crate::error::SbomError;
pub use crate::inventory::{Component, Distro, Ecosystem, Inventory, License, Location, Note};
pub use crate::layers::LayerError;
pub use crate::listing::{Listed, Listing};
pub use crate::read::read;
pub use crate::subject::{ClaimedSubject, SubjectMatch, check_subject};
pub use crate::write::{Member, Target, aggregate};

/// What is known of an SBOM without looking at its components.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sbom {
    /// Format and version.
    pub format: SbomFormat,
    /// What the document says it describes: nothing, one thing, or several.
    pub subjects: Vec<ClaimedSubject>,
    /// How many components, packages or files it lists, the nested ones included.
    pub components: usize,
}

/// A format of SBOM that is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SbomFormat {
    /// `CycloneDX`, as JSON.
    CycloneDx {
        /// The document's `specVersion`.
        version: String,
    },
    /// SPDX, as JSON or, for 3.0, as its canonical JSON-LD.
    Spdx {
        /// The version: `2.3`.
        version: String,
    },
}

impl SbomFormat {
    /// The predicate type under which such a document is attested, as cosign's
    /// `cyclonedx` and `spdxjson` name it.
    #[must_use]
    pub fn predicate_type(&self) -> &'static str {
        match self {
            Self::CycloneDx { .. } => "https://cyclonedx.org/bom",
            Self::Spdx { .. } => "https://spdx.dev/Document",
        }
    }
}

impl fmt::Display for SbomFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CycloneDx { version } => write!(f, "CycloneDX {version}"),
            Self::Spdx { version } => write!(f, "SPDX {version}"),
        }
    }
}

/// Tells what SBOM `bytes` (untrusted) are, and checks the members that its
/// format requires.
///
/// # Errors
/// [`SbomError`] with the first thing that is wrong.
pub fn detect(bytes: &[u8]) -> Result<Sbom, SbomError> {
    not_another_syntax(bytes)?;
    let mut head: Head<'_> = parse(bytes)?;
    if let Some(format) = head.bom_format.as_deref() {
        if format != "CycloneDX" {
            return Err(SbomError::UnknownFormat(format!(
                "`bomFormat` is `{format}`"
            )));
        }
        return cyclonedx::check(head);
    }
    if let Some(version) = head.spdx_version.take() {
        return spdx::check(head, &version);
    }
    if let (Some(context), Some(graph)) = (head.context, head.graph) {
        return spdx3::check(&context, graph);
    }
    Err(SbomError::UnknownFormat(
        "there is no `bomFormat`, no `spdxVersion` and no `@graph`".to_owned(),
    ))
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, SbomError> {
    // One look at the whole for its encoding is much faster than one at each string.
    let parsed = match str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(bytes),
    };
    parsed.map_err(SbomError::malformed)
}

/// The top level of every format at once, so that one pass over the bytes is
/// enough to tell them apart and to count.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    // CycloneDX.
    #[serde(borrow)]
    bom_format: Option<Cow<'a, str>>,
    #[serde(borrow)]
    spec_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    version: Option<&'a serde_json::value::RawValue>,
    #[serde(borrow)]
    serial_number: Option<Cow<'a, str>>,
    #[serde(borrow)]
    metadata: Option<cyclonedx::Metadata<'a>>,
    components: Option<cyclonedx::Components>,
    services: Option<Count<cyclonedx::Service>>,

    // SPDX 2.
    #[serde(borrow)]
    spdx_version: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "SPDXID")]
    spdx_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data_license: Option<Cow<'a, str>>,
    name: Option<Text>,
    document_namespace: Option<Text>,
    creation_info: Option<spdx::CreationInfo>,
    packages: Option<spdx::Packages>,
    files: Option<Count<spdx::File>>,
    document_describes: Option<spdx::Described>,
    relationships: Option<spdx::Relationships>,

    // SPDX 3.
    #[serde(borrow, rename = "@context")]
    context: Option<spdx3::Context<'a>>,
    #[serde(rename = "@graph")]
    graph: Option<spdx3::Graph>,
}

fn not_another_syntax(bytes: &[u8]) -> Result<(), SbomError> {
    let start = bytes.trim_ascii_start();
    if start.starts_with(b"<") {
        return Err(SbomError::NotJson("XML"));
    }
    if start.starts_with(b"SPDXVersion:") {
        return Err(SbomError::NotJson("SPDX tag-value"));
    }
    Ok(())
}
