//! Why a candidate proves nothing for an authority.

use waxseal_oci::Digest;

/// The one reason why a candidate proves nothing for an authority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The bytes are not what they claim to be.
    #[error("malformed: {0}")]
    Malformed(String),
    /// The signature is not by the authority's key.
    #[error("the signature is not by this key")]
    SignatureInvalid,
    /// The signed statement is about something else.
    #[error("it is about {found}, not about `{wanted}`")]
    SubjectMismatch {
        /// The digest that was asked for.
        wanted: Digest,
        /// What it is about.
        found: String,
    },
}

impl Rejection {
    /// A stable code for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::SignatureInvalid => "signature-invalid",
            Self::SubjectMismatch { .. } => "subject-mismatch",
        }
    }

    /// How close the candidate came: of several rejections the highest is shown first.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::Malformed(_) => 0,
            Self::SignatureInvalid => 10,
            Self::SubjectMismatch { .. } => 20,
        }
    }
}
