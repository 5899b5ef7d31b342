//! The program `waxseal-admission`: reads the command line, runs, maps the
//! result to an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use waxseal_admission::args::Cli;
use waxseal_admission::run;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => run::run(cli),
        Err(error) => {
            // Nothing can be said where even this cannot be printed.
            let _ = error.print();
            if error.use_stderr() {
                ExitCode::from(run::USAGE)
            } else {
                ExitCode::SUCCESS
            }
        }
    }
}
