//! Facts in, decision out.

use std::collections::BTreeSet;

use jiff::Timestamp;
use waxseal_oci::{Digest, Reference};
use waxseal_verify::{Signer, Verified};

use crate::condition::Input;
use crate::requirement::{Requirement, What};
use crate::{
    Decision, Facts, Finding, Found, Mode, Policy, PolicyDecision, Rejected, RequirementDecision,
    SeenEvidence, Verdict, escaped,
};

/// What happens to an image that no policy covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum Unmatched {
    /// It is let in, and the decision says why.
    Allow,
    /// It is refused.
    Deny,
}

/// What one policy says about these facts.
///
/// More facts never turn an allow into a denial: what satisfied a requirement
/// goes on satisfying it. An allow on incomplete facts may therefore be acted on.
#[must_use]
pub fn evaluate(policy: &Policy, facts: &Facts<'_>) -> PolicyDecision {
    let requirements: Vec<_> = policy
        .requirements
        .iter()
        .map(|requirement| judge(requirement, facts))
        .collect();
    // An empty list cannot be loaded; were it made, it would not allow.
    let met = !requirements.is_empty() && requirements.iter().all(|r| r.satisfied);
    // The way is part of the answer only where it was taken, or was not enough.
    let through = !met
        || requirements
            .iter()
            .any(|r| r.found.iter().any(|f| f.through.is_some()));
    PolicyDecision {
        policy: policy.name.clone(),
        mode: policy.mode,
        verdict: if met { Verdict::Allow } else { Verdict::Deny },
        subject: facts.subject.clone(),
        via: facts.via.filter(|_| through).cloned(),
        platform: facts.platform.map(ToString::to_string),
        requirements,
    }
}

/// Puts together what the covering policies say: all that enforce must allow.
#[must_use]
pub fn decide(
    image: &Reference,
    digest: Option<&Digest>,
    policies: Vec<PolicyDecision>,
    unmatched: Unmatched,
    now: Timestamp,
) -> Decision {
    let mut decision = blank(image, digest, Verdict::Deny, now);
    if policies.is_empty() {
        decision.reason = Some("no policy covers this image".to_owned());
        decision.hint = Some("add its repository to the `match.images` of a policy".to_owned());
        if unmatched == Unmatched::Allow {
            decision.verdict = Verdict::Allow;
            decision.hint = None;
        }
        return decision;
    }
    let enforced = policies
        .iter()
        .filter(|p| p.mode == Mode::Enforce)
        .map(|p| p.verdict);
    decision.verdict = enforced.max().unwrap_or(Verdict::Allow);
    decision.policies = policies;
    decision
}

/// The decision where the image could not be checked: it stays out.
#[must_use]
pub fn unable(
    image: &Reference,
    digest: Option<&Digest>,
    reason: &str,
    hint: Option<String>,
    now: Timestamp,
) -> Decision {
    let mut decision = blank(image, digest, Verdict::Unable, now);
    decision.reason = Some(escaped(reason));
    decision.hint = hint;
    decision
}

fn blank(
    image: &Reference,
    digest: Option<&Digest>,
    verdict: Verdict,
    time: Timestamp,
) -> Decision {
    Decision {
        api_version: "waxseal.dev/v1alpha1".to_owned(),
        kind: "Decision".to_owned(),
        verdict,
        image: image.to_string(),
        digest: digest.cloned(),
        reason: None,
        hint: None,
        time,
        policies: Vec::new(),
    }
}

fn judge(requirement: &Requirement, facts: &Facts<'_>) -> RequirementDecision {
    let mut signers: BTreeSet<&Signer> = BTreeSet::new();
    let mut found = Vec::new();
    let mut rejected: Vec<(u32, Rejected)> = Vec::new();
    let mut predicates: BTreeSet<String> = BTreeSet::new();
    for finding in facts
        .findings
        .iter()
        .filter(|f| requirement.from.contains(&f.authority))
    {
        match weigh(requirement, finding, facts) {
            Ok(verified) => {
                signers.insert(verified.signer());
                found.push(describe(finding, verified, facts));
            }
            Err(miss) => {
                let (rank, entry) = *miss;
                if let Ok(verified) = &finding.outcome
                    && let Verified::Attestation(a) = &**verified
                {
                    predicates.insert(escaped(a.predicate_type()));
                }
                rejected.push((rank, entry));
            }
        }
    }
    let seen: Vec<SeenEvidence> = facts
        .seen
        .iter()
        .map(|seen| SeenEvidence {
            predicate: seen.predicate.as_deref().map(escaped),
            note: escaped(&seen.note),
            origin: seen.origin.clone(),
        })
        .collect();
    predicates.extend(seen.iter().filter_map(|s| s.predicate.clone()));
    rejected.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    let satisfied = requirement.threshold > 0 && signers.len() >= requirement.threshold;
    let missing = (!satisfied).then(|| missing(requirement, signers.len(), &rejected, &predicates));
    RequirementDecision {
        requirement: requirement.title(),
        satisfied,
        threshold: requirement.threshold,
        signers: signers.len(),
        found,
        rejected: rejected.into_iter().map(|(_, entry)| entry).collect(),
        seen,
        missing,
    }
}

/// Whether a finding counts for a requirement, else why not and how near it came.
fn weigh<'f>(
    requirement: &Requirement,
    finding: &'f Finding,
    facts: &Facts<'_>,
) -> Result<&'f Verified, Box<(u32, Rejected)>> {
    let refuse = |rank: u32, code: &str, reason: String| {
        let entry = Rejected {
            authority: finding.authority.clone(),
            code: code.to_owned(),
            reason: escaped(&reason),
            origin: finding.candidate.clone(),
        };
        Err(Box::new((rank, entry)))
    };
    let verified = match &finding.outcome {
        Ok(verified) => &**verified,
        Err(rejection) => {
            return refuse(
                rejection.rank().into(),
                rejection.code(),
                rejection.to_string(),
            );
        }
    };
    // An index names its members by digest: what is said about it is said about them.
    let index = facts.via.map(|via| &via.index);
    if verified.subject() != facts.subject && Some(verified.subject()) != index {
        let reason = format!(
            "it is about {}, not about {}",
            verified.subject(),
            facts.subject
        );
        return refuse(NEAR, "other-subject", reason);
    }
    match (&requirement.what, verified) {
        (What::Signature { annotations }, Verified::Signature(signature)) => {
            let lacking = annotations
                .iter()
                .find(|(k, v)| signature.annotations().get(*k) != Some(v));
            match lacking {
                None => Ok(verified),
                Some((key, value)) => {
                    let has = match signature.annotations().get(key) {
                        Some(other) => format!("`{other}`"),
                        None => "nothing".to_owned(),
                    };
                    let reason = format!("the annotation `{key}` is {has}, not `{value}`");
                    refuse(NEAR + 1, "annotation", reason)
                }
            }
        }
        (
            What::Attestation {
                types, condition, ..
            },
            Verified::Attestation(attestation),
        ) => {
            if !types.iter().any(|t| t == attestation.predicate_type()) {
                let reason = format!(
                    "it is an attestation of type {}",
                    attestation.predicate_type()
                );
                return refuse(NEAR, "other-type", reason);
            }
            let Some(condition) = condition else {
                return Ok(verified);
            };
            let predicate = match attestation.predicate() {
                Some(raw) => serde_json::from_str(raw.get()),
                None => Ok(serde_json::Value::Null),
            };
            let holds = predicate.map_err(|e| e.to_string()).and_then(|predicate| {
                let input = Input {
                    predicate: &predicate,
                    predicate_type: attestation.predicate_type(),
                    subject: facts.subject.as_str(),
                    image: &facts.image.to_string(),
                };
                condition.holds(&input).map_err(|e| e.to_string())
            });
            match holds {
                Ok(true) => Ok(verified),
                Ok(false) => {
                    let reason = format!("the condition does not hold: {}", condition.source());
                    refuse(NEAR + 1, "condition", reason)
                }
                Err(why) => refuse(NEAR + 1, "condition-error", format!("the condition: {why}")),
            }
        }
        (What::Signature { .. }, Verified::Attestation(attestation)) => {
            let reason = format!(
                "it is an attestation of type {}; an attestation is not a signature",
                attestation.predicate_type()
            );
            refuse(NEAR, "not-a-signature", reason)
        }
        (What::Attestation { .. }, Verified::Signature(_)) => refuse(
            NEAR,
            "not-an-attestation",
            "it is a signature, not an attestation".to_owned(),
        ),
    }
}

fn describe(finding: &Finding, verified: &Verified, facts: &Facts<'_>) -> Found {
    let elsewhere = verified.subject() != facts.subject;
    let (predicate_type, annotations) = match verified {
        Verified::Attestation(a) => (Some(a.predicate_type().to_owned()), Default::default()),
        Verified::Signature(s) => (None, s.annotations().clone()),
    };
    Found {
        authority: finding.authority.clone(),
        signer: verified.signer().clone(),
        format: verified.format(),
        predicate_type,
        annotations,
        through: elsewhere.then(|| verified.subject().clone()),
        origin: finding.candidate.clone(),
        checks: verified.checks().clone(),
    }
}

fn missing(
    requirement: &Requirement,
    signers: usize,
    rejected: &[(u32, Rejected)],
    predicates: &BTreeSet<String>,
) -> String {
    let who = requirement.from.join(", ");
    let what = match &requirement.what {
        What::Signature { .. } => "signature".to_owned(),
        What::Attestation { label, .. } => format!("attestation of type {label}"),
    };
    let mut text = match (signers, requirement.threshold) {
        (0, 1) => format!("no {what} by {who}"),
        (n, t) => format!("{n} of {t} distinct signers of a {what}, from {who}"),
    };
    if let Some((_, nearest)) = rejected.first() {
        text.push_str(&format!("; nearest: {}", nearest.reason));
    } else if predicates.is_empty() {
        text.push_str("; nothing is attached to the image");
    }
    let attested = matches!(requirement.what, What::Signature { .. }) && !predicates.is_empty();
    if attested {
        let list: Vec<_> = predicates.iter().map(String::as_str).collect();
        text.push_str(&format!(
            "; attestations are not signatures (predicates seen: {})",
            list.join(", ")
        ));
    }
    text
}

/// Above every rejection of the verifier: what verified and does not fit came nearest.
const NEAR: u32 = 1_000;
