//! `waxseal sbom`: what is in an image, and whether an SBOM says so.

mod diff;
mod list;
mod verify;

use clap::Subcommand;

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;

/// List the packages in an image, as an SBOM
///
/// Looks into every layer, uppermost first, without unpacking anything: packages
/// of dpkg, apk and rpm, Python, Node, Ruby, PHP, Java and .NET, Go programs, Rust
/// programs built with `cargo auditable`, and lock files. What is known and cannot be
/// read is in the document and on stderr. The same image gives the same bytes; the time of the
/// document is that of SOURCE_DATE_EPOCH, if it is set.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Sbom {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    list: list::List,
}

#[derive(Subcommand, Debug)]
enum Command {
    Diff(diff::Diff),
    Verify(Box<verify::Verify>),
}

impl Sbom {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        match self.command {
            None => self.list.run(context),
            Some(Command::Diff(command)) => command.run(context),
            Some(Command::Verify(command)) => command.run(context),
        }
    }
}
