//! `waxseal import-key`

use std::path::PathBuf;

use crate::command::keygen::PairArgs;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::key::LockedKey;
use crate::password::PasswordArgs;

/// Encrypt a private key that was made elsewhere
///
/// Reads PKCS#8, SEC1 or PKCS#1 in PEM, or cosign's own format, and writes what
/// `waxseal keygen` writes: PREFIX.key, encrypted in cosign's format, and PREFIX.pub.
#[derive(clap::Args, Debug)]
pub(crate) struct ImportKey {
    /// The private key to import
    #[arg(value_name = "FILE", required_unless_present = "key")]
    file: Option<PathBuf>,

    /// The same, as cosign has it
    #[arg(short, long, value_name = "FILE", conflicts_with = "file", hide = true)]
    key: Option<PathBuf>,

    /// Read the password that FILE has now from the first line of this file
    #[arg(long, value_name = "FILE")]
    source_password_file: Option<PathBuf>,

    #[command(flatten)]
    files: PairArgs,

    #[command(flatten)]
    password: PasswordArgs,
}

impl ImportKey {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        self.files.check()?;
        let source = PasswordArgs {
            password_file: self
                .source_password_file
                .or(self.password.password_file.clone()),
        };
        let file = self.file.or(self.key);
        let file = file.ok_or_else(|| Failure::usage("give the private key to import"))?;
        let key = LockedKey::read(&file, &source)?.open()?;
        let password = self.password.for_new_key()?;
        let encrypted = key.to_encrypted_pem(&password).map_err(Failure::new)?;
        self.files.write(context, &encrypted, &key)
    }
}
