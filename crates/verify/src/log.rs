//! Whether a log entry is in a log that is trusted, and a timestamp from an
//! authority that is.
//!
//! The hashing, the notes and the keys are `sigstore-*`'s; what stands here is
//! which of them have to agree. Its own verifier is not asked because it reads
//! the clock itself, refuses bundles that rest on a key alone, and knows one
//! key type in entries of Rekor's second generation.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sigstore_types::{Checkpoint, Sha256Hash, TimeRange};
use sigstore_verify::tsa;
use waxseal_oci::Digest;

use crate::entry::{InclusionProof, LogEntry};
use crate::evidence::Evidence;
use crate::rejection::Rejection;
use crate::token::Token;
use crate::trust::Anchors;
use crate::trusted_key::TrustedKey;
use crate::verified::{Check, Checks};

/// A transparency log that is trusted.
pub(crate) struct Log {
    /// What entries and checkpoints call it.
    pub(crate) id: [u8; 32],
    /// By which logs are counted: one key under two names is one log, and so are
    /// two keys of one address.
    pub(crate) name: Digest,
    /// The digest of its key.
    pub(crate) key_id: Digest,
    pub(crate) key: TrustedKey,
    pub(crate) window: Option<TimeRange>,
}

/// Who has seen a signature.
#[derive(Debug, Default)]
pub(crate) struct Witnesses {
    /// The logs that have it, by proof.
    pub(crate) proven: BTreeSet<Digest>,
    /// The keys of these logs.
    proving: BTreeSet<Digest>,
    /// The logs that promised to have it.
    pub(crate) promised: BTreeSet<Digest>,
    /// The timestamp authorities.
    pub(crate) stamped: BTreeSet<Digest>,
    /// When they say that was.
    pub(crate) times: Vec<Timestamp>,
}

/// Checks every log entry and every timestamp: all of them have to hold.
pub(crate) fn witnesses(
    evidence: &Evidence<'_>,
    anchors: &Anchors,
    now: Timestamp,
    checks: &mut Checks,
) -> Result<Witnesses, Rejection> {
    let mut witnesses = Witnesses::default();
    for entry in &evidence.entries {
        verify_entry(entry, &anchors.logs, now, &mut witnesses)?;
    }
    let stamped = evidence.stamped()?;
    for token in &evidence.timestamps {
        let (time, authority) = verify_timestamp(token, stamped, anchors, now)?;
        witnesses.times.push(time);
        witnesses.stamped.insert(authority.clone());
    }
    still_trusted(&witnesses, &anchors.logs)?;
    let seen = [
        (Check::LogInclusionProof, &witnesses.proven),
        (Check::LogPromise, &witnesses.promised),
        (Check::Timestamp, &witnesses.stamped),
    ];
    for (check, by) in seen {
        if !by.is_empty() {
            checks.done(check);
        }
    }
    Ok(witnesses)
}

/// Checks everything in `entry` that a log has signed.
fn verify_entry(
    entry: &LogEntry<'_>,
    logs: &[Log],
    now: Timestamp,
    witnesses: &mut Witnesses,
) -> Result<(), Rejection> {
    if let Some(proof) = &entry.proof {
        let log = verify_inclusion(entry, proof, logs, now)?;
        witnesses.proven.insert(log.name.clone());
        witnesses.proving.insert(log.key_id.clone());
    }
    if let Some(promise) = &entry.promise {
        if entry.is_rekor_v2() {
            return Err(invalid("an entry of Rekor v2 has no promise"));
        }
        let (log, time) = verify_promise(entry, promise, logs, now)?;
        witnesses.promised.insert(log.name.clone());
        witnesses.times.push(time);
    }
    if entry.proof.is_none() && entry.promise.is_none() {
        return Err(invalid("it has neither a proof nor a promise"));
    }
    Ok(())
}

/// A proof says nothing about when the entry was made. What nobody has seen before
/// a log's key ceased to be trusted, that key cannot vouch for: whoever has it by
/// then could be anybody.
fn still_trusted(witnesses: &Witnesses, logs: &[Log]) -> Result<(), Rejection> {
    let Some(&earliest) = witnesses.times.iter().min() else {
        return Ok(());
    };
    for key in &witnesses.proving {
        let mut ends = logs
            .iter()
            .filter(|log| log.key_id == *key)
            .map(|log| log.window.and_then(|window| window.end));
        if !ends.any(|end| end.is_none_or(|end| earliest <= end)) {
            return Err(invalid(format!(
                "the log that proves it was not trusted any more at {earliest}"
            )));
        }
    }
    Ok(())
}

/// Checks an RFC 3161 timestamp over `stamped`, and returns its time and
/// whose it is.
///
/// The authority whose chain it verifies under is the one whose validity has
/// to cover its time.
fn verify_timestamp<'a>(
    token: &[u8],
    stamped: &[u8],
    anchors: &'a Anchors,
    now: Timestamp,
) -> Result<(Timestamp, &'a Digest), Rejection> {
    let refuse = |why: String| Rejection::TimestampInvalid(why);
    if anchors.timestamp_authorities.is_empty() {
        return Err(refuse(
            "the trust root names no timestamp authority".to_owned(),
        ));
    }
    let token = Token::read(token, stamped).map_err(|error| match error {
        tsa::Error::HashMismatch { .. } => refuse("it is over something else".to_owned()),
        error => refuse(error.to_string()),
    })?;
    let time = token.time;
    let mut why = String::new();
    for authority in &anchors.timestamp_authorities {
        match authority.check(&token) {
            Ok(()) if time > now => return Err(refuse(format!("{time} is in the future"))),
            Ok(()) => return Ok((time, &authority.name)),
            // That others did not sign it says nothing about the one that did.
            Err(tsa::Error::SignatureVerificationError(_)) if !why.is_empty() => {}
            Err(error) => why = error.to_string(),
        }
    }
    Err(refuse(why))
}

fn verify_inclusion<'a>(
    entry: &LogEntry<'_>,
    proof: &InclusionProof<'_>,
    logs: &'a [Log],
    now: Timestamp,
) -> Result<&'a Log, Rejection> {
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
        let hinted = logs.iter().filter(|log| {
            log.id.starts_with(signature.key_id.as_bytes())
                && log.window.is_none_or(|window| window.has_started_by(now))
        });
        for log in hinted {
            known = true;
            let signed = checkpoint.signed_data();
            if log.key.signed(signed, signature.signature.as_bytes()) {
                return Ok(log);
            }
        }
    }
    Err(invalid(if known {
        "the checkpoint's signature does not verify"
    } else {
        "no trusted log signed the checkpoint"
    }))
}

fn verify_promise<'a>(
    entry: &LogEntry<'_>,
    promise: &[u8],
    logs: &'a [Log],
    now: Timestamp,
) -> Result<(&'a Log, Timestamp), Rejection> {
    let id = <[u8; 32]>::try_from(entry.log.as_slice())
        .map_err(|_| invalid("the log's identifier is no SHA-256 digest"))?;
    let time = entry
        .integrated_at
        .ok_or_else(|| invalid("a promise without a time"))?;
    if time > now {
        return Err(invalid(format!(
            "it was integrated in the future, at {time}"
        )));
    }
    let log = logs
        .iter()
        .find(|log| log.id == id && log.window.is_none_or(|window| window.contains(time)))
        .ok_or_else(|| invalid(format!("no trusted log {} at {time}", hex::encode(id))))?;
    // The members in the order of their names, as RFC 8785 has them.
    let signed = format!(
        r#"{{"body":"{}","integratedTime":{},"logID":"{}","logIndex":{}}}"#,
        entry.encoded,
        time.as_second(),
        hex::encode(id),
        entry.index,
    );
    if log.key.signed(signed.as_bytes(), promise) {
        Ok((log, time))
    } else {
        Err(invalid("the log's promise does not verify"))
    }
}

fn invalid(why: impl Into<String>) -> Rejection {
    Rejection::LogEntryInvalid(why.into())
}
