//! One requirement against the facts.

use std::collections::BTreeSet;

use waxseal_attestation::PredicateType;
use waxseal_verify::{Authority, Matcher, Signer, Verified};

use crate::rules::{Miss, Requirement, Rule};
use crate::{
    Facts, Finding, Found, Needs, Policy, Rejected, RequirementDecision, SeenEvidence, codes,
    escaped,
};

/// What becomes of a requirement: what counts, what does not and why, and what is missing.
pub(crate) fn judge(
    policy: &Policy,
    requirement: &Requirement,
    facts: &Facts<'_>,
) -> RequirementDecision {
    let mut signers: BTreeSet<Distinct<'_>> = BTreeSet::new();
    let mut found = Vec::new();
    let mut rejected: Vec<(u32, Rejected)> = Vec::new();
    let mut predicates: BTreeSet<String> = BTreeSet::new();
    for finding in facts
        .findings
        .iter()
        .filter(|f| requirement.from.contains(&f.authority))
    {
        if let Ok(verified) = &finding.outcome
            && let Verified::Attestation(attestation) = &**verified
        {
            predicates.insert(escaped(attestation.predicate_type()));
        }
        match weigh(policy, requirement, finding, facts) {
            Ok((verified, notes)) => {
                signers.insert(distinct(verified.signer()));
                found.push(describe(finding, verified, facts, notes));
            }
            Err((miss, finding)) => rejected.push((miss.rank, refused(&miss, finding))),
        }
    }
    // What counts for one authority is no failure because another did not sign it.
    rejected.retain(|(_, entry)| !found.iter().any(|f: &Found| f.origin == entry.origin));
    rejected.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    let rejected: Vec<Rejected> = rejected.into_iter().map(|(_, entry)| entry).collect();
    let seen: Vec<SeenEvidence> = facts.seen.iter().map(seen_evidence).collect();
    predicates.extend(seen.iter().filter_map(|s| s.predicate.clone()));
    // A signature that could not be read is no attestation.
    predicates.remove(PredicateType::SIGN);
    let mut needs = Needs::default();
    requirement.rule.needs(&mut needs);
    let unused = facts.seen.iter().find(|s| {
        let kind = s.predicate.as_deref();
        kind.is_some_and(|kind| needs.wants(kind))
    });
    let satisfied = requirement.threshold > 0 && signers.len() >= requirement.threshold;
    let nothing = facts.findings.is_empty() && facts.seen.is_empty();
    let all = facts.complete;
    let missing = (!satisfied).then(|| {
        missing(
            requirement,
            signers.len(),
            &rejected,
            &predicates,
            unused.map(|seen| escaped(&seen.note)).as_deref(),
            (nothing, all),
        )
    });
    let code = match (satisfied, signers.len()) {
        (true, _) => None,
        (false, 0) => Some(requirement.rule.absence().to_owned()),
        (false, _) => Some(codes::THRESHOLD.to_owned()),
    };
    RequirementDecision {
        requirement: requirement.title(),
        satisfied,
        threshold: requirement.threshold,
        signers: signers.len(),
        code,
        found,
        rejected,
        seen,
        missing,
    }
}

/// Who counts as one signer. The claims of a certificate differ from run to
/// run of one workflow, which is one signer for all that.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Distinct<'a> {
    Key(&'a str),
    Identity(&'a str, &'a str),
    Other(&'a Signer),
}

fn distinct(signer: &Signer) -> Distinct<'_> {
    match signer {
        Signer::Key { id, .. } => Distinct::Key(id),
        Signer::Identity {
            issuer, subject, ..
        } => Distinct::Identity(issuer, subject),
        other => Distinct::Other(other),
    }
}

/// Whether a finding counts for a requirement, else why not and how near it came.
fn weigh<'f>(
    policy: &Policy,
    requirement: &Requirement,
    finding: &'f Finding,
    facts: &Facts<'_>,
) -> Result<(&'f Verified, Vec<String>), (Miss, &'f Finding)> {
    let verified = match &finding.outcome {
        Ok(verified) => &**verified,
        Err(rejection) => {
            let (rank, reason) = (rejection.rank().into(), rejection.to_string());
            return Err((
                Miss {
                    rank,
                    code: rejection.code(),
                    reason,
                },
                finding,
            ));
        }
    };
    let fits = about(verified, facts)
        .and_then(|()| by(policy, finding, verified))
        .and_then(|()| requirement.rule.weigh(verified, policy, facts));
    match fits {
        Ok(notes) => Ok((verified, notes)),
        Err(miss) => Err((*miss, finding)),
    }
}

/// The verifier has checked the subject; that it is the one asked about here
/// is checked again.
pub(crate) fn about(verified: &Verified, facts: &Facts<'_>) -> Result<(), Box<Miss>> {
    // An index names its members by digest: what is said about it is said about them.
    let index = facts.via.map(|via| &via.index);
    if verified.subject() == facts.subject || Some(verified.subject()) == index {
        return Ok(());
    }
    let reason = format!(
        "it is about {}, not about {}",
        verified.subject(),
        facts.subject
    );
    Err(Miss::other(codes::OTHER_SUBJECT, reason))
}

/// Two policies may call different keys by one name: that the signer is whom
/// this policy means is checked again.
pub(crate) fn by(policy: &Policy, finding: &Finding, verified: &Verified) -> Result<(), Box<Miss>> {
    let found = policy
        .authorities
        .iter()
        .find(|(name, _)| *name == finding.authority);
    let is_meant = match (found.map(|(_, authority)| authority), verified.signer()) {
        (Some(Authority::Key(key)), Signer::Key { id, .. }) => key.key.id() == id,
        (
            Some(Authority::Keyless(wanted)),
            Signer::Identity {
                issuer,
                subject,
                claims,
            },
        ) => {
            let claimed = |(name, value): (&String, &Matcher)| {
                claims.get(name).is_some_and(|found| value.matches(found))
            };
            wanted.issuer.matches(issuer)
                && wanted.subject.matches(subject)
                && wanted.claims.iter().all(claimed)
        }
        _ => false,
    };
    if is_meant {
        return Ok(());
    }
    let reason = format!(
        "it was not signed by `{}` of this policy",
        finding.authority
    );
    Err(Miss::other(codes::OTHER_SIGNER, reason))
}

fn refused(miss: &Miss, finding: &Finding) -> Rejected {
    Rejected {
        authority: finding.authority.clone(),
        code: miss.code.to_owned(),
        reason: escaped(&miss.reason),
        origin: finding.candidate.clone(),
    }
}

fn seen_evidence(seen: &crate::Seen) -> SeenEvidence {
    SeenEvidence {
        predicate: seen.predicate.as_deref().map(escaped),
        note: escaped(&seen.note),
        origin: seen.origin.clone(),
    }
}

fn describe(
    finding: &Finding,
    verified: &Verified,
    facts: &Facts<'_>,
    notes: Vec<String>,
) -> Found {
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
        times: verified.times().to_vec(),
        notes,
    }
}

fn missing(
    requirement: &Requirement,
    signers: usize,
    rejected: &[Rejected],
    predicates: &BTreeSet<String>,
    unused: Option<&str>,
    (nothing, all): (bool, bool),
) -> String {
    let who = requirement.from.join(", ");
    let what = requirement.rule.noun();
    let mut text = match (signers, requirement.threshold) {
        (0, 1) => format!("no {what} by {who}"),
        (n, t) => format!("{n} of {t} distinct signers of a {what}, from {who}"),
    };
    let is_signature = matches!(requirement.rule, Rule::Signature(_));
    match (rejected.first(), unused) {
        // That attestations are no signatures is said once, with their types.
        (Some(nearest), _) if nearest.code == codes::NOT_A_SIGNATURE => {}
        (Some(nearest), _) => text.push_str(&format!("; nearest: {}", nearest.reason)),
        (None, _) if !all => text.push_str("; not all that is attached could be looked at"),
        (None, Some(why)) => {
            text.push_str(&format!("; one is listed that does not count: {why}"));
        }
        (None, None) if nothing => {
            text.push_str("; nothing is attached to the image");
        }
        (None, None) => {}
    }
    if is_signature && signers == 0 && !predicates.is_empty() {
        let list: Vec<_> = predicates.iter().map(String::as_str).collect();
        text.push_str(&format!(
            "; attestations are not signatures (predicates seen: {})",
            list.join(", ")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn two_runs_of_one_workflow_are_one_signer() {
        let run = |issuer: &str, subject: &str, id: &str| Signer::Identity {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            claims: BTreeMap::from([("runInvocationURI".to_owned(), id.to_owned())]),
        };
        let signers = [
            run("i", "s", "1"),
            run("i", "s", "2"),
            run("i", "t", "1"),
            run("j", "s", "1"),
        ];
        let count =
            |signers: &[Signer]| signers.iter().map(distinct).collect::<BTreeSet<_>>().len();
        assert_eq!(count(&signers[..2]), 1);
        assert_eq!(count(&signers), 3);
    }
}
