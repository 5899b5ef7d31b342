//! What can go wrong with a trust root that is kept or fetched.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::fetch::FetchError;
use crate::limits;

/// Why a named root cannot be had from, or put into, the store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else is at it.
    #[error("the trust root `{name}` is being updated by another process")]
    Busy {
        /// Which.
        name: String,
    },
    /// There is another one of that name.
    #[error("there is a trust root `{name}` already, and it is another one")]
    Exists {
        /// Which.
        name: String,
    },
    /// The clock was ahead then, or is behind now.
    #[error("the trust root `{name}` was fetched at {fetched}, which is in the future")]
    FromTheFuture {
        /// Which.
        name: String,
        /// When it says that it was fetched.
        fetched: Timestamp,
    },
    /// A file or folder cannot be read or written.
    #[error("cannot {action} `{}`: {reason}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        reason: String,
    },
    /// What is kept is not what this program writes.
    #[error("`{}` is no trust root as waxseal keeps them: {reason}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It is known where it comes from, but it has not been fetched.
    #[error("the trust root `{name}` has not been fetched from {url} yet")]
    NotFetched {
        /// Which.
        name: String,
        /// From where it is fetched.
        url: String,
    },
    /// What was given as the root of a repository is none.
    #[error("the TUF root is refused: {0}")]
    Pin(Box<UpdateError>),
    /// It is the name of a root that is in the program.
    #[error("`{name}` is the name of a trust root that comes with waxseal")]
    Reserved {
        /// Which.
        name: String,
    },
    /// What is to be kept cannot be used.
    #[error("the {document} is refused: {reason}")]
    Unusable {
        /// Which document.
        document: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// It is larger than anything that was written.
    #[error("`{}` is larger than {} bytes", .0.display(), limits::STATE_BYTES)]
    TooLarge(PathBuf),
    /// Nobody writes so many.
    #[error("`{}` holds more than {} trust roots", .0.display(), limits::NAMES)]
    TooMany(PathBuf),
    /// There is none of that name.
    #[error("there is no trust root `{name}`")]
    Unknown {
        /// Which.
        name: String,
    },
    /// What is kept does not follow from the root that is believed.
    #[error("what is kept of the trust root `{name}` does not verify: {cause}")]
    Unverified {
        /// Which.
        name: String,
        /// What is wrong with it.
        cause: Box<UpdateError>,
    },
}

impl StoreError {
    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exists { .. } => {
                Some("take another name; --replace puts this one in the place of that one".into())
            }
            Self::NotFetched { name, .. } | Self::Unverified { name, .. } => {
                Some(format!("`waxseal trust update {name}` fetches it"))
            }
            Self::Unknown { .. } => Some("`waxseal trust show` lists those that there are".into()),
            Self::FromTheFuture { .. } => Some("is the clock of this machine right?".into()),
            Self::Reserved { .. } => Some("take another name: this one is the program's".into()),
            _ => None,
        }
    }
}

/// Why what a repository has was refused, or could not be asked for. What was
/// good before is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// Its time is over: nobody has renewed it, or somebody holds the renewal
    /// back (a freeze attack).
    #[error("the repository's {role} expired at {expires}")]
    Expired {
        /// Which role.
        role: String,
        /// When.
        expires: Timestamp,
    },
    /// A file was not fetched; an endless one is cut off here.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A file is not what TUF says it is.
    #[error("{file} is malformed: {reason}")]
    Malformed {
        /// Which file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Metadata that is not the one that is vouched for (a mix-and-match attack).
    #[error("{file} is not the file that the repository vouches for: {reason}")]
    Mismatch {
        /// Which file.
        file: String,
        /// What is different.
        reason: String,
    },
    /// A file that has to be there is not.
    #[error("the repository has no {file}")]
    Missing {
        /// Which file.
        file: String,
    },
    /// There is no repository to ask.
    #[error("the trust root `{name}` comes from a file: there is nothing to update it from")]
    NoRepository {
        /// Which.
        name: String,
    },
    /// Older than what was seen before (a rollback attack).
    #[error("the repository's {role} was rolled back from version {trusted} to {offered}")]
    Rollback {
        /// Which role.
        role: String,
        /// The version that was seen before.
        trusted: u64,
        /// The version that is there now.
        offered: u64,
    },
    /// Roots follow one another without a gap.
    #[error("root {offered} is offered as the successor of root {trusted}")]
    RootVersion {
        /// The version that is trusted.
        trusted: u64,
        /// The version that is there.
        offered: u64,
    },
    /// Not enough of the right keys signed it.
    #[error(
        "the repository's {role} is signed by {found} of its keys, of which {threshold} have to"
    )]
    Signatures {
        /// Which role.
        role: String,
        /// How many good signatures there are.
        found: usize,
        /// How many it takes.
        threshold: usize,
    },
    /// It cannot be read or kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file is not the one that the repository vouches for (a swapped target).
    #[error("{name} is not the file that the repository vouches for: {reason}")]
    Target {
        /// Which file.
        name: String,
        /// What is different.
        reason: String,
    },
    /// The repository is not one of a Sigstore.
    #[error("the repository vouches for no {name}")]
    TargetUnlisted {
        /// Which file.
        name: String,
    },
    /// It went on and on (a slow-retrieval attack).
    #[error("the update took longer than {} seconds", limits::UPDATE.as_secs())]
    Timeout,
    /// There is no end to its roots.
    #[error("the repository has more than {} roots to follow", limits::ROTATIONS)]
    TooManyRoots,
    /// What the repository vouches for cannot be used.
    #[error("the repository's {name} cannot be used: {reason}")]
    Unusable {
        /// Which file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl UpdateError {
    /// Whether the repository was heard and refused, rather than not heard.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        !matches!(
            self,
            Self::Fetch(
                FetchError::Connect { .. }
                    | FetchError::Insecure { .. }
                    | FetchError::Status { .. }
                    | FetchError::Timeout { .. }
                    | FetchError::Url { .. }
            ) | Self::NoRepository { .. }
                | Self::Store(_)
                | Self::Timeout
        )
    }

    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Expired { .. } => {
                Some("either it was not renewed in time, or somebody holds the renewal back".into())
            }
            Self::Fetch(_) if !self.is_refusal() => {
                Some("what there was before is kept, and can be used until it is stale".into())
            }
            _ => None,
        }
    }
}
