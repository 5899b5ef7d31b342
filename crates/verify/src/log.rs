//! Whether a log entry is in a log that is trusted.
//!
//! The hashing, the notes and the keys are `sigstore-*`'s; what stands here is
//! which of them have to agree. Its own verifier is not asked because it reads
//! the clock itself, refuses bundles that rest on a key alone, and knows one
//! key type in entries of Rekor's second generation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sigstore_types::{Checkpoint, Sha256Hash, SignatureBytes, TimestampToken};
use sigstore_verify::crypto::Keyring;
use sigstore_verify::tsa;

use crate::entry::{InclusionProof, LogEntry};
use crate::rejection::Rejection;
use crate::trust::Anchors;
use crate::verified::{Check, Checks};

/// Checks everything in `entry` that a log has signed. Returns when the log
/// saw it, where the log says so.
pub(crate) fn verify_entry(
    entry: &LogEntry,
    anchors: &Anchors,
    now: Timestamp,
    checks: &mut Checks,
) -> Result<Option<Timestamp>, Rejection> {
    if let Some(proof) = &entry.proof {
        verify_inclusion(entry, proof, &anchors.logs, now)?;
        checks.done(Check::LogInclusionProof);
    }
    let mut time = None;
    if let Some(promise) = &entry.promise {
        if entry.is_rekor_v2() {
            return Err(invalid("an entry of Rekor v2 has no promise"));
        }
        verify_promise(entry, promise, &anchors.logs, now)?;
        checks.done(Check::LogPromise);
        time = entry.integrated_at;
    }
    if entry.proof.is_none() && entry.promise.is_none() {
        return Err(invalid("it has neither a proof nor a promise"));
    }
    Ok(time)
}

/// Checks an RFC 3161 timestamp over `signature`, and returns its time.
///
/// The authority whose chain it verifies under is the one whose validity has
/// to cover its time.
pub(crate) fn verify_timestamp(
    token: &[u8],
    signature: &[u8],
    anchors: &Anchors,
    now: Timestamp,
) -> Result<Timestamp, Rejection> {
    let token = TimestampToken::from_bytes(token);
    let signature = SignatureBytes::from_bytes(signature);
    let mut why = "the trust root names no timestamp authority".to_owned();
    for authority in &anchors.timestamp_authorities {
        match tsa::verify_timestamp_for_authority(&token, &signature, authority) {
            Ok(time) if time > now => {
                return Err(Rejection::TimestampInvalid(format!(
                    "{time} is in the future"
                )));
            }
            Ok(time) => return Ok(time),
            Err(error) => why = error.to_string(),
        }
    }
    Err(Rejection::TimestampInvalid(why))
}

fn verify_inclusion(
    entry: &LogEntry,
    proof: &InclusionProof,
    logs: &Keyring,
    now: Timestamp,
) -> Result<(), Rejection> {
    let checkpoint = Checkpoint::from_text(&proof.checkpoint)
        .map_err(|error| invalid(format!("checkpoint: {error}")))?;
    // > Clients MUST verify the inclusion proof against the checkpoint.
    // What the bundle repeats beside a signed checkpoint is checked against it
    // in the first generation, and not looked at in the second.
    let index = if entry.is_rekor_v2() {
        entry.index
    } else {
        if proof.root.as_slice() != checkpoint.root_hash().as_bytes() {
            return Err(invalid("the checkpoint is for another root than the proof"));
        }
        if proof.tree_size != checkpoint.tree_size() {
            return Err(invalid(
                "the checkpoint is for another tree size than the proof",
            ));
        }
        proof.index
    };
    let hashes: Vec<Sha256Hash> = proof.hashes.iter().copied().map(Sha256Hash::new).collect();
    sigstore_merkle::verify_inclusion_proof(
        &sigstore_merkle::hash_leaf(&entry.body),
        index,
        checkpoint.tree_size(),
        &hashes,
        checkpoint.root_hash(),
    )
    .map_err(|error| invalid(format!("inclusion proof: {error}")))?;

    let mut known = false;
    for signature in checkpoint.signatures() {
        // Four bytes of hint can collide, and witnesses sign too: any trusted
        // log's signature will do, and one that fails does not count against it.
        for key in logs.keys_by_hint(&signature.key_id, now) {
            known = true;
            if key
                .verify(checkpoint.signed_data(), &signature.signature)
                .is_ok()
            {
                return Ok(());
            }
        }
    }
    Err(invalid(if known {
        "the checkpoint's signature does not verify"
    } else {
        "no trusted log signed the checkpoint"
    }))
}

fn verify_promise(
    entry: &LogEntry,
    promise: &[u8],
    logs: &Keyring,
    now: Timestamp,
) -> Result<(), Rejection> {
    let log = <[u8; 32]>::try_from(entry.log.as_slice())
        .map_err(|_| invalid("the log's identifier is no SHA-256 digest"))?;
    let time = entry
        .integrated_at
        .ok_or_else(|| invalid("a promise without a time"))?;
    if time > now {
        return Err(invalid(format!(
            "it was integrated in the future, at {time}"
        )));
    }
    let key = logs
        .key_at(&Sha256Hash::new(log), time)
        .ok_or_else(|| invalid(format!("no trusted log {} at {time}", hex::encode(log))))?;
    // The members in the order of their names, as RFC 8785 has them.
    let signed = format!(
        r#"{{"body":"{}","integratedTime":{},"logID":"{}","logIndex":{}}}"#,
        STANDARD.encode(&entry.body),
        time.as_second(),
        hex::encode(log),
        entry.index,
    );
    key.verify(signed, &SignatureBytes::from_bytes(promise))
        .map_err(|_| invalid("the log's promise does not verify"))
}

fn invalid(why: impl Into<String>) -> Rejection {
    Rejection::LogEntryInvalid(why.into())
}
