//! Before something personal is published for ever, the person says yes.

use std::io::{self, BufRead, IsTerminal as _};

use waxseal_sign::{IdentityToken, Services};

use crate::context::Context;
use crate::error::Failure;

/// Asks whoever signs whether their e-mail address may be published. Other
/// identities, of workflows and workloads, are nobody's own.
pub(crate) fn ask(
    context: &Context,
    agreed: bool,
    token: &IdentityToken,
    services: &Services,
) -> Result<(), Failure> {
    let Some(email) = token.email() else {
        return Ok(());
    };
    let words = words(email, services);
    if agreed {
        context.note(words);
        return Ok(());
    }
    if !can_ask() {
        return Err(Failure::usage(format_args!(
            "{words}; there is no terminal to ask whether that is wanted"
        ))
        .hint("--yes agrees to it"));
    }
    context.tell(format_args!("{words}"));
    context.prompt("publish it? [y/N] ");
    if says_yes(&mut io::stdin().lock()) {
        Ok(())
    } else {
        Err(Failure::new(
            "not agreed to: nothing is signed, and nothing published",
        ))
    }
}

/// Whether there is somebody to ask.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn words(email: &str, services: &Services) -> String {
    let email = waxseal_attestation::json::shown(email);
    let mut logs: Vec<String> = services.logs().map(ToString::to_string).collect();
    let certificates = "the certificate transparency log";
    logs.insert(0, certificates.to_owned());
    format!(
        "the e-mail address {email} will be published with the signature, for everybody to see \
         and without a way to take it back, in {}",
        logs.join(", ")
    )
}

/// Whether the next line is a yes.
fn says_yes(from: &mut dyn BufRead) -> bool {
    let mut line = String::new();
    let limited = &mut io::Read::take(from, LINE);
    let read = limited.read_line(&mut line);
    read.is_ok() && matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

const LINE: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for line in ["y\n", "Y\n", "yes\r\n", " Yes "] {
            assert!(says_yes(&mut line.as_bytes()), "{line:?}");
        }
        for line in ["", "\n", "n\n", "no\n", "yep\n", "\ny\n", "\u{ff}"] {
            assert!(!says_yes(&mut line.as_bytes()), "{line:?}");
        }
    }
}
