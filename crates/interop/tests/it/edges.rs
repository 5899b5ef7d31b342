//! Which crate may know which, and which may know the outside world.

use std::collections::BTreeSet;
use std::process::Command;

use crate::root;

/// The crates that a crate of ours may depend on directly.
const EDGES: [(&str, &[&str]); 12] = [
    ("oci", &[]),
    ("sbom", &["oci"]),
    ("attestation", &["oci", "sbom"]),
    ("verify", &["oci", "attestation"]),
    ("policy", &["oci", "sbom", "attestation", "verify"]),
    ("report", &["oci", "sbom", "verify", "policy"]),
    ("registry", &["oci"]),
    ("sign", &["oci", "attestation", "verify"]),
    ("trust", &["oci", "verify"]),
    (
        "gate",
        &["oci", "attestation", "sbom", "verify", "policy", "registry"],
    ),
    (
        "admission",
        &["oci", "verify", "policy", "registry", "trust", "gate"],
    ),
    (
        "cli",
        &[
            "oci",
            "attestation",
            "sbom",
            "verify",
            "policy",
            "report",
            "registry",
            "sign",
            "trust",
            "gate",
        ],
    ),
];

/// Crates that a pure crate must not have in its tree.
const IMPURE: [&str; 6] = ["tokio", "reqwest", "hyper", "mio", "socket2", "rustls"];

fn tree(package: &str, depth: Option<u8>) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args([
        "tree",
        "--offline",
        "--locked",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--package",
        package,
    ]);
    if let Some(depth) = depth {
        command.args(["--depth", &depth.to_string()]);
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .filter(|name| name != package)
        .collect()
}

#[test]
fn arrows_point_down_only() {
    for (name, allowed) in EDGES {
        let ours: Vec<String> = tree(&format!("waxseal-{name}"), Some(1))
            .into_iter()
            .filter_map(|d| d.strip_prefix("waxseal-").map(str::to_owned))
            .collect();
        for found in ours {
            assert!(
                allowed.contains(&found.as_str()),
                "`{name}` must not know `{found}`"
            );
        }
    }
}

#[test]
fn the_core_knows_no_network() {
    for name in ["oci", "sbom", "attestation", "verify", "policy", "report"] {
        let tree = tree(&format!("waxseal-{name}"), None);
        for impure in IMPURE {
            assert!(
                !tree.contains(impure),
                "`{impure}` is in the tree of the pure crate `{name}`"
            );
        }
    }
}

#[test]
fn admission_cannot_sign() {
    assert!(!tree("waxseal-admission", None).contains("waxseal-sign"));
}
