//! Why there is no identity to sign with.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::ServiceError;

/// Why an identity token cannot be had or used. No variant holds one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The token is for somebody else.
    #[error("the identity token is for `{found}`, not for `{wanted}`")]
    Audience {
        /// For whom it has to be.
        wanted: String,
        /// For whom it is.
        found: String,
    },
    /// The provider has not checked the e-mail address.
    #[error("the identity provider has not verified the e-mail address in the token")]
    EmailUnverified,
    /// The token has expired.
    #[error("the identity token expired at {at}")]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// A file with a token cannot be read.
    #[error("cannot read the identity token from `{path}`: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The token cannot be read.
    #[error("the identity token is malformed: {0}")]
    Malformed(&'static str),
    /// The surroundings promise a token and do not give it.
    #[error("{provider} gives no identity token: {reason}")]
    Refused {
        /// Who promised it.
        provider: &'static str,
        /// What is missing.
        reason: String,
    },
    /// A service that gives tokens failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Signing in did not come to an end.
    #[error("signing in failed: {0}")]
    SignIn(String),
    /// No token is that long.
    #[error(
        "the identity token is longer than {} bytes",
        crate::limits::TOKEN_BYTES
    )]
    TooLong,
}
