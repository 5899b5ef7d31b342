//! The folder, the keys, the registries and the images.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use waxseal_oci::Digest;

use crate::measure;
use crate::table::{Measured, print};

/// The password of the encrypted keys.
pub(crate) const PASSWORD: &str = "bench";

/// Where everything happens.
pub(crate) struct Stage {
    folder: TempDir,
    peers: PathBuf,
    ours: PathBuf,
    target: PathBuf,
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
}

/// A registry in a process of its own.
pub(crate) struct Site {
    pub(crate) host: String,
    process: Child,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A command of a row.
pub(crate) struct Entry {
    /// What the table calls it.
    pub(crate) name: String,
    /// `waxseal`, or the name of a peer.
    pub(crate) program: String,
    /// Its arguments.
    pub(crate) words: String,
    /// The same with something wrong, which must fail before anything is measured.
    pub(crate) control: Option<String>,
}

/// A command of a row.
pub(crate) fn entry(name: &str, words: impl Into<String>, control: Option<String>) -> Entry {
    let program = name.split(' ').next().unwrap_or(name).to_owned();
    Entry {
        name: name.to_owned(),
        program,
        words: words.into(),
        control,
    }
}

impl Stage {
    /// Builds what is measured and makes the keys.
    pub(crate) fn set() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().expect("the workspace");
        let (ours, target) = binaries(&root);
        let peers = root.join(".peers/bin");
        assert!(
            peers.join("cosign3").exists(),
            "no peers: run .ci/peers first"
        );
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let stage = Self {
            folder: tempfile::tempdir().expect("a folder"),
            peers,
            ours,
            target,
            runtime: runtime.expect("a runtime"),
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
        };
        stage.prepare();
        stage
    }

    fn prepare(&self) {
        self.must("waxseal", "keygen --output-prefix k");
        for name in ["plain", "other"] {
            let pair = rcgen::KeyPair::generate().expect("a key");
            let key = self.path(&format!("{name}.key"));
            fs::write(&key, pair.serialize_pem()).expect("a key file");
            fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a file of ours");
            fs::write(self.path(&format!("{name}.pub")), pair.public_key_pem())
                .expect("a key file");
        }
        self.must("cosign3", "signing-config create --out sc.json");
        self.must("cosign3", "trusted-root create --out tr.json");
        self.must("notation", "cert generate-test --default bench.example");
        let policy = r#"{"version":"1.0","trustPolicies":[{"name":"bench","registryScopes":["*"],"signatureVerification":{"level":"strict","override":{"revocation":"skip"}},"trustStores":["ca:bench.example"],"trustedIdentities":["*"]}]}"#;
        fs::write(self.path("trustpolicy.json"), policy).expect("a policy file");
        self.must("notation", "policy import trustpolicy.json");
        fs::write(self.path("layer.txt"), "the content of a layer").expect("a file");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The size of one of our binaries, in bytes.
    pub(crate) fn size_of_ours(&self) -> u64 {
        fs::metadata(self.ours.join("waxseal"))
            .map(|m| m.len())
            .unwrap_or_default()
    }

    /// An SBOM of about so many bytes, in a file, with blanks as most tools write it.
    pub(crate) fn sbom(&self, name: &str, bytes: usize) {
        let mut text = String::from(
            r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": ["#,
        );
        let mut n = 0_usize;
        while text.len() < bytes {
            let comma = if n == 0 { "" } else { ", " };
            text.push_str(&format!(
                r#"{comma}{{"type": "library", "name": "component-{n}", "version": "1.{n}.0", "purl": "pkg:generic/component-{n}@1.{n}.0", "licenses": [{{"license": {{"id": "Apache-2.0"}}}}]}}"#
            ));
            n += 1;
        }
        text.push_str("]}");
        fs::write(self.path(name), text).expect("a file");
    }

    /// Starts a registry with the referrers API, each answer `delay` milliseconds late.
    pub(crate) fn registry(&self, delay: u64) -> Site {
        let mut process = Command::new(self.target.join("waxseal-testkit-registry"))
            .args(["--delay-ms", &delay.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the registry starts");
        let mut host = String::new();
        let out = process.stdout.take().expect("a pipe");
        BufReader::new(out)
            .read_line(&mut host)
            .expect("its address");
        Site {
            host: host.trim().to_owned(),
            process,
        }
    }

    /// Pushes a small image and returns `HOST/NAME@DIGEST`.
    pub(crate) fn image(&self, site: &Site, name: &str) -> String {
        fs::write(self.path("layer.txt"), format!("the layer of {name}")).expect("a file");
        let reference = format!("{}/{name}:v1", site.host);
        self.must("oras", &format!("push --plain-http {reference} layer.txt"));
        let fetched = self
            .command("oras", &format!("manifest fetch --plain-http {reference}"))
            .output()
            .expect("oras runs");
        format!("{}/{name}@{}", site.host, Digest::sha256(&fetched.stdout))
    }

    /// Runs a command that must succeed.
    pub(crate) fn must(&self, program: &str, words: &str) {
        let output = self.command(program, words).output().expect("it runs");
        assert!(
            output.status.success(),
            "$ {program} {words}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Runs a command that must say no.
    pub(crate) fn refuses(&self, program: &str, words: &str) {
        let cost = self.once(program, words);
        assert_eq!(cost.code, 3, "it takes what is wrong: {program} {words}");
    }

    /// A file of JSON.
    pub(crate) fn read(&self, name: &str) -> Value {
        let bytes = fs::read(self.path(name)).expect("a file");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    fn command(&self, program: &str, words: &str) -> Command {
        let mut command = Command::new(self.program(program));
        command
            .current_dir(self.folder.path())
            .args(self.words(program, words))
            .env("COSIGN_PASSWORD", PASSWORD)
            .env("HOME", self.folder.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .stdin(Stdio::null());
        command
    }

    /// A file of the peers', which must be there.
    pub(crate) fn peer(&self, name: &str) -> PathBuf {
        let path = self.peers.with_file_name(name);
        assert!(path.exists(), "no {name}: run .ci/sigstore-peers first");
        path
    }

    fn program(&self, name: &str) -> PathBuf {
        match name {
            "waxseal" => self.ours.join("waxseal"),
            "gzip" | "openssl" | "true" => PathBuf::from(name),
            "itself" => std::env::current_exe().expect("this program"),
            "sigstore-js" => PathBuf::from("node"),
            "sigstore-python" => self.peer("sigstore-python/bin/sigstore"),
            peer => self.peers.join(peer),
        }
    }

    fn words(&self, program: &str, words: &str) -> Vec<String> {
        let first = match program {
            "waxseal" if words != "--version" => Some("--insecure-http".to_owned()),
            "sigstore-js" => Some(self.peer("sigstore-js/sigstore.mjs").display().to_string()),
            _ => None,
        };
        first
            .into_iter()
            .chain(words.split_whitespace().map(str::to_owned))
            .collect()
    }

    /// Runs the entries in turn and prints the row.
    pub(crate) fn row(
        &self,
        title: &str,
        target: &str,
        runs: usize,
        site: Option<&Site>,
        entries: &[Entry],
    ) {
        for entry in entries {
            let Some(control) = &entry.control else {
                continue;
            };
            let cost = self.once(&entry.program, control);
            assert_ne!(
                cost.code, 0,
                "{} takes what is wrong: {control}",
                entry.name
            );
        }
        let mut row: Vec<Measured> = entries
            .iter()
            .map(|e| Measured {
                name: e.name.clone(),
                costs: Vec::new(),
                requests: 0,
                bytes: 0,
            })
            .collect();
        for round in 0..=runs {
            for (entry, measured) in entries.iter().zip(&mut row) {
                if let Some(site) = site {
                    self.ask(site, "reset");
                }
                let cost = self.once(&entry.program, &entry.words);
                assert_eq!(cost.code, 0, "$ {} {}", entry.program, entry.words);
                // The first round warms the machine's caches.
                if round == 0 && runs > 1 {
                    continue;
                }
                measured.costs.push(cost);
                if let Some(site) = site {
                    let stats = self.ask(site, "stats");
                    let number = |key: &str| stats[key].as_u64().unwrap_or_default();
                    measured.requests = number("requests");
                    measured.bytes = number("bytes_in") + number("bytes_out");
                }
            }
        }
        print(title, target, &row);
    }

    fn once(&self, program: &str, words: &str) -> measure::Cost {
        measure::run(
            &self.program(program),
            &self.words(program, words),
            self.folder.path(),
        )
    }

    fn ask(&self, site: &Site, what: &str) -> Value {
        let url = format!("http://{}/_testkit/{what}", site.host);
        self.runtime.block_on(async {
            let request = if what == "reset" {
                self.http.post(url)
            } else {
                self.http.get(url)
            };
            let answer = request.send().await.expect("the registry answers");
            serde_json::from_slice(&answer.bytes().await.expect("a body")).unwrap_or(Value::Null)
        })
    }

    /// The folder that everything happens in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The folders of `waxseal`, as it is given away, and of the registry:
/// `WAXSEAL_BIN_DIR` for both, else they are built.
fn binaries(root: &Path) -> (PathBuf, PathBuf) {
    if let Some(folder) = std::env::var_os("WAXSEAL_BIN_DIR") {
        let folder = PathBuf::from(folder);
        return (folder.clone(), folder);
    }
    let dist = Command::new(root.join(".ci/dist"))
        .stderr(Stdio::inherit())
        .output()
        .expect("a shell");
    assert!(dist.status.success(), "the binaries do not build");
    let said = String::from_utf8(dist.stdout).expect("a folder's name");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let built = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--release", "--quiet", "-p", "waxseal-testkit"])
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the registry does not build");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), PathBuf::from)
        .join("release");
    (PathBuf::from(said.trim()), target)
}
