//! What was checked, and what was not.

use serde::{Deserialize, Serialize};

/// One thing that a verification can establish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Check {
    /// The signature over the exact bytes, by the authority's key or certificate.
    Signature,
    /// The signed digest is the subject's.
    SubjectDigest,
    /// The log entry is about this signature, key and digest.
    LogEntryBinding,
    /// The log proves that it includes the entry, under a signed checkpoint.
    LogInclusionProof,
    /// The log promised to include the entry.
    LogPromise,
    /// A timestamp authority signed the time.
    Timestamp,
    /// The certificate chains to the trusted root at the signing time.
    CertificateChain,
    /// The certificate is in a certificate-transparency log.
    CertificateTransparency,
    /// The certificate's identity is the authority's.
    Identity,
}

/// The checks of one verification. What is not under `done` was not verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Checks {
    /// What was established.
    pub done: Vec<Check>,
    /// What was not looked at, and why.
    pub not_done: Vec<(Check, String)>,
}
