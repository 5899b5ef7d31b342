//! `waxseal` behind the command line that Sigstore's conformance suite
//! (sigstore/sigstore-conformance) drives: `sign-bundle` and `verify-bundle`.
//! It says the same in the words of `waxseal`, and runs that.
//!
//! `waxseal-conformance run FOLDER` runs the suite's verification cases over that
//! command line, each as the suite does: with the file, and with its digest.
//! `just conformance` finds or fetches them.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a driver for tests prints its table, and says why it was refused"
)]

mod client;
mod suite;
#[path = "../../table.rs"]
mod table;
mod words;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use crate::words::Words;

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let done = match given.split_first() {
        Some((command, rest)) => run(command, rest),
        None => Err(USAGE.into()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("waxseal-conformance: {error}");
        ExitCode::FAILURE
    })
}

fn run(command: &str, rest: &[String]) -> Result<ExitCode, Failure> {
    match (command, rest) {
        ("run", [folder]) => suite::run(Path::new(folder)),
        ("sign-bundle", rest) => client::sign(&Words::read(rest)?),
        ("verify-bundle", rest) => client::verify(&Words::read(rest)?),
        _ => Err(USAGE.into()),
    }
}

const USAGE: &str = "give sign-bundle, verify-bundle or run FOLDER";
