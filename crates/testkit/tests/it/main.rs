//! The registry answers as the distribution specification says and the private
//! Sigstore as the real one does, and wrongly exactly where they are told to.

#![expect(clippy::unwrap_used, reason = "a test")]

mod evidence;
mod faults;
mod registry;
mod sigstore;
mod sigstore_wire;
mod tls;

/// A client that follows nothing and asks nobody else.
fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}
