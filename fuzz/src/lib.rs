//! What the targets do with the bytes that the fuzzer makes.

use waxseal_oci::Digest;
use waxseal_sbom::{Scanner, Target};

/// Reads a file that is found at a path, and writes what is in it.
pub fn file(path: &str, bytes: &[u8]) {
    let mut scanner = Scanner::new();
    let size = u64::try_from(bytes.len()).expect("a length");
    scanner
        .file(path, size, true, &mut &bytes[..])
        .expect("bytes in memory are read");
    let inventory = scanner.finish();
    let target = Target::folder("fuzz");
    for document in [
        inventory.to_cyclonedx(&target, None),
        inventory.to_spdx(&target, None),
    ] {
        // One that lists nothing is refused as such.
        if !inventory.components.is_empty() {
            waxseal_sbom::detect(&document).expect("what we write, we read");
        }
    }
}

/// Reads a lock file, of which kind the first byte says.
pub fn lock(bytes: &[u8]) {
    if let Some((kind, bytes)) = bytes.split_first() {
        file(LOCKS[usize::from(*kind) % LOCKS.len()], bytes);
    }
}

/// Reads a layer.
pub fn layer(bytes: &[u8]) {
    let mut scanner = Scanner::new();
    let digest = Digest::sha256(bytes);
    if scanner.layer(&digest, &mut &bytes[..]).is_ok() {
        let _found = scanner.finish();
    }
}

/// The lock files, each by its name.
pub const LOCKS: [&str; 11] = [
    "Cargo.lock",
    "Gemfile.lock",
    "Pipfile.lock",
    "composer.lock",
    "go.mod",
    "go.sum",
    "package-lock.json",
    "pnpm-lock.yaml",
    "poetry.lock",
    "requirements.txt",
    "yarn.lock",
];
