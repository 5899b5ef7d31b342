//! Why a registry, a layout or the cache could not do what was asked.

use std::time::Duration;

use waxseal_oci::{Digest, DocumentError};

/// Why something could not be read or written.
///
/// "It is not there" is [`crate::Found::Absent`] wherever absence is an answer;
/// every variant here means that the question was not answered. The `String`s
/// are for people: nothing matches on them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An answer is not what the specification says it is.
    #[error("{what}: the answer of the registry is refused: {reason}")]
    Answer {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The registry asked for a kind of authentication that is not known.
    #[error("{registry}: cannot authenticate: {reason}")]
    Challenge {
        /// The registry.
        registry: String,
        /// What is wrong with its challenge.
        reason: String,
    },
    /// No connection.
    #[error("{host}: cannot connect: {reason}")]
    Connect {
        /// Whom.
        host: String,
        /// Why not.
        reason: String,
    },
    /// Others kept writing the same tag.
    #[error("{what}: other writers kept overwriting it, given up after {rounds} attempts")]
    Contended {
        /// The tag.
        what: String,
        /// How many times it was written.
        rounds: u32,
    },
    /// The stored credentials cannot be read.
    #[error("the credentials for {registry} cannot be read: {reason}")]
    Credentials {
        /// The registry.
        registry: String,
        /// Why not.
        reason: String,
    },
    /// The content has another digest than the one it was asked for by.
    #[error("{what}: the digest of the content is {found}, not {wanted}")]
    DigestMismatch {
        /// What was asked for.
        what: String,
        /// The digest that it was asked for by, or that the registry gave it.
        wanted: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// A manifest or an index is malformed.
    #[error("{what}: {reason}")]
    Document {
        /// Which.
        what: String,
        /// Why it is refused.
        reason: DocumentError,
    },
    /// The registry knows us and says no (403).
    #[error("{what}: the registry forbids it{}", colon(.detail))]
    Forbidden {
        /// What was asked for.
        what: String,
        /// What the registry said.
        detail: String,
    },
    /// A file or folder could not be read or written.
    #[error("{path}: {reason}")]
    Io {
        /// Which.
        path: String,
        /// Why not.
        reason: String,
    },
    /// An image layout is malformed.
    #[error("{path} is not an image layout: {reason}")]
    Layout {
        /// Where.
        path: String,
        /// Why it is refused.
        reason: String,
    },
    /// Content that a manifest or a caller names is not there.
    #[error("{what}: not found")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The tag that holds a list of referrers holds something else.
    #[error("{what}: holds a manifest where a list of referrers belongs")]
    NotReferrers {
        /// The tag.
        what: String,
    },
    /// What was written does not come back.
    #[error("{what}: was written, and does not read back: {reason}")]
    NotWritten {
        /// What was written.
        what: String,
        /// What came instead.
        reason: String,
    },
    /// The registry asks for fewer requests (429), for longer than we wait.
    #[error("{what}: the registry limits the rate of requests{}", after(.retry_after))]
    RateLimited {
        /// What was asked for.
        what: String,
        /// How long the registry asked to wait, where it said.
        retry_after: Option<Duration>,
    },
    /// A redirect that is not followed.
    #[error("{what}: the redirect to {to} is not followed: {reason}")]
    Redirect {
        /// What was asked for.
        what: String,
        /// Where it points.
        to: String,
        /// Why it is refused.
        reason: String,
    },
    /// Redirects that come back to where they began.
    #[error("{what}: the redirects go round in a circle")]
    RedirectLoop {
        /// What was asked for.
        what: String,
    },
    /// The registry fails (5xx), also when asked again.
    #[error("{what}: the registry fails with status {status}{}", colon(.detail))]
    Server {
        /// What was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What the registry said.
        detail: String,
    },
    /// The content is longer or shorter than its descriptor says.
    #[error("{what}: {found} bytes came, the descriptor says {wanted}")]
    SizeMismatch {
        /// What was asked for.
        what: String,
        /// What the descriptor says.
        wanted: u64,
        /// What came, or was announced. Reading ends one chunk after the limit.
        found: u64,
    },
    /// A status that the specification does not have here.
    #[error("{what}: the registry answers with status {status}{}", colon(.detail))]
    Status {
        /// What was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What the registry said.
        detail: String,
    },
    /// It took too long.
    #[error("{what}: no answer within {} s", .after.as_secs_f64())]
    Timeout {
        /// What was asked for.
        what: String,
        /// The limit that passed.
        after: Duration,
    },
    /// The TLS connection was refused by us or by the other side.
    #[error("{host}: no secure connection: {reason}")]
    Tls {
        /// With whom.
        host: String,
        /// Why not.
        reason: String,
    },
    /// It is larger than the limit for its kind.
    #[error("{what}: larger than the limit of {limit} bytes")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// A list of referrers has too many entries.
    #[error("{what}: more than {limit} entries")]
    TooManyEntries {
        /// Whose referrers.
        what: String,
        /// The limit.
        limit: usize,
    },
    /// A list of referrers has too many pages.
    #[error("{what}: more than {limit} pages")]
    TooManyPages {
        /// Whose referrers.
        what: String,
        /// The limit.
        limit: usize,
    },
    /// A chain of redirects that is too long.
    #[error("{what}: more than {limit} redirects")]
    TooManyRedirects {
        /// What was asked for.
        what: String,
        /// The limit.
        limit: usize,
    },
    /// The answer ended before its announced end.
    #[error("{what}: the answer was cut off after {found} bytes")]
    Truncated {
        /// What was asked for.
        what: String,
        /// How much came.
        found: u64,
    },
    /// The credentials, or the lack of them, are not accepted (401).
    #[error("{registry}: not authenticated{}", colon(.detail))]
    Unauthorized {
        /// The registry.
        registry: String,
        /// What it said.
        detail: String,
    },
    /// The registry wants a token from somewhere that is not trusted with its credentials.
    #[error("{registry}: the token service {realm} is not used: {reason}")]
    UntrustedRealm {
        /// The registry.
        registry: String,
        /// Where it sends us.
        realm: String,
        /// Why we do not go.
        reason: String,
    },
}

impl Error {
    /// What a person can do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Connect { .. } => "check the host name and the port, and whether it is up",
            Self::Contended { .. } => "run the command again when fewer others are writing",
            Self::Credentials { .. } => "check the docker configuration and its credential helper",
            Self::DigestMismatch { .. } | Self::SizeMismatch { .. } | Self::NotWritten { .. } => {
                "the registry, or something in front of it, alters content; do not trust it"
            }
            Self::Forbidden { .. } => "ask for the permission, or log in as someone who has it",
            Self::NotReferrers { .. } => {
                "another tool overwrote the list (cosign 3.1.1's `copy` does); delete the tag"
            }
            Self::RateLimited { .. } => "wait, or log in: limits are higher with credentials",
            Self::Server { .. } | Self::Timeout { .. } | Self::Truncated { .. } => {
                "the registry is not well; try again"
            }
            Self::Tls { .. } => {
                "for a private authority give its certificate with --ca-cert; for plain HTTP on \
                 loopback say --insecure-http"
            }
            Self::TooLarge { .. } => {
                "the limit is fixed; look at what is there, and at who put it there"
            }
            Self::Unauthorized { .. } => "log in with `docker login`, or check who is logged in",
            Self::UntrustedRealm { .. } => {
                "if this token service belongs to the registry, name it with --trust-realm"
            }
            _ => return None,
        })
    }

    /// Whether asking again later could give another answer.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::Contended { .. }
                | Self::RateLimited { .. }
                | Self::Server { .. }
                | Self::Timeout { .. }
                | Self::Truncated { .. }
        )
    }
}

fn colon(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    }
}

fn after(retry_after: &Option<Duration>) -> String {
    retry_after.map_or(String::new(), |d| {
        format!("; it asks to wait {} s", d.as_secs())
    })
}
