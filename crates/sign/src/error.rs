//! What can go wrong with keys, key files and signatures.

use std::io;
use std::path::PathBuf;

use waxseal_verify::KeyAlgorithm;

use crate::{IdentityError, ServiceError};

/// Why a private key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The encrypted key asks for more work or memory than any honest one.
    #[error("the encrypted key asks for {what} {found}, more than the {limit} that are allowed")]
    Cost {
        /// Which parameter of the key derivation.
        what: &'static str,
        /// What the file asks for.
        found: u64,
        /// The most that is done.
        limit: u64,
    },
    /// Random numbers or key generation failed.
    #[error("cannot generate a key: {0}")]
    Generate(&'static str),
    /// The structure inside is not what its label says.
    #[error("the key is malformed: {0}")]
    Malformed(String),
    /// There is no PEM block.
    #[error("the file has no PEM block `-----BEGIN … PRIVATE KEY-----`")]
    NoPem,
    /// The key is encrypted, and no password was given.
    #[error("the key is encrypted and needs a password")]
    PasswordNeeded,
    /// It is a public key.
    #[error("the file holds a public key; signing needs the private one")]
    PublicKey,
    /// There are several private keys.
    #[error("the file holds {0} private keys; only one can be used")]
    Several(usize),
    /// A key of an algorithm that is not used for signing here.
    #[error(
        "unknown kind of key: {0} (known: ECDSA P-256, P-384 and P-521, Ed25519, RSA from 2048 to 8192 bits)"
    )]
    UnknownAlgorithm(String),
    /// A PEM block that is not understood.
    #[error("unknown kind of key file: `{label}`{}", hint(.label))]
    UnknownLabel {
        /// The label of the PEM block.
        label: String,
    },
    /// An encryption that is not understood.
    #[error("the key is encrypted in an unknown way: {0}")]
    UnknownEncryption(String),
    /// The password does not open the key.
    #[error("wrong password for the encrypted key")]
    WrongPassword,
}

fn hint(label: &str) -> &'static str {
    match label {
        "OPENSSH PRIVATE KEY" => " (`ssh-keygen -p -m PKCS8 -f FILE` converts it)",
        "CERTIFICATE" => " (a certificate holds no private key)",
        _ => "",
    }
}

/// Why a key file was not read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A file is already there.
    #[error("`{0}` is already there and is not overwritten")]
    Exists(PathBuf),
    /// The operating system refused.
    #[error("cannot {action} `{path}`: {cause}")]
    Io {
        /// What was to be done.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Others than the owner may read a private key.
    #[error("the private key `{path}` can be read by others than its owner (mode {mode:04o})")]
    Readable {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// No key file is that long.
    #[error("`{path}` is larger than {limit} bytes, too large for a key file")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
}

/// Why something was not signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The certificate is not the one that was asked for.
    #[error("the certificate authority's certificate is not used: {0}")]
    Certificate(String),
    /// The message was not the same when it was read again.
    #[error("the content changed while it was being signed")]
    Changed,
    /// There is no identity to sign with.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The key refused to sign.
    #[error("the key does not sign: {0}")]
    Key(&'static str),
    /// A log does not take what this key signs.
    #[error("the log takes no entry signed with {algorithm:?}: {why}")]
    LogRefusesKey {
        /// The kind of key.
        algorithm: KeyAlgorithm,
        /// What it takes.
        why: &'static str,
    },
    /// Nothing would say when it was signed.
    #[error(
        "a certificate lives some ten minutes: without a log entry and without a timestamp nobody could verify the signature after that"
    )]
    NoTime,
    /// There are no random numbers.
    #[error("there are no random numbers")]
    Random,
    /// The message cannot be read.
    #[error("cannot read what is to be signed: {0}")]
    Read(io::Error),
    /// The message can only be read once, and the key needs to read it again.
    #[error("an Ed25519 key reads the content several times, and it can be read only once")]
    ReadOnce,
    /// A service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The log gives no time, and there is no timestamp authority.
    #[error("Rekor v2 says nothing about the time: a timestamp authority is needed with it")]
    TimestampNeeded,
    /// What was signed does not verify. It was not handed out.
    #[error("the signature just made does not verify, and is thrown away: {0}")]
    Unverified(waxseal_verify::Rejection),
    /// Something could not be put into words.
    #[error("cannot write the {what}: {cause}")]
    Write {
        /// What was being written.
        what: &'static str,
        /// Why not.
        cause: String,
    },
}
