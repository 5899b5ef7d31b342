//! Why a document is not the SBOM that it should be.

use waxseal_oci::Digest;

/// Why an SBOM was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SbomError {
    /// It lists no component at all.
    #[error("the SBOM lists nothing: `{0}` is empty or missing")]
    Empty(&'static str),
    /// A member has a value that the format does not allow.
    #[error("the SBOM is not valid {format}: `{member}` is `{found}`, not {wanted}")]
    Invalid {
        /// The format the document claims.
        format: &'static str,
        /// Where it is wrong.
        member: String,
        /// What stands there.
        found: String,
        /// What should.
        wanted: &'static str,
    },
    /// It is not JSON, or a member is of the wrong type.
    #[error("the SBOM is malformed: {0}")]
    Malformed(String),
    /// A member that the format requires is missing.
    #[error("the SBOM is not valid {format}: `{member}` is missing")]
    Missing {
        /// The format the document claims.
        format: &'static str,
        /// The member.
        member: &'static str,
    },
    /// It is an SBOM in another syntax.
    #[error("the SBOM is {0}; only JSON is read")]
    NotJson(&'static str),
    /// It says that it describes another image.
    #[error("the SBOM describes `{claimed}`, not the image `{image}`")]
    OtherImage {
        /// What the document names.
        claimed: Digest,
        /// The image it was to be attached to.
        image: Digest,
    },
    /// It describes or lists more things than are compared.
    #[error("the SBOM has more than {limit} {what}")]
    TooMany {
        /// Which list.
        what: &'static str,
        /// Its limit.
        limit: usize,
    },
    /// It is neither of the formats.
    #[error("the document is neither CycloneDX nor SPDX: {0}")]
    UnknownFormat(String),
    /// Its version is not among those that are read.
    #[error("{format} version `{found}` is not among those that are read ({known})")]
    UnknownVersion {
        /// The format.
        format: &'static str,
        /// What the document says.
        found: String,
        /// What is read.
        known: &'static str,
    },
}

impl SbomError {
    #[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
    pub(crate) fn malformed(error: serde_json::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}
