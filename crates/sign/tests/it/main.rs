//! Keys in every form, key files, and what is signed with them.

#![expect(clippy::unwrap_used, reason = "a test")]

mod files;
mod keys;

use std::path::PathBuf;

use waxseal_sign::{KeyError, KeyFile, Password, PrivateKey};

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/keys")
        .join(name);
    std::fs::read(path).unwrap()
}

fn password() -> Password {
    Password::new(b"correct horse".to_vec())
}

fn open(name: &str) -> Result<PrivateKey, KeyError> {
    KeyFile::parse(&fixture(name))?.open(Some(&password()))
}
