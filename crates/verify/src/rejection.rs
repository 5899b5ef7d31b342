//! Why a candidate does not count.

use waxseal_attestation::StatementError;
use waxseal_attestation::json::{JsonError, shown};
use waxseal_attestation::simple_signing::PayloadError;
use waxseal_oci::{Algorithm, Digest};

/// Why a candidate does not count.
///
/// Strings in it are detail for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// Two things are there of which there has to be one.
    #[error("both `{first}` and `{second}` are there, of which there has to be one")]
    Ambiguous {
        /// The one.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// The signing certificate does not lead to the trust root, or is no
    /// certificate.
    #[error("certificate: {0}")]
    Certificate(String),
    /// The certificate does not say what it has to say.
    #[error("the certificate's {claim} is {}, {wanted}", found_or_none(found))]
    ClaimMismatch {
        /// Which extension.
        claim: String,
        /// What it has to be, as words that follow what it is.
        wanted: String,
        /// What it is.
        found: Option<String>,
    },
    /// The signature is over a digest that is not known.
    #[error(
        "the signature is over the {} digest of the content, which is not known; give the content itself",
        algorithm.name()
    )]
    DigestNeeded {
        /// Which digest.
        algorithm: Algorithm,
    },
    /// The certificate is for somebody else.
    #[error("the certificate is for {}, {wanted}", found_or_none(found))]
    IdentityMismatch {
        /// Who it has to be for, as words that follow who it is for.
        wanted: String,
        /// Who it is for.
        found: Option<String>,
    },
    /// Somebody else vouches for the identity.
    #[error("the identity was issued by {}, {wanted}", found_or_none(found))]
    IssuerMismatch {
        /// Who has to vouch, as words that follow who does.
        wanted: String,
        /// Who does.
        found: Option<String>,
    },
    /// There is one log entry twice.
    #[error("one log entry stands there twice (log index {index})")]
    LogEntryDuplicate {
        /// Its index.
        index: u64,
    },
    /// The entry is not in the log, as far as can be shown.
    #[error("log entry: {0}")]
    LogEntryInvalid(String),
    /// The entry is about something that cannot be compared.
    #[error("log entry: unsupported kind `{kind}` {version}")]
    LogEntryKind {
        /// Its kind.
        kind: String,
        /// Its version.
        version: String,
    },
    /// The entry is about another signature.
    #[error("log entry: it is for another {0}")]
    LogEntryMismatch(EntryPart),
    /// The entry has the log's promise but no proof.
    #[error("an inclusion proof is required; there is only the log's promise")]
    LogProofRequired,
    /// There is no log entry.
    #[error("a transparency log entry is required; there is none")]
    LogRequired,
    /// There are entries, but of too few logs.
    #[error("{needed} different logs have to have it; {found} can be shown to")]
    LogThreshold {
        /// How many logs it takes.
        needed: usize,
        /// How many different ones there are.
        found: usize,
    },
    /// The document is not what it has to be.
    #[error("{0}")]
    Malformed(#[from] JsonError),
    /// The bundle is of a version that is not known.
    #[error("unknown bundle type `{0}`")]
    MediaType(String),
    /// It is signed in another way than the authority signs.
    #[error("signed with a {found}, not with a {wanted}")]
    OtherMaterial {
        /// What the authority signs with.
        wanted: Material,
        /// What was signed with.
        found: Material,
    },
    /// The payload is not standard base64.
    #[error("the envelope's payload is not standard base64")]
    PayloadEncoding,
    /// The envelope holds something else than a statement.
    #[error("the envelope's payload is `{0}`, not an in-toto statement")]
    PayloadType(String),
    /// There is not exactly one signature.
    #[error("an envelope with {0} signatures; exactly one is read")]
    SignatureCount(usize),
    /// The signature is not over this content by this key.
    #[error("the signature does not verify with this key")]
    SignatureInvalid,
    /// There is no signature.
    #[error("there is no signature: the annotation `{0}` is missing")]
    SignatureMissing(&'static str),
    /// The bundle says that another key made it, and this one did not.
    #[error("signed with another key (its hint is `{hint}`)")]
    SignedByOtherKey {
        /// What the bundle says about the key.
        hint: String,
    },
    /// Nobody who is trusted says when it was signed, so that it cannot be
    /// told whether the certificate was valid then.
    #[error("no trusted log or timestamp authority says when it was signed")]
    SigningTimeRequired,
    /// The simple-signing payload does not count.
    #[error("signature payload: {0}")]
    SimpleSigning(#[from] PayloadError),
    /// The statement does not count.
    #[error("statement: {0}")]
    Statement(#[from] StatementError),
    /// It is about something else.
    #[error("it is about {found}, not {wanted}")]
    SubjectMismatch {
        /// What it has to be about.
        wanted: Digest,
        /// What it is about: the first subject.
        found: String,
    },
    /// A timestamp does not hold.
    #[error("timestamp: {0}")]
    TimestampInvalid(String),
    /// There is no timestamp.
    #[error("an RFC 3161 timestamp is required; there is none")]
    TimestampRequired,
    /// There are timestamps, but of too few authorities.
    #[error("{needed} different timestamp authorities have to have seen it; {found} did")]
    TimestampThreshold {
        /// How many authorities it takes.
        needed: usize,
        /// How many different ones there are.
        found: usize,
    },
    /// What is required cannot be checked.
    #[error("a trust root is needed to check what is required, and there is none")]
    TrustRootRequired,
    /// It cannot be checked, for a reason of its own.
    #[error("cannot be checked: {0}")]
    Unsupported(String),
}

impl Rejection {
    /// How far the candidate came: of several rejections the one with the
    /// highest rank says most about what is wrong.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::Ambiguous { .. }
            | Self::Malformed(_)
            | Self::MediaType(_)
            | Self::SignatureCount(_)
            | Self::SignatureMissing(_)
            | Self::PayloadEncoding
            | Self::LogEntryDuplicate { .. } => 10,
            Self::OtherMaterial { .. } => 20,
            Self::SignedByOtherKey { .. } => 30,
            Self::PayloadType(_) | Self::DigestNeeded { .. } => 40,
            Self::SignatureInvalid => 50,
            Self::Statement(_) | Self::SimpleSigning(_) => 60,
            Self::SubjectMismatch { .. } => 70,
            Self::LogEntryKind { .. } | Self::LogEntryMismatch(_) => 80,
            Self::LogEntryInvalid(_) | Self::TimestampInvalid(_) | Self::Certificate(_) => 90,
            Self::LogRequired
            | Self::LogProofRequired
            | Self::LogThreshold { .. }
            | Self::SigningTimeRequired
            | Self::TimestampRequired
            | Self::TimestampThreshold { .. }
            | Self::TrustRootRequired
            | Self::Unsupported(_) => 100,
            Self::IssuerMismatch { .. } => 110,
            Self::IdentityMismatch { .. } => 120,
            Self::ClaimMismatch { .. } => 130,
        }
    }

    /// A short, stable name: the variant's, in kebab case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ambiguous { .. } => "ambiguous",
            Self::Certificate(_) => "certificate",
            Self::ClaimMismatch { .. } => "claim-mismatch",
            Self::DigestNeeded { .. } => "digest-needed",
            Self::IdentityMismatch { .. } => "identity-mismatch",
            Self::IssuerMismatch { .. } => "issuer-mismatch",
            Self::LogEntryDuplicate { .. } => "log-entry-duplicate",
            Self::LogEntryInvalid(_) => "log-entry-invalid",
            Self::LogEntryKind { .. } => "log-entry-kind",
            Self::LogEntryMismatch(_) => "log-entry-mismatch",
            Self::LogProofRequired => "log-proof-required",
            Self::LogRequired => "log-required",
            Self::LogThreshold { .. } => "log-threshold",
            Self::Malformed(_) => "malformed",
            Self::MediaType(_) => "media-type",
            Self::OtherMaterial { .. } => "other-material",
            Self::PayloadType(_) => "payload-type",
            Self::PayloadEncoding => "payload-encoding",
            Self::SimpleSigning(_) => "simple-signing",
            Self::SignatureCount(_) => "signature-count",
            Self::SignatureInvalid => "signature-invalid",
            Self::SignatureMissing(_) => "signature-missing",
            Self::SignedByOtherKey { .. } => "signed-by-other-key",
            Self::SigningTimeRequired => "signing-time-required",
            Self::Statement(_) => "statement",
            Self::SubjectMismatch { .. } => "subject-mismatch",
            Self::TimestampInvalid(_) => "timestamp-invalid",
            Self::TimestampRequired => "timestamp-required",
            Self::TimestampThreshold { .. } => "timestamp-threshold",
            Self::TrustRootRequired => "trust-root-required",
            Self::Unsupported(_) => "unsupported",
        }
    }
}

/// What a signature is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Material {
    /// A certificate for an identity.
    Certificate,
    /// A key.
    Key,
}

impl std::fmt::Display for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::Key => "key",
        })
    }
}

/// A part of a log entry that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryPart {
    /// The digest of what was signed.
    Digest,
    /// The kind of entry, as the bundle and the entry's body say.
    Kind,
    /// The payload type of the envelope.
    PayloadType,
    /// The signature.
    Signature,
    /// The key or certificate.
    Signer,
}

impl std::fmt::Display for EntryPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Digest => "content",
            Self::Kind => "kind of signature",
            Self::PayloadType => "payload type",
            Self::Signature => "signature",
            Self::Signer => "signer",
        })
    }
}

fn found_or_none(found: &Option<String>) -> String {
    found.as_ref().map_or_else(
        || "not given".to_owned(),
        |found| format!("`{}`", shown(found)),
    )
}
