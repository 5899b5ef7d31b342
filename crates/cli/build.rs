//! Puts the functions that ordinary runs execute side by side in the release
//! binary, as `layout/TARGET.order` lists them.
//!
//! A short run executes a tenth of the code. Where that tenth is spread over
//! the whole, the system reads and maps the rest along with it: twice the
//! memory, and a third more page faults. `just layout` makes the list anew; a
//! name in it that is no longer there is passed over.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=layout");
    println!("cargo:rerun-if-env-changed={KEEP_NAMES}");
    if env::var_os(KEEP_NAMES).is_some() {
        // The last word about what is stripped.
        println!("cargo:rustc-link-arg-bins=-Wl,--strip-debug");
    }
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let (target, host) = (variable("TARGET"), variable("HOST"));
    let list = Path::new(&variable("CARGO_MANIFEST_DIR"))
        .join("layout")
        .join(format!("{target}.order"));
    if variable("PROFILE") != "release" || target != host || !list.exists() {
        return;
    }
    let order = [
        format!("-Wl,--symbol-ordering-file={}", list.display()),
        "-Wl,--no-warn-symbol-ordering".to_owned(),
    ];
    if takes(&order, &PathBuf::from(variable("OUT_DIR"))) {
        for argument in order {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
}

/// Whether the linker that this build uses knows the arguments: LLVM's does,
/// others do without.
fn takes(arguments: &[String], folder: &Path) -> bool {
    let source = folder.join("probe.rs");
    if fs::write(&source, "fn main() {}").is_err() {
        return false;
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc
        .args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()))
        .arg("--out-dir")
        .arg(folder)
        .arg(&source);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut argument = std::ffi::OsString::from("-Clinker=");
        argument.push(linker);
        rustc.arg(argument);
    }
    for argument in arguments {
        rustc.arg(format!("-Clink-arg={argument}"));
    }
    rustc.output().is_ok_and(|output| output.status.success())
}

/// Leaves the functions' names in the program, for `.ci/layout`. Any other way
/// to ask for that gives them other names.
const KEEP_NAMES: &str = "WAXSEAL_KEEP_NAMES";
