//! The pages that are looked at, as the program writes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use waxseal_testkit::sigstore::{Claims, Clock, LogVersion, Sigstore, SigstoreOptions};
use waxseal_testkit::{Options, Registry};

use crate::image::Spec;

/// Writes `verified.html`, `refused.html`, `hostile.html` and `large.html`.
pub(crate) fn write(root: &Path, binaries: &Path, folder: &Path) {
    let registry = Registry::start(Options::default());
    // The program reads the machine's clock.
    let sigstore = Sigstore::start(SigstoreOptions {
        clock: Clock::Machine,
        ..SigstoreOptions::default()
    });
    let logs = [LogVersion::V2];
    let shop = Shop {
        program: binaries.join("waxseal"),
        folder: folder.to_owned(),
    };
    shop.put("root.json", &sigstore.trusted_root().to_string());
    shop.put("config.json", &sigstore.signing_config(&logs).to_string());
    shop.put("token", &sigstore.token(&Claims::github()));
    for key in [
        "cosign3.key",
        "ed25519.cosign3.key",
        "cosign3.pub",
        "ed25519.pub",
    ] {
        shop.key(&root.join("fixtures/keys").join(key), key);
    }
    shop.put("policy.yaml", &POLICY.replace("HOST", registry.host()));
    shop.put("scan.json", SCAN);
    shop.put("vex.json", VEX);

    let image = Spec::shop("1.3.1-r2", &[["left-pad", "1.3.0", "WTFPL"]]).push(&registry, "api");
    shop.run(
        0,
        &["sbom", "-o", "cyclonedx-json", "-f", "bom.json", &image],
    );
    shop.keyless(&["sign", "-a", "stage=release", &image]);
    shop.keyless(&["attest", "--sbom", "bom.json", &image]);
    shop.run(
        0,
        &[
            "attest",
            "-k",
            "cosign3.key",
            "-t",
            "vuln",
            "-p",
            "scan.json",
            &image,
        ],
    );
    shop.run(
        0,
        &[
            "attest",
            "-k",
            "ed25519.cosign3.key",
            "-t",
            "openvex",
            "-p",
            "vex.json",
            &image,
        ],
    );
    let older = Spec::shop("1.3.1-r1", &[["cookie", "0.6.0", "MIT"]]).push(&registry, "older");
    shop.report(0, "verified.html", &image, &["--since", &older]);

    let refused = Spec::shop("1.3.1-r1", &[]).push(&registry, "web");
    shop.run(0, &["sign", "-k", "cosign3.key", &refused]);
    shop.report(3, "refused.html", &refused, &[]);

    let hostile = Spec::hostile().push(&registry, "hostile");
    let text = "<script>document.title='owned'</script>\u{202e}";
    shop.run(
        0,
        &[
            "sign",
            "-k",
            "cosign3.key",
            "-a",
            &format!("{text}={text}"),
            &hostile,
        ],
    );
    shop.keyed("hostile.html", &hostile);

    let large = Spec::large(5_000).push(&registry, "large");
    shop.run(0, &["sign", "-k", "cosign3.key", &large]);
    shop.keyed("large.html", &large);
}

struct Shop {
    program: PathBuf,
    folder: PathBuf,
}

impl Shop {
    fn put(&self, name: &str, content: &str) {
        self.key_mode(&self.folder.join(name), content.as_bytes());
    }

    fn key(&self, from: &Path, name: &str) {
        self.key_mode(&self.folder.join(name), &fs::read(from).expect("a key"));
    }

    /// Keys and tokens are read only where nobody else can read them.
    fn key_mode(&self, path: &Path, content: &[u8]) {
        use std::os::unix::fs::PermissionsExt as _;

        fs::write(path, content).expect("a file in a folder of ours");
        let owner = fs::Permissions::from_mode(0o600);
        fs::set_permissions(path, owner).expect("a file of ours");
    }

    fn keyless(&self, arguments: &[&str]) {
        let instance = [
            "--keyless",
            "--signing-config",
            "config.json",
            "--trusted-root",
            "root.json",
            "--identity-token",
            "@token",
        ];
        self.run(0, &[arguments, &instance].concat());
    }

    fn report(&self, code: i32, page: &str, image: &str, more: &[&str]) {
        let policy = ["--policy", "policy.yaml", "--trusted-root", "root.json"];
        let report = ["report", image, "--html", page];
        self.run(code, &[&report[..], &policy, more].concat());
    }

    fn keyed(&self, page: &str, image: &str) {
        self.run(0, &["report", image, "--html", page, "-k", "cosign3.pub"]);
    }

    fn run(&self, code: i32, arguments: &[&str]) {
        let output = Command::new(&self.program)
            .args(arguments)
            .arg("--insecure-http")
            .env_clear()
            .env("HOME", &self.folder)
            .env("WAXSEAL_PASSWORD", "correct horse")
            .current_dir(&self.folder)
            .output()
            .expect("the program runs");
        assert_eq!(
            output.status.code(),
            Some(code),
            "waxseal {}: {}{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

const POLICY: &str = r#"
apiVersion: waxseal.dev/v1alpha1
kind: ImagePolicy
metadata: { name: production }
spec:
  match: { images: ["HOST/shop/**"] }
  authorities:
    release-workflow:
      keyless:
        issuer: https://token.actions.githubusercontent.com
        subject: https://github.com/octo/app/.github/workflows/release.yml@refs/tags/*
    scanner: { key: { file: cosign3.pub } }
    security: { key: { file: ed25519.pub } }
  require:
    - signature: { from: [release-workflow], annotations: { stage: release } }
    - sbom: { from: [release-workflow] }
    - vulnerabilities:
        from: [scanner]
        maxAge: 3650d
        deny: severity >= "high"
        unless: { vex: [security] }
"#;

const SCAN: &str = r#"{"invocation": {}, "scanner": {"uri": "pkg:github/anchore/grype", "result":
    {"matches": [{"vulnerability": {"id": "CVE-2024-0001", "severity": "High"},
        "artifact": {"name": "qs", "version": "6.11.0", "purl": "pkg:npm/qs@6.11.0"}}]}},
    "metadata": {"scanFinishedOn": "2026-01-01T00:00:00Z"}}"#;

const VEX: &str = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "author": "security",
    "timestamp": "2026-01-02T00:00:00Z", "version": 1, "statements": [
    {"vulnerability": {"name": "CVE-2024-0001"}, "products": [{"@id": "pkg:npm/qs"}],
     "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"}]}"#;
