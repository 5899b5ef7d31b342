//! `waxseal-admission` behind a real kube-apiserver: etcd, the API server, the
//! webhook and an embedded registry as processes on loopback; then the objects
//! of a cluster are created, changed and deleted through the API, and each
//! answer is compared with what it must be.
//!
//! `just cluster` fetches the two servers and runs it.

#![expect(
    clippy::print_stdout,
    reason = "the table is the product of this program"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a driver of outside programs that cannot go on has failed"
)]

mod cases;
mod objects;
mod processes;
mod webhooks;

use std::path::PathBuf;

fn main() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap();
    let failed = cases::run(&root);
    if failed > 0 {
        std::process::exit(1);
    }
}
