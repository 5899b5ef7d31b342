//! `capture` and `replay`, and `tree`.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::process::Command;

use crate::registry::Shop;
use crate::run::Ran;

#[test]
fn a_verdict_is_replayed_where_there_is_no_network() {
    let shop = Shop::signed();
    let image = shop.image.reference.as_str();
    let capture = [
        "capture",
        image,
        "--key",
        "cosign3.pub",
        "-o",
        "evidence.tar",
    ];
    let ran = shop.run(&[&capture[..], &["--format", "json"]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let Shop {
        place, registry, ..
    } = shop;
    drop(registry);
    let replay = ["replay", "evidence.tar", "-o", "json"];
    let again = place.run(replay);
    assert_eq!(
        (again.code, &again.stdout),
        (Some(0), &ran.stdout),
        "{}",
        again.stderr
    );

    let within = ["--user", "--map-root-user", "--net"];
    let cut_off = Command::new("unshare").args(within).arg("true").status();
    if !cut_off.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no network namespace can be made here");
        return;
    }
    let program = place.command(replay);
    let mut command = Command::new("unshare");
    command
        .args(within)
        .arg(program.get_program())
        .args(program.get_args());
    command.current_dir(program.get_current_dir().unwrap());
    let alone = Ran::of(command);
    assert_eq!(
        (alone.code, &alone.stdout),
        (Some(0), &ran.stdout),
        "{}",
        alone.stderr
    );
}

#[test]
fn a_refusal_is_kept_and_another_policy_tried() {
    let shop = Shop::signed();
    let image = shop.image.reference.as_str();
    let capture = ["capture", image, "--key", "cosign2.pub", "-o", "evidence"];
    let ran = shop.run(&[&capture[..], &["--everything"]].concat());
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let again = shop.run(&["replay", "evidence"]);
    assert_eq!((again.code, again.stdout), (Some(3), ran.stdout));
    let policy = format!(
        "apiVersion: waxseal.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {{ name: other }}\nspec:\n  match: {{ images: [\"{}/**\"] }}\n  authorities: {{ key: {{ key: {{ file: cosign3.pub }} }} }}\n  require: [{{ signature: {{ from: [key] }} }}]\n",
        shop.registry.host()
    );
    shop.place.write("other.yaml", policy);
    let other = shop.run(&["replay", "evidence", "--policy", "other.yaml"]);
    assert_eq!(other.code, Some(0), "{}{}", other.stdout, other.stderr);
    // What is there already is not overwritten.
    let ran = shop.run(&capture);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.stderr,
        "error: evidence is not an image layout: the folder is not empty\n"
    );
}

#[test]
fn what_is_no_evidence_is_said_to_be_none() {
    let shop = Shop::new();
    shop.place.write("empty.tar", "");
    let ran = shop.run(&["replay", "empty.tar"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.stderr,
        "error: empty.tar is not an image layout: there is no `oci-layout` in it\n"
    );
}

#[test]
fn a_tree_shows_what_is_attached() {
    let shop = Shop::signed();
    shop.attest();
    let image = shop.image.by_digest.as_str();
    shop.ok(&["sign", image, "--key", "cosign3.key", "--legacy"]);
    let bare = shop.ok(&["tree", image]);
    assert!(bare.contains("not verified: no key was given"));
    let text = shop.ok(&["tree", image, "--key", "cosign3.pub"]);
    insta::assert_snapshot!(undated(&shop.scrubbed(&text)));
    let other = shop.ok(&["tree", image, "--key", "cosign2.pub"]);
    assert!(other.contains("not verified: by none of the given keys"));
    let (code, json) = shop.json(&["tree", image, "--key", "cosign3.pub"]);
    assert_eq!(
        (code, json["kind"].as_str()),
        (Some(0), Some("EvidenceTree"))
    );
    let children = json["root"]["children"].as_array().unwrap();
    assert_eq!(children.len(), 3);
    assert!(children.iter().all(|c| c["verifiedBy"][0] == "cosign3.pub"));
}

#[test]
fn a_tree_with_holes_is_no_whole_tree() {
    let shop = Shop::signed();
    let path = waxseal_testkit::Match::new("GET", "/referrers/");
    shop.registry
        .fault(path, waxseal_testkit::Fault::status(403), u64::MAX);
    let ran = shop.run(&["tree", &shop.image.by_digest]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .starts_with("error: the listing is not complete: "),
        "{}",
        ran.stderr
    );
}

/// The order of referrers and their dates differ from run to run.
fn undated(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.split(", dated ").next().unwrap();
        lines.push(line.to_owned());
    }
    lines.join("\n")
}
