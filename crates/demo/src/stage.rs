//! Where the tour plays: a folder, the two binaries, and what they print.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use tempfile::TempDir;

/// The folder and the binaries.
pub(crate) struct Stage {
    folder: TempDir,
    binaries: PathBuf,
}

impl Stage {
    /// Builds the two binaries and makes a folder.
    pub(crate) fn set() -> Result<Self, String> {
        println!("Building the two binaries (cargo build --release) …");
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let built = Command::new(cargo)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .args([
                "build",
                "--release",
                "--quiet",
                "-p",
                "waxseal-cli",
                "-p",
                "waxseal-admission",
            ])
            .status()
            .map_err(|e| format!("cannot run cargo: {e}"))?;
        if !built.success() {
            return Err("the binaries do not build".to_owned());
        }
        let here = std::env::current_exe().map_err(|e| e.to_string())?;
        let beside = here.parent().ok_or("this program has no folder")?;
        // Run unoptimised, this program lies in another profile's folder.
        let binaries = match beside.parent() {
            Some(target) if target.join("release").is_dir() => target.join("release"),
            _ => beside.to_owned(),
        };
        let folder = tempfile::tempdir().map_err(|e| format!("cannot make a folder: {e}"))?;
        Ok(Self { folder, binaries })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> Result<(), String> {
        std::fs::write(self.path(name), content).map_err(|e| format!("cannot write {name}: {e}"))
    }

    /// Runs `waxseal` with these words, prints what it prints, and insists on
    /// its exit code.
    pub(crate) fn waxseal(&self, words: &str, code: i32) -> Result<(), String> {
        println!("\n  $ waxseal {words}");
        let start = Instant::now();
        let output = Command::new(self.binary("waxseal"))
            .current_dir(self.folder())
            .args(words.split_whitespace())
            .env("WAXSEAL_PASSWORD", PASSWORD)
            .output()
            .map_err(|e| format!("cannot run waxseal: {e}"))?;
        let took = start.elapsed();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        for line in stderr.lines().chain(stdout.lines()) {
            println!("    {line}");
        }
        let found = output.status.code();
        println!(
            "    (exit {}, {} ms)",
            found.unwrap_or(-1),
            took.as_millis()
        );
        if found != Some(code) {
            return Err(format!(
                "`waxseal {words}` should have ended with exit code {code}"
            ));
        }
        Ok(())
    }
}

/// Prints the heading of a step.
pub(crate) fn say(text: &str) {
    println!("\n── {text}");
}

const PASSWORD: &str = "only for the tour";
