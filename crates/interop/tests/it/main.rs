//! The structure that `docs/architecture.md` promises, held against what cargo
//! and the source files say.

#![expect(clippy::unwrap_used, reason = "a test that cannot run has failed")]

mod edges;
mod files;

use std::path::PathBuf;

/// The workspace's root.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}
