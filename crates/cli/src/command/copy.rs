//! `waxseal copy`

use crate::context::{Context, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::ledger;
use crate::store::reference;

/// Copy an image with everything that is attached to it
///
/// Its index and platforms, all referrers and theirs, and cosign's tags. What the target
/// has of its own is kept, and everything that was written is read back.
#[derive(clap::Args, Debug)]
pub(crate) struct Copy {
    /// The image to copy
    #[arg(value_name = "SOURCE")]
    source: String,

    /// Where to: REPOSITORY[:TAG]
    #[arg(value_name = "TARGET")]
    target: String,

    #[command(flatten)]
    output: OutputArgs,
}

impl Copy {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let from = reference(&self.source)?;
        let to = reference(&self.target)?;
        let client = context.client()?;
        let ledger = context.block_on(waxseal_registry::copy(client, &from, client, &to))??;
        let (from, to) = (from.to_string(), to.to_string());
        ledger::print(context, &from, &to, &ledger, self.output.output)?;
        Ok(Exit::Ok)
    }
}
