//! Checkpoints: notes that a log signs over its tree (C2SP tlog-checkpoint).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sigstore_types::Sha256Hash;

use super::key::{EcKey, EdKey, sha256};

/// What signs a checkpoint.
pub(crate) enum NoteKey<'a> {
    /// Rekor v1: the key is named by the hash of its SPKI.
    Ec(&'a EcKey),
    /// Rekor v2: the key is named together with the log.
    Ed(&'a EdKey),
}

/// A signed checkpoint over a tree.
pub(crate) fn checkpoint(origin: &str, size: u64, root: &Sha256Hash, key: &NoteKey<'_>) -> String {
    let text = text(origin, size, root);
    let signature = sign(origin, &text, key);
    format!("{text}\n{signature}")
}

/// A checkpoint over one tree with the signature of another.
pub(crate) fn forged(origin: &str, size: u64, root: &Sha256Hash, key: &NoteKey<'_>) -> String {
    let other = text(origin, size.saturating_add(1), root);
    let signature = sign(origin, &other, key);
    format!("{}\n{signature}", text(origin, size, root))
}

fn text(origin: &str, size: u64, root: &Sha256Hash) -> String {
    format!("{origin}\n{size}\n{}\n", root.to_base64())
}

fn sign(origin: &str, text: &str, key: &NoteKey<'_>) -> String {
    let (id, signature) = match key {
        NoteKey::Ec(key) => (sha256(&key.spki_der()), key.sign(text.as_bytes())),
        NoteKey::Ed(key) => (ed25519_key_id(origin, key), key.sign(text.as_bytes())),
    };
    let (hint, _) = id.split_at(4);
    let signature = STANDARD.encode([hint, &signature].concat());
    // Rekor v1 heads its notes with the tree's number, too, and signs without.
    let (name, _) = origin.split_once(' ').unwrap_or((origin, ""));
    format!("\u{2014} {name} {signature}\n")
}

/// C2SP signed-note: the key's name and type are part of its number, of which
/// a signature shows the first four bytes and a trusted root all.
pub(crate) fn ed25519_key_id(origin: &str, key: &EdKey) -> [u8; 32] {
    sha256(&[origin.as_bytes(), b"\n\x01", key.public()].concat())
}

/// C2SP tlog-cosignature: a witness's line below a checkpoint.
pub(crate) fn cosignature(checkpoint: &str, name: &str, key: &EdKey, now: Timestamp) -> String {
    let (text, _) = checkpoint.split_once("\n\n").unwrap_or((checkpoint, ""));
    let seconds = u64::try_from(now.as_second()).expect("after 1970");
    let signed = format!("cosignature/v1\ntime {seconds}\n{text}\n");
    let id = sha256(&[name.as_bytes(), b"\n\x04", key.public()].concat());
    let (hint, _) = id.split_at(4);
    let signature = [hint, &seconds.to_be_bytes(), &key.sign(signed.as_bytes())].concat();
    format!("\u{2014} {name} {}\n", STANDARD.encode(signature))
}
