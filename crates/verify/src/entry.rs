//! Entries of a transparency log, as a bundle or an annotation carries them.

use std::borrow::Cow;

use jiff::Timestamp;
use waxseal_attestation::json::{Fields, JsonError, Value};
use waxseal_oci::Algorithm;

use crate::limits;
use crate::rejection::Rejection;

/// One log entry: untrusted until [`log`](crate::log) has looked at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogEntry<'a> {
    pub(crate) index: u64,
    /// Which log, by the digest of its key.
    pub(crate) log: Vec<u8>,
    pub(crate) kind: Cow<'a, str>,
    pub(crate) version: Cow<'a, str>,
    /// Signed by the log only together with a promise.
    pub(crate) integrated_at: Option<Timestamp>,
    pub(crate) promise: Option<Vec<u8>>,
    pub(crate) proof: Option<InclusionProof<'a>>,
    /// What the log holds.
    pub(crate) body: Vec<u8>,
    /// The same in base64, of which there is one form.
    pub(crate) encoded: Cow<'a, str>,
}

/// A proof that an entry is in a tree whose head the log has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InclusionProof<'a> {
    pub(crate) index: u64,
    pub(crate) tree_size: u64,
    pub(crate) root: Vec<u8>,
    pub(crate) hashes: Vec<[u8; 32]>,
    pub(crate) checkpoint: Cow<'a, str>,
}

impl LogEntry<'_> {
    /// Whether it is of the second generation of Rekor, which gives no times
    /// and no promises and leaves the duplicated fields of a proof unsigned.
    pub(crate) fn is_rekor_v2(&self) -> bool {
        matches!(
            (self.kind.as_ref(), self.version.as_ref()),
            ("hashedrekord" | "dsse", "0.0.2")
        )
    }
}

/// Reads an entry of a bundle.
pub(crate) fn parse(mut fields: Fields<'_>) -> Result<LogEntry<'_>, JsonError> {
    let index = int64(&mut fields, "tlogEntries", "logIndex")?;
    let mut log_id = fields.need_object("logId")?;
    let log = log_id.need_bytes("keyId")?;
    log_id.finish()?;
    let mut kind_version = fields.need_object("kindVersion")?;
    let kind = kind_version.need_string("kind")?;
    let version = kind_version.need_string("version")?;
    kind_version.finish()?;
    let integrated_at = match int64(&mut fields, "tlogEntries", "integratedTime")? {
        // In protobuf's JSON nothing and zero are the same.
        0 => None,
        seconds => Some(time(seconds)?),
    };
    let promise = match fields.object("inclusionPromise")? {
        None => None,
        Some(mut promise) => {
            let timestamp = promise.need_bytes("signedEntryTimestamp")?;
            promise.finish()?;
            Some(timestamp)
        }
    };
    let proof = fields
        .object("inclusionProof")?
        .map(parse_proof)
        .transpose()?;
    let (encoded, body) = fields.need_encoded("canonicalizedBody")?;
    fields.finish()?;
    Ok(LogEntry {
        index,
        log,
        kind,
        version,
        integrated_at,
        promise,
        proof,
        body,
        encoded,
    })
}

fn parse_proof(mut fields: Fields<'_>) -> Result<InclusionProof<'_>, JsonError> {
    let index = int64(&mut fields, "inclusionProof", "logIndex")?;
    let tree_size = int64(&mut fields, "inclusionProof", "treeSize")?;
    let root = fields.bytes("rootHash")?.unwrap_or_default();
    let hashes = fields
        .array("hashes", limits::PROOF_HASHES)?
        .into_iter()
        .map(|value| {
            let wrong = JsonError::Type {
                at: "inclusionProof",
                name: "hashes",
                wanted: "SHA-256 digests",
            };
            // A one-member object reads base64 as every other member is read.
            let mut hash = Fields::new("hashes", Value::Object(vec![("hash".into(), value)]))?;
            <[u8; 32]>::try_from(hash.need_bytes("hash")?).map_err(|_| wrong)
        })
        .collect::<Result<Vec<_>, JsonError>>()?;
    let mut checkpoint = fields.need_object("checkpoint")?;
    let envelope = checkpoint.need_string("envelope")?;
    checkpoint.finish()?;
    fields.finish()?;
    Ok(InclusionProof {
        index,
        tree_size,
        root,
        hashes,
        checkpoint: envelope,
    })
}

/// A non-negative `int64`, which is zero when it is not there.
fn int64(fields: &mut Fields<'_>, at: &'static str, name: &'static str) -> Result<u64, JsonError> {
    let value = fields.unsigned(name)?.unwrap_or_default();
    if i64::try_from(value).is_err() {
        return Err(JsonError::Type {
            at,
            name,
            wanted: "a non-negative integer",
        });
    }
    Ok(value)
}

/// A time in seconds.
pub(crate) fn time(seconds: u64) -> Result<Timestamp, JsonError> {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .ok_or(JsonError::Type {
            at: "tlogEntries",
            name: "integratedTime",
            wanted: "a time in seconds",
        })
}

/// One entry must not count twice.
pub(crate) fn check_distinct(entries: &[LogEntry<'_>]) -> Result<(), Rejection> {
    for (index, entry) in entries.iter().enumerate() {
        let twice = entries.iter().skip(index.saturating_add(1)).any(|other| {
            entry.log == other.log && (entry.index == other.index || entry.body == other.body)
        });
        if twice {
            return Err(Rejection::LogEntryDuplicate { index: entry.index });
        }
    }
    Ok(())
}

/// A hash algorithm by protobuf's name for it.
pub(crate) fn hash_algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "SHA2_256" => Some(Algorithm::Sha256),
        "SHA2_384" => Some(Algorithm::Sha384),
        "SHA2_512" => Some(Algorithm::Sha512),
        _ => None,
    }
}
