//! What is measured inside of a process: this program again, with a word by
//! which it knows.

mod again;
mod floor;
mod layers;
mod many;
mod probe;

use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

/// The word.
pub(crate) const WORD: &str = "--inside";

/// Does what the arguments say, in the folder that this process is in.
pub(crate) fn run(words: &[String]) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words {
        ["probe", folder, person, issuer] => probe::run(folder, person, issuer),
        ["ours", threads] => many::ours(threads.parse().expect("a number")),
        ["crate", _] => many::theirs(),
        ["beside", kind] => many::beside(kind),
        ["again"] => again::run(),
        ["layers", folder, what] => layers::run(folder, what),
        _ => panic!("what is {words:?}?"),
    }
}

/// How often each measurement is made; the median counts.
const ROUNDS: usize = 7;

/// Runs `work`, which does something `count` times, and prints what one takes.
fn measure(count: usize, mut work: impl FnMut()) {
    // The first round warms the caches.
    work();
    let mut rounds: Vec<Account> = (0..ROUNDS)
        .map(|_| {
            let mut round = Account::default();
            round.add(&mut work);
            round
        })
        .collect();
    rounds.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    println!("{}", rounds[ROUNDS / 2].each(count));
}

/// Microseconds that were spent.
#[derive(Default)]
struct Account {
    cpu: f64,
    wall: f64,
}

impl Account {
    fn add(&mut self, work: impl FnOnce()) {
        let (cpu, start) = (processor(), Instant::now());
        work();
        self.wall += start.elapsed().as_secs_f64() * 1e6;
        self.cpu += processor() - cpu;
    }

    /// What one of so many took.
    fn each(&self, count: usize) -> Value {
        let count = f64::from(u32::try_from(count).expect("not so many"));
        json!({ "cpu": self.cpu / count, "wall": self.wall / count })
    }
}

/// The processor time of this process so far, in microseconds.
fn processor() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("an account of this process");
    let microseconds = |t: nix::sys::time::TimeVal| {
        f64::from(i32::try_from(t.tv_sec()).unwrap_or_default()) * 1e6
            + f64::from(i32::try_from(t.tv_usec()).unwrap_or_default())
    };
    microseconds(usage.user_time()) + microseconds(usage.system_time())
}
