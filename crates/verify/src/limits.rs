//! The largest counts that are read from a bundle.

/// Log entries of one bundle (as sigstore-go reads: CVE-2024-45395).
pub const LOG_ENTRIES: usize = 32;

/// Timestamps of one bundle (as sigstore-go reads: CVE-2024-45395).
pub const TIMESTAMPS: usize = 32;

/// Certificates of one chain.
pub const CERTIFICATES: usize = 16;

/// Hashes of one inclusion proof; a tree of 2^64 leaves needs no more.
pub const PROOF_HASHES: usize = 64;

/// Bundles of one document in which a registry lists them; GitHub gives a
/// hundred at a time.
pub const PUBLISHED: usize = 128;

/// Bytes of what cosign 2 wrote beside a blob: a signature, a certificate and
/// the log's promise.
pub const LEGACY_BLOB_BYTES: usize = 1024 * 1024;

/// Values of one bundle: all of the above with room to spare.
pub(crate) const BUNDLE_VALUES: usize = 8_192;

/// Nesting of a bundle; the deepest member that is known is eight deep.
pub(crate) const BUNDLE_DEPTH: usize = 16;

/// Characters of an identity expression, so that compiling it stays cheap.
pub const PATTERN_CHARS: usize = 1_024;
