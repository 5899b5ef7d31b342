//! in-toto statements, the names of predicate types, DSSE envelopes and
//! cosign's simple-signing payloads: read strictly, written stably.
//!
//! A statement ties what is said (the predicate) to what it is said about (the
//! subjects, by digest). Nothing here checks a signature: what these parsers
//! return is what a document says, not what is so. The crate opens no file and
//! no socket. All inputs are taken to be untrusted.
//!
//! ```
//! use waxseal_attestation::{PredicateType, Statement, Subject, statement_bytes};
//! use waxseal_oci::Digest;
//!
//! let image = Digest::sha256(b"the manifest");
//! let kind: PredicateType = "cyclonedx".parse()?;
//! let bytes = statement_bytes(kind.uri(), &[Subject::new("shop/api", &image)], b"{}");
//! assert!(Statement::parse(&bytes)?.names_digest(&image));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The types are ours because the published ones know one of the two statement
//! versions, or refuse what the specification says to ignore; and because a
//! predicate of twenty megabytes has to pass without being held.

pub mod dsse;
pub mod json;
pub mod limits;
mod predicate_type;
pub mod provenance;
mod scan;
pub mod simple_signing;
mod statement;
pub mod vex;
pub mod vulnerability;
mod write;

pub use predicate_type::{PredicateType, PredicateTypeError};
pub use statement::{
    HeadReader, STATEMENT_V01, STATEMENT_V1, Statement, StatementError, StatementHead, Subject,
};
pub use write::{
    STATEMENT_SUFFIX, custom_predicate, signature_statement, statement_bytes, statement_prefix,
};
