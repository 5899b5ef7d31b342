//! The folder, the programs, the two registries.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use waxseal_oci::Digest;
use waxseal_testkit::process::{Process, free_ports};

/// The password of every key here.
pub(crate) const PASSWORD: &str = "interop";

/// What a program did.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    command: String,
}

impl Done {
    /// Insists on an exit code.
    pub(crate) fn exits(self, code: i32) -> Result<Self, String> {
        if self.code == code {
            Ok(self)
        } else {
            Err(self.story(&format!("exit code {code}")))
        }
    }

    /// Insists on success.
    pub(crate) fn ok(self) -> Result<Self, String> {
        self.exits(0)
    }

    /// Insists on any failure.
    pub(crate) fn fails(self) -> Result<Self, String> {
        if self.code == 0 {
            Err(self.story("a failure"))
        } else {
            Ok(self)
        }
    }

    /// Insists on a text in the output.
    pub(crate) fn says(self, text: &str) -> Result<Self, String> {
        let both = format!("{}{}", self.stdout, self.stderr);
        if both.contains(text) {
            Ok(self)
        } else {
            Err(self.story(&format!("`{text}`")))
        }
    }

    fn story(&self, wanted: &str) -> String {
        format!(
            "wanted {wanted}, got exit code {} from\n$ {}\n{}{}",
            self.code, self.command, self.stderr, self.stdout
        )
    }
}

/// A registry, and how to speak of it.
pub(crate) struct Site {
    /// `with` or `without` the referrers API.
    pub(crate) name: &'static str,
    /// `127.0.0.1:PORT`.
    pub(crate) host: String,
    _process: Process,
}

/// Where everything happens.
pub(crate) struct Stage {
    folder: TempDir,
    peers: PathBuf,
    ours: PathBuf,
    pub(crate) sites: [Site; 2],
}

impl Stage {
    /// Builds our binary, starts the registries, makes keys.
    pub(crate) fn set() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().expect("the workspace");
        let target = binaries(&root);
        let peers = root.join(".peers/bin");
        assert!(
            peers.join("cosign3").exists(),
            "no peers: run .ci/peers first"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let sites = [
            embedded(&target.join("waxseal-testkit-registry")),
            debian(&peers.join("docker-registry"), folder.path()),
        ];
        let stage = Self {
            folder,
            peers,
            ours: target.join("waxseal"),
            sites,
        };
        stage.prepare();
        stage
    }

    fn prepare(&self) {
        let set = |done: Done| done.ok().map(|_| ()).unwrap_or_else(|why| panic!("{why}"));
        set(self.cosign3("signing-config create --out sc.json"));
        set(self.cosign3("trusted-root create --out tr.json"));
        set(self.waxseal("keygen --output-prefix ours"));
        set(self.waxseal("keygen --output-prefix other"));
        set(self.cosign3("generate-key-pair --output-key-prefix theirs3"));
        set(self.cosign2("generate-key-pair --output-key-prefix theirs2"));
        let sbom = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"a","version":"1"}]}"#;
        self.write("bom.json", sbom);
        self.write("failed.json", r#"{"result":"FAILED","do_not_deploy":true}"#);
        self.write("blob.txt", "a blob to sign\n");
        self.write("layer.txt", "the content of a layer\n");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("a file in a folder of ours");
    }

    /// A file that only its owner may read.
    pub(crate) fn write_private(&self, name: &str, content: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        self.write(name, content);
        let owner = fs::Permissions::from_mode(0o600);
        fs::set_permissions(self.path(name), owner).expect("a file of ours");
    }

    /// Our binary.
    pub(crate) fn waxseal(&self, words: &str) -> Done {
        self.run(&self.ours.clone(), &format!("--insecure-http {words}"))
    }

    /// Our binary, in a network namespace that has nothing.
    pub(crate) fn waxseal_offline(&self, words: &str) -> Done {
        let words = format!("-rn {} {words}", self.ours.display());
        self.run(Path::new("unshare"), &words)
    }

    pub(crate) fn cosign3(&self, words: &str) -> Done {
        self.peer("cosign3", words)
    }

    pub(crate) fn cosign2(&self, words: &str) -> Done {
        self.peer("cosign2", words)
    }

    /// One of the peers.
    pub(crate) fn peer(&self, name: &str, words: &str) -> Done {
        self.run(&self.peers.join(name), words)
    }

    fn run(&self, program: &Path, words: &str) -> Done {
        let output = self.command(program, words).output();
        let output = output.unwrap_or_else(|e| panic!("cannot run {}: {e}", program.display()));
        Done {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            command: format!("{} {words}", program.display()),
        }
    }

    fn command(&self, program: &Path, words: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .args(words.split_whitespace())
            .env("COSIGN_PASSWORD", PASSWORD)
            .env("HOME", self.folder.path())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    /// Starts our binary without waiting for it.
    pub(crate) fn start_waxseal(&self, words: &str) -> Child {
        self.start(&self.ours.clone(), &format!("--insecure-http {words}"))
    }

    /// Starts a peer without waiting for it.
    pub(crate) fn start_peer(&self, name: &str, words: &str) -> Child {
        self.start(&self.peers.join(name), words)
    }

    fn start(&self, program: &Path, words: &str) -> Child {
        let mut command = self.command(program, words);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().expect("a program that ran a moment ago")
    }

    /// Pushes a small image with oras and returns `HOST/NAME@DIGEST`.
    pub(crate) fn image(&self, site: &Site, name: &str) -> Result<String, String> {
        self.write("layer.txt", &format!("the layer of {name}\n"));
        let reference = format!("{}/{name}:v1", site.host);
        self.peer("oras", &format!("push --plain-http {reference} layer.txt"))
            .ok()?;
        let manifest = self
            .peer("oras", &format!("manifest fetch --plain-http {reference}"))
            .ok()?;
        let digest = Digest::sha256(manifest.stdout.as_bytes());
        Ok(format!("{}/{name}@{digest}", site.host))
    }
}

/// The folder of our binaries: `WAXSEAL_BIN_DIR`, else they are built.
fn binaries(root: &Path) -> PathBuf {
    if let Some(folder) = std::env::var_os("WAXSEAL_BIN_DIR") {
        return PathBuf::from(folder);
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let built = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--release", "--quiet", "--locked"])
        .args(["-p", "waxseal-cli", "-p", "waxseal-testkit"])
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the binaries do not build");
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), PathBuf::from)
        .join("release")
}

/// The registry of the test kit: it has the referrers API.
fn embedded(program: &Path) -> Site {
    let mut child = Command::new(program)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("cannot start {}: {e}", program.display()));
    let mut host = String::new();
    let out = child.stdout.take().expect("a pipe");
    BufReader::new(out)
        .read_line(&mut host)
        .expect("its address");
    Site {
        name: "with",
        host: host.trim().to_owned(),
        _process: child.into(),
    }
}

/// Debian's docker-registry: it has not.
fn debian(program: &Path, folder: &Path) -> Site {
    let [port] = free_ports();
    let host = format!("127.0.0.1:{port}");
    let config = format!(
        "version: 0.1\nlog:\n  accesslog:\n    disabled: true\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {host}\n",
        folder.join("registry").display()
    );
    let file = folder.join("registry.yml");
    fs::write(&file, config).expect("a file in a folder of ours");
    let log = folder.join("registry.log");
    let mut process = Process::start(program, [OsStr::new("serve"), file.as_os_str()], &log);
    process.answers(port);
    Site {
        name: "without",
        host,
        _process: process,
    }
}
