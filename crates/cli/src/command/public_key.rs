//! `waxseal public-key`

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::key::KeyArgs;

/// Print the public half of a private key
#[derive(clap::Args, Debug)]
pub(crate) struct PublicKey {
    #[command(flatten)]
    key: KeyArgs,
}

impl PublicKey {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let key = self.key.open()?;
        context.print(key.public_key().to_pem())?;
        Ok(Exit::Ok)
    }
}
