//! A bounded, fail-closed client for registries, and what goes with it: the
//! image-layout folder, the cache of content on disk, and copying an image
//! together with its evidence.
//!
//! It never mistakes "could not tell" for "is not there" ([`Found`] against
//! [`Error`]), never hands out bytes whose digest it did not compute, never
//! sends credentials to anybody but the registry and its token service, and
//! never reads, waits or repeats without a limit ([`limits`]). It knows
//! nothing of Sigstore.
//!
//! ```no_run
//! use waxseal_registry::{Client, Source as _};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder().build()?;
//! let image = "registry.example.com/shop/api:1.2".parse()?;
//! let digest = client.resolve(&image).await?.required("the image")?;
//! let evidence = client.referrers(image.repository(), &digest, None).await?;
//! for entry in evidence.entries {
//!     println!("{} {}", entry.digest, entry.artifact_type.unwrap_or_default());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It is written on `reqwest` rather than on `oci-client` because that client
//! reads a registry's refusal to list referrers as "there are none", loses all
//! pages but the first, reads answers of any length, and tries nothing twice;
//! its connections cannot be reached to change that. The tests hold the two
//! against each other where they should agree.

mod answer;
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
mod token;
mod upload;

pub use attach::{Appended, Artifact, Attached};
pub use client::{Client, ClientBuilder, PushedManifest};
pub use copy::copy;
pub use error::Error;
pub use layout::Layout;
pub use pace::Pace;
pub use source::{Found, RawManifest, Referrers, ReferrersVia, Source};
pub use stream::BlobStream;
