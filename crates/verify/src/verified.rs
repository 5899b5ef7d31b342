//! What verification establishes: values that only it can make.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use waxseal_oci::{Annotations, Digest};

use crate::candidate::Origin;
use crate::key::KeyAlgorithm;

/// Evidence that counts. It has no public constructor: whoever holds one holds
/// the outcome of [`verify`](crate::verify()).
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "complete: whatever is no signature is an attestation"
)]
pub enum Verified {
    /// A signature: it says "signed" and nothing else.
    Signature(VerifiedSignature),
    /// An attestation: it says something, and is no signature.
    Attestation(VerifiedAttestation),
}

macro_rules! getters {
    ($facts:expr) => {
        /// What it is about.
        #[must_use]
        pub fn subject(&self) -> &Digest {
            &$facts(self).subject
        }

        /// Who signed it.
        #[must_use]
        pub fn signer(&self) -> &Signer {
            &$facts(self).signer
        }

        /// What form it has.
        #[must_use]
        pub fn format(&self) -> Format {
            $facts(self).format
        }

        /// What was checked, and what was not.
        #[must_use]
        pub fn checks(&self) -> &Checks {
            &$facts(self).checks
        }

        /// Where it was found.
        #[must_use]
        pub fn origin(&self) -> &Origin {
            &$facts(self).origin
        }

        /// When it was signed, as far as a trusted log or timestamp authority
        /// says.
        #[must_use]
        pub fn times(&self) -> &[Timestamp] {
            &$facts(self).times
        }
    };
}

impl Verified {
    getters!(Self::facts);

    fn facts(&self) -> &Facts {
        match self {
            Self::Signature(signature) => &signature.facts,
            Self::Attestation(attestation) => &attestation.facts,
        }
    }
}

/// A signature that counts.
#[derive(Clone, Debug)]
pub struct VerifiedSignature {
    pub(crate) facts: Facts,
    pub(crate) annotations: Annotations,
}

impl VerifiedSignature {
    getters!(Self::facts);

    fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What the signer added to it.
    #[must_use]
    pub fn annotations(&self) -> &Annotations {
        &self.annotations
    }
}

/// An attestation that counts.
#[derive(Clone, Debug)]
pub struct VerifiedAttestation {
    pub(crate) facts: Facts,
    pub(crate) predicate_type: String,
    pub(crate) predicate: Option<Box<str>>,
    pub(crate) subject_name: String,
}

impl VerifiedAttestation {
    getters!(Self::facts);

    fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What kind of thing it says, by URI.
    #[must_use]
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// What its signer calls the subject, such as a file's name or a package
    /// URL; empty if nothing.
    #[must_use]
    pub fn subject_name(&self) -> &str {
        &self.subject_name
    }

    /// What it says, as its JSON was written, if the caller asked for it to be kept.
    #[must_use]
    pub fn predicate(&self) -> Option<&str> {
        self.predicate.as_deref()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) subject: Digest,
    pub(crate) signer: Signer,
    pub(crate) format: Format,
    pub(crate) checks: Checks,
    pub(crate) origin: Origin,
    pub(crate) times: Vec<Timestamp>,
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Signer {
    /// The holder of a key.
    Key {
        /// The key's identifier.
        id: String,
        /// The key's kind.
        algorithm: KeyAlgorithm,
    },
    /// Somebody with a certificate.
    Identity {
        /// Who vouches for the identity; empty if nobody does but the authority
        /// that issued the certificate, and that was asked for.
        issuer: String,
        /// The identity.
        subject: String,
        /// What else the certificate says, by the documented names of
        /// Fulcio's extensions.
        claims: BTreeMap<String, String>,
    },
}

/// What form the evidence has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// A Sigstore bundle v0.1.
    BundleV01,
    /// A Sigstore bundle v0.2.
    BundleV02,
    /// A Sigstore bundle v0.3.
    BundleV03,
    /// cosign 2's signature.
    SimpleSigning,
    /// cosign 2's attestation: a DSSE envelope by itself.
    LegacyAttestation,
    /// cosign 2's signature of a blob.
    LegacyBlob,
}

/// What was checked, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Checks {
    /// What was checked and holds.
    pub done: Vec<Check>,
    /// What was not checked, each with the reason.
    pub not_done: Vec<(Check, String)>,
}

impl Checks {
    /// Whether `check` was made.
    #[must_use]
    pub fn contains(&self, check: Check) -> bool {
        self.done.contains(&check)
    }

    pub(crate) fn done(&mut self, check: Check) {
        if !self.done.contains(&check) {
            self.done.push(check);
        }
    }

    pub(crate) fn not_done(&mut self, check: Check, why: &str) {
        if self.not_done.iter().all(|(known, _)| *known != check) {
            self.not_done.push((check, why.to_owned()));
        }
    }
}

/// One thing that can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Check {
    /// The certificate leads to the trust root and was valid when it signed.
    CertificateChain,
    /// The certificate is in a certificate transparency log.
    CertificateTransparency,
    /// The certificate is for whom the authority names.
    Identity,
    /// The log entry is about this signature, signer and content.
    LogEntryBinding,
    /// The entry is in the log, by proof.
    LogInclusionProof,
    /// The log promised to include the entry.
    LogPromise,
    /// The signature is over the content, by the signer.
    Signature,
    /// The content is about the wanted digest.
    SubjectDigest,
    /// A timestamp authority saw the signature.
    Timestamp,
}
