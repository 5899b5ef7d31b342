//! The most of everything that is taken from outside.

use std::time::Duration;

/// Bytes of a review. The API server sends an object and its old version, each
/// at most 1.5 MiB in etcd.
pub const BODY_BYTES: usize = 3 * 1024 * 1024;

/// Bytes of all request bodies that are being read at one time. A client that
/// opens many requests and finishes none runs into this, not into our memory.
pub const BODIES_BYTES: usize = 48 * 1024 * 1024;

/// Bytes that are taken and thrown away of a body that is refused.
pub const DISCARDED_BYTES: usize = 16 * 1024 * 1024;

/// Commas and opening brackets of a review. A tree takes up to 700 bytes for
/// each; the largest real reviews have half of this.
pub const JSON_PARTS: usize = 200_000;

/// Bytes from which on a review is large.
pub const LARGE_BYTES: usize = 256 * 1024;

/// Large reviews that are trees in memory at one time.
pub const LARGE_TREES: usize = 1;

/// How long a client may take to send its body.
pub const BODY_TIME: Duration = Duration::from_secs(5);

/// How long a client may take for the TLS handshake and for its first request.
pub const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Reviews that are worked on at one time; more wait, inside their deadline.
pub const REVIEWS_IN_FLIGHT: usize = 64;

/// Images that are being decided at one time, over all reviews.
pub const IMAGES_IN_FLIGHT: usize = 128;

/// Different images of one review. A Pod of 3 MiB could name 50,000, each of
/// which would be a request to a registry (compare GHSA-95pr-fxf5-86gv).
pub const IMAGES: usize = 256;

/// Places of one review that name an image.
pub const SLOTS: usize = 2_000;

/// Characters of the message in a response.
pub const MESSAGE_CHARS: usize = 4_096;

/// Characters of what a message says about one image.
pub const IMAGE_MESSAGE_CHARS: usize = 1_024;

/// Characters of one warning: the API server cuts longer ones.
pub const WARNING_CHARS: usize = 256;

/// Warnings of one response: the API server keeps 4 KiB of them.
pub const WARNINGS: usize = 15;

/// Characters of one audit annotation's value.
pub const AUDIT_CHARS: usize = 4_096;

/// The time kept back from the API server's own for the way there and back.
pub const DEADLINE_MARGIN: Duration = Duration::from_millis(500);

/// How long the work on an image may go on after the review that asked for it
/// was answered, so that the next review finds the decision made.
pub const LATE_WORK: Duration = Duration::from_secs(30);

/// How long running reviews may take to end once the process is told to stop.
pub const SHUTDOWN_TIME: Duration = Duration::from_secs(15);

/// Bytes of one key or certificate file.
pub const FILE_BYTES: u64 = 1024 * 1024;

/// Decisions that are kept.
pub const DECISIONS: u64 = 10_000;

/// Requests to one registry that are in flight at one time.
pub const REGISTRY_REQUESTS: usize = 32;
