//! Trust roots that policies name.

#![expect(clippy::unwrap_used, reason = "a test")]

use waxseal_admission::policies::Policies;
use waxseal_admission::review::Door;

use crate::world::{World, ask};

/// The policy, with a second signer whom this trust root certifies.
fn certified_by(world: &World, root: &str) {
    let file = world.path().join("release.yaml");
    world.policy("release", "enforce", "");
    let yaml = std::fs::read_to_string(&file).unwrap();
    let dev = format!(
        "authorities:\n    dev: {{ keyless: {{ issuer: \"https://login.example.com\", \
         subject: dev@example.com, trustRoot: {root} }} }}\n"
    );
    let yaml = yaml
        .replace("authorities:\n", &dev)
        .replace("[release-key]", "[release-key, dev]");
    std::fs::write(file, yaml).unwrap();
}

#[tokio::test]
async fn a_root_has_to_be_in_a_folder() {
    let world = World::new();
    certified_by(&world, "sigstore");
    let at = world.path().join("release.yaml");
    let refused = |arguments: &[&str]| Policies::open(&world.args(arguments)).unwrap_err();
    assert_eq!(
        refused(&[]).to_string(),
        format!(
            "policies: the policy `{}`: the trust root `sigstore` is in no folder: --trust-dir \
             names one",
            at.display()
        )
    );
    certified_by(&world, "acme");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display().to_string();
    assert_eq!(
        refused(&["--trust-dir", &folder]).to_string(),
        format!(
            "policies: the policy `{}`: there is no trust root `acme`",
            at.display()
        )
    );
}

#[tokio::test]
async fn a_stale_root_decides_nothing_unless_the_policy_says_so() {
    let world = World::new();
    let image = world.push_signed("shop/api:1").by_digest;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display().to_string();
    let asked = async |root: &str| {
        certified_by(&world, root);
        let policies = world.policies(&["--trust-dir", &folder]);
        ask(&policies, Door::Validate, "default", &[&image]).await
    };
    let response = asked("sigstore").await;
    assert_eq!(response["allowed"], true, "{response}");
    assert_eq!(response.get("warnings"), None);

    let why = "the trust root `sigstore` is stale: nobody knows how old it is, and the policy asks";
    let response = asked("{ name: sigstore, maxAge: 7d }").await;
    assert_eq!(response["allowed"], false);
    assert_eq!(response.pointer("/status/code").unwrap(), 503);
    let message = response.pointer("/status/message").unwrap().to_string();
    assert!(message.contains(why), "{message}");

    let response = asked("{ name: sigstore, maxAge: 7d, stale: warn }").await;
    assert_eq!(response["allowed"], true, "{response}");
    assert!(response["warnings"].to_string().contains(why), "{response}");
}
