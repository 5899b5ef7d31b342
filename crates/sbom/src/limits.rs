//! The largest things that are kept of an SBOM.

/// Subjects that one document may describe. The check compares each with the
/// image; the tools in use write one.
pub const SUBJECTS: usize = 64;

/// Hashes of one subject.
pub const HASHES: usize = 32;

/// Entries of all layers of an image.
pub const ENTRIES: u64 = 10_000_000;

/// Bytes of all layers of an image, decompressed.
pub const DECOMPRESSED: u64 = 64 * 1024 * 1024 * 1024;

/// How many bytes one compressed byte may become, once [`RATIO_FROM`] are there.
/// Deflate gives at most 1032; more is not an image.
pub const RATIO: u64 = 1_100;

/// Decompressed bytes from which [`RATIO`] is looked at.
pub const RATIO_FROM: u64 = 256 * 1024 * 1024;

/// Bytes of a path in a layer.
pub const PATH_BYTES: usize = 4_096;

/// Folders of a path in a layer. What is above an entry is looked up for each.
pub const PATH_FOLDERS: usize = 256;

/// Bytes of a header in a layer that gives a long name or attributes.
pub const HEADER_BYTES: u64 = 1024 * 1024;

/// Paths that are remembered to know what an upper layer hides, in bytes.
pub const HIDDEN_BYTES: usize = 512 * 1024 * 1024;

/// Symbolic links that are remembered to know where a path leads, in bytes.
pub const LINK_BYTES: usize = 256 * 1024 * 1024;

/// Bytes of the paths that are looked up to know where links lead: each of forty in a
/// chain may have thousands of parts.
pub const LINK_STEPS: u64 = 128 * 1024 * 1024;

/// Bytes of a package database or manifest.
pub const DATABASE_BYTES: u64 = 128 * 1024 * 1024;

/// Bytes of a program that is looked into.
pub const PROGRAM_BYTES: u64 = 256 * 1024 * 1024;

/// Bytes of a list of what a program was built from, decompressed.
pub const AUDIT_BYTES: usize = 64 * 1024 * 1024;

/// Packages of one image.
pub const PACKAGES: usize = 1_000_000;

/// Licences whose texts an SPDX document brings with it.
pub const LICENSE_TEXTS: usize = 100_000;

/// Notes of one image.
pub const NOTES: usize = 10_000;

/// Entries of one Java archive, those of the archives in it included. Each is a
/// few hundred bytes while the archive is open.
pub const JAVA_ENTRIES: usize = 250_000;

/// Bytes of all archives in a Java archive together, decompressed.
pub const JAVA_BYTES: u64 = 512 * 1024 * 1024;

/// The same, of those that are in memory at once beside the outermost.
pub const JAVA_OPEN_BYTES: u64 = 128 * 1024 * 1024;

/// How deep Java archives are looked into: an archive in an `.ear` in a `.jar`.
pub const JAVA_DEPTH: usize = 4;

/// Bytes of a manifest or of properties in a Java archive.
pub const JAVA_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// Bytes of a Java archive's name that is taken apart.
pub const JAVA_NAME_BYTES: usize = 512;

/// Bytes of a lock file. Read, it is several times as large.
pub const LOCK_BYTES: u64 = 32 * 1024 * 1024;

/// The same, of the texts in one.
pub const LOCK_TEXT: usize = 32 * 1024 * 1024;

/// Values in a lock file that is YAML.
pub const LOCK_VALUES: usize = 2_000_000;

/// Licences of one package.
pub const LICENSES: usize = 1_000;

/// Bytes of a copyright file. It is left out beyond, and no package with it.
pub const COPYRIGHT_BYTES: u64 = 4 * 1024 * 1024;
