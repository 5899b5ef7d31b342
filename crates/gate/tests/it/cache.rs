//! Decisions that were made a moment ago.

use std::time::Duration;

use futures_util::future::join_all;
use waxseal_gate::{Cache, CacheTimes, Options};
use waxseal_policy::{Unmatched, Verdict};

use crate::shop::{Person, Shop, now, signed_by};

/// Nothing runs out while a test runs.
fn forever() -> CacheTimes {
    let long = Duration::from_secs(3600);
    CacheTimes {
        allow: long,
        deny: long,
        unable: long,
        resolved: long,
    }
}

#[tokio::test]
async fn five_hundred_who_ask_at_once_cost_four_requests() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    ada.signs(&shop);
    shop.registry.reset();
    let cache = Cache::new(1000, forever());
    let (image, set, options) = (shop.by_tag(), signed_by(&[&ada]), Options::for_admission());
    let ask = || cache.decide(&shop.client, &image, &set, &options, now());
    let decisions = join_all((0..500).map(|_| ask())).await;
    assert!(decisions.iter().all(|d| d.verdict == Verdict::Allow));
    assert_eq!(shop.registry.count(), 4);
    assert_eq!((cache.hits(), cache.misses()), (499, 1));
    assert_eq!(cache.questions(), 4);
}

#[tokio::test]
async fn other_policies_are_other_decisions() {
    let (ada, bob) = (Person::new("ada"), Person::new("bob"));
    let shop = Shop::new();
    ada.signs(&shop);
    let cache = Cache::new(1000, forever());
    let options = Options::for_admission();
    let image = shop.by_digest();
    for (set, verdict) in [
        (signed_by(&[&ada]), Verdict::Allow),
        (signed_by(&[&bob]), Verdict::Deny),
        (signed_by(&[&ada]), Verdict::Allow),
    ] {
        let decision = cache
            .decide(&shop.client, &image, &set, &options, now())
            .await;
        assert_eq!(decision.verdict, verdict);
    }
    assert_eq!((cache.hits(), cache.misses()), (1, 2));
    cache.clear();
    let set = signed_by(&[&ada]);
    cache
        .decide(&shop.client, &image, &set, &options, now())
        .await;
    assert_eq!(cache.misses(), 3);
}

#[tokio::test]
async fn a_decision_is_kept_by_digest_and_not_by_tag() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    ada.signs(&shop);
    let times = CacheTimes {
        resolved: Duration::ZERO,
        ..forever()
    };
    let cache = Cache::new(1000, times);
    let (image, set, options) = (shop.by_tag(), signed_by(&[&ada]), Options::for_admission());
    let ask = || cache.decide(&shop.client, &image, &set, &options, now());
    assert_eq!(ask().await.verdict, Verdict::Allow);
    let other = waxseal_testkit::ImageSpec::tiny().with_marker("other");
    shop.registry
        .push_image(crate::shop::REPOSITORY, "1", &other);
    assert_eq!(ask().await.verdict, Verdict::Deny);
}

#[tokio::test]
async fn what_happens_to_an_uncovered_image_is_not_remembered_for_another_place() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ada.pub"), ada.named().pem).unwrap();
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, crate::places::policy("elsewhere.example/**", "")).unwrap();
    let set = waxseal_gate::PolicySet::load(&[file]).unwrap();
    let cache = Cache::new(1000, forever());
    let image = shop.by_digest();
    for (unmatched, verdict) in [
        (Unmatched::Allow, Verdict::Allow),
        (Unmatched::Deny, Verdict::Deny),
    ] {
        let options = Options {
            unmatched,
            ..Options::for_admission()
        };
        let decision = cache
            .decide(&shop.client, &image, &set, &options, now())
            .await;
        assert_eq!(decision.verdict, verdict);
    }
}
