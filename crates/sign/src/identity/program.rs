//! Tokens that a program prints.

use std::process::Stdio;

use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStderr, Command};
use zeroize::Zeroizing;

use crate::service::said;
use crate::{IdentityError, IdentityToken, limits};

/// Runs a program and takes what it prints for a token. What it says on stderr
/// is shown where it fails, without what may be a token in it.
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
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| refused(format!("cannot run `{program}`: {e}")))?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(refused(format!("`{program}` has no output")));
    };
    let mut text = Zeroizing::new(String::with_capacity(limits::TOKEN_BYTES + 2));
    let limit = u64::try_from(limits::TOKEN_BYTES).unwrap_or(u64::MAX) + 1;
    let mut words = Zeroizing::new(Vec::new());
    let run = async {
        let token = async {
            stdout.take(limit).read_to_string(&mut text).await?;
            if text.len() > limits::TOKEN_BYTES {
                child.start_kill()?;
            }
            child.wait().await
        };
        tokio::join!(token, hear(stderr, &mut words)).0
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
        let words = said(&words, &[text.trim()]);
        let colon = if words.is_empty() { "" } else { ": " };
        return Err(refused(format!(
            "`{program}` failed ({status}){colon}{words}"
        )));
    }
    IdentityToken::parse(text)
}

/// Keeps the beginning of what a program says, and hears it out. What goes wrong
/// here is no reason to refuse a token.
async fn hear(stderr: ChildStderr, words: &mut Vec<u8>) {
    let limit = u64::try_from(limits::WORDS_BYTES).unwrap_or(u64::MAX);
    let mut stderr = stderr.take(limit);
    let _ = stderr.read_to_end(words).await;
    let _ = tokio::io::copy(&mut stderr.into_inner(), &mut tokio::io::sink()).await;
}
