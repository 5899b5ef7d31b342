//! What a person is told when a command cannot do its work.

use std::fmt;
use std::io::Write as _;
use std::path::Path;

use waxseal_policy::escaped_lines;

use crate::exit::Exit;

/// A failed command: one line that says what, where and why, and a second one
/// that says what to do next, where there is something to do.
///
/// An answer of "no" is not a failure: a command that ran and refuses returns
/// [`Exit::Refused`].
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    exit: Exit,
}

impl Failure {
    /// The command could not do its work.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            hint: None,
            exit: Exit::Failed,
        }
    }

    /// The flags contradict each other, or one has a value that cannot be.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Usage,
            ..Self::new(message)
        }
    }

    /// A file could not be read or written.
    pub(crate) fn file(verb: &str, path: &Path, cause: impl fmt::Display) -> Self {
        Self::new(format_args!("cannot {verb} `{}`: {cause}", path.display()))
    }

    /// The same failure with the next step.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure with the next step, where there is one.
    #[must_use]
    pub(crate) fn maybe_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into).or(self.hint);
        self
    }

    /// The same failure, with what the command was doing in front.
    #[must_use]
    pub(crate) fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// What it says, where there is one line for it.
    pub(crate) fn in_one_line(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.message),
            None => self.message.clone(),
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Writes the failure to stderr.
    pub(crate) fn print(&self) {
        let red = anstyle::AnsiColor::Red.on_default().bold();
        let mut stderr = anstream::stderr().lock();
        // What a registry or a document says may be part of it.
        let message = escaped_lines(&self.message);
        // Where stderr is gone there is nobody left to tell.
        let _ = writeln!(stderr, "{red}error{red:#}: {message}");
        drop(stderr);
        if let Some(hint) = &self.hint {
            print_hint(hint);
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl From<waxseal_registry::Error> for Failure {
    fn from(error: waxseal_registry::Error) -> Self {
        Self::new(&error).maybe_hint(error.hint())
    }
}

/// Writes what to do next to stderr.
pub(crate) fn print_hint(hint: &str) {
    let hint = escaped_lines(hint);
    let _ = writeln!(anstream::stderr().lock(), "{HINT}hint{HINT:#}: {hint}");
}

/// Says that a panic is a bug, in place of Rust's own words.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map(|l| format!(" at {}:{}", l.file(), l.line()));
        let words = info.payload_as_str().unwrap_or("no message");
        let mut stderr = anstream::stderr().lock();
        let _ = writeln!(
            stderr,
            "error: internal error{}: {words}\nhint: this is a bug in waxseal {}; please report it",
            place.unwrap_or_default(),
            env!("CARGO_PKG_VERSION"),
        );
    }));
}

const HINT: anstyle::Style = anstyle::AnsiColor::Cyan.on_default().bold();
