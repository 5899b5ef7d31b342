//! A decision's tree, told in the few words that fit into an answer.

use waxseal_policy::{Decision, Mode, PolicyDecision, Verdict};
use waxseal_verify::Signer;

use crate::review::{Judgement, Outcome, Reason};

/// What is said of an image on which `decision` was made.
pub(super) fn judgement(decision: &Decision) -> Judgement {
    let covered = !decision.policies.is_empty();
    let (outcome, reason) = match decision.verdict {
        Verdict::Allow if covered => (Outcome::Allow, Reason::Policy),
        Verdict::Allow => (Outcome::Allow, Reason::NoPolicy),
        Verdict::Deny if covered => (Outcome::Deny, Reason::Policy),
        Verdict::Deny => (Outcome::Deny, Reason::NoPolicy),
        Verdict::Unable => (Outcome::Unable, Reason::CouldNotCheck),
    };
    let mut judgement = Judgement::new(outcome, reason, message(decision));
    judgement.digest.clone_from(&decision.digest);
    let warning = |policy: &PolicyDecision| {
        let missing = missing(policy).collect::<Vec<_>>().join("; ");
        format!("policy `{}` would refuse it: {missing}", policy.policy)
    };
    let stale = decision.trust_roots.iter().filter(|root| !root.refused);
    judgement
        .warnings
        .extend(stale.filter_map(|root| root.stale.clone()));
    for policy in decision.warnings() {
        match policy.mode {
            Mode::Audit => judgement.recorded.push(warning(policy)),
            Mode::Enforce | Mode::Warn => judgement.warnings.push(warning(policy)),
        }
    }
    judgement
}

fn message(decision: &Decision) -> String {
    let mut told: Vec<String> = decision.reason.iter().cloned().collect();
    match decision.verdict {
        Verdict::Allow => {
            told.extend(
                decision
                    .policies
                    .iter()
                    .filter(|p| p.verdict == Verdict::Allow)
                    .map(satisfied),
            );
        }
        Verdict::Deny | Verdict::Unable => {
            let unmet = decision.policies.iter();
            let unmet = unmet.filter(|p| p.verdict != Verdict::Allow && p.mode == Mode::Enforce);
            told.extend(unmet.flat_map(|policy| {
                missing(policy).map(|missing| format!("policy `{}`: {missing}", policy.policy))
            }));
            told.extend(decision.hint.iter().map(|hint| format!("hint: {hint}")));
        }
    }
    if told.is_empty() {
        // Only policies that do not enforce cover it, and none is satisfied.
        told.push("no policy that covers it is enforced".to_owned());
    }
    told.join("; ")
}

fn missing(policy: &PolicyDecision) -> impl Iterator<Item = &str> {
    policy
        .requirements
        .iter()
        .filter_map(|requirement| requirement.missing.as_deref())
}

fn satisfied(policy: &PolicyDecision) -> String {
    let mut signers: Vec<String> = Vec::new();
    for found in policy
        .requirements
        .iter()
        .flat_map(|requirement| &requirement.found)
    {
        let signer = match &found.signer {
            Signer::Identity { subject, .. } => format!("{} ({subject})", found.authority),
            _ => found.authority.clone(),
        };
        if !signers.contains(&signer) {
            signers.push(signer);
        }
    }
    format!(
        "policy `{}`: signed by {}",
        policy.policy,
        signers.join(", ")
    )
}
