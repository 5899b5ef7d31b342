//! The largest documents and counts that are read.

/// Subjects of one statement (sigstore-go reads as many: CVE-2024-45395).
pub const SUBJECTS: usize = 1_024;

/// Digests of one subject (sigstore-go reads as many: CVE-2024-45395).
pub const DIGESTS: usize = 32;

/// Bytes of a statement beside its predicate, and of a simple-signing payload.
pub const HEAD_BYTES: usize = 1024 * 1024;

/// Nesting of a predicate that is skipped.
pub const PREDICATE_DEPTH: u32 = 128;

/// Signatures of one DSSE envelope that are read before it is refused.
pub const SIGNATURES: usize = 32;

/// Dependencies of one provenance that are read.
pub const DEPENDENCIES: usize = 10_000;

/// Findings of one vulnerability scan that are read.
pub const VULNERABILITIES: usize = 200_000;

/// Statements of one VEX document that are read.
pub const VEX_STATEMENTS: usize = 20_000;
