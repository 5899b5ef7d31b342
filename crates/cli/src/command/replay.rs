//! `waxseal replay`

use std::path::PathBuf;

use waxseal_gate::{PolicySet, replay};

use crate::context::{Context, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::policy_args::refuse;
use crate::trust_args::TrustRootArgs;
use crate::verdict;

/// Give a verdict again from an evidence file, without a network
///
/// Signatures are verified again and content is checked against its digests; the time is
/// that of the capture. Which policies were in force and what the registry listed, the
/// file says: whoever made it could have chosen. With --policy yours take their place.
#[derive(clap::Args, Debug)]
pub(crate) struct Replay {
    /// What `waxseal capture` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Decide by these policies instead of those in the file (repeatable)
    #[arg(short, long = "policy", value_name = "FILE")]
    policies: Vec<PathBuf>,

    #[command(flatten)]
    root: TrustRootArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Replay {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let other = match self.policies.as_slice() {
            [] if self.root.given() => {
                return Err(Failure::usage(format_args!(
                    "{} goes with --policy: the file has the trust root of its own policies",
                    self.root.flag()
                )));
            }
            [] => None,
            paths => {
                let roots = |name: &str| self.root.of_policy(context, name);
                let set = PolicySet::load_with(paths, &roots).map_err(refuse)?;
                Some(self.root.join(context, set)?)
            }
        };
        let work = replay(&self.file, other.as_ref());
        let replayed = context.block_on(work)?.map_err(Failure::new)?;
        if other.is_none() && !replayed.is_same() {
            context.warn("the verdict is not, in every detail, the one that was recorded");
        }
        verdict::warn(context, &replayed.decision);
        verdict::print_one(context, &replayed.decision, self.output.output)?;
        context.note(format_args!(
            "as of {}, from {}",
            replayed.decision.time,
            self.file.display()
        ));
        Ok(verdict::exit([&replayed.decision].into_iter()))
    }
}
