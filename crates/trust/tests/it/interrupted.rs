//! Updates that end in the middle. What was good before stays, and the next
//! update gets what this one did not.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::future::poll_fn;
use reqwest::Url;
use tokio::sync::Notify;
use waxseal_testkit::NOW;
use waxseal_trust::{Fetch, FetchError, Fetching, Http, HttpOptions, UpdateError};

use crate::{FIRST, SECOND, World, acme, document, runtime};

/// What an update asks for that finds a new root and new versions of everything.
fn renewed() -> (World, Vec<String>) {
    let mut world = World::updated();
    let before = world.repository.asked().len();
    world.draft.root.version = 2;
    world.draft.renew();
    world.publish(SECOND);
    let mut twin = World::updated();
    let known = twin.repository.asked().len();
    twin.draft = world.draft.clone();
    twin.publish(SECOND);
    twin.update(NOW).unwrap();
    let asked = twin.repository.asked().split_off(known);
    assert_eq!(known, before);
    (world, asked)
}

#[test]
fn by_a_repository_that_breaks_off_at_any_file() {
    let (_, asked) = renewed();
    assert_eq!(asked.len(), 6, "{asked:?}");
    for name in asked {
        let (world, _) = renewed();
        let good = world.repository.file(&name);
        world.repository.status(&name, 418);
        let host = world.repository.url().trim_start_matches("http://");
        let file = name.rsplit('/').next().unwrap_or(&name);
        let error = FetchError::Status {
            host: host.to_owned(),
            file: file.to_owned(),
            status: 418,
        };
        world.refuses(NOW, UpdateError::Fetch(error));
        match good {
            Some(good) => world.repository.put(&name, good),
            None => world.repository.remove(&name),
        }
        assert!(world.update(NOW).unwrap().changed, "{name}");
        assert_eq!(world.load(NOW).unwrap().trusted_root, document(SECOND));
    }
}

/// Answers so many requests, and leaves the next one open.
struct Until {
    left: AtomicUsize,
    stuck: Notify,
    http: Http,
}

impl Fetch for Until {
    fn fetch<'a>(&'a self, url: &'a Url, limit: u64) -> Fetching<'a> {
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 {
            self.stuck.notify_one();
            return Box::pin(std::future::pending());
        }
        self.left.store(left - 1, Ordering::SeqCst);
        self.http.fetch(url, limit)
    }
}

#[test]
fn by_somebody_who_stops_it_at_any_file() {
    let (world, asked) = renewed();
    for answered in 0..asked.len() {
        let fetch = Arc::new(Until {
            left: AtomicUsize::new(answered),
            stuck: Notify::new(),
            http: Http::new(HttpOptions::default()),
        });
        let (store, name) = (world.store(), acme());
        let asked: Arc<dyn Fetch> = fetch.clone();
        runtime().block_on(async {
            let mut update = pin!(store.update(&name, asked, NOW));
            let mut stuck = pin!(fetch.stuck.notified());
            poll_fn(|context| {
                assert!(update.as_mut().poll(context).is_pending(), "{answered}");
                match stuck.as_mut().poll(context) {
                    Poll::Ready(()) => Poll::Ready(()),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await;
        });
        let root = world.load(NOW).unwrap();
        assert_eq!(root.trusted_root, document(FIRST));
    }
    assert!(world.update(NOW).unwrap().changed);
    assert_eq!(world.load(NOW).unwrap().trusted_root, document(SECOND));
}

#[test]
fn by_a_crash_before_the_new_file_is_in_its_place() {
    let (world, _) = renewed();
    let half = world.folder.path().join(".waxseal-0a1b2c");
    std::fs::write(&half, "{\"apiVersion\":").unwrap();
    assert_eq!(world.load(NOW).unwrap().trusted_root, document(FIRST));
    assert_eq!(world.store().kept().unwrap(), [acme()].into());
    world.update(NOW).unwrap();
    assert_eq!(world.load(NOW).unwrap().trusted_root, document(SECOND));
}
