//! One command, measured by the operating system's account of it.
//!
//! The account is of all children of a process, so each command is run by a
//! process of its own: this program again, which prints what it was told.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};

/// The word by which this program knows that it is to run one command.
pub(crate) const CHILD: &str = "--measure-one";

/// What one run took.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// Processor time, user and system, in milliseconds.
    pub(crate) cpu: f64,
    /// Wall time in milliseconds.
    pub(crate) wall: f64,
    /// Peak memory in MiB.
    pub(crate) memory: f64,
    /// The exit code.
    pub(crate) code: i32,
}

/// Runs `program` with `words` in `folder` and accounts for it.
pub(crate) fn run(program: &Path, words: &[String], folder: &Path) -> Cost {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .arg(CHILD)
        .arg(program)
        .args(words)
        .current_dir(folder)
        .env("COSIGN_PASSWORD", crate::stage::PASSWORD)
        .env("HOME", folder)
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this program again");
    let mut text = String::new();
    child
        .stdout
        .take()
        .expect("a pipe")
        .read_to_string(&mut text)
        .expect("its answer");
    child.wait().expect("its end");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}: {text}", program.display()))
}

/// Runs the command in the arguments and prints what it took.
pub(crate) fn child(args: &[String]) {
    let start = Instant::now();
    let status = Command::new(&args[0])
        .args(&args[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let wall = start.elapsed().as_secs_f64() * 1_000.0;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("an account of the child");
    let milliseconds = |t: nix::sys::time::TimeVal| {
        f64::from(i32::try_from(t.tv_sec()).unwrap_or_default()) * 1_000.0
            + f64::from(i32::try_from(t.tv_usec()).unwrap_or_default()) / 1_000.0
    };
    let cost = Cost {
        cpu: milliseconds(usage.user_time()) + milliseconds(usage.system_time()),
        wall,
        memory: f64::from(i32::try_from(usage.max_rss()).unwrap_or(i32::MAX)) / 1_024.0,
        code: status.ok().and_then(|s| s.code()).unwrap_or(-1),
    };
    println!("{}", serde_json::to_string(&cost).expect("numbers"));
}
