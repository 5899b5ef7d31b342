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

mod with;

use clap::{Parser, Subcommand};

use crate::command::with::With;
use crate::context::GlobalArgs;
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
    disable_help_subcommand = true,
    mut_args = |arg: clap::Arg| arg.global(false)
)]
pub(crate) struct Cli {
    /// Those before the name of the command; each command takes them too.
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        self.command.run(self.global)
    }
}

// Alphabetical, here and in `run`. A command's options are built only when it is
// asked for, so its line in the list stands here; a test holds it to the command's own.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum Command {
    /// Sign a statement about an image, such as its SBOM
    Attest(With<attest::Attest>),
    /// Sign a statement about a file
    AttestBlob(With<attest_blob::AttestBlob>),
    /// Verify an image and keep every byte that the verdict rests on
    Capture(With<capture::Capture>),
    /// Print the completions for a shell
    Completions(With<completions::Completions>),
    /// Copy an image with everything that is attached to it
    Copy(With<copy::Copy>),
    /// Encrypt a private key that was made elsewhere
    ImportKey(With<import_key::ImportKey>),
    /// Make a key pair to sign with
    Keygen(With<keygen::Keygen>),
    /// Push an image from an OCI image layout, with everything that is attached to it
    Load(With<load::Load>),
    /// Print a manual page, or write all of them
    Man(With<man::Man>),
    /// Check, test and explain policy files
    Policy(With<policy::Policy>),
    /// Print the public half of a private key
    PublicKey(With<public_key::PublicKey>),
    /// Attest an image's SBOMs and provenance, and sign it, in one go
    Release(With<release::Release>),
    /// Give a verdict again from an evidence file, without a network
    Replay(With<replay::Replay>),
    /// Write a page about an image: its verdict, its signers, what is in it
    Report(With<report::Report>),
    /// Write an image with everything that is attached to it to an OCI image layout
    Save(With<save::Save>),
    /// List the packages in an image, as an SBOM
    Sbom(With<sbom::Sbom>),
    /// Sign images
    Sign(With<sign::Sign>),
    /// Sign a file
    SignBlob(With<sign_blob::SignBlob>),
    /// Show everything that is attached to an image
    Tree(With<tree::Tree>),
    /// Show, renew, pin and make trust roots
    Trust(With<trust::Trust>),
    /// Verify images in a registry
    Verify(With<verify::Verify>),
    /// Verify a file against its bundle
    VerifyBlob(With<verify_blob::VerifyBlob>),
}

impl Command {
    fn run(self, before: GlobalArgs) -> Result<Exit, Failure> {
        match self {
            Self::Attest(with) => with.run(before, attest::Attest::run),
            Self::AttestBlob(with) => with.run(before, attest_blob::AttestBlob::run),
            Self::Capture(with) => with.run(before, capture::Capture::run),
            Self::Completions(with) => with.run(before, completions::Completions::run),
            Self::Copy(with) => with.run(before, copy::Copy::run),
            Self::ImportKey(with) => with.run(before, import_key::ImportKey::run),
            Self::Keygen(with) => with.run(before, keygen::Keygen::run),
            Self::Load(with) => with.run(before, load::Load::run),
            Self::Man(with) => with.run(before, man::Man::run),
            Self::Policy(with) => with.run(before, policy::Policy::run),
            Self::PublicKey(with) => with.run(before, public_key::PublicKey::run),
            Self::Release(with) => with.run(before, release::Release::run),
            Self::Replay(with) => with.run(before, replay::Replay::run),
            Self::Report(with) => with.run(before, report::Report::run),
            Self::Save(with) => with.run(before, save::Save::run),
            Self::Sbom(with) => with.run(before, sbom::Sbom::run),
            Self::Sign(with) => with.run(before, sign::Sign::run),
            Self::SignBlob(with) => with.run(before, sign_blob::SignBlob::run),
            Self::Tree(with) => with.run(before, tree::Tree::run),
            Self::Trust(with) => with.run(before, trust::Trust::run),
            Self::Verify(with) => with.run(before, verify::Verify::run),
            Self::VerifyBlob(with) => with.run(before, verify_blob::VerifyBlob::run),
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
