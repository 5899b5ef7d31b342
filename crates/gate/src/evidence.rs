//! Fetching leads and verifying what comes.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use waxseal_oci::{Descriptor, Document, media};
use waxseal_policy::{Finding, Layers, Needs, Policy, Sboms, Seen};
use waxseal_registry::{Found, Source};
use waxseal_verify::{
    Authority, Candidate, CandidateContent, Origin, Place, Rejection, Trust, Verified, Wanted,
    verify,
};

use crate::ask::{Asker, document};
use crate::leads::{Lead, NOT_NEEDED, What, is_unneeded, list_seen};
use crate::{Fault, limits};

/// What following leads has come to.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// For each policy, each candidate against each of its authorities.
    pub(crate) findings: Vec<Vec<Finding>>,
    /// What was listed and not verified.
    pub(crate) seen: Vec<Seen>,
    /// What could not be told.
    pub(crate) faults: Vec<Fault>,
    /// What is in the layers, or why that cannot be told, once somebody has looked.
    pub(crate) layers: Option<Result<Layers, String>>,
    /// What was read of the SBOMs among the findings.
    pub(crate) sboms: Sboms,
    /// How many candidates were verified.
    pub(crate) looked_at: usize,
}

/// What one lead came to.
enum Followed {
    Findings(Vec<Vec<Finding>>),
    Fault(Fault),
    Seen(Seen),
}

/// What leads are followed with.
pub(crate) struct Follower<'a, S> {
    pub(crate) asker: &'a Asker<'a, S>,
    pub(crate) policies: &'a [&'a Policy],
    pub(crate) needs: &'a Needs,
    pub(crate) trust: Trust<'a>,
    pub(crate) max: u64,
    pub(crate) now: Timestamp,
    pub(crate) held: &'a Semaphore,
}

impl<S: Source> Follower<'_, S> {
    /// Follows leads, several at a time, and adds what they come to in their order.
    pub(crate) async fn follow(&self, wave: Vec<Lead>, evidence: &mut Evidence) {
        evidence.findings.resize_with(self.policies.len(), Vec::new);
        // Each is verified, and its bytes let go, as soon as it has come.
        let work = wave
            .into_iter()
            .enumerate()
            .map(|(at, lead)| async move { (at, self.one(lead).await) });
        let mut followed: Vec<_> = stream::iter(work)
            .buffer_unordered(limits::PARALLEL)
            .collect()
            .await;
        followed.sort_by_key(|(at, _)| *at);
        for (_, result) in followed {
            evidence.looked_at += 1;
            match result {
                Followed::Findings(by_policy) => {
                    for (all, new) in evidence.findings.iter_mut().zip(by_policy) {
                        all.extend(new);
                    }
                }
                Followed::Fault(fault) => evidence.faults.push(fault),
                Followed::Seen(seen) => list_seen(&mut evidence.seen, [seen]),
            }
        }
    }

    async fn one(&self, lead: Lead) -> Followed {
        match self.fetch(&lead).await {
            Ok((candidate, _held)) => Followed::Findings(self.verify(&lead, &candidate)),
            Err(Miss::Fault(fault)) if fault.is_final() => Followed::Seen(lead.seen(fault.message)),
            Err(Miss::Fault(fault)) => Followed::Fault(fault),
            Err(Miss::Seen(seen)) => Followed::Seen(*seen),
        }
    }

    async fn fetch(&self, lead: &Lead) -> Result<(Candidate, Held<'_>), Miss> {
        let (origin, layer) = match &lead.what {
            What::Layer { layer, .. } => (lead.origin(), layer.clone()),
            What::Manifest(entry) => self.bundle_layer(lead, entry).await?,
        };
        if layer.size > self.max {
            let note = format!(
                "{} bytes, more than the {} that are read",
                layer.size, self.max
            );
            return Err(Miss::seen(Seen {
                origin,
                ..lead.seen(note)
            }));
        }
        let held = self.hold(layer.size).await;
        let bytes = self.asker.blob(&layer, self.max).await?;
        let content = match lead.place {
            Place::SignatureTag => CandidateContent::SimpleSigning {
                payload: bytes,
                annotations: layer.annotations,
            },
            Place::AttestationTag => CandidateContent::LegacyAttestation {
                envelope: bytes,
                annotations: layer.annotations,
            },
            _ => CandidateContent::Bundle(bytes),
        };
        Ok((Candidate { origin, content }, held))
    }

    /// The one layer of a referrer that is a bundle.
    async fn bundle_layer(
        &self,
        lead: &Lead,
        entry: &Descriptor,
    ) -> Result<(Origin, Descriptor), Miss> {
        let Found::Present(raw) = self.asker.manifest(&entry.digest).await? else {
            return Err(Miss::seen(lead.seen("it is listed, and it is not there")));
        };
        let Document::Manifest(manifest) = document(&raw)? else {
            return Err(Miss::seen(lead.seen("an index is not evidence")));
        };
        let [layer] = manifest.layers.as_slice() else {
            let note = format!("it has {} layers; a bundle has one", manifest.layers.len());
            return Err(Miss::seen(lead.seen(note)));
        };
        if !media::is_sigstore_bundle(&layer.media_type) {
            let note = format!("`{}` is not evidence that is read", layer.media_type);
            return Err(Miss::seen(lead.seen(note)));
        }
        // A list without annotations leaves it to the manifest to give the hint.
        let own = manifest.annotations.get(media::ANNOTATION_PREDICATE_TYPE);
        let hint = lead.hint.clone().or_else(|| own.cloned());
        let origin = Origin {
            place: lead.place,
            manifest: Some(raw.digest.clone()),
            blob: layer.digest.clone(),
            size: layer.size,
            predicate_hint: hint.clone(),
        };
        if is_unneeded(hint.as_deref(), self.needs) {
            return Err(Miss::seen(Seen {
                origin,
                predicate: hint,
                note: NOT_NEEDED.to_owned(),
            }));
        }
        Ok((origin, layer.clone()))
    }

    fn verify(&self, lead: &Lead, candidate: &Candidate) -> Vec<Vec<Finding>> {
        let each = |policy: &&Policy| {
            policy
                .authorities()
                .map(|(name, authority)| Finding {
                    candidate: candidate.origin.clone(),
                    authority: name.to_owned(),
                    outcome: self.verify_for(lead, candidate, authority).map(Arc::new),
                })
                .collect()
        };
        self.policies.iter().map(each).collect()
    }

    /// Verifies with the predicate where a rule reads it. The hint saves the
    /// memory for others' predicates; it is not signed, so that a candidate of
    /// which it spoke untruly is verified anew: a rule must not weigh an
    /// attestation without what it says.
    fn verify_for(
        &self,
        lead: &Lead,
        candidate: &Candidate,
        authority: &Authority,
    ) -> Result<Verified, Rejection> {
        let read = &self.needs.keep_predicate_of;
        let keeping = |keep_predicate| {
            let wanted = Wanted {
                subject: &lead.about,
                keep_predicate,
            };
            verify(candidate, &wanted, authority, &self.trust, self.now)
        };
        let keep = match &candidate.origin.predicate_hint {
            Some(hint) => read.contains(hint),
            None => !read.is_empty(),
        };
        match keeping(keep) {
            Ok(Verified::Attestation(found)) if !keep && read.contains(found.predicate_type()) => {
                keeping(true)
            }
            outcome => outcome,
        }
    }

    /// Waits until there is room for so many bytes. Room is given back when the
    /// candidate has been verified, so whoever holds some never waits for more.
    async fn hold(&self, bytes: u64) -> Held<'_> {
        let room = bytes.min(limits::HELD_BYTES) / HELD_UNIT + 1;
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        self.held.acquire_many(room.min(held_units())).await.ok()
    }
}

/// The room that a verification has for content.
pub(crate) fn room() -> Semaphore {
    Semaphore::new(usize::try_from(held_units()).unwrap_or(usize::MAX))
}

fn held_units() -> u32 {
    u32::try_from(limits::HELD_BYTES / HELD_UNIT).unwrap_or(u32::MAX)
}

type Held<'a> = Option<tokio::sync::SemaphorePermit<'a>>;

/// Why a lead gave no candidate.
enum Miss {
    Fault(Fault),
    Seen(Box<Seen>),
}

impl Miss {
    fn seen(seen: Seen) -> Self {
        Self::Seen(Box::new(seen))
    }
}

impl From<Fault> for Miss {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

const HELD_UNIT: u64 = 64 * 1024;
