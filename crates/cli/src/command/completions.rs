//! `waxseal completions SHELL`

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::command::Cli;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;

/// Print the completions for a shell
#[derive(clap::Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "waxseal", &mut script);
        context.print_bytes(&script)?;
        Ok(Exit::Ok)
    }
}
