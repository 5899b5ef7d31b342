//! Stores, updates and those who are in their way.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test"
)]

mod attacks;
mod create;
mod interrupted;
mod kept;
mod rotation;
mod updates;
mod wire;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use waxseal_testkit::NOW;
use waxseal_testkit::tuf::{Draft, Repository};
use waxseal_trust::{
    Embedded, Http, HttpOptions, Name, NamedRoot, Store, StoreError, UpdateError, Updated,
};

/// Two trusted roots that can be told apart.
const FIRST: usize = 0;
const SECOND: usize = 1;

/// A store that follows a repository under the name `acme`.
struct World {
    folder: TempDir,
    repository: Repository,
    draft: Draft,
}

impl World {
    /// The repository is pinned, and nothing is published.
    fn pinned() -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            repository: Repository::start(1),
            draft: Draft::new(),
        };
        let pin = world.repository.pin(&world.draft);
        world
            .store()
            .pin(&acme(), world.repository.url(), &pin)
            .unwrap();
        world
    }

    /// The first versions were published and fetched.
    fn updated() -> Self {
        let mut world = Self::pinned();
        world.publish(FIRST);
        assert!(world.update(NOW).unwrap().changed);
        world
    }

    /// Publishes what is drafted, with one of the trusted roots.
    fn publish(&mut self, which: usize) {
        self.draft.target("trusted_root.json", document(which));
        self.repository.publish(&self.draft);
    }

    fn store(&self) -> Store {
        Store::new(self.folder.path())
    }

    fn load(&self, now: Timestamp) -> Result<NamedRoot, StoreError> {
        self.store().load(&acme(), now)
    }

    fn update(&self, now: Timestamp) -> Result<Updated, UpdateError> {
        update(&self.store(), &acme(), now)
    }

    /// An update is refused, with this, and the root stays what it was.
    #[track_caller]
    fn refuses(&self, now: Timestamp, error: UpdateError) {
        let before = self.load(now).unwrap();
        assert_eq!(self.update(now).unwrap_err(), error);
        let after = self.load(now).unwrap();
        assert_eq!(after.origin, before.origin);
        assert_eq!(after.trusted_root, before.trusted_root);
        assert_eq!(after.trusted_root, document(FIRST));
    }
}

fn update(store: &Store, name: &Name, now: Timestamp) -> Result<Updated, UpdateError> {
    let fetch = Arc::new(Http::new(HttpOptions::default()));
    runtime().block_on(store.update(name, fetch, now))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn acme() -> Name {
    "acme".parse().unwrap()
}

fn document(which: usize) -> &'static [u8] {
    Embedded::ALL[which].trusted_root()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}
