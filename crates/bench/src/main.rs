//! Whole-process measurements of our binary beside cosign 3.1, cosign 2.5 and
//! notation, in one run on one machine: processor time, wall time, peak memory,
//! registry requests and bytes. The commands of one row are run in turn. Before
//! a row is measured, each command that verifies is seen to refuse a wrong key,
//! or an SBOM that leaves something out.
//!
//! `just bench` runs all rows; `--quick` takes three runs instead of seven,
//! `--only B2,B5` takes some rows. B10 and B11 need the clients of
//! Sigstore, which `.ci/sigstore-peers` installs.

#![expect(
    clippy::print_stdout,
    reason = "the table is the product of this program"
)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a driver of outside programs that cannot go on has failed"
)]

mod image;
mod inside;
mod keyless;
mod measure;
mod rows;
mod sbom;
mod stage;
mod table;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|a| a == measure::CHILD) {
        measure::child(&args[1..]);
        return;
    }
    if args.first().is_some_and(|a| a == inside::WORD) {
        inside::run(&args[1..]);
        return;
    }
    let runs = if args.iter().any(|a| a == "--quick") {
        3
    } else {
        7
    };
    let only = args
        .iter()
        .position(|a| a == "--only")
        .and_then(|n| args.get(n + 1))
        .cloned();
    let wanted = |row: &str| {
        only.as_ref()
            .is_none_or(|list| list.split(',').any(|w| w.eq_ignore_ascii_case(row)))
    };
    println!("{}\n", table::machine());
    let stage = stage::Stage::set();
    for (name, row) in rows::ALL {
        if wanted(name) {
            row(&stage, runs);
        }
    }
}
