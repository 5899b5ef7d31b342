//! The bounds on what is read from tokens, services and configurations.

use std::time::Duration;

/// Bytes of an identity token; Fulcio's own bound (CVE-2025-66506).
pub const TOKEN_BYTES: usize = 16 * 1024;

/// Bytes of what a program says on stderr that gives no token.
pub const WORDS_BYTES: usize = 4 * 1024;

/// Bytes of one answer of a service (as sigstore-go reads).
pub const ANSWER_BYTES: usize = 1024 * 1024;

/// Bytes of a signing configuration or a trusted root.
pub const CONFIG_BYTES: u64 = 1024 * 1024;

/// Services of one kind in a signing configuration.
pub const SERVICES: usize = 32;

/// Certificates in an authority's answer.
pub const CERTIFICATES: usize = 16;

/// How often a request is made again after a 429, a 5xx, or where there was no
/// connection.
pub const RETRIES: u32 = 3;

/// How often a request is made again that nobody answered in time.
pub const RETRIES_AFTER_SILENCE: u32 = 1;

/// What all waits of one request may add up to.
pub const RETRY_WAIT: Duration = Duration::from_secs(30);

/// What one attempt may take. Rekor v2 answers when the entry is in the log.
pub const ATTEMPT: Duration = Duration::from_secs(30);

/// How long a person may take to sign in.
pub const SIGN_IN: Duration = Duration::from_secs(300);

/// Connections that the loopback redirect looks at: browsers open some that
/// they never use.
pub const REDIRECTS: usize = 32;

/// Bytes of the head of the redirect's request.
pub const REDIRECT_BYTES: usize = 8 * 1024;

/// How far the clock of a service may be ahead of ours.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);
