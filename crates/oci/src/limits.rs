//! The largest documents that are read, shared by parsers and fetchers.

/// Bytes of a manifest, an index or one page of a referrers list.
///
/// The distribution specification asks registries to take at least 4 MiB;
/// containers/image, notation and oras refuse more.
pub const MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// Layers of one manifest (cosign refuses more than 1,000: CVE-2024-29903).
pub const LAYERS: usize = 1_000;

/// Manifests of one index or referrers list.
pub const INDEX_ENTRIES: usize = 10_000;

/// Annotations of one descriptor or document.
pub const ANNOTATIONS: usize = 512;

/// Nesting of a JSON document.
pub const JSON_DEPTH: usize = 64;
