//! How much is looked at before the answer is no.

/// Pieces of evidence that are fetched and verified for one image
/// (CVE-2023-33957: endless signatures; a registry can list any number).
pub const CANDIDATES: usize = 100;

/// Pieces of evidence that an answer lists as seen and not looked at.
pub const SEEN: usize = 100;

/// Pieces of evidence fetched in the first wave; each later wave is four times
/// the one before. One valid signature is usually the first or one of very few.
pub const FIRST_WAVE: usize = 1;

/// By how much a wave is larger than the one before.
pub const WAVE_GROWTH: usize = 4;

/// Requests that one verification has in flight.
pub const PARALLEL: usize = 8;

/// Bytes of one piece of evidence, for a person who waits for it.
pub const EVIDENCE_BYTES: u64 = 128 * 1024 * 1024;

/// Bytes of one piece of evidence, inside the deadline of a webhook.
pub const ADMISSION_EVIDENCE_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes of evidence held at once, beyond the first piece.
pub const HELD_BYTES: u64 = 160 * 1024 * 1024;

/// Compressed bytes of an image's layers that are compared with its SBOM.
pub const LAYER_BYTES: u64 = 64 * 1024 * 1024 * 1024;

/// The same inside the deadline of a webhook.
pub const ADMISSION_LAYER_BYTES: u64 = 1024 * 1024 * 1024;

/// Bytes of one layer that an evidence file keeps.
pub const KEPT_LAYER_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Images of one index that are looked at one by one.
pub const PLATFORMS: usize = 100;

/// Bytes of an image's configuration, which says for which platform it is.
pub const CONFIG_BYTES: u64 = 4 * 1024 * 1024;

/// Bytes of the account that an evidence file gives of itself.
pub const RECORD_BYTES: u64 = 64 * 1024 * 1024;

/// Bytes of a policy file, a key file or a trust root.
pub const FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Things attached to one image that `tree` lists, over all levels.
pub const TREE_NODES: usize = 1_000;

/// Levels of things attached to things attached.
pub const TREE_DEPTH: usize = 8;
