//! A bounded, fail-closed client for registries, and what goes with it: the
//! image-layout folder, the cache of content on disk, and copying an image
//! together with its evidence.
//!
//! It never mistakes "could not tell" for "is not there" ([`Found`] against
//! [`Error`]), never hands out bytes whose digest it did not compute, never
//! sends credentials to anybody but the registry and its token service, and
//! never reads, waits or repeats without a limit ([`limits`]). It knows
//! nothing of Sigstore.

mod attach;
mod auth;
mod blob;
mod cache;
mod challenge;
mod client;
pub mod copy;
mod credentials;
mod error;
mod http_client;
mod layout;
pub mod limits;
mod lists;
mod manifest;
mod merge;
mod origin;
mod pace;
mod referrers;
mod request;
mod retry;
mod source;
mod stream;

pub use attach::{Appended, Artifact, Attached};
pub use client::{Client, ClientBuilder, PushedManifest};
pub use copy::copy;
pub use error::Error;
pub use layout::Layout;
pub use pace::Pace;
pub use source::{Found, RawManifest, Referrers, ReferrersVia, Source};
pub use stream::BlobStream;
