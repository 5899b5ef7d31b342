//! The way from a candidate to what it establishes.
//!
//! 1. The candidate is read strictly, whatever it will turn out to be.
//! 2. The signature is checked over the bytes that were received, with the
//!    authority's key or the certificate's.
//! 3. What was signed has to be about the wanted digest.
//! 4. Every log entry has to be about this signature.
//! 5. What the trust root can check is checked: all of it has to hold.
//! 6. What the authority demands has to be there.

use jiff::Timestamp;
use waxseal_attestation::json::shown;
use waxseal_attestation::simple_signing::Payload;
use waxseal_attestation::{PredicateType, StatementHead};
use waxseal_oci::{Algorithm, Annotations, Digest};
use x509_cert::Certificate;

use crate::authority::{Authority, Demand, KeyAuthority, LogProof};
use crate::bind::{self, Bound, bind_entry};
use crate::candidate::{Candidate, Origin};
use crate::envelope;
use crate::evidence::{Content, Evidence, SignedWith};
use crate::key::{KeyError, PublicKey, StreamVerifier};
use crate::keyless;
use crate::log::{self, Witnesses};
use crate::names;
use crate::rejection::{Material, Rejection};
use crate::trust::Trust;
use crate::verified::{
    Check, Checks, Facts, Signer, Verified, VerifiedAttestation, VerifiedSignature,
};

/// What a candidate has to be about.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Wanted<'a> {
    /// The digest of the image, index or blob.
    pub subject: &'a Digest,
    /// Whether an attestation's predicate is to be kept.
    pub keep_predicate: bool,
}

/// Checks one candidate against one authority.
///
/// `candidate` is untrusted. `now` is the time at which it is judged: nothing
/// may have been signed after it.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify(
    candidate: &Candidate,
    wanted: &Wanted<'_>,
    authority: &Authority,
    trust: &Trust<'_>,
    now: Timestamp,
) -> Result<Verified, Rejection> {
    let opened = Opened::new(candidate, authority, wanted.keep_predicate)?;
    let artifact = Artifact {
        digests: vec![wanted.subject.clone()],
        signed: None,
    };
    opened.settle(&artifact, authority, trust, now)
}

/// A candidate of which everything is known that can be known without the
/// artifact.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    pub(crate) evidence: Evidence<'a>,
    origin: &'a Origin,
    pub(crate) key: PublicKey,
    /// The certificate that signed, if it was one.
    certificate: Option<Certificate>,
    says: Says,
}

/// What was signed, once the signature over it is known to hold.
#[derive(Debug)]
enum Says {
    Statement {
        head: StatementHead,
        predicate: Option<Box<str>>,
        /// The digests of the bytes that were signed.
        digests: Vec<Digest>,
        payload: Digest,
    },
    Payload {
        payload: Payload,
        digests: Vec<Digest>,
    },
    /// The artifact itself, which has not been seen.
    Artifact,
}

/// What is known of the artifact.
#[derive(Debug)]
pub(crate) struct Artifact {
    /// Its digests; at least one.
    pub(crate) digests: Vec<Digest>,
    /// Whether the signature is over it, where that was found out as it
    /// streamed by.
    pub(crate) signed: Option<Result<(), KeyError>>,
}

impl<'a> Opened<'a> {
    pub(crate) fn new(
        candidate: &'a Candidate,
        authority: &Authority,
        keep_predicate: bool,
    ) -> Result<Self, Rejection> {
        let evidence = Evidence::read(candidate)?;
        let (key, certificate) = match (authority, &evidence.material) {
            (Authority::Key(authority), SignedWith::Key { .. }) => (authority.key.clone(), None),
            (Authority::Keyless(_), SignedWith::Certificates(chain)) => {
                let leaf = chain
                    .first()
                    .ok_or_else(|| Rejection::Certificate("there is none".to_owned()))?;
                let certificate = names::parse(leaf)?;
                (names::key_of(&certificate)?, Some(certificate))
            }
            (Authority::Key(_), SignedWith::Certificates(_)) => {
                return Err(other_material(Material::Key, &evidence));
            }
            (Authority::Keyless(_), SignedWith::Key { .. }) => {
                return Err(other_material(Material::Certificate, &evidence));
            }
        };
        let says = Says::new(&evidence, &key, keep_predicate)?;
        Ok(Self {
            evidence,
            origin: &candidate.origin,
            key,
            certificate,
            says,
        })
    }

    /// The check of a signature over the artifact itself, if that is what was
    /// signed.
    pub(crate) fn artifact_verifier(&self) -> Result<Option<StreamVerifier>, Rejection> {
        let (Says::Artifact, Content::Artifact { digest, signature }) =
            (&self.says, &self.evidence.content)
        else {
            return Ok(None);
        };
        let mut verifier = self.key.verifier(signature);
        verifier.also(Algorithm::Sha256);
        if let Some(digest) = digest {
            verifier.also(digest.algorithm());
        }
        Ok(Some(verifier))
    }

    /// The algorithms of the digests by which the artifact is named.
    pub(crate) fn artifact_algorithms(&self) -> Vec<Algorithm> {
        let mut algorithms = Vec::new();
        match &self.says {
            Says::Statement { head, .. } => {
                for subject in head.subjects() {
                    let strongest = [Algorithm::Sha512, Algorithm::Sha384, Algorithm::Sha256]
                        .into_iter()
                        .find(|algorithm| subject.digest.contains_key(algorithm.name()));
                    algorithms.extend(strongest);
                }
            }
            Says::Payload { payload, .. } => algorithms.push(payload.digest.algorithm()),
            Says::Artifact => {}
        }
        algorithms.push(Algorithm::Sha256);
        algorithms.sort_unstable();
        algorithms.dedup();
        algorithms
    }

    /// Holds what is known against the artifact, the trust root and what the
    /// authority demands.
    pub(crate) fn settle(
        self,
        artifact: &Artifact,
        authority: &Authority,
        trust: &Trust<'_>,
        now: Timestamp,
    ) -> Result<Verified, Rejection> {
        let trust = &authority.trust(trust);
        let subject = self.check_artifact(artifact)?;
        let mut checks = Checks::default();
        checks.done(Check::Signature);
        checks.done(Check::SubjectDigest);
        self.bind_entries(artifact, &mut checks)?;
        let (signer, times) = match authority {
            Authority::Key(authority) => {
                let times = self.check_key(authority, trust, now, &mut checks)?;
                let signer = Signer::Key {
                    id: self.key.id().to_owned(),
                    algorithm: self.key.algorithm(),
                };
                (signer, times)
            }
            Authority::Keyless(authority) => keyless::check(
                &self.evidence,
                self.certificate,
                authority,
                trust,
                now,
                &mut checks,
            )?,
        };
        let facts = Facts {
            subject: subject.clone(),
            signer,
            format: self.evidence.format,
            checks,
            origin: self.origin.clone(),
            times,
        };
        Ok(self.says.verified(facts, artifact))
    }

    /// Whether what was signed is about the artifact. Returns the digest by
    /// which it is.
    fn check_artifact(&self, artifact: &Artifact) -> Result<Digest, Rejection> {
        let wanted = artifact
            .digests
            .first()
            .ok_or(Rejection::SignatureInvalid)?
            .clone();
        let other = |found: String| Rejection::SubjectMismatch {
            wanted: wanted.clone(),
            found,
        };
        match &self.says {
            Says::Statement { head, .. } => match head.subject_named(&artifact.digests) {
                Some(_) => Ok(wanted),
                None => Err(other(describe(head))),
            },
            Says::Payload { payload, .. } if artifact.digests.contains(&payload.digest) => {
                Ok(wanted)
            }
            Says::Payload { payload, .. } => Err(other(payload.digest.to_string())),
            Says::Artifact => {
                let Content::Artifact { digest, signature } = &self.evidence.content else {
                    return Err(Rejection::SignatureInvalid);
                };
                if let Some(digest) = digest {
                    let same_kind = |known: &&Digest| known.algorithm() == digest.algorithm();
                    match artifact.digests.iter().find(same_kind) {
                        Some(known) if known == digest => {}
                        Some(_) => return Err(other(digest.to_string())),
                        None => {
                            return Err(Rejection::DigestNeeded {
                                algorithm: digest.algorithm(),
                            });
                        }
                    }
                }
                let signed = match &artifact.signed {
                    Some(outcome) => outcome.clone(),
                    None => self
                        .key
                        .verify_digests(&artifact.digests, signature)
                        .map(|_| ()),
                };
                signed.map_err(|error| refusal(error, &self.evidence, &self.key))?;
                Ok(wanted)
            }
        }
    }

    fn bind_entries(&self, artifact: &Artifact, checks: &mut Checks) -> Result<(), Rejection> {
        let (digests, envelope) = match (&self.says, &self.evidence.content) {
            (
                Says::Statement {
                    digests, payload, ..
                },
                Content::Envelope(envelope),
            ) => (digests, Some((envelope.payload_type.as_ref(), payload))),
            (Says::Payload { digests, .. }, _) => (digests, None),
            _ => (&artifact.digests, None),
        };
        let signer = match &self.evidence.material {
            SignedWith::Key { .. } => bind::Signer::Key(&self.key),
            SignedWith::Certificates(chain) => {
                bind::Signer::Certificate(chain.first().map_or(&[], Vec::as_slice))
            }
        };
        let document = self.evidence.document;
        let document = document.filter(|_| !self.evidence.entries.is_empty());
        let document = document.map(Digest::sha256);
        let bound = Bound {
            signature: self.evidence.signature()?,
            signer,
            digests,
            envelope,
            document: document.as_ref(),
        };
        for entry in &self.evidence.entries {
            bind_entry(entry, &bound)?;
            checks.done(Check::LogEntryBinding);
        }
        Ok(())
    }

    /// What a key authority has to do with logs and timestamps.
    fn check_key(
        &self,
        authority: &KeyAuthority,
        trust: &Trust<'_>,
        now: Timestamp,
        checks: &mut Checks,
    ) -> Result<Vec<Timestamp>, Rejection> {
        let evidence = &self.evidence;
        let witnesses = trust
            .root
            .map(|root| log::witnesses(evidence, &root.anchors, now, checks))
            .transpose()?;
        note_not_done(evidence, trust.root.is_some(), checks);
        let demands = (authority.log, LogProof::InBundles, authority.timestamp);
        demand(evidence, demands, witnesses.as_ref())?;
        let mut times = witnesses.map_or_else(Vec::new, |witnesses| witnesses.times);
        times.sort_unstable();
        Ok(times)
    }
}

impl Says {
    fn new(
        evidence: &Evidence<'_>,
        key: &PublicKey,
        keep_predicate: bool,
    ) -> Result<Self, Rejection> {
        let signature = evidence.signature()?;
        match &evidence.content {
            Content::Envelope(envelope) => {
                let logged = !evidence.entries.is_empty();
                let opened = envelope::open(envelope, signature, key, logged, keep_predicate)?;
                opened
                    .signed
                    .map_err(|error| refusal(error, evidence, key))?;
                Ok(Self::Statement {
                    head: opened.statement?,
                    predicate: opened.predicate,
                    digests: opened.digests,
                    payload: opened.payload,
                })
            }
            Content::SimpleSigning { payload, .. } => {
                let mut verifier = key.verifier(signature);
                verifier.also(Algorithm::Sha256);
                verifier.update(payload);
                let (signed, digests) = verifier.finish_with_digests();
                signed.map_err(|error| refusal(error, evidence, key))?;
                Ok(Self::Payload {
                    payload: Payload::parse(payload)?,
                    digests,
                })
            }
            Content::Artifact { .. } => Ok(Self::Artifact),
        }
    }

    fn verified(self, facts: Facts, artifact: &Artifact) -> Verified {
        match self {
            Self::Statement { head, .. } if head.predicate_type() == PredicateType::SIGN => {
                let annotations = head
                    .subject_named(&artifact.digests)
                    .map(|subject| subject.annotations.clone())
                    .unwrap_or_default();
                Verified::Signature(VerifiedSignature { facts, annotations })
            }
            Self::Statement {
                head, predicate, ..
            } => Verified::Attestation(VerifiedAttestation {
                facts,
                predicate_type: head.predicate_type().to_owned(),
                predicate,
                subject_name: head
                    .subject_named(&artifact.digests)
                    .map(|subject| subject.name.clone())
                    .unwrap_or_default(),
            }),
            Self::Payload { payload, .. } => {
                let annotations = payload.annotations;
                Verified::Signature(VerifiedSignature { facts, annotations })
            }
            Self::Artifact => {
                let annotations = Annotations::new();
                Verified::Signature(VerifiedSignature { facts, annotations })
            }
        }
    }
}

/// Holds who saw the signature against who has to have seen it: so many
/// different logs, by proof unless the evidence is of a form that has no place
/// for one, and so many different timestamp authorities.
pub(crate) fn demand(
    evidence: &Evidence<'_>,
    (log, proof, timestamp): (Demand, LogProof, Demand),
    witnesses: Option<&Witnesses>,
) -> Result<(), Rejection> {
    let needed = log.needed();
    if needed > 0 {
        if evidence.entries.is_empty() {
            return Err(Rejection::LogRequired);
        }
        let witnesses = witnesses.ok_or(Rejection::TrustRootRequired)?;
        let promise_counts = match proof {
            LogProof::Always => false,
            LogProof::InBundles => evidence.is_legacy(),
            LogProof::PromiseSuffices => true,
        };
        let found = if promise_counts {
            witnesses.proven.union(&witnesses.promised).count()
        } else {
            witnesses.proven.len()
        };
        if found == 0 {
            return Err(Rejection::LogProofRequired);
        }
        if found < needed {
            return Err(Rejection::LogThreshold { needed, found });
        }
    }
    let needed = timestamp.needed();
    if needed > 0 {
        if evidence.timestamps.is_empty() {
            return Err(Rejection::TimestampRequired);
        }
        let witnesses = witnesses.ok_or(Rejection::TrustRootRequired)?;
        let found = witnesses.stamped.len();
        if found < needed {
            return Err(Rejection::TimestampThreshold { needed, found });
        }
    }
    Ok(())
}

/// Says of every check that was not made why not.
pub(crate) fn note_not_done(evidence: &Evidence<'_>, have_root: bool, checks: &mut Checks) {
    let no_root = "no trust root was given";
    let of_entries = [
        (Check::LogEntryBinding, "there is no log entry"),
        (
            Check::LogInclusionProof,
            "the log entry has no inclusion proof",
        ),
        (Check::LogPromise, "the log entry has no promise"),
    ];
    for (check, absent) in of_entries {
        if checks.contains(check) {
            continue;
        }
        let why = if evidence.entries.is_empty() {
            "there is no log entry"
        } else if have_root {
            absent
        } else {
            no_root
        };
        checks.not_done(check, why);
    }
    if !checks.contains(Check::Timestamp) {
        let why = if evidence.timestamps.is_empty() {
            "there is no timestamp"
        } else {
            no_root
        };
        checks.not_done(Check::Timestamp, why);
    }
}

/// Why a signature does not verify, as well as can be told.
fn refusal(error: KeyError, evidence: &Evidence<'_>, key: &PublicKey) -> Rejection {
    match (error, &evidence.material) {
        (KeyError::DigestNeeded { algorithm }, _) => Rejection::DigestNeeded { algorithm },
        // The hint is not signed: it says whose fault it is, not whose key.
        (_, SignedWith::Key { hint }) if !hint.is_empty() && *hint != key.hint() => {
            Rejection::SignedByOtherKey { hint: shown(hint) }
        }
        _ => Rejection::SignatureInvalid,
    }
}

fn other_material(wanted: Material, evidence: &Evidence<'_>) -> Rejection {
    Rejection::OtherMaterial {
        wanted,
        found: evidence.material.kind(),
    }
}

fn describe(head: &StatementHead) -> String {
    let first = head
        .subjects()
        .first()
        .and_then(|subject| subject.digest.iter().next())
        .map_or_else(String::new, |(algorithm, value)| {
            shown(&format!("{algorithm}:{value}"))
        });
    match head.subjects().len() {
        0 | 1 => first,
        more => format!("{first} and {} more", more.saturating_sub(1)),
    }
}
