//! The registry answers as the distribution specification says, and wrongly
//! exactly where it is told to.

#![expect(clippy::unwrap_used, reason = "a test")]

mod evidence;
mod faults;
mod registry;
mod tls;

/// A client that follows nothing and asks nobody else.
fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}
