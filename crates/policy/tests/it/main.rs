//! Policies, facts and decisions, from outside.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test, which reads its cases from files and fails where it cannot go on"
)]

mod corpus;
mod decisions;
mod evidence;
mod patterns;
mod properties;
mod rendering;
mod sboms;
mod schema;
mod shipped;
mod vulnerabilities;
