//! A policy about vulnerabilities, from the attested scan to the verdict.

use waxseal_testkit::{ImageSpec, Options, Registry};

use crate::run::Place;

const POLICY: &str = r#"
apiVersion: waxseal.dev/v1alpha1
kind: ImagePolicy
metadata: { name: scanned }
spec:
  match: { images: ["HOST/shop/**"] }
  authorities:
    ci: { key: { file: cosign3.pub } }
    security: { key: { file: ed25519.pub } }
  require:
    - vulnerabilities:
        from: [ci]
        maxAge: 3650d
        deny: severity >= "high"
        unless: { vex: [security] }
"#;

const SCAN: &str = r#"{"invocation": {}, "scanner": {"uri": "pkg:github/anchore/grype", "result":
    {"matches": [{"vulnerability": {"id": "CVE-1", "severity": "High"},
        "artifact": {"name": "left-pad", "version": "1.0", "purl": "pkg:npm/left-pad@1.0"}}]}},
    "metadata": {"scanFinishedOn": "2026-01-01T00:00:00Z"}}"#;

const VEX: &str = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "author": "security",
    "timestamp": "2026-01-02T00:00:00Z", "version": 1, "statements": [
    {"vulnerability": {"name": "CVE-1"}, "products": [{"@id": "pkg:npm/left-pad"}],
     "status": "not_affected", "justification": "vulnerable_code_not_present"}]}"#;

#[test]
fn a_finding_is_refused_until_those_who_may_excuse_it() {
    let registry = Registry::start(Options::default());
    let image = registry.push_image("shop/api", "1.0", &ImageSpec::tiny());
    let place = Place::new();
    for key in [
        "cosign3.key",
        "cosign3.pub",
        "ed25519.cosign3.key",
        "ed25519.pub",
    ] {
        place.key(key);
    }
    place.write("policy.yaml", POLICY.replace("HOST", registry.host()));
    place.write("scan.json", SCAN);
    place.write("vex.json", VEX);
    let attest = |key: &str, kind: &str, file: &str| {
        let image = image.by_digest.as_str();
        let flags = ["attest", "--insecure-http", "-k", key, "-t", kind];
        place.ok(flags.into_iter().chain(["-p", file, image]));
    };
    let verify = || {
        let ran = place.run([
            "verify",
            "--insecure-http",
            "--policy",
            "policy.yaml",
            &image.by_digest,
        ]);
        (ran.code, ran.stdout)
    };
    attest("cosign3.key", "vuln", "scan.json");
    let (code, stdout) = verify();
    assert_eq!(code, Some(3), "{stdout}");
    assert!(
        stdout.contains(
            "missing: no acceptable vulnerability scan by ci; nearest: a finding is of severity \
             high or above: CVE-1 (high) in pkg:npm/left-pad@1.0\n"
        ),
        "{stdout}"
    );
    // CI does not excuse itself.
    attest("cosign3.key", "openvex", "vex.json");
    assert_eq!(verify().0, Some(3));
    attest("ed25519.cosign3.key", "openvex", "vex.json");
    let (code, stdout) = verify();
    assert_eq!(code, Some(0), "{stdout}");
    assert!(
        stdout.contains(
            "CVE-1 (high) in pkg:npm/left-pad@1.0 is excused: not_affected \
             (vulnerable_code_not_present), says security\n"
        ),
        "{stdout}"
    );
}
