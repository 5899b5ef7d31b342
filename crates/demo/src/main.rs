//! The narrated tour: an embedded registry, the two real binaries, and every
//! step of the main job, with what they print. Exits 0 if every step went as
//! it should, the refusals included.

#![expect(clippy::print_stdout, reason = "the narration is the product")]
#![expect(
    clippy::indexing_slicing,
    reason = "a missing member of a JSON value is null"
)]

mod forgery;
mod image;
mod stage;
mod steps;
mod webhook;

use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    println!("Waxseal, from a key to an admitted Pod.");
    let toured = stage::Stage::set().and_then(|stage| {
        let start = Instant::now();
        steps::run(stage).map(|()| start.elapsed())
    });
    match toured {
        Ok(took) => {
            let seconds = took.as_secs_f64();
            println!("\nEvery step went as it should, in {seconds:.1} s.");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("\nThe tour stopped: {reason}");
            ExitCode::FAILURE
        }
    }
}
