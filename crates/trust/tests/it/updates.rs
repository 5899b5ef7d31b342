//! What an update fetches, and what is known of it afterwards.

use waxseal_testkit::NOW;
use waxseal_trust::{Embedded, Origin, Standing, StoreError, UpdateError};

use crate::{FIRST, SECOND, World, acme, days, document, update};

#[test]
fn a_pinned_root_is_fetched_and_kept() {
    let mut world = World::pinned();
    let url = format!("{}/", world.repository.url());
    assert_eq!(
        world.load(NOW).unwrap_err(),
        StoreError::NotFetched {
            name: "acme".to_owned(),
            url: url.clone(),
        }
    );
    world.draft.target(
        "signing_config.v0.2.json",
        Embedded::ALL[FIRST].signing_config().unwrap(),
    );
    world.publish(FIRST);
    let updated = world.update(NOW).unwrap();
    assert!(updated.changed);

    let later = NOW + days(2);
    let root = world.load(later).unwrap();
    assert_eq!(root.trusted_root, document(FIRST));
    assert_eq!(
        root.signing_config.as_deref(),
        Embedded::ALL[FIRST].signing_config()
    );
    assert_eq!(
        root.origin,
        Origin::Repository {
            url,
            fetched: NOW,
            expires: NOW + days(7),
            root_version: 1,
        }
    );
    assert_eq!(root.age(later), Some(days(2)));
    let until = NOW + days(7);
    assert_eq!(root.standing(until), Standing::Current { until });
}

#[test]
fn what_is_new_is_fetched_and_what_is_not_is_not() {
    let mut world = World::updated();
    assert!(!world.update(NOW + days(1)).unwrap().changed);
    let asked = world.repository.asked();
    let again: Vec<&str> = asked.iter().skip(5).map(String::as_str).collect();
    // The documents themselves are small, and asked for again.
    assert_eq!(again[..2], ["2.root.json", "timestamp.json"]);
    assert!(!again.iter().any(|name| name.ends_with("snapshot.json")));

    world.draft.renew();
    world.publish(SECOND);
    assert!(world.update(NOW + days(2)).unwrap().changed);
    assert_eq!(
        world.load(NOW + days(2)).unwrap().trusted_root,
        document(SECOND)
    );
}

#[test]
fn a_root_follows_its_successors() {
    let mut world = World::updated();
    for version in 2..=4 {
        let next = format!("root {version}");
        let mut signers = world.draft.root.keys.clone();
        signers.push(next.clone());
        world.draft.root.version = version;
        world.draft.root.keys = vec![next];
        world.draft.root.signers = signers;
        world
            .draft
            .timestamp
            .rotate(&format!("timestamp {version}"));
        world.draft.renew();
        world.publish(SECOND);
    }
    world.update(NOW).unwrap();
    let root = world.load(NOW).unwrap();
    assert!(matches!(
        root.origin,
        Origin::Repository {
            root_version: 4,
            ..
        }
    ));
    assert_eq!(root.trusted_root, document(SECOND));
}

#[test]
fn a_delegated_role_may_vouch_for_it() {
    let mut world = World::pinned();
    world.draft.delegated.push("trusted_root.json".to_owned());
    world.publish(FIRST);
    world.update(NOW).unwrap();
    assert_eq!(world.load(NOW).unwrap().trusted_root, document(FIRST));
}

#[test]
fn a_stale_root_is_good_for_as_long_as_one_says() {
    let world = World::updated();
    let since = NOW + days(7);
    let root = world.load(NOW + days(40)).unwrap();
    let now = NOW + days(10);
    assert_eq!(root.standing(now), Standing::Stale { since });
    assert_eq!(root.admit(now, days(3)).unwrap(), Standing::Stale { since });
    assert_eq!(
        root.admit(now, days(2)).unwrap_err().to_string(),
        "the trust root `acme` is stale: its repository vouched for it until 2026-01-08T00:00:00Z"
    );
    assert!(root.admit(since, days(0)).is_ok());
}

#[test]
fn what_comes_from_a_file_is_not_updated() {
    let world = World::pinned();
    let (store, name) = (world.store(), "file".parse().unwrap());
    store.keep(&name, document(FIRST), None, NOW).unwrap();
    assert_eq!(
        update(&store, &name, NOW).unwrap_err(),
        UpdateError::NoRepository {
            name: "file".to_owned()
        }
    );
    let root = store.load(&name, NOW + days(1)).unwrap();
    assert_eq!(root.origin, Origin::File { kept: NOW });
    assert_eq!(root.standing(NOW + days(10_000)), Standing::Unlimited);
    assert_eq!(root.age(NOW + days(1)), Some(days(1)));
}

#[test]
fn nobody_is_asked_for_a_root_that_is_not_known() {
    let world = World::pinned();
    let name = "else".parse().unwrap();
    assert_eq!(
        update(&world.store(), &name, NOW).unwrap_err(),
        UpdateError::Store(StoreError::Unknown {
            name: "else".to_owned()
        })
    );
    assert_eq!(acme().as_str(), "acme");
}
