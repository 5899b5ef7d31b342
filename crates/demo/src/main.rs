//! The narrated tour: an embedded registry, the two real binaries, and every
//! step of the main job, with what they print. Exits 0 if every step went as
//! it should, the refusals included.

#![expect(clippy::print_stdout, reason = "the narration is the product")]
#![expect(
    clippy::indexing_slicing,
    reason = "a missing member of a JSON value is null"
)]

mod image;
mod stage;
mod steps;
mod webhook;

use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let start = Instant::now();
    match steps::run() {
        Ok(()) => {
            println!(
                "\nEvery step went as it should, in {:.1} s.",
                start.elapsed().as_secs_f64()
            );
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("\nThe tour stopped: {reason}");
            ExitCode::FAILURE
        }
    }
}
