//! Facts in, decision out.

use jiff::Timestamp;
use waxseal_oci::{Digest, Reference};

use crate::judge::judge;
use crate::{Decision, Facts, Mode, Policy, PolicyDecision, Verdict, escaped};

/// What happens to an image that no policy covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum Unmatched {
    /// It is let in, and the decision says why.
    Allow,
    /// It is refused.
    Deny,
    /// It could not be checked: whoever asked meant another policy.
    Error,
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
        .map(|requirement| judge(policy, requirement, facts))
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
        decision.verdict = match unmatched {
            Unmatched::Allow => Verdict::Allow,
            Unmatched::Deny => Verdict::Deny,
            Unmatched::Error => Verdict::Unable,
        };
        if unmatched == Unmatched::Allow {
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
        trust_roots: Vec::new(),
        policies: Vec::new(),
    }
}
