//! Tokens that a program prints.

use std::process::Stdio;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::{IdentityError, IdentityToken, limits};

/// Runs a program and takes what it prints for a token. What it says on stderr
/// goes to the person.
pub(super) async fn ask(
    provider: &'static str,
    program: &str,
    arguments: &[&str],
) -> Result<IdentityToken, IdentityError> {
    let refused = |reason: String| IdentityError::Refused { provider, reason };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| refused(format!("cannot run `{program}`: {e}")))?;
    let Some(stdout) = child.stdout.take() else {
        return Err(refused(format!("`{program}` has no output")));
    };
    let mut text = Zeroizing::new(String::with_capacity(limits::TOKEN_BYTES + 2));
    let limit = u64::try_from(limits::TOKEN_BYTES).unwrap_or(u64::MAX) + 1;
    let run = async {
        stdout.take(limit).read_to_string(&mut text).await?;
        if text.len() > limits::TOKEN_BYTES {
            child.start_kill()?;
        }
        child.wait().await
    };
    let status = tokio::time::timeout(limits::ATTEMPT, run)
        .await
        .map_err(|_| {
            let after = limits::ATTEMPT.as_secs();
            refused(format!("`{program}` did not end within {after} seconds"))
        })?
        .map_err(|e| refused(format!("cannot read from `{program}`: {e}")))?;
    if text.len() > limits::TOKEN_BYTES {
        return Err(IdentityError::TooLong);
    }
    if !status.success() {
        return Err(refused(format!("`{program}` failed ({status})")));
    }
    IdentityToken::parse(text)
}
