//! What the command line asks of an SBOM.

use super::Sbom;

/// An SBOM that is compared with the image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct SbomDemand {
    /// What it may leave out: types of packages such as `npm`, or package URLs
    /// without a version.
    pub may_omit: Vec<String>,
}

impl From<SbomDemand> for Sbom {
    fn from(demand: SbomDemand) -> Self {
        Self {
            matches_image: true,
            may_omit: demand.may_omit,
            ..Self::default()
        }
    }
}
