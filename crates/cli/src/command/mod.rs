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
pub(crate) mod release;
mod replay;
mod report;
mod save;
mod sbom;
mod sign;
pub(crate) mod sign_blob;
mod tree;
mod trust;
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

// Alphabetical, here and in `run`. A command's options are built only when it is
// asked for, so its line in the list stands here; a test holds it to the command's own.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Sign a statement about an image, such as its SBOM
    Attest(attest::Attest),
    /// Sign a statement about a file
    AttestBlob(attest_blob::AttestBlob),
    /// Verify an image and keep every byte that the verdict rests on
    Capture(capture::Capture),
    /// Print the completions for a shell
    Completions(completions::Completions),
    /// Copy an image with everything that is attached to it
    Copy(copy::Copy),
    /// Encrypt a private key that was made elsewhere
    ImportKey(import_key::ImportKey),
    /// Make a key pair to sign with
    Keygen(keygen::Keygen),
    /// Push an image from an OCI image layout, with everything that is attached to it
    Load(load::Load),
    /// Print a manual page, or write all of them
    Man(man::Man),
    /// Check, test and explain policy files
    Policy(policy::Policy),
    /// Print the public half of a private key
    PublicKey(public_key::PublicKey),
    /// Attest an image's SBOMs and provenance, and sign it, in one go
    Release(release::Release),
    /// Give a verdict again from an evidence file, without a network
    Replay(replay::Replay),
    /// Write a page about an image: its verdict, its signers, what is in it
    Report(report::Report),
    /// Write an image with everything that is attached to it to an OCI image layout
    Save(save::Save),
    /// List the packages in an image, as an SBOM
    Sbom(sbom::Sbom),
    /// Sign images
    Sign(sign::Sign),
    /// Sign a file
    SignBlob(sign_blob::SignBlob),
    /// Show everything that is attached to an image
    Tree(tree::Tree),
    /// Show, renew, pin and make trust roots
    Trust(trust::Trust),
    /// Verify images in a registry
    Verify(verify::Verify),
    /// Verify a file against its bundle
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
            Self::Release(command) => command.run(context),
            Self::Replay(command) => command.run(context),
            Self::Report(command) => command.run(context),
            Self::Save(command) => command.run(context),
            Self::Sbom(command) => command.run(context),
            Self::Sign(command) => command.run(context),
            Self::SignBlob(command) => command.run(context),
            Self::Tree(command) => command.run(context),
            Self::Trust(command) => command.run(context),
            Self::Verify(command) => command.run(context),
            Self::VerifyBlob(command) => command.run(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_list_says_of_a_command_what_its_own_help_says() {
        let listed = Cli::command();
        let mut built = listed.clone();
        built.build();
        for command in listed.get_subcommands() {
            let own = built
                .find_subcommand(command.get_name())
                .and_then(|own| own.get_about());
            assert!(own.is_some(), "{}", command.get_name());
            assert_eq!(
                command.get_about().map(ToString::to_string),
                own.map(ToString::to_string),
                "{}",
                command.get_name()
            );
        }
    }

    #[test]
    fn every_command_is_well_formed() {
        Cli::command().debug_assert();
    }
}
