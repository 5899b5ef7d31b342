//! What a candidate says about itself: unverified, for listings and refusals.

use waxseal_attestation::dsse::PAYLOAD_TYPE_INTOTO;
use waxseal_attestation::json::shown;
use waxseal_attestation::simple_signing::Payload;
use waxseal_attestation::{HeadReader, Subject};

use crate::candidate::Candidate;
use crate::envelope;
use crate::evidence::{Content, Evidence, SignedWith};
use crate::rejection::Rejection;
use crate::verified::Format;
use crate::{keyless, names};

/// What a candidate says about itself. Nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// What form it has.
    pub format: Format,
    /// The predicate type of its statement, if it holds one.
    pub predicate_type: Option<String>,
    /// The subjects of its statement, if it holds one.
    pub subjects: Vec<Subject>,
    /// The hint at the key that signed, if it was a key.
    pub key_hint: Option<String>,
    /// The identity and its issuer, if it was a certificate.
    pub identity: Option<(String, String)>,
    /// How many log entries it has.
    pub log_entries: usize,
    /// How many RFC 3161 timestamps it has.
    pub timestamps: usize,
}

/// Reads what a candidate says about itself.
///
/// # Errors
/// If it cannot be read.
pub fn inspect(candidate: &Candidate) -> Result<Inspection, Rejection> {
    let evidence = Evidence::read(candidate)?;
    let (key_hint, identity) = match &evidence.material {
        SignedWith::Key { hint } => (Some(hint.clone()), None),
        SignedWith::Certificates(chain) => {
            let leaf = chain.first().and_then(|leaf| names::parse(leaf).ok());
            (None, leaf.and_then(|leaf| keyless::claimed_identity(&leaf)))
        }
    };
    let mut inspection = Inspection {
        format: evidence.format,
        predicate_type: None,
        subjects: Vec::new(),
        key_hint,
        identity,
        log_entries: evidence.entries.len(),
        timestamps: evidence.timestamps.len(),
    };
    match &evidence.content {
        Content::Envelope(envelope) if envelope.payload_type == PAYLOAD_TYPE_INTOTO => {
            let mut reader = Ok(HeadReader::new());
            envelope::decode(envelope.payload.as_bytes(), |bytes| {
                if let Ok(head) = &mut reader
                    && let Err(error) = head.push(bytes)
                {
                    reader = Err(error);
                }
            })?;
            let head = reader.and_then(HeadReader::finish)?;
            inspection.predicate_type = Some(head.predicate_type().to_owned());
            inspection.subjects = head.subjects().to_vec();
        }
        Content::Envelope(envelope) => {
            return Err(Rejection::PayloadType(shown(&envelope.payload_type)));
        }
        Content::SimpleSigning { payload, .. } => {
            let payload = Payload::parse(payload)?;
            inspection.subjects = vec![Subject::new(
                payload.docker_reference.as_str(),
                &payload.digest,
            )];
        }
        Content::Artifact { digest, .. } => {
            inspection.subjects = digest
                .iter()
                .map(|digest| Subject::new("", digest))
                .collect();
        }
    }
    Ok(inspection)
}
