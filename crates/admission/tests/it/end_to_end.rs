//! Real signatures in a real registry, through the gate.

use std::sync::Arc;

use base64::Engine as _;
use serde_json::{Value, json};
use waxseal_admission::decider::{Decider as _, Readiness};
use waxseal_admission::policies::Policies;
use waxseal_admission::review::Door;
use waxseal_testkit::{Fault, ImageSpec, Match};

use crate::world::{World, ask};

#[tokio::test(flavor = "multi_thread")]
async fn signed_is_let_in_and_pinned_and_unsigned_is_not() {
    let world = World::new();
    let signed = world.push_signed("shop/api:1");
    let unsigned = world.push("shop/web:1");
    let policies = world.policies(&[]);

    let answer = ask(&policies, Door::Mutate, "default", &[&signed.reference]).await;
    assert_eq!(answer["allowed"], true, "{answer}");
    let patch = base64::engine::general_purpose::STANDARD
        .decode(answer["patch"].as_str().unwrap())
        .unwrap();
    let patch: Value = serde_json::from_slice(&patch).unwrap();
    let pinned = format!("{}@{}", signed.reference, signed.digest);
    let wanted = json!([{"op": "replace", "path": "/spec/containers/0/image", "value": pinned}]);
    assert_eq!(patch, wanted);

    let answer = ask(&policies, Door::Validate, "default", &[&pinned]).await;
    assert_eq!(answer["allowed"], true);
    assert_eq!(
        answer["status"]["message"],
        "policy `release`: signed by release-key"
    );
    assert_eq!(answer.get("warnings"), None);

    let answer = ask(
        &policies,
        Door::Validate,
        "default",
        &[&pinned, &unsigned.by_digest],
    )
    .await;
    assert_eq!(answer["allowed"], false);
    assert_eq!(answer["status"]["code"], 403);
    assert_eq!(
        answer["status"]["message"],
        format!(
            "refused 1 of 2 images: spec.containers[1].image `{}`: policy `release`: \
             no signature by release-key; nothing is attached to the image",
            unsigned.by_digest
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attestation_and_another_images_signature_are_no_signature() {
    let world = World::new();
    let attested = world.push("shop/scanned:1");
    let vuln = "https://cosign.sigstore.dev/attestation/vuln/v1";
    world.attest("shop/scanned:1", &attested, vuln);
    let signed = world.push_signed("shop/api:1");
    let policies = world.policies(&[]);
    let answer = ask(&policies, Door::Validate, "default", &[&attested.by_digest]).await;
    assert_eq!(answer["allowed"], false);
    let message = answer["status"]["message"].as_str().unwrap();
    assert!(
        message.contains("attestations are not signatures"),
        "{message}"
    );

    // The tag moves to an image that nobody signed.
    let moved = world
        .registry
        .push_image("shop/api", "1", &ImageSpec::tiny().with_marker("evil"));
    assert_ne!(moved.digest, signed.digest);
    let answer = ask(&policies, Door::Validate, "default", &[&moved.reference]).await;
    assert_eq!(answer["allowed"], false, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_digest_asks_nobody_and_a_stampede_asks_once() {
    let world = World::new();
    let signed = world.push_signed("shop/api:1");
    let policies = world.policies(&[]);
    let mut stampede = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (policies, image) = (Arc::clone(&policies), signed.by_digest.clone());
        stampede.spawn(async move { ask(&policies, Door::Validate, "default", &[&image]).await });
    }
    while let Some(answer) = stampede.join_next().await {
        assert_eq!(answer.unwrap()["allowed"], true);
    }
    assert_eq!(
        world.registry.count(),
        3,
        "list, manifest, bundle: {:?}",
        world.registry.log()
    );
    assert_eq!(policies.counts().cache_misses, 1);
    assert_eq!(policies.counts().cache_hits, 199);
    assert_eq!(policies.counts().registry_requests, 3);

    // The registry is gone; what is known stays known, and nothing else gets in.
    world
        .registry
        .fault(Match::any("/v2/"), Fault::status(403), u64::MAX);
    let answer = ask(&policies, Door::Validate, "other", &[&signed.by_digest]).await;
    assert_eq!(answer["allowed"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_does_not_answer_is_told_from_a_refusal() {
    let world = World::new();
    let signed = world.push_signed("shop/api:1");
    let policies = world.policies(&[]);
    world
        .registry
        .fault(Match::any("/referrers/"), Fault::status(403), u64::MAX);
    let answer = ask(&policies, Door::Validate, "default", &[&signed.by_digest]).await;
    assert_eq!(answer["allowed"], false);
    assert_eq!(answer["status"]["code"], 503, "{answer}");
    assert_eq!(answer["status"]["reason"], "ServiceUnavailable");
    assert_eq!(answer["auditAnnotations"]["verdict"], "not-checked");
    let message = answer["status"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("could not check: spec.containers[0].image"),
        "{message}"
    );

    let missing = format!("{}/shop/none:1", world.registry.host());
    let answer = ask(&policies, Door::Mutate, "default", &[&missing]).await;
    assert_eq!(answer["allowed"], false);
    let message = answer["status"]["message"].as_str().unwrap();
    assert!(
        message.contains("the registry has no such image"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_no_policy_covers_goes_by_the_setting() {
    let world = World::new();
    let image = world.push("tools/debug:1").by_digest;
    let ask = async |setting: &[&str]| {
        ask(
            &world.policies(setting),
            Door::Validate,
            "default",
            &[&image],
        )
        .await
    };
    let answer = ask(&[]).await;
    assert_eq!(answer["allowed"], false);
    assert_eq!(answer["auditAnnotations"]["reason"], "no-policy");
    let answer = ask(&["--unmatched", "warn"]).await;
    assert_eq!(answer["allowed"], true);
    assert_eq!(
        answer["warnings"],
        json!([format!(
            "spec.containers[0].image `{image}`: no policy covers it; it was not checked"
        )])
    );
    let answer = ask(&["--unmatched", "allow"]).await;
    assert_eq!(answer["allowed"], true);
    assert_eq!(answer.get("warnings"), None);
    assert_eq!(answer["auditAnnotations"]["reason"], "no-policy");
    assert_eq!(world.registry.count(), 0, "nobody is asked about it");
}

#[tokio::test(flavor = "multi_thread")]
async fn warn_and_audit_let_in_what_they_would_refuse() {
    let world = World::new();
    let unsigned = world.push("shop/web:1").by_digest;
    world.policy("release", "warn", "");
    let answer = ask(
        &world.policies(&[]),
        Door::Validate,
        "default",
        &[&unsigned],
    )
    .await;
    assert_eq!(answer["allowed"], true);
    let warning = answer["warnings"][0].as_str().unwrap();
    assert!(
        warning.contains("policy `release` would refuse it: no signature by release-key"),
        "{warning}"
    );

    world.policy("release", "audit", "");
    let answer = ask(
        &world.policies(&[]),
        Door::Validate,
        "default",
        &[&unsigned],
    )
    .await;
    assert_eq!(answer["allowed"], true);
    assert_eq!(answer.get("warnings"), None);
    let recorded = answer["auditAnnotations"]["not-enforced"].as_str().unwrap();
    assert!(
        recorded.contains("policy `release` would refuse it"),
        "{recorded}"
    );

    // One that enforces beside it refuses all the same.
    world.policy("strict", "enforce", "");
    let answer = ask(
        &world.policies(&[]),
        Door::Validate,
        "default",
        &[&unsigned],
    )
    .await;
    assert_eq!(answer["allowed"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_for_namespaces_covers_what_it_cannot_rule_out() {
    let world = World::new();
    let unsigned = world.push("shop/web:1").by_digest;
    let by_name = "    namespaces: { matchLabels: { kubernetes.io/metadata.name: production } }\n";
    world.policy("release", "enforce", by_name);
    let policies = world.policies(&["--unmatched", "allow"]);
    let reason = async |policies: &Arc<Policies>, namespace: &str| {
        let answer = ask(policies, Door::Validate, namespace, &[&unsigned]).await;
        (
            answer["allowed"] == true,
            answer["auditAnnotations"]["reason"]
                .as_str()
                .unwrap()
                .to_owned(),
        )
    };
    assert_eq!(
        reason(&policies, "production").await,
        (false, "policy".to_owned())
    );
    assert_eq!(
        reason(&policies, "dev").await,
        (true, "no-policy".to_owned())
    );
    assert_eq!(reason(&policies, "").await, (false, "policy".to_owned()));

    // The label `tier` is not in a review: the policy may cover any namespace.
    world.policy(
        "release",
        "enforce",
        "    namespaces: { matchLabels: { tier: production } }\n",
    );
    let policies = world.policies(&["--unmatched", "allow"]);
    assert_eq!(reason(&policies, "dev").await, (false, "policy".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_new_policy_leaves_the_old_in_force() {
    let world = World::new();
    let signed = world.push_signed("shop/api:1").by_digest;
    let policies = world.policies(&[]);
    let allowed =
        async || ask(&policies, Door::Validate, "default", &[&signed]).await["allowed"] == true;
    assert!(allowed().await);
    assert!(!policies.refresh().unwrap(), "nothing is new");
    assert_eq!(
        policies.readiness(),
        Readiness::Ready("1 policy in force".to_owned())
    );

    let file = world.path().join("release.yaml");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        good.replace("threshold", "treshold")
            .replace("mode: enforce", "mood: enforce"),
    )
    .unwrap();
    let error = policies.refresh().unwrap_err().to_string();
    assert!(
        error.contains("release.yaml") && error.contains("mood"),
        "{error}"
    );
    assert_eq!(policies.counts().policy_failures, 1);
    let Readiness::Ready(detail) = policies.readiness() else {
        panic!("it is ready")
    };
    assert_eq!(
        detail,
        format!("1 policy in force, older than the files: {error}")
    );
    assert!(allowed().await);

    // Another key under the same name is another policy, whatever was cached.
    std::fs::write(&file, &good).unwrap();
    let other = World::new();
    std::fs::copy(
        other.path().join("release.pub"),
        world.path().join("release.pub"),
    )
    .unwrap();
    assert!(policies.refresh().unwrap());
    assert_eq!(
        policies.readiness(),
        Readiness::Ready("1 policy in force".to_owned())
    );
    assert!(!allowed().await);

    std::fs::remove_file(&file).unwrap();
    assert!(policies.refresh().is_err());
    assert!(!allowed().await);
}
