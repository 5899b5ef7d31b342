//! The verifier against evidence that other programs made.

mod conformance;
mod support;
