//! Our binary beside cosign 2.5, cosign 3.1, oras and crane, over a registry
//! with the referrers API and one without: theirs verified by ours, ours by
//! theirs, wrong keys refused by both. Prints a table; exits 1 if a line fails.
//!
//! `just interop` fetches the peers and runs it. With words as arguments, only
//! lines that contain one of them are run.

#![expect(
    clippy::print_stdout,
    reason = "the table is the product of this program"
)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a driver of outside programs that cannot go on has failed"
)]

mod blobs;
mod crowd;
mod images;
mod keys;
mod moving;
mod odd;
mod stage;
mod table;

use std::process::ExitCode;

use crate::stage::Stage;
use crate::table::Table;

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let stage = Stage::set();
    let mut table = Table::new(wanted);
    keys::lines(&stage, &mut table);
    images::lines(&stage, &mut table);
    blobs::lines(&stage, &mut table);
    moving::lines(&stage, &mut table);
    odd::lines(&stage, &mut table);
    crowd::lines(&stage, &mut table);
    if table.finish() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
