//! One page for people: the verdict on an image and the reasons, who signed
//! what and when, what is attached, what is in its layers, what changed.
//!
//! The page is one HTML file that asks for nothing from outside: its style and
//! its script are in it, and its content security policy admits these two by
//! their hash and nothing else. It reads without the script, on paper and by
//! keyboard. The words of the verdict are those of
//! [`Decision::outline`], so that the page and the terminal
//! say the same.
//!
//! Whatever a registry or a package says is untrusted. It reaches the page
//! through [`escaped`](waxseal_policy::escaped), which shows control characters and direction marks
//! as what they are and cuts what is long, and through the template, which
//! escapes every value for HTML; there is no way to put markup in.
//!
//! ```
//! use jiff::Timestamp;
//! use waxseal_policy::unable;
//! use waxseal_report::Page;
//!
//! let image = "registry.example/shop/api:1".parse()?;
//! let why = "the registry answered <503>";
//! let decision = unable(&image, None, why, None, Timestamp::UNIX_EPOCH);
//! let html = Page::new(&decision, Timestamp::UNIX_EPOCH).render();
//! assert!(html.contains("could not check"));
//! assert!(html.contains("the registry answered &lt;503&gt;"));
//! # Ok::<(), waxseal_oci::ReferenceError>(())
//! ```
//!
//! Nothing here does I/O or reads a clock: the same input gives the same bytes.

mod attached;
mod changed;
mod contents;
mod page;
mod signers;
mod verdict;

use jiff::Timestamp;
use waxseal_oci::Digest;
use waxseal_policy::Decision;
use waxseal_sbom::{Changes, Inventory};

/// What the page says. All but the decision may be left out; what is left out
/// for a reason is a fault.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<'a> {
    /// The verdict.
    pub decision: &'a Decision,
    /// The date that the page bears.
    pub dated: Timestamp,
    /// What is attached to the image, if that was listed.
    pub attached: Option<Vec<Attachment>>,
    /// What is in the image; of an index, in each of its images that was looked into.
    pub contents: Vec<Contents<'a>>,
    /// What could not be told.
    pub faults: Vec<String>,
}

/// Something that is attached to an image. What it says is untrusted.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it in")]
pub struct Attachment {
    /// What it is: `signature`, `attestation of …`, a media type.
    pub what: String,
    /// Where it is listed and how large it is.
    pub facts: Vec<String>,
    /// Its digest.
    pub digest: Digest,
    /// What it says about itself.
    pub says: Vec<String>,
    /// What is attached to it.
    pub children: Vec<Self>,
}

/// What is in an image.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it in")]
pub struct Contents<'a> {
    /// Its name, untrusted.
    pub name: String,
    /// Its layers, the lowest first, each with its size in words.
    pub layers: Vec<(Digest, String)>,
    /// The packages in them.
    pub inventory: &'a Inventory,
    /// What changed since another image, and its name, untrusted.
    pub since: Option<(String, Changes)>,
}

impl<'a> Page<'a> {
    /// A page with a verdict and nothing else.
    #[must_use]
    pub fn new(decision: &'a Decision, dated: Timestamp) -> Self {
        Self {
            decision,
            dated,
            attached: None,
            contents: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        page::page(self).into_string()
    }
}
