//! The commands, one file each.
//!
//! A command is a `clap::Args` struct with `run(self, &Context)`. Results go to
//! stdout through the context, everything else to stderr.

mod attest;
mod attest_blob;
mod capture;
mod completions;
mod copy;
mod import_key;
mod keygen;
mod load;
mod man;
mod policy;
mod public_key;
mod replay;
mod save;
mod sign;
pub(crate) mod sign_blob;
mod tree;
mod verify;
mod verify_blob;

use clap::{Parser, Subcommand};

use crate::context::{Context, GlobalArgs};
use crate::error::Failure;
use crate::exit::{self, Exit};

/// Sign, attest, verify and move container images and blobs.
#[derive(Parser, Debug)]
#[command(
    name = "waxseal",
    version,
    after_help = exit::HELP,
    max_term_width = 100,
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = false,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

// Alphabetical, here and in `run`.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Attest(attest::Attest),
    AttestBlob(attest_blob::AttestBlob),
    Capture(capture::Capture),
    Completions(completions::Completions),
    Copy(copy::Copy),
    ImportKey(import_key::ImportKey),
    Keygen(keygen::Keygen),
    Load(load::Load),
    Man(man::Man),
    Policy(policy::Policy),
    PublicKey(public_key::PublicKey),
    Replay(replay::Replay),
    Save(save::Save),
    Sign(sign::Sign),
    SignBlob(sign_blob::SignBlob),
    Tree(tree::Tree),
    Verify(verify::Verify),
    VerifyBlob(verify_blob::VerifyBlob),
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        match self {
            Self::Attest(command) => command.run(context),
            Self::AttestBlob(command) => command.run(context),
            Self::Capture(command) => command.run(context),
            Self::Completions(command) => command.run(context),
            Self::Copy(command) => command.run(context),
            Self::ImportKey(command) => command.run(context),
            Self::Keygen(command) => command.run(context),
            Self::Load(command) => command.run(context),
            Self::Man(command) => command.run(context),
            Self::Policy(command) => command.run(context),
            Self::PublicKey(command) => command.run(context),
            Self::Replay(command) => command.run(context),
            Self::Save(command) => command.run(context),
            Self::Sign(command) => command.run(context),
            Self::SignBlob(command) => command.run(context),
            Self::Tree(command) => command.run(context),
            Self::Verify(command) => command.run(context),
            Self::VerifyBlob(command) => command.run(context),
        }
    }
}
