//! `attest --provenance auto`, as a CI job and as a person run it.

#![expect(clippy::unwrap_used, reason = "a test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::run::{Place, Ran};

const COMMIT: &str = "c27d339ee6075c1f744c5d4b200f7901aad2c369";

fn place() -> Place {
    let place = Place::new();
    place.key("cosign3.key");
    place.key("cosign3.pub");
    place.write("blob", "content");
    place
}

/// Attests the blob with these variables and flags.
fn attest(place: &Place, variables: &[(&str, &str)], flags: &[&str]) -> Ran {
    let arguments = ["attest-blob", "-k", "cosign3.key", "-b", "b.json", "blob"];
    let mut command = place.command(arguments.iter().chain(flags));
    command.envs(variables.iter().copied());
    Ran::of(command)
}

fn statement(place: &Place) -> Value {
    let bundle: Value = serde_json::from_str(&place.read("b.json")).unwrap();
    let payload = bundle.pointer("/dsseEnvelope/payload").unwrap();
    serde_json::from_slice(&STANDARD.decode(payload.as_str().unwrap()).unwrap()).unwrap()
}

const AUTO: [&str; 2] = ["--provenance", "auto"];

const GITHUB: [(&str, &str); 8] = [
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_SERVER_URL", "https://github.com"),
    ("GITHUB_REPOSITORY", "octo/app"),
    (
        "GITHUB_WORKFLOW_REF",
        "octo/app/.github/workflows/release.yml@refs/tags/v1",
    ),
    ("GITHUB_REF", "refs/tags/v1"),
    ("GITHUB_SHA", COMMIT),
    ("GITHUB_RUN_ID", "99"),
    ("RUNNER_ENVIRONMENT", "github-hosted"),
];

#[test]
fn a_job_is_described_and_the_attestation_verifies() {
    let place = place();
    let base = format!("alpine:3.20@sha256:{}", "ab".repeat(32));
    let ran = attest(
        &place,
        &GITHUB,
        &["--provenance", "auto", "--base-image", &base],
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.starts_with(
            "provenance from GitHub Actions, builder \
             https://github.com/actions/runner/github-hosted\nattested slsaprovenance1 for sha256:"
        ),
        "{}",
        ran.stderr
    );
    let statement = statement(&place);
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    assert_eq!(
        statement["predicate"]["buildDefinition"]["resolvedDependencies"],
        json!([
            {
                "uri": "git+https://github.com/octo/app@refs/tags/v1",
                "digest": {"gitCommit": COMMIT}
            },
            {
                "uri": format!(
                    "pkg:oci/alpine@sha256%3A{}?repository_url=docker.io/library/alpine&tag=3.20",
                    "ab".repeat(32)
                ),
                "digest": {"sha256": "ab".repeat(32)}
            }
        ])
    );
    let verified = place.run([
        "verify-blob",
        "-k",
        "cosign3.pub",
        "-b",
        "b.json",
        "--attestation",
        "slsaprovenance1",
        "blob",
    ]);
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
}

#[test]
fn what_the_job_does_not_say_is_said_to_be_missing() {
    let place = place();
    let ran = attest(
        &place,
        &[("GITHUB_ACTIONS", "true")],
        &[
            "--provenance",
            "auto",
            "--builder-id",
            "https://ci.example.com",
        ],
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let (notes, _) = ran.stderr.split_once("attested").unwrap();
    assert_eq!(
        notes,
        "provenance from GitHub Actions, builder https://ci.example.com\n  \
         not in it: the workflow: GITHUB_WORKFLOW_REF does not name it\n  \
         not in it: the source: the environment does not name a repository and a commit\n  \
         not in it: base images: none was given\n"
    );
}

/// A `git` that says what the real one says of a clone, of which a file may be modified.
fn git(place: &Place, status: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;

    let path = place.write(
        "git",
        format!(
            "#!/bin/sh\ncase \"$1\" in\nrev-parse) echo {COMMIT};;\n\
             remote) echo https://bot:hunter2@example.com/shop.git;;\n\
             symbolic-ref) echo refs/heads/main;;\nstatus) printf '{status}';;\n*) exit 1;;\nesac\n"
        ),
    );
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.parent().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_checkout_needs_to_be_told_the_builder_and_keeps_its_password() {
    let place = place();
    let folder = git(&place, "");
    let variables = [("PATH", folder.as_str())];
    let ran = attest(&place, &variables, &AUTO);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(2),
            "error: a git checkout does not say who the builder is\n\
             hint: give the builder's URI with --builder-id\n"
        )
    );
    let flags = [
        "--provenance",
        "auto",
        "--builder-id",
        "https://laptop.example.com",
    ];
    let ran = attest(&place, &variables, &flags);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let first = statement(&place);
    assert_eq!(
        first["predicate"]["buildDefinition"],
        json!({
            "buildType": "https://waxseal.dev/buildtypes/git/v1",
            "externalParameters": {
                "ref": "refs/heads/main",
                "source": "https://example.com/shop.git"
            },
            "resolvedDependencies": [{
                "uri": "git+https://example.com/shop.git@refs/heads/main",
                "digest": {"gitCommit": COMMIT}
            }]
        })
    );
    assert!(!first.to_string().contains("hunter2"));
    assert!(!ran.stderr.contains("hunter2"));

    git(&place, " M src/main.rs");
    let ran = attest(&place, &variables, &flags);
    assert!(
        ran.stderr
            .contains("not in it: the source: files differ from the commit that is checked out\n"),
        "{}",
        ran.stderr
    );
    let modified = &statement(&place)["predicate"]["buildDefinition"];
    assert_eq!(modified.get("resolvedDependencies"), None);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_signed() {
    let place = place();
    let refused = |variables: &[(&str, &str)], flags: &[&str]| {
        let ran = attest(&place, variables, flags);
        (ran.code, ran.stderr)
    };
    assert_eq!(
        refused(&[], &AUTO),
        (
            Some(1),
            "error: there is nothing here to make provenance from\n\
             hint: run it in a CI job or in a git checkout, or give --predicate\n"
                .to_owned()
        )
    );
    let with = |flag: &'static str, value: &'static str| {
        refused(&GITHUB, &["--provenance", "auto", flag, value])
    };
    assert_eq!(
        with("--base-image", "alpine:3.20"),
        (
            Some(2),
            "error: --base-image `alpine:3.20`: it names no digest, so that another image may be \
             meant tomorrow\n"
                .to_owned()
        )
    );
    assert_eq!(
        with("--builder-id", "me"),
        (
            Some(2),
            "error: --builder-id: `me` is not a URI\n".to_owned()
        )
    );
    place.write("meta.json", r#"{"containerimage.digest": "sha256:ab"}"#);
    assert_eq!(
        with("--buildx-metadata", "meta.json"),
        (
            Some(1),
            "error: `meta.json`: it holds no `buildx.build.provenance`: build with \
             `--provenance=mode=max`\n"
                .to_owned()
        )
    );
    place.write("p.json", "{}");
    let ran = refused(
        &GITHUB,
        &[
            "--type",
            "vuln",
            "--predicate",
            "p.json",
            "--builder-id",
            "https://x",
        ],
    );
    assert_eq!(
        ran,
        (
            Some(2),
            "error: --builder-id, --base-image and --buildx-metadata go with --provenance auto\n"
                .to_owned()
        )
    );
    assert!(!place.path("b.json").exists());
}

#[test]
fn a_predicate_that_readers_will_not_take_for_provenance_is_warned_of() {
    let place = place();
    place.write("p.json", r#"{"builder": {"id": "https://ci"}}"#);
    let ran = attest(
        &place,
        &[],
        &["--type", "slsaprovenance1", "--predicate", "p.json"],
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.starts_with(
            "warning: `p.json` is signed as slsaprovenance1, and readers will not find it to be \
             one: not SLSA provenance: missing field `buildDefinition`"
        ),
        "{}",
        ran.stderr
    );
}
