//! What tests need: an OCI registry in the process, with every fault; a
//! private [`sigstore`] and [`tuf`] repository; keys, certificates and evidence made by hand; a clock
//! that stands still.
//!
//! The registry follows distribution-spec 1.1 over memory. Around it stand
//! layers that count, delay, ask for credentials and answer wrongly on purpose.
//! It binds a free port of loopback and runs on threads of its own, so that
//! blocking and asynchronous tests can use it alike. It is written here and not
//! taken from a crate because faults reach into every part of it, down to the
//! connection. It is not a server for anything but tests.
//!
//! ```
//! use waxseal_testkit::{Fault, ImageSpec, Match, Options, Registry};
//!
//! let registry = Registry::start(Options::default());
//! let image = registry.push_image("shop/api", "1.0", &ImageSpec::tiny());
//! registry.fault(Match::kind("manifest"), Fault::too_many(1), 2);
//! assert_eq!(image.reference, format!("{}/shop/api:1.0", registry.host()));
//! assert_eq!(registry.count(), 0);
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's tool: what cannot go on has failed"
)]

mod api;
mod around;
pub mod evidence;
mod fault;
mod image;
mod keys;
mod log;
pub mod process;
mod registry;
pub mod sigstore;
mod store;
mod tls;
mod token;
pub mod tuf;
mod wire;

pub use fault::{Fault, Hook, Match};
pub use image::{ImageSpec, PushedImage};
pub use keys::{KeyKind, NOW, TestKey};
pub use log::{Request, Stats};
pub use registry::{Auth, Options, Registry};
pub use store::Contents;
pub use tls::TlsIdentity;
