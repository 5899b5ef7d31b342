//! An in-process OCI registry for tests, the demo and the benchmarks.
//!
//! The registry itself is `ferro-oci-server` over memory; around it stand
//! layers of ours that count, delay, ask for credentials, hide the referrers
//! API and answer wrongly on purpose. It binds a free port of loopback and runs
//! on a thread of its own, so that blocking and asynchronous tests can use it
//! alike. It is not a server for anything but tests.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's tool: what cannot go on has failed"
)]

mod fault;
mod image;
mod log;
mod registry;
mod token;

pub use fault::{Fault, Match};
pub use image::{ImageSpec, PushedImage};
pub use log::{Request, Stats};
pub use registry::{Auth, Options, Registry};
