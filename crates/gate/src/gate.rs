//! The one path from an image to a verdict.
//!
//! 1. A name is resolved once; everything after that is asked for by digest.
//! 2. The policies that cover the image say which evidence they need.
//! 3. Leads are followed in waves of growing size, those first that say that
//!    they meet a need, until every policy allows or there are none left.
//!    cosign 2's tags are looked at only if that was not enough.
//! 4. What verified, what did not and what was not looked at is judged.
//!
//! An allow needs evidence; the lack of an answer never gives one.

mod contents;
mod targets;

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;
use waxseal_oci::{CosignTag, Digest, Platform, Reference};
use waxseal_policy::{
    Decision, Facts, Mode, NamespaceLabels, Needs, Platforms, Policy, PolicyDecision, RootUsed,
    Unmatched, Verdict, Via, codes, decide, evaluate, unable,
};
use waxseal_registry::{Found, ReferrersVia, Source};
use waxseal_sbom::{Comparison, Inventory};
use waxseal_verify::{Origin, VerifiedAttestation};

use self::targets::{Problem, Target};
use crate::ask::{Asker, document};
use crate::evidence::{Evidence, Follower, room};
use crate::leads::{Queue, layers_aside, list_seen};
use crate::{Fault, LayersAhead, PolicySet, limits};

/// How images are looked at.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it in")]
pub struct Options {
    /// Which images of an index to look at, in place of what the policies say.
    pub platforms: Option<Platforms>,
    /// What happens to an image that no policy covers.
    pub unmatched: Unmatched,
    /// The largest piece of evidence that is read.
    pub evidence_bytes: u64,
    /// The most bytes of layers that are read where an SBOM is compared with them.
    pub layer_bytes: u64,
    /// The labels of the namespace that are known, where there is one.
    pub namespace: Option<NamespaceLabels>,
}

impl Options {
    /// For a person or a pipeline.
    #[must_use]
    pub fn for_cli() -> Self {
        Self {
            platforms: None,
            unmatched: Unmatched::Deny,
            evidence_bytes: limits::EVIDENCE_BYTES,
            layer_bytes: limits::LAYER_BYTES,
            namespace: None,
        }
    }

    /// For a webhook with a deadline.
    #[must_use]
    pub fn for_admission() -> Self {
        Self {
            evidence_bytes: limits::ADMISSION_EVIDENCE_BYTES,
            layer_bytes: limits::ADMISSION_LAYER_BYTES,
            ..Self::for_cli()
        }
    }
}

/// A verdict and what it took.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The verdict, with its reasons.
    pub decision: Decision,
    /// How many questions were asked of the source.
    pub questions: u64,
    /// What SBOMs were compared with, where a policy asked for that.
    pub contents: Vec<Contents>,
    /// The attestations that verified, each once, of the type that was to be kept: see
    /// [`Gate::keeping`].
    pub attested: Vec<VerifiedAttestation>,
}

/// An image that was looked into, and who says what about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Contents {
    /// The image.
    pub subject: Digest,
    /// The platform, where it is one member of an index.
    pub platform: Option<Platform>,
    /// What is in its layers, or why that cannot be told.
    pub layers: Result<Inventory, String>,
    /// How the SBOMs compare with it that one of the policies' authorities has
    /// attested, whether or not they are enough.
    pub sboms: Vec<(Origin, Arc<Comparison>)>,
}

/// Decides whether images may be used, by what a source has about them.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a, S> {
    source: &'a S,
    options: &'a Options,
    keep: Option<&'a str>,
}

impl<'a, S: Source> Gate<'a, S> {
    /// A gate in front of a source.
    #[must_use]
    pub fn new(source: &'a S, options: &'a Options) -> Self {
        Self {
            source,
            options,
            keep: None,
        }
    }

    /// The same gate, which keeps what verified attestations of this type say, by URI,
    /// and looks at all evidence, not only at enough of it.
    /// Only what the decision cites counts: others may be by whom no requirement asks.
    #[must_use]
    pub fn keeping(self, predicate_type: &'a str) -> Self {
        Self {
            keep: Some(predicate_type),
            ..self
        }
    }

    /// Decides about one image under a set of policies, at `now`.
    pub async fn verify(&self, image: &Reference, set: &PolicySet, now: Timestamp) -> Outcome {
        self.outcome(image, set, now, None).await
    }

    /// The same, where somebody looks into the layers of the image already.
    pub async fn verify_with_layers(
        &self,
        image: &Reference,
        set: &PolicySet,
        now: Timestamp,
        ahead: &LayersAhead,
    ) -> Outcome {
        self.outcome(image, set, now, Some(ahead)).await
    }

    async fn outcome(
        &self,
        image: &Reference,
        set: &PolicySet,
        now: Timestamp,
        ahead: Option<&LayersAhead>,
    ) -> Outcome {
        let asker = Asker::new(self.source, image.repository());
        let (decision, kept) = Verification {
            ahead,
            keep: self.keep,
            ..Verification::new(&asker, image, set, self.options, now)
        }
        .decide_with_kept()
        .await;
        Outcome {
            decision,
            contents: kept.contents,
            attested: kept.attested,
            questions: asker.asked(),
        }
    }
}

/// One verification.
pub(crate) struct Verification<'a, S> {
    asker: &'a Asker<'a, S>,
    image: &'a Reference,
    set: &'a PolicySet,
    options: &'a Options,
    now: Timestamp,
    ahead: Option<&'a LayersAhead>,
    keep: Option<&'a str>,
}

/// What is kept beside a decision.
#[derive(Default)]
struct Kept {
    contents: Vec<Contents>,
    attested: Vec<VerifiedAttestation>,
}

impl Kept {
    fn add(&mut self, other: Self) {
        self.contents.extend(other.contents);
        self.attested.extend(other.attested);
    }
}

/// What came of one target, or of all.
#[derive(Default)]
struct Judged {
    decisions: Vec<PolicyDecision>,
    faults: Vec<Fault>,
    /// How many pieces of evidence there were over the limit.
    over: usize,
    /// Whether anything at all was found beside the image.
    evidence: bool,
    kept: Kept,
}

impl Judged {
    fn allows(&self) -> bool {
        self.decisions.iter().all(|d| d.verdict == Verdict::Allow)
    }

    fn add(&mut self, other: Self) {
        self.decisions.extend(other.decisions);
        self.faults.extend(other.faults);
        self.over += other.over;
        self.evidence |= other.evidence;
        self.kept.add(other.kept);
    }
}

impl<'a, S: Source> Verification<'a, S> {
    pub(crate) fn new(
        asker: &'a Asker<'a, S>,
        image: &'a Reference,
        set: &'a PolicySet,
        options: &'a Options,
        now: Timestamp,
    ) -> Self {
        Self {
            asker,
            image,
            set,
            options,
            now,
            ahead: None,
            keep: None,
        }
    }

    pub(crate) async fn decide(&self) -> Decision {
        self.decide_with_kept().await.0
    }

    async fn decide_with_kept(&self) -> (Decision, Kept) {
        let mut kept = Kept::default();
        let decision = self.decide_into(&mut kept).await;
        (decision, kept)
    }

    async fn decide_into(&self, kept: &mut Kept) -> Decision {
        let policies: Vec<&Policy> = self
            .set
            .covering(self.image, self.options.namespace.as_ref())
            .collect();
        if policies.is_empty() {
            // Nothing is asked of anybody about an image that nothing covers.
            return decide(
                self.image,
                self.image.digest(),
                Vec::new(),
                self.options.unmatched,
                self.now,
            );
        }
        let digest = match self.asker.resolve(self.image).await {
            Ok(Found::Present(digest)) => digest,
            Ok(Found::Absent) => return self.no_such_image(None),
            Err(fault) => return self.unable(None, &fault),
        };
        let mut judged = Judged::default();
        for (platforms, policies) in by_platforms(&policies, self.options.platforms.as_ref()) {
            match self.targets(&digest, platforms).await {
                Ok(targets) => {
                    for target in targets {
                        judged.add(self.judge(&policies, &target).await);
                    }
                }
                Err(Problem::Fault(fault)) => return self.unable(Some(&digest), &fault),
                Err(Problem::NoImage) => return self.no_such_image(Some(&digest)),
                Err(Problem::Refused(reason)) => {
                    let mut decision = unable(self.image, Some(&digest), &reason, None, self.now);
                    decision.verdict = Verdict::Deny;
                    return decision;
                }
            }
        }
        if !judged.allows() && !judged.evidence && judged.faults.is_empty() {
            // Nothing was found: perhaps there is no such image at all.
            match self.asker.manifest(&digest).await {
                Ok(Found::Present(_)) => {}
                Ok(Found::Absent) => return self.no_such_image(Some(&digest)),
                Err(fault) => judged.faults.push(fault),
            }
        }
        kept.add(std::mem::take(&mut judged.kept));
        self.conclude(&digest, judged)
    }

    /// What the policies say about one target. A digest that was named with a
    /// tag may also be a member of the index that the tag names.
    async fn judge(&self, policies: &[&Policy], target: &Target) -> Judged {
        let judged = self.judge_alone(policies, target).await;
        if judged.allows() || target.via.is_some() || target.platform.is_some() {
            return judged;
        }
        match self.index_by_tag(&target.subject).await {
            Ok(Some((index, platform))) => {
                let target = Target {
                    via: Some(Via { index }),
                    platform,
                    ..target.clone()
                };
                self.judge_alone(policies, &target).await
            }
            Ok(None) => judged,
            Err(fault) => {
                let mut judged = judged;
                judged.faults.push(fault);
                judged
            }
        }
    }

    async fn judge_alone(&self, policies: &[&Policy], target: &Target) -> Judged {
        let mut needs = union(policies);
        needs.keep_predicate_of.extend(self.keep.map(str::to_owned));
        let bodies: Vec<&Digest> = [&target.subject]
            .into_iter()
            .chain(target.via.as_ref().map(|via| &via.index))
            .collect();
        let held = room();
        let follower = Follower {
            asker: self.asker,
            policies,
            needs: &needs,
            trust: self.set.trust(),
            max: self.options.evidence_bytes,
            now: self.now,
            held: &held,
        };
        let mut evidence = Evidence::default();
        let mut queue = Queue::new(&needs);
        let mut api = false;
        let lists = join_all(bodies.iter().map(|body| self.asker.referrers(body))).await;
        for (body, list) in bodies.iter().zip(lists) {
            match list {
                Ok(list) => {
                    api |= list.via == ReferrersVia::Api;
                    let aside = queue.add_referrers(body, list);
                    list_seen(&mut evidence.seen, aside);
                }
                Err(fault) => evidence.faults.push(fault),
            }
        }
        let mut decisions = self
            .waves(&follower, target, &mut queue, &mut evidence)
            .await;
        if decisions.is_none() {
            self.older_places(&bodies, api, &needs, &mut queue, &mut evidence)
                .await;
            decisions = self
                .waves(&follower, target, &mut queue, &mut evidence)
                .await;
        }
        let found = evidence.looked_at > 0 || !evidence.seen.is_empty();
        if let Some(decisions) = decisions {
            return Judged {
                decisions,
                kept: self.kept(evidence, target),
                evidence: found,
                ..Judged::default()
            };
        }
        let over = queue.len();
        let rest = queue.rest().map(|lead| lead.seen(OVER));
        list_seen(&mut evidence.seen, rest);
        // What was not looked at could be what takes an excuse back.
        let complete = over == 0 && evidence.faults.is_empty();
        let decisions = self.evaluate(policies, target, &evidence, complete);
        Judged {
            decisions,
            faults: std::mem::take(&mut evidence.faults),
            over,
            evidence: found,
            kept: self.kept(evidence, target),
        }
    }

    fn kept(&self, evidence: Evidence, target: &Target) -> Kept {
        Kept {
            attested: self
                .keep
                .map_or_else(Vec::new, |kind| evidence.attested(kind)),
            contents: evidence.into_contents(target),
        }
    }

    /// Follows leads until every policy allows; `None` where there are no more, of which
    /// something may be kept.
    async fn waves(
        &self,
        follower: &Follower<'_, S>,
        target: &Target,
        queue: &mut Queue,
        evidence: &mut Evidence,
    ) -> Option<Vec<PolicyDecision>> {
        let mut size = limits::FIRST_WAVE;
        loop {
            let room = limits::CANDIDATES.saturating_sub(evidence.looked_at);
            let wave = queue.wave(size, room);
            if wave.is_empty() {
                return None;
            }
            follower.follow(wave, evidence).await;
            let mut decisions = self.evaluate(follower.policies, target, evidence, false);
            if evidence.layers.is_none() && decisions.iter().any(PolicyDecision::wants_layers) {
                // Only now that somebody who is trusted says what is in them.
                self.look_into(target, evidence).await;
                decisions = self.evaluate(follower.policies, target, evidence, false);
            }
            // What is kept must not depend on the order of a list.
            let enough = self.keep.is_none();
            if enough && decisions.iter().all(|d| d.verdict == Verdict::Allow) {
                return Some(decisions);
            }
            size = size.saturating_mul(limits::WAVE_GROWTH);
        }
    }

    /// Looks where older tools, and registries before their referrers API, kept
    /// evidence. What nothing asks for is listed, so that the answer does not
    /// say of an image with attestations that it has nothing.
    async fn older_places(
        &self,
        bodies: &[&Digest],
        api: bool,
        needs: &Needs,
        queue: &mut Queue,
        evidence: &mut Evidence,
    ) {
        let mut tags = Vec::new();
        for body in bodies {
            tags.push((*body, CosignTag::Signature, needs.signature));
            let attested = !needs.attestations.is_empty();
            tags.push((*body, CosignTag::Attestation, attested));
        }
        let under_tags = join_all(tags.iter().map(|(body, tag, _)| async move {
            let Found::Present(raw) = self.asker.tag(&tag.tag(body)).await? else {
                return Ok(None);
            };
            let document = document(&raw)?;
            Ok::<_, Fault>(Some((raw, document)))
        }));
        // A registry that has learnt the API may still have the list as a tag.
        let listed = bodies.iter().filter(|_| api);
        let listed: Vec<_> = listed.copied().collect();
        let fallbacks = join_all(
            listed
                .iter()
                .map(|body| self.asker.fallback_referrers(body)),
        );
        let (under_tags, fallbacks) = futures_util::future::join(under_tags, fallbacks).await;
        for (body, list) in listed.iter().zip(fallbacks) {
            match list {
                Ok(list) => {
                    let aside = queue.add_referrers(body, list);
                    list_seen(&mut evidence.seen, aside);
                }
                Err(fault) => evidence.faults.push(fault),
            }
        }
        for ((body, tag, needed), found) in tags.iter().zip(under_tags) {
            match found {
                Ok(Some((raw, document))) if *needed => {
                    let aside = queue.add_layers(body, *tag, &raw, document);
                    list_seen(&mut evidence.seen, aside);
                }
                Ok(Some((raw, document))) => {
                    let aside = layers_aside(body, *tag, &raw, document);
                    list_seen(&mut evidence.seen, aside);
                }
                // The verdict rests on what is needed alone.
                Err(fault) if *needed => evidence.faults.push(fault),
                Ok(None) | Err(_) => {}
            }
        }
    }

    fn evaluate(
        &self,
        policies: &[&Policy],
        target: &Target,
        evidence: &Evidence,
        complete: bool,
    ) -> Vec<PolicyDecision> {
        let layers = evidence.layers.as_ref();
        let layers = layers.map(|read| read.as_ref().map_err(String::as_str));
        let judge = |(n, policy): (usize, &&Policy)| {
            let findings = evidence.findings.get(n).map(Vec::as_slice);
            let facts = Facts {
                image: self.image,
                subject: &target.subject,
                via: target.via.as_ref(),
                platform: target.platform.as_ref(),
                findings: findings.unwrap_or_default(),
                seen: &evidence.seen,
                layers,
                sboms: &evidence.sboms,
                complete,
                now: self.now,
            };
            evaluate(policy, &facts)
        };
        policies.iter().enumerate().map(judge).collect()
    }

    /// Puts the answers together. Where something could not be told, a policy
    /// that is not satisfied has not been refused: it could not be checked.
    fn conclude(&self, digest: &Digest, mut judged: Judged) -> Decision {
        let (roots, stale) = self.weigh_roots(&mut judged.decisions);
        let fault = judged.faults.first();
        if fault.is_some() {
            for decision in &mut judged.decisions {
                if decision.verdict == Verdict::Deny {
                    decision.verdict = Verdict::Unable;
                }
            }
        }
        let mut decision = decide(
            self.image,
            Some(digest),
            judged.decisions,
            self.options.unmatched,
            self.now,
        );
        decision.trust_roots = roots;
        match (decision.verdict, fault) {
            (Verdict::Unable, _) if stale.is_some() => {
                decision.reason = stale;
                decision.hint = Some(RENEW.to_owned());
            }
            (Verdict::Unable, Some(fault)) => {
                decision.reason = Some(waxseal_policy::escaped(&fault.message));
                decision.hint.clone_from(&fault.hint);
            }
            (Verdict::Deny, _) if judged.over > 0 => {
                decision.reason = Some(format!(
                    "{} pieces of evidence were looked at, which is the limit; {} were not",
                    limits::CANDIDATES,
                    judged.over
                ));
                decision.hint = Some("remove what is not needed from the image".to_owned());
            }
            _ => {}
        }
        decision
    }

    /// The trust roots that the policies name. A policy decides nothing by one
    /// that is stale; why, where such a policy is enforced.
    fn weigh_roots(&self, decisions: &mut [PolicyDecision]) -> (Vec<RootUsed>, Option<String>) {
        let (mut all, mut enforced) = (Vec::new(), None);
        for decision in decisions {
            let roots = self.set.roots_of(&decision.policy, self.now);
            let refused = roots.iter().find(|root| root.refused);
            if let Some(why) = refused.and_then(|root| root.stale.as_deref()) {
                decision.verdict = Verdict::Unable;
                for requirement in &mut decision.requirements {
                    requirement.satisfied = false;
                    requirement.code = Some(codes::TRUST_ROOT_STALE.to_owned());
                    requirement.missing = Some(why.to_owned());
                }
                if decision.mode == Mode::Enforce {
                    enforced.get_or_insert_with(|| why.to_owned());
                }
            }
            for root in roots {
                if !all.contains(&root) {
                    all.push(root);
                }
            }
        }
        (all, enforced)
    }

    fn unable(&self, digest: Option<&Digest>, fault: &Fault) -> Decision {
        unable(
            self.image,
            digest,
            &fault.message,
            fault.hint.clone(),
            self.now,
        )
    }

    fn no_such_image(&self, digest: Option<&Digest>) -> Decision {
        unable(
            self.image,
            digest,
            "the registry has no such image",
            Some("check the name, and whether the image has been pushed".to_owned()),
            self.now,
        )
    }
}

const RENEW: &str =
    "`waxseal trust update` renews it; `stale: warn` in the policy takes it as it is";

/// The policies, those together that look at the same images of an index.
fn by_platforms<'p>(
    policies: &[&'p Policy],
    instead: Option<&'p Platforms>,
) -> Vec<(&'p Platforms, Vec<&'p Policy>)> {
    let mut groups: Vec<(&Platforms, Vec<&Policy>)> = Vec::new();
    for policy in policies {
        let platforms = instead.unwrap_or(policy.platforms());
        match groups.iter_mut().find(|(known, _)| *known == platforms) {
            Some((_, group)) => group.push(policy),
            None => groups.push((platforms, vec![policy])),
        }
    }
    groups
}

fn union(policies: &[&Policy]) -> Needs {
    let mut all = Needs::default();
    for policy in policies {
        let needs = policy.needs();
        all.signature |= needs.signature;
        all.attestations.extend(needs.attestations);
        all.keep_predicate_of.extend(needs.keep_predicate_of);
    }
    all
}

const OVER: &str = "not looked at: there is more than what is looked at";
