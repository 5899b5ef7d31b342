//! `waxseal`: sign, attest, verify and move container images and blobs.
//!
//! `main` parses the command line, runs one command and turns its result into
//! an exit code; everything else is in the command's own file.

#![expect(
    rustdoc::broken_intra_doc_links,
    reason = "the comments of arguments are their help texts: `[:TAG]` is no link"
)]

mod claim_args;
mod command;
mod consent;
mod context;
mod cosign_args;
mod error;
mod exit;
mod expected;
mod foreign;
mod generated;
mod identity_args;
mod inventory;
mod key;
mod ledger;
mod out_file;
mod password;
mod policy_args;
mod predicate;
mod predicate_out;
mod provenance;
mod publisher;
mod report;
mod service_args;
mod sign_in;
mod signer;
mod statement;
mod store;
mod trust_args;
mod verdict;
mod workflow_args;
mod workloads;

use std::process::ExitCode;
use std::{env, mem, panic};

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::command::Cli;
use crate::exit::Exit;

fn main() -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A reader that has gone away does not want the help.
            let _ = error.print();
            if let Some(hint) = foreign::hint(&error) {
                error::print_hint(hint);
            }
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Ok.into()
            };
        }
    };
    error::report_panics();
    let ran = panic::catch_unwind(panic::AssertUnwindSafe(|| cli.run()));
    match ran {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(failure)) => {
            failure.print();
            failure.exit().into()
        }
        Err(_) => Exit::Failed.into(),
    }
}

fn parse() -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let parsed = command
        .try_get_matches_from_mut(env::args_os())
        .and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches))
        .map_err(|error| error.format(&mut command));
    // Taking the description of every option apart costs as much as a request
    // to a registry, and the process ends soon anyway.
    mem::forget(command);
    parsed
}
