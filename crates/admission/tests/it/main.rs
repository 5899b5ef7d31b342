//! The reviews that an API server sends, and those that it does not.

mod cases;
mod kinds;
mod requests;
mod server;
mod stub;
