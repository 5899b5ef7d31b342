//! A command together with the flags that every command takes.
//!
//! They stand in each command rather than once above all: clap would copy them
//! into every command there is at each start, and only one of those runs.

use clap::Args;

use crate::context::{Context, GlobalArgs};
use crate::error::Failure;
use crate::exit::Exit;

// The command comes last, and there is no help text here: its own is the last word.
#[derive(clap::Args, Debug)]
pub(super) struct With<C: Args> {
    #[command(flatten)]
    global: GlobalArgs,

    #[command(flatten)]
    command: C,
}

impl<C: Args> With<C> {
    /// Runs the command. `before` are the flags that stood before its name.
    pub(super) fn run(
        self,
        before: GlobalArgs,
        run: impl FnOnce(C, &Context) -> Result<Exit, Failure>,
    ) -> Result<Exit, Failure> {
        run(self.command, &Context::new(before.and(self.global)))
    }
}
