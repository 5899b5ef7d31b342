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
    /// Finds or builds the two binaries and makes a folder.
    pub(crate) fn set() -> Result<Self, String> {
        let binaries = match std::env::var_os("WAXSEAL_BIN_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => build()?,
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
    pub(crate) fn waxseal(&self, words: &str, code: i32) -> Result<Said, String> {
        println!("\n  $ waxseal {words}");
        let start = Instant::now();
        let output = Command::new(self.binary("waxseal"))
            .current_dir(self.folder())
            .args(words.split_whitespace())
            .env("WAXSEAL_PASSWORD", PASSWORD)
            .env_remove("WAXSEAL_CACHE_DIR")
            .output()
            .map_err(|e| format!("cannot run waxseal: {e}"))?;
        let took = start.elapsed().as_millis();
        let said = Said(
            [output.stderr, output.stdout]
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .concat(),
        );
        for line in said.0.lines() {
            println!("    {line}");
        }
        let found = output.status.code();
        println!("    (exit {}, {took} ms)", found.unwrap_or(-1));
        if found != Some(code) {
            return Err(format!(
                "`waxseal {words}` should have ended with exit code {code}"
            ));
        }
        Ok(said)
    }
}

/// What a program printed.
pub(crate) struct Said(String);

impl Said {
    /// Insists that this was among it.
    pub(crate) fn says(&self, words: &str) -> Result<(), String> {
        if self.0.contains(words) {
            Ok(())
        } else {
            Err(format!("the answer should have said `{words}`"))
        }
    }
}

/// Builds the two binaries beside this program and returns their folder.
fn build() -> Result<PathBuf, String> {
    println!("\n  $ cargo build --release -p waxseal-cli -p waxseal-admission");
    let here = std::env::current_exe().map_err(|e| e.to_string())?;
    // `TARGET/release/waxseal-demo`, wherever cargo was told to put it.
    let target = here
        .ancestors()
        .nth(2)
        .ok_or("this program has no folder")?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let built = Command::new(cargo)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .args(["build", "--release", "--quiet", "--locked"])
        .args(["-p", "waxseal-cli", "-p", "waxseal-admission"])
        .arg("--target-dir")
        .arg(target)
        .status()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    if !built.success() {
        return Err("the binaries do not build".to_owned());
    }
    Ok(target.join("release"))
}

/// Prints the heading of a step.
pub(crate) fn say(text: &str) {
    println!("\n── {text}");
}

const PASSWORD: &str = "only for the tour";
