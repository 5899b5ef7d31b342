//! `waxseal keygen`

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueEnum;
use waxseal_sign::{FileError, PrivateKey, write_key_pair};
use waxseal_verify::KeyAlgorithm;

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::password::PasswordArgs;

/// Make a key pair to sign with
///
/// Writes PREFIX.key, encrypted in cosign's own format, and PREFIX.pub. Neither
/// is written over a file that is there.
#[derive(clap::Args, Debug)]
pub(crate) struct Keygen {
    /// The kind of key
    #[arg(long, value_name = "ALGORITHM", default_value = "p256")]
    algorithm: Algorithm,

    #[command(flatten)]
    files: PairArgs,

    #[command(flatten)]
    password: PasswordArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Algorithm {
    /// ECDSA on P-256
    P256,
    /// ECDSA on P-384
    P384,
    /// Ed25519
    Ed25519,
    /// RSA with 3072 bits
    #[value(name = "rsa-3072")]
    Rsa3072,
    /// RSA with 4096 bits
    #[value(name = "rsa-4096")]
    Rsa4096,
}

impl Keygen {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let algorithm = match self.algorithm {
            Algorithm::P256 => KeyAlgorithm::EcdsaP256,
            Algorithm::P384 => KeyAlgorithm::EcdsaP384,
            Algorithm::Ed25519 => KeyAlgorithm::Ed25519,
            Algorithm::Rsa3072 => KeyAlgorithm::Rsa { bits: 3072 },
            Algorithm::Rsa4096 => KeyAlgorithm::Rsa { bits: 4096 },
        };
        self.files.check()?;
        let password = self.password.for_new_key()?;
        let key = PrivateKey::generate(algorithm).map_err(Failure::new)?;
        let encrypted = key.to_encrypted_pem(&password).map_err(Failure::new)?;
        self.files.write(context, &encrypted, &key)
    }
}

/// Where a new pair of keys goes.
#[derive(clap::Args, Debug)]
pub(crate) struct PairArgs {
    /// Write PREFIX.key and PREFIX.pub
    #[arg(
        long,
        alias = "output-key-prefix",
        value_name = "PREFIX",
        default_value = "waxseal"
    )]
    output_prefix: OsString,
}

impl PairArgs {
    /// Refuses early where one of the files is there, before anybody types a password.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        for path in [self.path("key"), self.path("pub")] {
            if path.symlink_metadata().is_ok() {
                return Err(FileError::Exists(path).into());
            }
        }
        Ok(())
    }

    pub(crate) fn write(
        &self,
        context: &Context,
        encrypted: &str,
        key: &PrivateKey,
    ) -> Result<Exit, Failure> {
        let (private, public) = (self.path("key"), self.path("pub"));
        write_key_pair((&private, encrypted), (&public, &key.public_key().to_pem()))?;
        context.print(format_args!(
            "{}\n{}\n",
            private.display(),
            public.display()
        ))?;
        context.note(format_args!(
            "the key's identifier is {}",
            key.public_key().id()
        ));
        Ok(Exit::Ok)
    }

    fn path(&self, extension: &str) -> PathBuf {
        // `with_extension` would take `release-1.2` for a name with an extension.
        let mut path = self.output_prefix.clone();
        path.push(".");
        path.push(extension);
        PathBuf::from(path)
    }
}
