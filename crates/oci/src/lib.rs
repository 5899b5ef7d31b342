//! The OCI nouns that the rest of Waxseal speaks in: references, digests,
//! descriptors, manifests, indexes, referrers lists, the tag names that cosign
//! derives from a digest, and the image-layout format.
//!
//! Every type here is made by a parser that refuses what it does not
//! understand; a value that exists is well formed. The crate opens no socket
//! and no file. All inputs are taken to be untrusted.
//!
//! ```
//! use waxseal_oci::Reference;
//!
//! let image: Reference = "registry.example.com/shop/api:1.2".parse()?;
//! assert_eq!(image.repository().name(), "shop/api");
//! assert_eq!(image.tag(), Some("1.2"));
//! # Ok::<(), waxseal_oci::ReferenceError>(())
//! ```
//!
//! The reference grammar is written here rather than taken from `oci-spec`
//! because that crate's is one large Unicode regular expression, whose
//! compilation alone costs more than a whole verification; the tests hold the
//! two against each other.

mod cosign;
mod descriptor;
mod digest;
mod document;
mod layout;
pub mod limits;
pub mod media;
mod reference;
mod strict;

pub use cosign::{CosignTag, referrers_tag};
pub use descriptor::{Annotations, Descriptor, Platform};
pub use digest::{Algorithm, Digest, DigestError, Hasher};
pub use document::{Document, DocumentError, Index, Manifest, empty_config};
pub use layout::{LAYOUT_FILE, LAYOUT_FILE_CONTENT, REF_NAME_ANNOTATION, check_layout_file};
pub use reference::{Reference, ReferenceError, Repository};
pub use strict::{JsonError, check_json};
