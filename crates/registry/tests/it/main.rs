//! The client against registries that do what the specification says, and
//! against registries that do not.

#![expect(clippy::unwrap_used, reason = "a test")]

mod auth;
mod copying;
mod embedded;
mod fake;
mod faults;
mod oracle;
mod pace;
mod reading;
mod tls;
mod writing;
