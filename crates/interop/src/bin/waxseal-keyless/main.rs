//! Keyless signing against a real private Sigstore: fulcio, rekor-tiles and
//! timestamp-authority as processes on loopback, with the test kit's OIDC issuer
//! and certificate transparency log. What one signs the others verify: ours,
//! cosign 3, sigstore-python and sigstore-js. What must not verify is refused
//! for its reason. The signing cases of Sigstore's conformance suite run over
//! the suite's command line.
//!
//! `just interop-keyless` fetches the peers and prints the table; it runs in a
//! network of its own, so that nothing reaches a public service.
//! `just sigstore-up FOLDER` starts the services, writes what a client needs to
//! know about them into FOLDER, and waits for the end of its input.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is the product of this program"
)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a driver of outside programs that cannot go on has failed"
)]

mod bundles;
mod conformance;
mod evidence;
mod images;
mod ours;
mod programs;
mod refusals;
mod roots;
mod services;
#[path = "../../table.rs"]
mod table;

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::programs::Programs;
use crate::services::Services;
use crate::table::Table;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().expect("the workspace");
    if words.first().is_some_and(|word| word == "up") {
        let folder = words.get(1).expect("a folder: `up FOLDER`");
        up(&root, &PathBuf::from(folder));
        return ExitCode::SUCCESS;
    }
    if words.first().is_some_and(|word| word == ALONE) {
        words.remove(0);
    } else {
        alone(&words);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let services = Services::start(&root.join(".peers/bin"), folder.path());
    let programs = Programs::new(&root, folder.path(), &services);
    let mut table = Table::new(words);
    bundles::lines(&programs, &mut table);
    images::lines(&programs, &mut table);
    roots::lines(&programs, &services, &mut table);
    refusals::lines(&programs, &services, &mut table);
    conformance::lines(&programs, &services, &mut table);
    if table.finish() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Starts over in a network namespace that has loopback and nothing else.
fn alone(words: &[String]) {
    let own = std::env::current_exe().expect("this program");
    let error = Command::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c"])
        .arg("ip link set lo up && exec \"$0\" \"$@\"")
        .arg(own)
        .arg(ALONE)
        .args(words)
        .exec();
    panic!("cannot run unshare: {error}");
}

/// The word by which this program knows that it is alone.
const ALONE: &str = "--alone";

/// Runs the services until standard input ends.
fn up(root: &std::path::Path, folder: &std::path::Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    let services = Services::start(&root.join(".peers/bin"), folder);
    eprintln!("written into {}:", folder.display());
    eprintln!(
        "  trusted_root.json, signing_config.json, trust_config.json (both, for sigstore-python)"
    );
    eprintln!("  fulcio.pem, tsa.pem, ct.pub, rekor.pub, of which the same is made there by");
    for (n, part) in services.parts().split(" --").enumerate() {
        match n {
            0 => eprintln!("  waxseal trust create -o trust \\\n    {part} \\"),
            n => eprintln!("    --{part}{}", if n < 4 { " \\" } else { "" }),
        }
    }
    eprintln!("a token for dev@example.com comes by the browser flow, or by");
    eprintln!(
        "  curl -H 'authorization: bearer request-token' '{}/actions/token?audience=sigstore'",
        services.issuer()
    );
    eprintln!("the end of standard input stops it");
    println!("{}", services.addresses());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
