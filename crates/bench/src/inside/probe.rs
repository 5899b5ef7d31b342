//! The least that a program in Rust does for one bundle: what the crate
//! `sigstore-verify` does when it is asked, and nothing around it.

use std::fs;
use std::path::Path;

use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::Bundle;
use sigstore_verify::{VerificationPolicy, verify};

pub(super) fn run(folder: &str, person: &str, issuer: &str) {
    let folder = Path::new(folder);
    let text = |name| fs::read_to_string(folder.join(name)).expect("a file");
    let root = TrustedRoot::from_json(&text("trusted_root.json")).expect("a trusted root");
    let bundle = Bundle::from_json(&text("0.json")).expect("a bundle");
    let policy = VerificationPolicy::any_identity()
        .require_identity(person)
        .require_issuer(issuer);
    verify(text("0.txt").as_bytes(), &bundle, &policy, &root).expect("it verifies");
}
