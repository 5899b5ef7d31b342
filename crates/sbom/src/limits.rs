//! The largest things that are kept of an SBOM.

/// Subjects that one document may describe. The check compares each with the
/// image; the tools in use write one.
pub const SUBJECTS: usize = 64;

/// Hashes of one subject.
pub const HASHES: usize = 32;
