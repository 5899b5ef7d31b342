//! The reviews that an API server sends, and those that it does not.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test"
)]

mod cases;
mod end_to_end;
mod kinds;
mod manifests;
mod program;
mod requests;
mod roots;
mod sboms;
mod server;
mod stub;
mod world;
