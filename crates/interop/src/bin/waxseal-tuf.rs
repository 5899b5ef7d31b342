//! Our TUF client behind the command line that TUF's conformance suite
//! (theupdateframework/tuf-conformance) drives: `init`, `refresh`, `download`.
//!
//! `just tuf-conformance` runs the suite. It tells a client another time with the program
//! `faketime`; `.ci/tuf/faketime` takes its place and puts the time into
//! `WAXSEAL_TUF_TIME`.

#![expect(
    clippy::print_stderr,
    reason = "a driver for tests says why it was refused"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use waxseal_trust::{Follower, Http, HttpOptions};

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("waxseal-tuf: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the suite says on the command line.
#[derive(Default)]
struct Words {
    flags: BTreeMap<String, Vec<String>>,
    rest: Vec<String>,
}

impl Words {
    fn read() -> Result<Self, Failure> {
        let mut words = Self::default();
        let mut given = std::env::args().skip(1);
        while let Some(word) = given.next() {
            match word.strip_prefix("--") {
                Some(flag) => {
                    let value = given.next().ok_or("a flag lacks its value")?;
                    words.flags.entry(flag.to_owned()).or_default().push(value);
                }
                None => words.rest.push(word),
            }
        }
        Ok(words)
    }

    fn all(&self, flag: &str) -> &[String] {
        self.flags.get(flag).map_or(&[], Vec::as_slice)
    }

    fn one(&self, flag: &str) -> Result<&str, Failure> {
        let value = self.all(flag).first();
        Ok(value.ok_or_else(|| format!("--{flag} is missing"))?)
    }
}

fn run() -> Result<(), Failure> {
    let words = Words::read()?;
    let folder = PathBuf::from(words.one("metadata-dir")?);
    let mut rest = words.rest.iter().map(String::as_str);
    match (rest.next(), rest.next()) {
        (Some("init"), Some(root)) => {
            let root = fs::read(root)?;
            // Whether it is a root at all.
            Follower::new(http(), "http://localhost", "http://localhost", &root)?;
            fs::write(folder.join(PIN), &root)?;
            fs::write(folder.join("root.json"), root)?;
            Ok(())
        }
        (Some("refresh"), None) => {
            let url = words.one("metadata-url")?;
            follow(&folder, url, url, &[]).map(|_| ())
        }
        (Some("download"), None) => {
            let names = words.all("target-name");
            let places = (words.one("metadata-url")?, words.one("target-base-url")?);
            let files = follow(&folder, places.0, places.1, names)?;
            let to = Path::new(words.one("target-dir")?);
            for (name, content) in names.iter().zip(files) {
                // A name is no path: `../x` is one file here.
                fs::write(to.join(name.replace('/', "%2F")), content)?;
            }
            Ok(())
        }
        _ => Err("give init ROOT, refresh or download".into()),
    }
}

/// Follows a repository, and keeps what was verified whatever comes of it.
fn follow(
    folder: &Path,
    metadata: &str,
    targets: &str,
    names: &[String],
) -> Result<Vec<Vec<u8>>, Failure> {
    let pin = fs::read(folder.join(PIN))?;
    let follower = Follower::new(http(), metadata, targets, &pin)?;
    let mut follower = follower.with_known(read(folder)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let fetched = runtime.block_on(follower.fetch(names, now()?));
    keep(folder, follower.known())?;
    Ok(fetched?)
}

fn read(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let path = folder.join(KNOWN);
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let files: BTreeMap<String, String> = serde_json::from_slice(&fs::read(path)?)?;
    let mut known = BTreeMap::new();
    for (name, content) in files {
        known.insert(name, STANDARD.decode(content)?);
    }
    Ok(known)
}

/// Writes what is known: for us in one file, for the suite to look at by role.
fn keep(folder: &Path, known: &BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
    let mut latest = None;
    for (name, content) in known {
        match name.strip_prefix(ROOTS) {
            Some(root) => {
                let version = root.split('.').next().unwrap_or_default();
                let version: u64 = version.parse()?;
                latest = latest.max(Some((version, content)));
            }
            None => fs::write(folder.join(name.replace('/', "%2F")), content)?,
        }
    }
    if let Some((_, root)) = latest {
        fs::write(folder.join("root.json"), root)?;
    }
    for role in ["timestamp.json", "snapshot.json", "targets.json"] {
        let path = folder.join(role);
        if !known.contains_key(role) && path.exists() {
            fs::remove_file(path)?;
        }
    }
    let known = known.iter().map(|(n, c)| (n, STANDARD.encode(c)));
    let known: BTreeMap<_, _> = known.collect();
    fs::write(folder.join(KNOWN), serde_json::to_vec(&known)?)?;
    Ok(())
}

fn now() -> Result<Timestamp, Failure> {
    let Ok(text) = std::env::var("WAXSEAL_TUF_TIME") else {
        return Ok(Timestamp::now());
    };
    // The suite means UTC where it names no zone.
    let time = text.parse().or_else(|_| format!("{text}Z").parse());
    Ok(time?)
}

fn http() -> Arc<Http> {
    Arc::new(Http::new(HttpOptions::default()))
}

const PIN: &str = "pin";
const KNOWN: &str = "known";
const ROOTS: &str = "root_history/";
