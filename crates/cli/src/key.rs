//! The keys that commands are given.

use std::path::{Path, PathBuf};

use waxseal_sign::{FileError, KeyFile, Password, PrivateKey, read_key_file};
use waxseal_verify::PublicKey;

use crate::error::Failure;
use crate::password::{PasswordArgs, PasswordError};

/// The private key to sign with.
#[derive(clap::Args, Debug)]
pub(crate) struct KeyArgs {
    /// The private key: cosign's own format, PKCS#8, SEC1 or PKCS#1 in PEM
    #[arg(short, long, value_name = "FILE")]
    pub(crate) key: PathBuf,

    #[command(flatten)]
    pub(crate) password: PasswordArgs,
}

impl KeyArgs {
    /// Reads the key file and, where it is encrypted, gets its password. What
    /// is left to do takes time and asks nobody.
    pub(crate) fn read(&self) -> Result<LockedKey, Failure> {
        LockedKey::read(&self.key, &self.password)
    }

    /// The key, ready to sign.
    pub(crate) fn open(&self) -> Result<PrivateKey, Failure> {
        self.read()?.open()
    }
}

/// A private key with all that is needed to open it.
pub(crate) struct LockedKey {
    path: PathBuf,
    file: KeyFile,
    password: Option<Password>,
}

impl LockedKey {
    pub(crate) fn read(path: &Path, password: &PasswordArgs) -> Result<Self, Failure> {
        let content = read_key_file(path)?;
        let file = KeyFile::parse(&content).map_err(|e| about(path, e))?;
        let password = file
            .is_encrypted()
            .then(|| password.to_open(path))
            .transpose()?;
        Ok(Self {
            path: path.to_owned(),
            file,
            password,
        })
    }

    /// Opens the key: for an encrypted one a fifth of a second of computing.
    pub(crate) fn open(self) -> Result<PrivateKey, Failure> {
        self.file
            .open(self.password.as_ref())
            .map_err(|e| about(&self.path, e))
    }
}

/// A public key from a PEM file.
pub(crate) fn public_key(path: &Path) -> Result<PublicKey, Failure> {
    let content = std::fs::read(path).map_err(|e| Failure::file("read", path, e))?;
    PublicKey::from_pem(&content).map_err(|e| about(path, e))
}

fn about(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::new(format_args!("the key `{}`: {error}", path.display()))
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let hint = match &error {
            FileError::Exists(_) => Some("choose another --output-prefix".to_owned()),
            FileError::Readable { path, .. } => Some(format!(
                "`chmod 600 {}`, if nobody else has read it",
                path.display()
            )),
            _ => None,
        };
        Self::new(&error).maybe_hint(hint)
    }
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        Self::new(&error).maybe_hint(error.hint())
    }
}
