//! Where the password of a private key comes from: a file, the environment,
//! or somebody at a terminal, in that order.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use waxseal_sign::Password;
use zeroize::Zeroizing;

/// How the password is given.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct PasswordArgs {
    /// Read the key's password from the first line of FILE (`-` is standard input)
    #[arg(
        long,
        value_name = "FILE",
        long_help = "Read the key's password from the first line of FILE (`-` is standard input).\n\
            Without it the password is that of WAXSEAL_PASSWORD or COSIGN_PASSWORD, or is asked \
            for on a terminal."
    )]
    pub(crate) password_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// The password that opens the key in `path`.
    pub(crate) fn to_open(&self, path: &Path) -> Result<Password, PasswordError> {
        if let Some(known) = self.without_asking()? {
            return Ok(known);
        }
        ask(&format!("password of {}: ", path.display()))
    }

    /// The password that a new key gets; asked for twice, lest it be mistyped.
    pub(crate) fn for_new_key(&self) -> Result<Password, PasswordError> {
        if let Some(known) = self.without_asking()? {
            return Ok(known);
        }
        let first = ask("new password of the private key: ")?;
        if first.is_empty() {
            return Err(PasswordError::Empty);
        }
        if !first.matches(&ask("the same password again: ")?) {
            return Err(PasswordError::Mistyped);
        }
        Ok(first)
    }

    fn without_asking(&self) -> Result<Option<Password>, PasswordError> {
        if let Some(path) = &self.password_file {
            return from_file(path).map(Some);
        }
        // An empty password that was given is a password that was given.
        let given = VARIABLES.iter().find_map(env::var_os);
        Ok(given.map(|text| Password::new(text.into_encoded_bytes())))
    }
}

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Nothing was typed for a new key.
    #[error("an empty password protects nothing")]
    Empty,
    /// The file cannot be read.
    #[error("cannot read the password from `{path}`: {cause}")]
    File { path: PathBuf, cause: io::Error },
    /// The two that were typed differ.
    #[error("the two passwords differ")]
    Mistyped,
    /// There is nobody to ask.
    #[error("the private key needs a password, and there is no terminal to ask for it")]
    NoTerminal,
    /// Asking failed.
    #[error("cannot ask for the password: {0}")]
    Terminal(io::Error),
    /// The file is no password file.
    #[error("the first line of `{0}` is longer than {LIMIT} bytes, too long for a password")]
    TooLong(PathBuf),
}

impl PasswordError {
    /// What to do next.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoTerminal | Self::Empty => {
                Some("set WAXSEAL_PASSWORD, or give --password-file FILE")
            }
            _ => None,
        }
    }
}

fn from_file(path: &Path) -> Result<Password, PasswordError> {
    let failed = |cause| PasswordError::File {
        path: path.to_owned(),
        cause,
    };
    let mut content = Zeroizing::new(Vec::with_capacity(LIMIT + 1));
    let limit = u64::try_from(LIMIT).unwrap_or(u64::MAX) + 1;
    if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(limit)
            .read_to_end(&mut content)
            .map_err(failed)?;
    } else {
        File::open(path)
            .and_then(|file| file.take(limit).read_to_end(&mut content))
            .map_err(failed)?;
    }
    let line = content.split(|b| *b == b'\n').next().unwrap_or_default();
    if line.len() > LIMIT {
        return Err(PasswordError::TooLong(path.to_owned()));
    }
    Ok(Password::new(
        line.strip_suffix(b"\r").unwrap_or(line).to_vec(),
    ))
}

fn ask(prompt: &str) -> Result<Password, PasswordError> {
    // Where output and input are both redirected, nobody would see the question.
    if !io::stdin().is_terminal() && !io::stderr().is_terminal() {
        return Err(PasswordError::NoTerminal);
    }
    rpassword::prompt_password(prompt)
        .map(Password::from)
        .map_err(PasswordError::Terminal)
}

const VARIABLES: [&str; 2] = ["WAXSEAL_PASSWORD", "COSIGN_PASSWORD"];
const LIMIT: usize = 4096;
