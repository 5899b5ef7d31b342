//! `waxseal capture`

use std::path::PathBuf;

use waxseal_gate::{Extent, capture};

use crate::context::{Context, Output};
use crate::error::Failure;
use crate::exit::Exit;
use crate::policy_args::PolicyArgs;
use crate::store::reference;
use crate::verdict;

/// Verify an image and keep every byte that the verdict rests on
///
/// The file is an OCI image layout: a `.tar` file, else a folder. It holds the policies,
/// public keys and trust root too, so that `waxseal replay FILE` gives the same verdict
/// without a network. The exit code is that of the verdict; a refusal is kept as well.
#[derive(clap::Args, Debug)]
pub(crate) struct Capture {
    /// The image: REPOSITORY[:TAG][@DIGEST]
    #[arg(value_name = "IMAGE")]
    image: String,

    /// Where to keep it: FILE.tar, or a folder that is not there yet
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Keep all evidence, also what these policies do not ask for
    #[arg(long)]
    everything: bool,

    /// How to write the verdict
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Output,

    #[command(flatten)]
    trust: PolicyArgs,
}

impl Capture {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let image = reference(&self.image)?;
        let set = self.trust.policies(context)?;
        let options = self.trust.options()?;
        let extent = match self.everything {
            true => Extent::Everything,
            false => Extent::Verdict,
        };
        let (client, now) = (context.client()?, context.now());
        let work = capture(client, &image, &set, &options, now, extent, &self.output);
        let captured = context.block_on(work)?.map_err(Failure::new)?;
        verdict::warn(context, &captured.decision);
        verdict::print_one(context, &captured.decision, self.format)?;
        context.note(format_args!(
            "kept {} pieces of content ({} bytes) in {}, evidence {}",
            captured.contents,
            captured.bytes,
            self.output.display(),
            captured.manifest
        ));
        Ok(verdict::exit([&captured.decision].into_iter()))
    }
}
