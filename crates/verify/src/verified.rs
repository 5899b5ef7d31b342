//! What a verification established.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use waxseal_oci::{Annotations, Digest};

use crate::{Checks, KeyAlgorithm, Origin};

/// What a candidate turned out to be.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "complete: a signature or an attestation"
)]
pub enum Verified {
    /// A signed statement about the subject that is not a signature.
    Attestation(VerifiedAttestation),
    /// A signature: cosign's sign predicate, simple signing, or a message signature.
    Signature(VerifiedSignature),
}

/// A signature on the subject. Only the verifier makes one.
#[derive(Clone, Debug)]
pub struct VerifiedSignature {
    pub(crate) facts: Facts,
    pub(crate) annotations: Annotations,
}

/// An attestation about the subject. Only the verifier makes one.
#[derive(Clone, Debug)]
pub struct VerifiedAttestation {
    pub(crate) facts: Facts,
    pub(crate) predicate_type: String,
    pub(crate) predicate: Option<Box<RawValue>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) subject: Digest,
    pub(crate) signer: Signer,
    pub(crate) format: Format,
    pub(crate) checks: Checks,
    pub(crate) origin: Origin,
}

macro_rules! getters {
    () => {
        /// The digest that it is about.
        #[must_use]
        pub fn subject(&self) -> &Digest {
            &self.facts.subject
        }

        /// Who signed it.
        #[must_use]
        pub fn signer(&self) -> &Signer {
            &self.facts.signer
        }

        /// The form it was in.
        #[must_use]
        pub fn format(&self) -> Format {
            self.facts.format
        }

        /// What was checked, and what was not.
        #[must_use]
        pub fn checks(&self) -> &Checks {
            &self.facts.checks
        }

        /// Where it was found.
        #[must_use]
        pub fn origin(&self) -> &Origin {
            &self.facts.origin
        }
    };
}

impl VerifiedSignature {
    getters!();

    /// The signed annotations.
    #[must_use]
    pub fn annotations(&self) -> &Annotations {
        &self.annotations
    }
}

impl VerifiedAttestation {
    getters!();

    /// The type of the predicate, from the signed statement.
    #[must_use]
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// The predicate, where it was asked to be kept and the statement has one.
    #[must_use]
    pub fn predicate(&self) -> Option<&RawValue> {
        self.predicate.as_deref()
    }
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Signer {
    /// The holder of a private key.
    Key {
        /// `sha256:` and the hash of the public key's SubjectPublicKeyInfo.
        id: String,
        /// The kind of key.
        algorithm: KeyAlgorithm,
    },
}

/// The form that evidence was in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// Sigstore bundle v0.1.
    BundleV01,
    /// Sigstore bundle v0.2.
    BundleV02,
    /// Sigstore bundle v0.3.
    BundleV03,
    /// A bare DSSE envelope under cosign's `.att` tag.
    LegacyAttestation,
    /// cosign 2's simple signing under the `.sig` tag.
    SimpleSigning,
}
