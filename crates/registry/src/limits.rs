//! How much of anything is read, waited for or repeated.

use std::time::Duration;

/// Bytes of a blob that is read into memory, unless the caller says less
/// (CVE-2024-29902: cosign read attachments of any size).
pub const BLOB_BYTES: u64 = 128 * 1024 * 1024;

/// Bytes of an error body that are looked at for the registry's words.
pub const ERROR_BYTES: u64 = 64 * 1024;

/// Characters of the registry's words that reach a message.
pub const ERROR_CHARS: usize = 200;

/// Bytes of a token service's answer (containers/image reads 1 MiB).
pub const TOKEN_BYTES: u64 = 1024 * 1024;

/// Bytes of the docker configuration.
pub const CONFIG_BYTES: u64 = 4 * 1024 * 1024;

/// Pages of one list of referrers (oras-go 314e8366: pagination without end).
pub const REFERRER_PAGES: usize = 20;

/// Entries of one list of referrers (CVE-2023-33957: endless signatures).
pub const REFERRER_ENTRIES: usize = waxseal_oci::limits::INDEX_ENTRIES;

/// Redirects of one request.
pub const REDIRECTS: usize = 5;

/// Repetitions of one request, after the first attempt.
pub const RETRIES: u32 = 3;

/// The longest that a `Retry-After`, or all waiting for one request, may be.
pub const RETRY_WAIT: Duration = Duration::from_secs(30);

/// Requests in flight to one registry.
pub const CONCURRENCY: usize = 8;

/// Nesting of an image's indexes and of referrers of referrers.
pub const DEPTH: usize = 8;

/// Manifests that one copy may touch.
pub const COPY_MANIFESTS: usize = 10_000;

/// Bytes of all those manifests together.
pub const COPY_MANIFEST_BYTES: u64 = 256 * 1024 * 1024;

/// Times that a shared tag is written before giving up.
pub const MERGE_ROUNDS: u32 = 200;

/// The slowest transfer that is waited for, in bytes per second.
pub const SLOWEST: u64 = 50 * 1024;
