//! Envelopes whose payload is decoded a piece at a time and never held.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use waxseal_attestation::dsse::{EncodedEnvelope, PAYLOAD_TYPE_INTOTO, pae_prefix};
use waxseal_attestation::json::shown;
use waxseal_attestation::{HeadReader, Statement, StatementError, StatementHead};
use waxseal_oci::{Algorithm, Digest, Hasher};

use crate::key::{KeyError, PublicKey};
use crate::rejection::Rejection;

/// An envelope that has been read once from end to end.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Whether the key signed it.
    pub(crate) signed: Result<(), KeyError>,
    /// The digests of what is signed.
    pub(crate) digests: Vec<Digest>,
    /// The payload's SHA-256.
    pub(crate) payload: Digest,
    pub(crate) statement: Result<StatementHead, StatementError>,
    pub(crate) predicate: Option<Box<str>>,
}

/// Reads `envelope` once: hashes what `key` would have signed, hashes the
/// payload, and finds out what the statement is about.
///
/// Whatever comes of it is believed only if `signed` is.
pub(crate) fn open(
    envelope: &EncodedEnvelope<'_>,
    signature: &[u8],
    key: &PublicKey,
    logged: bool,
    keep_predicate: bool,
) -> Result<Opened, Rejection> {
    if envelope.payload_type != PAYLOAD_TYPE_INTOTO {
        return Err(Rejection::PayloadType(shown(&envelope.payload_type)));
    }
    let mut verifier = key.verifier(signature);
    if logged {
        verifier.also(Algorithm::Sha256);
    }
    let text = envelope.payload.as_bytes();
    let length = decoded_len(text)?;
    verifier.update(&pae_prefix(&envelope.payload_type, length));
    let mut payload = logged.then(|| Hasher::new(Algorithm::Sha256));
    let mut reader = Ok(HeadReader::new());
    let mut whole = Vec::with_capacity(if keep_predicate { length } else { 0 });
    decode(text, |bytes| {
        verifier.update(bytes);
        if let Some(payload) = &mut payload {
            payload.update(bytes);
        }
        if keep_predicate {
            whole.extend_from_slice(bytes);
        } else if let Ok(head) = &mut reader
            && let Err(error) = head.push(bytes)
        {
            reader = Err(error);
        }
    })?;
    let (signed, digests) = verifier.finish_with_digests();
    let mut predicate = None;
    let statement = match (&signed, keep_predicate) {
        (Ok(_), true) => Statement::from_bytes(whole).map(|statement| {
            let head = statement.head().clone();
            predicate = statement.into_predicate();
            head
        }),
        (Err(_), true) => Err(StatementError::NotJson { offset: 0 }),
        (_, false) => reader.and_then(HeadReader::finish),
    };
    let payload = payload.map_or_else(|| Digest::sha256(b""), Hasher::finish);
    Ok(Opened {
        signed: signed.map(|_| ()),
        digests,
        payload,
        statement,
        predicate,
    })
}

/// Decodes standard, padded base64 piece by piece.
pub(crate) fn decode(text: &[u8], mut take: impl FnMut(&[u8])) -> Result<(), Rejection> {
    let mut buffer = vec![0; PIECE / 4 * 3];
    let pieces = text.chunks(PIECE);
    let last = pieces.len().saturating_sub(1);
    for (index, piece) in pieces.enumerate() {
        // Padding ends a text; the decoder sees each piece as one.
        if index < last && piece.last() == Some(&b'=') {
            return Err(Rejection::PayloadEncoding);
        }
        let len = STANDARD
            .decode_slice(piece, &mut buffer)
            .map_err(|_| Rejection::PayloadEncoding)?;
        take(buffer.get(..len).unwrap_or_default());
    }
    Ok(())
}

fn decoded_len(text: &[u8]) -> Result<usize, Rejection> {
    if !text.len().is_multiple_of(4) {
        return Err(Rejection::PayloadEncoding);
    }
    let padding = text.iter().rev().take_while(|&&byte| byte == b'=').count();
    Ok((text.len() / 4).saturating_mul(3).saturating_sub(padding))
}

/// Characters of base64 that are decoded at a time: a multiple of four.
const PIECE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_as_the_whole_would() {
        for len in [0, 1, 2, 3, 49_151, 49_152, 49_153, 100_000] {
            let bytes: Vec<u8> = (0..len).map(|n: usize| n.to_le_bytes()[0]).collect();
            let text = STANDARD.encode(&bytes);
            let mut found = Vec::new();
            decode(text.as_bytes(), |piece| found.extend_from_slice(piece)).unwrap();
            assert_eq!(found, bytes);
            assert_eq!(decoded_len(text.as_bytes()), Ok(len));
        }
    }

    #[test]
    fn refuses_padding_inside_and_other_alphabets() {
        let decode = |text: &str| decode(text.as_bytes(), |_| ());
        let inside = format!("{}AA=={}", "A".repeat(PIECE - 4), "A".repeat(8));
        assert_eq!(decode(&inside), Err(Rejection::PayloadEncoding));
        assert_eq!(decode("e30"), Err(Rejection::PayloadEncoding));
        assert_eq!(decode("_-8="), Err(Rejection::PayloadEncoding));
        assert_eq!(decode("e31="), Err(Rejection::PayloadEncoding));
        assert_eq!(decode("e30=\n"), Err(Rejection::PayloadEncoding));
    }
}
