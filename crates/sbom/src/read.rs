//! Documents into listings, for each format.
//!
//! A document has been through [`detect`] before: what its format
//! requires is there. Here everything else is optional, and what an element says
//! in a way that is not understood is not there.

mod cyclonedx;
mod spdx2;
mod spdx3;

use waxseal_oci::{Algorithm, Digest};

use crate::listing::Listing;
use crate::{Sbom, SbomError, SbomFormat, detect, limits, parse};

/// Reads what `bytes` (untrusted) list.
///
/// # Errors
/// [`SbomError`] where [`detect`] refuses it, or where it lists
/// more than [`limits::PACKAGES`] things.
pub fn read(bytes: &[u8]) -> Result<Listing, SbomError> {
    detect(bytes)?.listing(bytes)
}

impl Sbom {
    /// Reads what `bytes` (untrusted), which this was detected in, list.
    ///
    /// # Errors
    /// [`SbomError`] where they are not of that format, or list more than
    /// [`limits::PACKAGES`] things.
    pub fn listing(&self, bytes: &[u8]) -> Result<Listing, SbomError> {
        let mut listing = match &self.format {
            SbomFormat::CycloneDx { .. } => parse::<cyclonedx::Bom>(bytes)?.listing()?,
            SbomFormat::Spdx { version } if version.starts_with('2') => {
                parse::<spdx2::Document>(bytes)?.listing()?
            }
            SbomFormat::Spdx { .. } => parse::<spdx3::Document>(bytes)?.listing()?,
        };
        listing.subjects.clone_from(&self.subjects);
        Ok(listing)
    }
}

/// So many of something as are read of a document, and whether there were more.
#[derive(Debug)]
struct Many<T> {
    list: Vec<T>,
    more: bool,
}

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            more: false,
        }
    }
}

impl<T> Many<T> {
    fn push(&mut self, value: T) {
        if self.list.len() < limits::PACKAGES {
            self.list.push(value);
        } else {
            self.more = true;
        }
    }

    fn append(&mut self, other: Self) {
        self.more |= other.more;
        for value in other.list {
            self.push(value);
        }
    }

    fn all(self, what: &'static str) -> Result<Vec<T>, SbomError> {
        if self.more {
            return Err(SbomError::TooMany {
                what,
                limit: limits::PACKAGES,
            });
        }
        Ok(self.list)
    }
}

/// A hash of an algorithm that is known, however the format writes its name.
fn hash(algorithm: &str, hex: &str) -> Option<Digest> {
    let name = algorithm.to_ascii_lowercase().replace('-', "");
    Digest::from_hex(Algorithm::from_name(&name)?, &hex.to_ascii_lowercase()).ok()
}

/// What stands where something is asserted, unless it is that nothing is.
fn asserted(text: Option<String>) -> Option<String> {
    text.filter(|text| !matches!(text.trim(), "" | "NOASSERTION" | "NONE"))
}
