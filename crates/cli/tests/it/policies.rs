//! `policy check` and `policy explain`.

use serde_json::json;

use crate::run::Place;

const GOOD: &str = "apiVersion: waxseal.dev/v1alpha1
kind: ImagePolicy
metadata: { name: release }
spec:
  match: { images: [\"registry.example.com/shop/**\"] }
  authorities:
    release-key: { key: { file: cosign3.pub } }
    spare: { key: { file: cosign2.pub } }
  require:
    - signature: { from: [release-key] }
  mode: audit
";

fn place() -> Place {
    let place = Place::new();
    place.key("cosign3.pub");
    place.key("cosign2.pub");
    place
}

#[test]
fn a_policy_that_loads_is_described() {
    let place = place();
    place.write("good.yaml", GOOD);
    insta::assert_snapshot!(place.ok(["policy", "check", "good.yaml"]));
    assert_eq!(
        place.run(["policy", "check", "--strict", "good.yaml"]).code,
        Some(3)
    );
    insta::assert_snapshot!(place.ok(["policy", "explain", "good.yaml"]));
}

#[test]
fn a_policy_that_does_not_load_is_refused() {
    let place = place();
    place.write("good.yaml", GOOD);
    place.write(
        "bad.yaml",
        GOOD.replace("from: [release-key]", "from: [nobody]"),
    );
    place.write("lost.yaml", GOOD.replace("cosign2.pub", "lost.pub"));
    let check = ["policy", "check", "good.yaml", "bad.yaml", "lost.yaml"];
    let ran = place.run(check);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    insta::assert_snapshot!(ran.stdout);
    let ran = place.run(check.iter().chain(&["-o", "json"]));
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["kind"], "PolicyCheck");
    assert_eq!(report["files"][0]["policies"], json!(["release"]));
    assert_eq!(place.run(["policy", "check", "none.yaml"]).code, Some(1));
}
