//! Why a question to a registry was not answered.

use serde::{Deserialize, Serialize};
use waxseal_registry::Error;

/// A question without an answer, in a form that can be kept and given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[error("{message}")]
#[non_exhaustive]
pub struct Fault {
    /// What kind of fault it is.
    pub kind: FaultKind,
    /// What happened, for people.
    pub message: String,
    /// What to do next, where there is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether asking again later could give another answer.
    #[serde(default)]
    pub transient: bool,
}

/// The kinds of faults that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultKind {
    /// The registry surely does not have it.
    Missing,
    /// It came, and is not what it has to be.
    Malformed,
    /// It is larger than what is read.
    TooLarge,
    /// It could not be told.
    Unknown,
    /// The evidence file does not hold the answer.
    Unrecorded,
}

impl Fault {
    /// A question that an evidence file does not answer.
    pub(crate) fn unrecorded(what: &str) -> Self {
        Self {
            kind: FaultKind::Unrecorded,
            message: format!("the evidence file does not hold {what}"),
            hint: Some("capture again, with --everything or under this policy".to_owned()),
            transient: false,
        }
    }

    /// Something that is not there.
    pub(crate) fn missing(message: String, hint: &str) -> Self {
        Self {
            kind: FaultKind::Missing,
            message,
            hint: Some(hint.to_owned()),
            transient: false,
        }
    }

    /// Whether the piece that was asked for surely cannot count, as opposed to
    /// one that might have.
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self.kind,
            FaultKind::Missing | FaultKind::Malformed | FaultKind::TooLarge
        )
    }
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        let kind = match error {
            Error::NotFound { .. } => FaultKind::Missing,
            Error::Document { .. } => FaultKind::Malformed,
            Error::TooLarge { .. } => FaultKind::TooLarge,
            _ => FaultKind::Unknown,
        };
        Self {
            kind,
            message: error.to_string(),
            hint: error.hint().map(str::to_owned),
            transient: error.is_transient(),
        }
    }
}
