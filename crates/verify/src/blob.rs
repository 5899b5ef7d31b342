//! Blobs, which are hashed as they stream by.

use jiff::Timestamp;
use waxseal_oci::Hasher;

use crate::authority::Authority;
use crate::candidate::Candidate;
use crate::key::StreamVerifier;
use crate::rejection::Rejection;
use crate::trust::Trust;
use crate::verified::Verified;
use crate::verify::{Artifact, Opened};

/// A check of a candidate against a blob that comes in pieces and is never
/// held.
///
/// ```no_run
/// # use waxseal_verify::*;
/// # fn example(candidate: &Candidate, authority: &Authority, now: jiff::Timestamp,
/// #     mut blob: impl std::io::Read) -> Result<(), Box<dyn std::error::Error>> {
/// let mut verifier = BlobVerifier::new(candidate, authority, Trust::default(), now)?;
/// let mut buffer = [0; 8192];
/// while let read @ 1.. = blob.read(&mut buffer)? {
///     verifier.update(&buffer[..read]);
/// }
/// let verified = verifier.finish()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct BlobVerifier<'a> {
    opened: Opened<'a>,
    authority: &'a Authority,
    trust: Trust<'a>,
    now: Timestamp,
    hashing: Hashing,
}

/// What is computed as the blob streams by.
#[derive(Debug)]
enum Hashing {
    /// The signature is over the blob itself.
    Signature(Box<StreamVerifier>),
    /// What was signed names the blob by its digests.
    Digests(Vec<Hasher>),
}

impl<'a> BlobVerifier<'a> {
    /// Reads the candidate and finds out what has to be computed over the blob.
    ///
    /// # Errors
    /// What is wrong with the candidate, whatever the blob.
    pub fn new(
        candidate: &'a Candidate,
        authority: &'a Authority,
        trust: Trust<'a>,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        Self::open(candidate, authority, trust, now, false)
    }

    /// As [`BlobVerifier::new`], keeping an attestation's predicate.
    ///
    /// # Errors
    /// As for [`BlobVerifier::new`].
    pub fn keeping_predicate(
        candidate: &'a Candidate,
        authority: &'a Authority,
        trust: Trust<'a>,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        Self::open(candidate, authority, trust, now, true)
    }

    fn open(
        candidate: &'a Candidate,
        authority: &'a Authority,
        trust: Trust<'a>,
        now: Timestamp,
        keep_predicate: bool,
    ) -> Result<Self, Rejection> {
        let opened = Opened::new(candidate, authority, keep_predicate)?;
        let hashing = match opened.artifact_verifier()? {
            Some(verifier) => Hashing::Signature(Box::new(verifier)),
            None => Hashing::Digests(
                opened
                    .artifact_algorithms()
                    .into_iter()
                    .map(Hasher::new)
                    .collect(),
            ),
        };
        Ok(Self {
            opened,
            authority,
            trust,
            now,
            hashing,
        })
    }

    /// Takes the next bytes of the blob.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.hashing {
            Hashing::Signature(verifier) => verifier.update(bytes),
            Hashing::Digests(hashers) => {
                for hasher in hashers {
                    hasher.update(bytes);
                }
            }
        }
    }

    /// Whether the candidate counts for the blob.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn finish(self) -> Result<Verified, Rejection> {
        let mut artifact = match self.hashing {
            Hashing::Signature(verifier) => {
                let (signed, digests) = verifier.finish_with_digests();
                Artifact {
                    digests,
                    signed: Some(signed.map(|_| ())),
                }
            }
            Hashing::Digests(hashers) => Artifact {
                digests: hashers.into_iter().map(Hasher::finish).collect(),
                signed: None,
            },
        };
        // SHA-256 first: that is how the blob is named in the answer.
        artifact.digests.sort_by_key(|digest| digest.algorithm());
        self.opened
            .settle(&artifact, self.authority, &self.trust, self.now)
    }
}
