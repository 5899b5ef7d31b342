//! The verification cases of the suite, each over the command line.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use waxseal_oci::Digest;

use crate::Failure;
use crate::table::{Outcome, Table};

/// Runs every case of a folder `bundle-verify`, once with the file and once with
/// its digest.
pub(crate) fn run(cases: &Path) -> Result<ExitCode, Failure> {
    let mut names = Vec::new();
    for entry in fs::read_dir(cases).map_err(|e| format!("{}: {e}", cases.display()))? {
        let entry = entry?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    let reasons = reasons()?;
    let mut table = Table::new(Vec::new());
    for name in &names {
        let case = Case::read(cases, name)?;
        for digest in [false, true] {
            let how = if digest { "digest" } else { "file" };
            let wanted = reasons.get(name).map(String::as_str);
            let verdict = wanted.unwrap_or("not written down");
            table.line(&format!("{name} ({how}): {verdict}"), || {
                case.check(wanted.ok_or("no answer to it is written down")?, digest)
            });
        }
    }
    for name in reasons.keys().filter(|name| !names.contains(name)) {
        table.line(name, || Err("the suite has no such case".to_owned()));
    }
    println!(
        "{} cases of {}, each with the file and with its digest",
        names.len(),
        cases.display()
    );
    Ok(if table.finish() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What is said to each case: the table of the tests that run them in process.
fn reasons() -> Result<BTreeMap<String, String>, Failure> {
    let mut reasons = BTreeMap::new();
    let mut lines = include_str!("../../../../verify/tests/it/conformance.txt").lines();
    while let (Some(name), Some(reason)) = (lines.next(), lines.next()) {
        let reason = reason.strip_prefix("    ").ok_or("a reason is indented")?;
        reasons.insert(name.to_owned(), reason.to_owned());
    }
    Ok(reasons)
}

/// One case, as the suite's README describes its folder.
struct Case {
    must_fail: bool,
    words: Vec<String>,
    artifact: PathBuf,
}

impl Case {
    fn read(cases: &Path, name: &str) -> Result<Self, Failure> {
        let folder = cases.join(name);
        let there = |file: &str| Some(folder.join(file)).filter(|path| path.exists());
        let text = |file: &str, default: &str| match there(file) {
            Some(path) => fs::read_to_string(path).map(|text| text.trim().to_owned()),
            None => Ok(default.to_owned()),
        };
        let mut words = vec!["verify-bundle".to_owned()];
        let mut flag = |name: &str, value: String| words.extend([format!("--{name}"), value]);
        let shown = |path: PathBuf| path.display().to_string();
        flag("bundle", shown(folder.join("bundle.sigstore.json")));
        match there("key.pub") {
            Some(key) => flag("key", shown(key)),
            None => {
                flag("certificate-identity", text("identity", IDENTITY)?);
                flag("certificate-oidc-issuer", text("issuer", ISSUER)?);
            }
        }
        if let Some(root) = there("trusted_root.json") {
            flag("trusted-root", shown(root));
        }
        Ok(Self {
            must_fail: name.ends_with("_fail"),
            words,
            artifact: there("artifact").unwrap_or_else(|| cases.join("a.txt")),
        })
    }

    /// Runs it, and holds the answer against the one that it should be.
    fn check(&self, wanted: &str, digest: bool) -> Outcome {
        if (wanted == "accepted") == self.must_fail {
            return Err("the suite wants the opposite".to_owned());
        }
        let artifact = if digest {
            let content = fs::read(&self.artifact).map_err(|e| e.to_string())?;
            Digest::sha256(&content).to_string()
        } else {
            self.artifact.display().to_string()
        };
        let own = std::env::current_exe().map_err(|e| e.to_string())?;
        let done = Command::new(own)
            .args(&self.words)
            .arg(artifact)
            .output()
            .map_err(|e| e.to_string())?;
        let said = String::from_utf8_lossy(&done.stderr);
        let code = done.status.code();
        let (right, says) = match wanted.split_once(": ") {
            None => (code == Some(0), String::new()),
            // What was given to verify with is no good: it was not come so far as to refuse.
            Some(("no key" | "no trust", why)) => (code == Some(1), why.to_owned()),
            Some(_) => (code == Some(3), format!("refused: {wanted}\n")),
        };
        if right && said.contains(&says) {
            return Ok(());
        }
        Err(format!("exit code {code:?}, and it says\n{said}"))
    }
}

/// Who signed where a case does not say.
const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
