//! The bounds on what is fetched and read.

use std::time::Duration;

/// Bytes of a TUF root (as go-tuf and python-tuf read).
pub const ROOT_BYTES: u64 = 512_000;

/// Bytes of TUF's timestamp (as go-tuf and python-tuf read).
pub const TIMESTAMP_BYTES: u64 = 16_384;

/// Bytes of TUF's snapshot (as go-tuf and python-tuf read).
pub const SNAPSHOT_BYTES: u64 = 2_000_000;

/// Bytes of one TUF role that lists targets (as go-tuf and python-tuf read).
pub const TARGETS_BYTES: u64 = 5_000_000;

/// Bytes of a trusted root or a signing configuration.
pub const DOCUMENT_BYTES: u64 = 1024 * 1024;

/// How many roots one update follows (as go-tuf and python-tuf do).
pub const ROTATIONS: u32 = 256;

/// How many roles are asked about one target (as go-tuf and python-tuf do).
pub const DELEGATIONS: u32 = 32;

/// Bytes of what is kept of one named root.
pub const STATE_BYTES: u64 = 64 * 1024 * 1024;

/// How many named roots are listed.
pub const NAMES: usize = 1_000;

/// Certificates in the chain of an authority.
pub const CHAIN: usize = 16;

/// What one request may take.
pub const ATTEMPT: Duration = Duration::from_secs(30);

/// What a whole update may take, however slowly the repository answers.
pub const UPDATE: Duration = Duration::from_secs(300);

/// How often a request is made again after a 429 or a 5xx.
pub const RETRIES: u32 = 2;

/// How far in the future a root may have been fetched, for clocks that differ.
pub const CLOCK_SKEW: jiff::SignedDuration = jiff::SignedDuration::from_secs(300);
