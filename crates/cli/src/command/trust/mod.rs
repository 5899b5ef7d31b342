//! `waxseal trust`

mod create;
mod pin;
mod show;
mod update;

use clap::Subcommand;

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;

/// Show, renew, pin and make trust roots
///
/// A trust root says which certificate authorities, logs and timestamp authorities are
/// trusted. Named ones are kept in WAXSEAL_TRUST_DIR, else in the user's data folder;
/// `--trust-root NAME` uses them. `sigstore`, `github` and `sigstore-staging` come with
/// the program.
#[derive(clap::Args, Debug)]
pub(crate) struct Trust {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Create(create::Create),
    Pin(pin::Pin),
    Show(show::Show),
    Update(update::Update),
}

impl Trust {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        match self.command {
            Command::Create(create) => create.run(context),
            Command::Pin(pin) => pin.run(context),
            Command::Show(show) => show.run(context),
            Command::Update(update) => update.run(context),
        }
    }
}

const VERSION: &str = "waxseal.dev/v1alpha1";
