//! Named trust roots: kept in a folder, renewed over TUF, made for private
//! instances of Sigstore.
//!
//! A root has a name and comes from one of three places: a copy in the program,
//! a file that somebody gave, or a TUF repository that is followed from a pinned
//! `root.json`. [`Store::load`] gives the bytes that `waxseal-verify` and
//! `waxseal-sign` read, and says where they come from and how old they are;
//! [`Store::update`] asks the repository. What it refuses by name, and what
//! becomes of the root then, is in [`UpdateError`]: the last good one stays.
//!
//! What this crate refuses to do: read the clock, choose a folder, or take what
//! is kept on disk for good because it is there. A root that was fetched is
//! verified from its pin each time it is loaded.
//!
//! ```
//! use waxseal_trust::{Origin, Standing, Store};
//!
//! let store = Store::new("/nowhere");
//! let now = "2026-01-01T00:00:00Z".parse()?;
//! let root = store.load(&"sigstore".parse()?, now)?;
//! assert!(matches!(root.origin, Origin::Embedded { .. }));
//! assert_eq!(root.standing(now), Standing::Embedded);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! One file per root, replaced as a whole: a trusted root and the metadata that
//! vouches for it are never of two different days. A folder of files, which was
//! the other choice, needs links or a journal for the same.

mod create;
mod document;
mod embedded;
mod error;
mod fetch;
mod follower;
pub mod limits;
mod name;
mod named;
mod state;
mod store;
mod summary;
mod tuf;

pub use crate::create::{Authority, CreateError, Log, Provider, Selector, Sigstore};
pub use crate::embedded::Embedded;
pub use crate::error::{StoreError, UpdateError};
pub use crate::fetch::{Fetch, FetchError, Fetching, Http, HttpOptions};
pub use crate::follower::Follower;
pub use crate::name::{Name, NameError};
pub use crate::named::{NamedRoot, Origin, StaleError, Standing};
pub use crate::store::{Store, Updated};
pub use crate::summary::{Anchor, Kind, SummaryError, summary};
