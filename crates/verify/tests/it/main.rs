//! The verifier against evidence that other programs made, and against
//! evidence that nobody should believe.

mod annotations;
mod conformance;
mod cosign;
mod entries;
mod forged;
mod forger;
mod keys;
mod kinds;
mod legacy_blob;
mod mutation;
mod published;
mod support;
mod tampered;
mod timestamps;
mod witnesses;
