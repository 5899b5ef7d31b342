//! The programs that sign and verify.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bundles::statement;
use crate::services::{PERSON, Services};

/// What a program did.
pub(crate) struct Done {
    code: i32,
    output: String,
    command: String,
}

impl Done {
    /// Insists on success.
    pub(crate) fn ok(self) -> Result<Self, String> {
        if self.code == 0 {
            Ok(self)
        } else {
            Err(self.story("success"))
        }
    }

    /// Insists on any failure.
    pub(crate) fn fails(self) -> Result<Self, String> {
        if self.code == 0 {
            Err(self.story("a failure"))
        } else {
            Ok(self)
        }
    }

    /// Insists on a failure that says this, however its lines are broken.
    pub(crate) fn fails_saying(self, text: &str) -> Result<Self, String> {
        let flat = |text: &str| text.split_whitespace().collect::<String>();
        if self.code != 0 && flat(&self.output).contains(&flat(text)) {
            Ok(self)
        } else {
            Err(self.story(&format!("a failure that says `{text}`")))
        }
    }

    fn story(&self, wanted: &str) -> String {
        format!(
            "wanted {wanted}, got exit code {} from\n$ {}\n{}",
            self.code, self.command, self.output
        )
    }
}

/// A client of Sigstore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Cosign,
    Javascript,
    Python,
    Waxseal,
}

impl Program {
    pub(crate) const ALL: [Self; 4] = [Self::Waxseal, Self::Cosign, Self::Python, Self::Javascript];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cosign => "cosign 3",
            Self::Javascript => "sigstore-js",
            Self::Python => "sigstore-python",
            Self::Waxseal => "waxseal",
        }
    }

    /// The name without a space.
    pub(crate) fn word(self) -> String {
        self.name().replace(' ', "")
    }
}

/// Where the programs are, and the folder they run in.
pub(crate) struct Programs {
    peers: PathBuf,
    ours: PathBuf,
    folder: PathBuf,
    issuer: String,
    root: Value,
}

impl Programs {
    pub(crate) fn new(root: &Path, folder: &Path, services: &Services) -> Self {
        let programs = Self {
            peers: root.join(".peers"),
            ours: binaries(root),
            folder: folder.to_owned(),
            issuer: services.issuer().to_owned(),
            root: services.trusted_root().clone(),
        };
        programs.write("token", &services.token());
        programs.write("blob.txt", BLOB);
        programs.write("other.txt", "another blob\n");
        programs.write("predicate.json", PREDICATE);
        programs.write("statement.json", &statement(BLOB, PREDICATE));
        programs
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("a file in a folder of ours");
    }

    pub(crate) fn read(&self, name: &str) -> Result<String, String> {
        fs::read_to_string(self.path(name)).map_err(|error| format!("{name}: {error}"))
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The trusted root of the services.
    pub(crate) fn root(&self) -> &Value {
        &self.root
    }

    /// `--certificate-identity` and `--certificate-oidc-issuer`, of whom.
    pub(crate) fn identity(&self) -> String {
        format!(
            "--certificate-identity {PERSON} --certificate-oidc-issuer {}",
            self.issuer
        )
    }

    pub(crate) fn waxseal(&self, words: &str) -> Done {
        self.run(
            self.ours.join("waxseal"),
            &format!("--insecure-http {words}"),
        )
    }

    pub(crate) fn cosign(&self, words: &str) -> Done {
        self.run(self.peers.join("bin/cosign3"), words)
    }

    pub(crate) fn python(&self, words: &str) -> Done {
        self.run(self.peers.join("sigstore-python/bin/sigstore"), words)
    }

    pub(crate) fn javascript(&self, words: &str) -> Done {
        let script = self.peers.join("sigstore-js/sigstore.mjs");
        self.run("node", &format!("{} {words}", script.display()))
    }

    /// Ours over the command line of Sigstore's conformance suite.
    pub(crate) fn conformance(&self, words: &str) -> Done {
        self.run(self.ours.join("waxseal-conformance"), words)
    }

    fn run(&self, program: impl AsRef<OsStr>, words: &str) -> Done {
        let program = program.as_ref();
        let output = Command::new(program)
            .current_dir(&self.folder)
            .args(words.split_whitespace())
            .env("HOME", &self.folder)
            .env("NO_COLOR", "1")
            .env("WAXSEAL_CONFORMANCE_HTTP", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|e| panic!("cannot run {}: {e}", program.display()));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Done {
            code: output.status.code().unwrap_or(-1),
            output: text(&output.stdout) + &text(&output.stderr),
            command: format!("{} {words}", program.display()),
        }
    }
}

/// The folder of our binaries: `WAXSEAL_BIN_DIR`, else they are built.
fn binaries(root: &Path) -> PathBuf {
    if let Some(folder) = std::env::var_os("WAXSEAL_BIN_DIR") {
        return PathBuf::from(folder);
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // Apart, as they are built elsewhere: together they have other features.
    for what in [
        &["-p", "waxseal-cli", "-p", "waxseal-testkit"][..],
        &["-p", "waxseal-interop", "--bin", "waxseal-conformance"],
    ] {
        let built = Command::new(&cargo)
            .current_dir(root)
            .args(["build", "--release", "--quiet", "--locked", "--offline"])
            .args(what)
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the binaries do not build");
    }
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), PathBuf::from)
        .join("release")
}

/// What is signed.
const BLOB: &str = "a blob to sign\n";
/// A predicate of SLSA provenance v1.
const PREDICATE: &str = r#"{"buildDefinition":{"buildType":"https://example.com/build","externalParameters":{},"internalParameters":{},"resolvedDependencies":[]},"runDetails":{"builder":{"id":"https://example.com/builder"},"metadata":{"invocationId":"1"}}}"#;
