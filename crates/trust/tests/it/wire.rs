//! Repositories that cannot be asked.

use std::sync::Arc;
use std::time::Duration;

use waxseal_testkit::NOW;
use waxseal_trust::{FetchError, Http, HttpOptions, StoreError, UpdateError};

use crate::{World, acme, runtime};

fn host(world: &World) -> String {
    world
        .repository
        .url()
        .trim_start_matches("http://")
        .to_owned()
}

#[test]
fn one_that_is_broken() {
    let world = World::updated();
    world.repository.status("timestamp.json", 418);
    let error = FetchError::Status {
        host: host(&world),
        file: "timestamp.json".to_owned(),
        status: 418,
    };
    assert!(!UpdateError::Fetch(error.clone()).is_refusal());
    world.refuses(NOW, UpdateError::Fetch(error));
}

#[test]
fn one_that_sends_elsewhere() {
    let world = World::updated();
    world.repository.status("timestamp.json", 302);
    let error = world.update(NOW).unwrap_err();
    assert!(matches!(
        error,
        UpdateError::Fetch(FetchError::Status { status: 302, .. })
    ));
}

#[test]
fn one_that_never_answers() {
    let world = World::updated();
    world.repository.never("timestamp.json");
    let after = Duration::from_millis(50);
    let fetch = Arc::new(Http::new(HttpOptions {
        attempt: after,
        ..HttpOptions::default()
    }));
    let store = world.store();
    let error = runtime().block_on(store.update(&acme(), fetch, NOW));
    let host = host(&world);
    assert_eq!(
        error.unwrap_err(),
        UpdateError::Fetch(FetchError::Timeout { host, after })
    );
    assert!(world.load(NOW).is_ok());
}

#[test]
fn one_that_is_asked_in_the_clear() {
    let world = World::pinned();
    let (store, name) = (world.store(), "plain".parse().unwrap());
    let pin = world.repository.pin(&world.draft);
    store.pin(&name, "http://tuf.example", &pin).unwrap();
    let error = crate::update(&store, &name, NOW).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tuf.example is asked over plain HTTP, which has to be allowed \
         (--insecure-http=tuf.example)"
    );
}

#[test]
fn addresses_at_which_none_can_be() {
    let world = World::pinned();
    let pin = world.repository.pin(&world.draft);
    for (url, reason) in [
        ("tuf.example", "relative URL without a base"),
        ("file:///etc", "it is neither https nor http"),
        (
            "https://me:secret@tuf.example",
            "it holds a name or a password",
        ),
        ("https://tuf.example/?a=b", "it has a query or a fragment"),
    ] {
        let error = world.store().pin(&"other".parse().unwrap(), url, &pin);
        let Err(StoreError::Pin(error)) = error else {
            panic!("{url}");
        };
        assert!(!error.to_string().contains("secret"), "{error}");
        let UpdateError::Fetch(FetchError::Url { reason: said, .. }) = *error else {
            panic!("{url}");
        };
        assert_eq!(said, reason);
    }
}
