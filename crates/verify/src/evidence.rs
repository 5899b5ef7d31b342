//! The one form that all evidence is brought into before it is judged.

use waxseal_attestation::dsse::EncodedEnvelope;
use waxseal_oci::Digest;

use crate::candidate::{Candidate, CandidateContent};
use crate::entry::LogEntry;
use crate::rejection::{Material, Rejection};
use crate::verified::Format;
use crate::{bundle, legacy};

/// A candidate, read but not believed.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) format: Format,
    pub(crate) content: Content<'a>,
    pub(crate) material: SignedWith,
    pub(crate) entries: Vec<LogEntry<'a>>,
    /// RFC 3161 timestamps over [`Evidence::stamped`].
    pub(crate) timestamps: Vec<Vec<u8>>,
    /// The envelope as a document, where the evidence is nothing else.
    pub(crate) document: Option<&'a [u8]>,
}

/// What was signed.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    /// An envelope, which holds what was signed.
    Envelope(EncodedEnvelope<'a>),
    /// The artifact itself, which is elsewhere.
    Artifact {
        digest: Option<Digest>,
        signature: Vec<u8>,
    },
    /// cosign 2's payload.
    SimpleSigning {
        payload: &'a [u8],
        signature: Vec<u8>,
    },
}

/// What it says it was signed with.
#[derive(Debug)]
pub(crate) enum SignedWith {
    Key {
        hint: String,
    },
    /// The leaf first; never empty.
    Certificates(Vec<Vec<u8>>),
}

impl<'a> Evidence<'a> {
    /// Reads a candidate strictly.
    pub(crate) fn read(candidate: &'a Candidate) -> Result<Self, Rejection> {
        match &candidate.content {
            CandidateContent::Bundle(bytes) => bundle::parse(bytes),
            CandidateContent::SimpleSigning {
                payload,
                annotations,
            } => legacy::signature(payload, annotations),
            CandidateContent::LegacyAttestation {
                envelope,
                annotations,
            } => legacy::attestation(envelope, annotations),
            CandidateContent::LegacyBlob(bytes) => legacy::blob(bytes),
        }
    }

    /// The signature over the content.
    pub(crate) fn signature(&self) -> Result<&[u8], Rejection> {
        match &self.content {
            Content::Artifact { signature, .. } | Content::SimpleSigning { signature, .. } => {
                Ok(signature)
            }
            // A second signature would be one that nobody checks, in front of
            // readers that take any of several.
            Content::Envelope(envelope) => match envelope.signatures.as_slice() {
                [signature] => Ok(&signature.sig),
                several => Err(Rejection::SignatureCount(several.len())),
            },
        }
    }

    /// What timestamps are over. cosign 2 had the whole document of an
    /// attestation timestamped, and of everything else the signature.
    pub(crate) fn stamped(&self) -> Result<&[u8], Rejection> {
        match self.document {
            Some(document) => Ok(document),
            None => self.signature(),
        }
    }

    /// Whether it is one of the forms that have no place for a proof.
    pub(crate) fn is_legacy(&self) -> bool {
        matches!(
            self.format,
            Format::SimpleSigning | Format::LegacyAttestation | Format::LegacyBlob
        )
    }
}

impl SignedWith {
    pub(crate) fn kind(&self) -> Material {
        match self {
            Self::Key { .. } => Material::Key,
            Self::Certificates(_) => Material::Certificate,
        }
    }
}
