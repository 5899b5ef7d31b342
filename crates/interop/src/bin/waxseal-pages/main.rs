//! Our report in a real browser: pages about images of an embedded registry,
//! signed by a private Sigstore in the process, are written by the program and
//! opened in headless Chromium by `.ci/report/browse.mjs`, which clicks and
//! types its way through them.
//!
//! `just report-browser` fetches what that takes and runs it;
//! `just report-browser --screenshot docs/report.png` also takes the picture that
//! the documentation shows.

#![expect(
    clippy::expect_used,
    reason = "a driver of outside programs that cannot go on has failed"
)]

mod image;
mod pages;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().expect("the workspace");
    let folder = tempfile::tempdir().expect("a folder");
    pages::write(&root, &binaries(&root), folder.path());
    let status = Command::new("node")
        .arg(root.join(".peers/report/browse.mjs"))
        .arg(folder.path())
        .args(std::env::args().skip(1))
        .current_dir(&root)
        .status()
        .expect("node runs");
    match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// The folder of our binaries: `WAXSEAL_BIN_DIR`, else they are built.
fn binaries(root: &Path) -> PathBuf {
    if let Some(folder) = std::env::var_os("WAXSEAL_BIN_DIR") {
        return PathBuf::from(folder);
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let built = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--release", "--quiet", "--locked", "--offline"])
        .args(["-p", "waxseal-cli"])
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the program does not build");
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), PathBuf::from)
        .join("release")
}
