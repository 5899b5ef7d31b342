//! A registry that fails is not a registry without signatures.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use waxseal_policy::Verdict;
use waxseal_registry::{Client, Pace};
use waxseal_testkit::{Fault, Match};

use crate::shop::{Person, Shop, signed_by};

/// Waits for nothing.
#[derive(Debug)]
struct Hurry;

impl Pace for Hurry {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }

    fn random(&self) -> u64 {
        0
    }
}

fn hurried() -> Shop {
    let mut shop = Shop::new();
    let client = Client::builder()
        .insecure_http(true)
        .anonymous(true)
        .pace(Arc::new(Hurry));
    shop.client = client.build().unwrap();
    shop
}

const ALWAYS: u64 = u64::MAX;

#[tokio::test]
async fn a_list_that_cannot_be_had_is_not_an_empty_list() {
    let ada = Person::new("ada");
    let shop = hurried();
    ada.signs(&shop);
    let said = [
        (Fault::status(500), "the registry fails with status 500"),
        (Fault::status(403), "the registry forbids it"),
        (
            Fault::too_many(3600),
            "the registry limits the rate of requests",
        ),
        (Fault::Body(b"<html>".to_vec()), "is refused"),
    ];
    for (fault, words) in said {
        shop.registry.heal();
        shop.registry
            .fault(Match::new("GET", "/referrers/"), fault.clone(), ALWAYS);
        let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
        assert_eq!(outcome.decision.verdict, Verdict::Unable, "{fault:?}");
        let reason = outcome.decision.reason.unwrap_or_default();
        assert!(reason.contains(words), "{fault:?}: {reason}");
    }
}

#[tokio::test]
async fn content_that_cannot_be_had_might_have_been_the_signature() {
    let ada = Person::new("ada");
    let shop = hurried();
    ada.signs(&shop);
    for path in ["/blobs/", "/manifests/sha256:"] {
        shop.registry.heal();
        shop.registry
            .fault(Match::new("GET", path), Fault::status(503), ALWAYS);
        let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
        assert_eq!(outcome.decision.verdict, Verdict::Unable, "{path}");
        let policy = &outcome.decision.policies[0];
        assert_eq!(policy.verdict, Verdict::Unable, "{path}");
    }
}

#[tokio::test]
async fn one_that_fails_does_not_keep_another_from_counting() {
    let ada = Person::new("ada");
    let shop = hurried();
    let first = ada.signs(&shop);
    let again = ada.signature_with(&shop.image.digest, &[("again", "yes")]);
    let second = shop.attach(&again, waxseal_attestation::PredicateType::SIGN);
    for entry in [first, second] {
        shop.registry.heal();
        let path = format!("/manifests/{}", entry.digest);
        shop.registry
            .fault(Match::new("GET", path), Fault::status(503), ALWAYS);
        let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
        assert_eq!(outcome.decision.verdict, Verdict::Allow);
    }
}

#[tokio::test]
async fn altered_content_is_not_believed() {
    let ada = Person::new("ada");
    let shop = hurried();
    ada.signs(&shop);
    shop.registry.fault(
        Match::new("GET", "/blobs/"),
        Fault::Body(b"something else".to_vec()),
        ALWAYS,
    );
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Unable);
}

#[tokio::test]
async fn an_image_that_is_not_there_could_not_be_checked() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let host = shop.registry.host();
    let hex = "0".repeat(64);
    for missing in [
        format!("{host}/shop/api:2"),
        format!("{host}/shop/api@sha256:{hex}"),
    ] {
        let image = missing.parse().unwrap();
        let outcome = shop.verify(&image, &signed_by(&[&ada])).await;
        assert_eq!(outcome.decision.verdict, Verdict::Unable, "{missing}");
        assert_eq!(
            outcome.decision.reason.as_deref(),
            Some("the registry has no such image")
        );
    }
}

#[tokio::test]
async fn a_tag_that_moves_meanwhile_changes_nothing() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    ada.signs(&shop);
    let gate_options = waxseal_gate::Options::for_cli();
    let set = signed_by(&[&ada]);
    // The tag is asked for once, at the beginning.
    let image = shop.by_tag();
    let outcome = shop.verify_with(&image, &set, &gate_options).await;
    let by_tag = |path: &str| path.ends_with("/manifests/1");
    let asked = shop.registry.log();
    assert_eq!(asked.iter().filter(|r| by_tag(&r.path)).count(), 1);
    assert_eq!(outcome.decision.digest, Some(shop.image.digest.clone()));
    // Another image under the same tag has no signature.
    let other = waxseal_testkit::ImageSpec::tiny().with_marker("other");
    shop.registry
        .push_image(crate::shop::REPOSITORY, "1", &other);
    let outcome = shop.verify(&image, &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
}
