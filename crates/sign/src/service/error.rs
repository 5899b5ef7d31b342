//! What can go wrong with a service.

use std::fmt;
use std::time::Duration;

/// Which kind of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Service {
    /// The certificate authority for identities.
    Fulcio,
    /// What gives identity tokens.
    Identity,
    /// The transparency log.
    Rekor,
    /// The timestamp authority.
    Tsa,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fulcio => "the certificate authority",
            Self::Identity => "the identity provider",
            Self::Rekor => "the transparency log",
            Self::Tsa => "the timestamp authority",
        })
    }
}

/// Why a service was of no use. No variant holds a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// There is no connection.
    #[error("{service} at {host} cannot be reached: {reason}")]
    Connect {
        /// Which service.
        service: Service,
        /// Where.
        host: String,
        /// Why not.
        reason: String,
    },
    /// The signing configuration cannot be used.
    #[error("the signing configuration: {0}")]
    Configuration(String),
    /// Every service that could have done it failed.
    #[error("{}", list(.failures))]
    Exhausted {
        /// Each one's failure, in the order in which they were asked.
        failures: Vec<Self>,
    },
    /// It would be asked without encryption.
    #[error("{service} at {host} would be asked over plain HTTP, which is not loopback")]
    Insecure {
        /// Which service.
        service: Service,
        /// Where.
        host: String,
    },
    /// The answer is not what the service's interface says.
    #[error("{service} at {host} gave an answer that cannot be used: {reason}")]
    Malformed {
        /// Which service.
        service: Service,
        /// Where.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// None is known, or none is valid now.
    #[error("no address of {service} is known that is valid now and of use")]
    NoneKnown {
        /// Which service.
        service: Service,
    },
    /// The service refused, or failed.
    #[error("{service} at {host} answered {status}{}", quoted(.said))]
    Status {
        /// Which service.
        service: Service,
        /// Where.
        host: String,
        /// The status of HTTP.
        status: u16,
        /// What it said, shortened and without secrets.
        said: String,
    },
    /// There was no answer in time.
    #[error("{service} at {host} did not answer within {} seconds", .after.as_secs())]
    Timeout {
        /// Which service.
        service: Service,
        /// Where.
        host: String,
        /// How long was waited.
        after: Duration,
    },
    /// The answer does not end.
    #[error("{service} at {host} answered with more than {limit} bytes")]
    TooLarge {
        /// Which service.
        service: Service,
        /// Where.
        host: String,
        /// The most that is read.
        limit: usize,
    },
    /// An address is no URL that can be asked.
    #[error("the address `{url}` of {service} cannot be used: {reason}")]
    Url {
        /// Which service.
        service: Service,
        /// The address.
        url: String,
        /// Why not.
        reason: String,
    },
}

fn list(failures: &[ServiceError]) -> String {
    let words: Vec<String> = failures.iter().map(ToString::to_string).collect();
    words.join("; ")
}

fn quoted(said: &str) -> String {
    if said.is_empty() {
        String::new()
    } else {
        format!(": `{said}`")
    }
}
