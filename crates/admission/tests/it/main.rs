//! The reviews that an API server sends, and those that it does not.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test"
)]

mod cases;
mod kinds;
mod manifests;
mod requests;
mod server;
mod stub;
