//! The exit codes, which are part of the interface.

use std::process::ExitCode;

/// How a run ended. Scripts rely on these numbers; `--help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Done; what was to be verified is verified.
    Ok,
    /// It could not be done, or could not be told.
    Failed,
    /// The command line is wrong.
    Usage,
    /// It ran, and the answer is no.
    Refused,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// The codes as `--help` and the manual show them.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done; what was to be verified is verified
  1  it could not be done, or could not be told (registry, file, network)
  2  the command line is wrong
  3  refused: the evidence was looked at and does not satisfy the policy";
