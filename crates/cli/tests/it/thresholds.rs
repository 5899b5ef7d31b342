//! How many logs and timestamp authorities a policy asks for.

use waxseal_testkit::evidence::{SIGN, statement};
use waxseal_testkit::sigstore::{Claims, LogVersion, Payload, Witnesses};
use waxseal_testkit::{ImageSpec, Options, Registry};

use crate::keyless::{GITHUB, WORKFLOW, World};

#[test]
fn a_policy_counts_distinct_logs_and_authorities() {
    let world = World::new();
    let verify = |logs: &[LogVersion], timestamps, asks: &str| {
        let registry = Registry::start(Options::default());
        let image = registry.push_image("shop/api", "1", &ImageSpec::tiny());
        let (repository, _) = image.by_digest.split_once('@').unwrap_or_default();
        let policy = format!(
            "apiVersion: waxseal.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {{ name: release }}\n\
             spec:\n  match: {{ images: [\"{repository}\"] }}\n  authorities:\n    ci:\n      \
             keyless: {{ issuer: \"{GITHUB}\", subject: \"{WORKFLOW}\", {asks} }}\n  \
             require:\n    - signature: {{ from: [ci] }}\n"
        );
        world.place.write("policy.yaml", policy);
        let signed = statement(SIGN, &image.digest, &serde_json::json!({}));
        let witnesses = Witnesses { logs, timestamps };
        let payload = Payload::Statement(&signed);
        let bundle = world.sigstore.bundle(&Claims::github(), payload, witnesses);
        registry.attach_bundle(&image, bundle.to_string().as_bytes(), SIGN);
        let ran = world.place.run([
            "verify",
            &image.by_digest,
            "--insecure-http",
            "--policy",
            "policy.yaml",
            "--trusted-root",
            "root.json",
        ]);
        (ran.code, format!("{}{}", ran.stdout, ran.stderr))
    };
    let both = &[LogVersion::V1, LogVersion::V2];
    let refused = [
        (
            &both[..1],
            1,
            "log: { threshold: 2 }",
            "2 different logs have to have it; 1 can be shown to",
        ),
        (
            both,
            2,
            "timestamp: { threshold: 2 }",
            "2 different timestamp authorities have to have seen it; 1 did",
        ),
    ];
    for (logs, timestamps, asks, why) in refused {
        let (code, said) = verify(logs, timestamps, asks);
        assert_eq!(code, Some(3), "{asks}: {said}");
        assert!(said.contains(why), "{said}");
    }
    for asks in ["log: { threshold: 2 }", "timestamp: { threshold: 1 }"] {
        let (code, said) = verify(both, 1, asks);
        assert_eq!(code, Some(0), "{asks}: {said}");
    }
}

#[test]
fn what_no_evidence_can_meet_is_said_beforehand() {
    let world = World::new();
    let check = |asks: &str, flags: &[&str]| {
        let policy = format!(
            "apiVersion: waxseal.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {{ name: release }}\n\
             spec:\n  match: {{ images: [\"registry.example.com/shop\"] }}\n  authorities:\n    ci:\n      \
             keyless: {{ issuer: \"{GITHUB}\", subject: \"{WORKFLOW}\", {asks} }}\n  \
             require:\n    - signature: {{ from: [ci] }}\n"
        );
        world.place.write("policy.yaml", policy);
        let check = ["policy", "check", "--strict", "policy.yaml"];
        let ran = world.place.run([&check, flags].concat());
        let lints = ran.stdout.lines().skip(1).map(str::trim);
        (ran.code, lints.map(str::to_owned).collect::<Vec<_>>())
    };
    let never = |asks: &str, has: &str| {
        format!(
            "release: authority `ci` asks for {asks}, and its trust root has {has}: nothing can meet that"
        )
    };
    let root = &["--trusted-root", "root.json"];
    // The instance has two logs, one timestamp authority, and a log of certificates.
    let met = "log: { threshold: 2 }, timestamp: required";
    assert_eq!(check(met, root), (Some(0), Vec::new()));
    assert_eq!(
        check("log: { threshold: 3 }, timestamp: { threshold: 2 }", root),
        (
            Some(3),
            vec![
                never("3 transparency logs", "2 transparency logs"),
                never("2 timestamp authorities", "1 timestamp authority"),
            ]
        )
    );
    // Of a root that is not known nothing is said.
    assert_eq!(check("log: { threshold: 9 }", &[]), (Some(0), Vec::new()));
    let github = "trustRoot: github";
    for flags in [&[][..], root] {
        assert_eq!(
            check(github, flags),
            (
                Some(3),
                vec![
                    never("1 transparency log", "no transparency log"),
                    never(
                        "1 certificate transparency log",
                        "no certificate transparency log"
                    ),
                ]
            )
        );
    }
    let without =
        format!("{github}, log: optional, timestamp: required, certificateTransparency: optional");
    assert_eq!(check(&without, root), (Some(0), Vec::new()));
}
