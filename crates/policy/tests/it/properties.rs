//! What holds for any facts.

use proptest::prelude::*;
use std::sync::LazyLock;

use waxseal_policy::{Finding, Policy, PolicyDecision, Verdict, evaluate};

use crate::evidence::{CYCLONEDX, Case, PROVENANCE, Says, findings, policy};

const POLICIES: [&str; 7] = [
    "signature: { from: [a] }",
    "signature: { from: [a, b, c], threshold: 2 }",
    "signature: { from: [a, b, c], threshold: 3 }",
    "signature: { from: [b], annotations: { stage: release } }",
    "attestation: { type: slsaprovenance1, from: [a, b], where: 'predicate.n > 1' }",
    "sbom: { from: [a, c], threshold: 2 }",
    "signature: { from: [a, b] }\n    - sbom: { from: [c] }",
];

static LOADED: LazyLock<Vec<Policy>> =
    LazyLock::new(|| POLICIES.iter().map(|require| policy(require)).collect());

/// What each of `a`, `b`, `c` and a stranger may have said: what the three make of it.
static POOL: LazyLock<Vec<Finding>> = LazyLock::new(|| {
    let says = [
        Says::Signed(&[]),
        Says::Signed(&[("stage", "release")]),
        Says::Attests(PROVENANCE, r#"{"n":2}"#),
        Says::Attests(PROVENANCE, r#"{"n":1}"#),
        Says::Attests(CYCLONEDX, "{}"),
    ];
    let mut pool = Vec::new();
    for (n, who) in ["a", "b", "c", "d"].iter().enumerate() {
        for (m, what) in says.iter().enumerate() {
            let number = u8::try_from(n * says.len() + m).expect("few");
            pool.extend(findings(who, what, number));
        }
    }
    pool
});

fn judge(policy: usize, findings: Vec<Finding>, complete: bool) -> PolicyDecision {
    evaluate(&LOADED[policy], &Case::new(findings).facts(complete))
}

fn some_findings() -> impl Strategy<Value = Vec<Finding>> {
    let indexes = prop::collection::vec(0..POOL.len(), 0..24);
    indexes.prop_map(|indexes| indexes.into_iter().map(|i| POOL[i].clone()).collect())
}

proptest! {
    /// Without evidence that verified nothing is let in, however much was rejected.
    #[test]
    fn rejected_evidence_lets_nothing_in(which in 0..POLICIES.len(), found in some_findings()) {
        let rejected: Vec<_> = found.into_iter().filter(|f| f.outcome.is_err()).collect();
        prop_assert_eq!(judge(which, rejected, true).verdict, Verdict::Deny);
    }

    /// More rejected evidence changes no verdict.
    #[test]
    fn rejected_evidence_changes_nothing(
        which in 0..POLICIES.len(), found in some_findings(), more in some_findings(),
    ) {
        let before = judge(which, found.clone(), true).verdict;
        let more = more.into_iter().filter(|f| f.outcome.is_err());
        let after = judge(which, found.into_iter().chain(more).collect(), true).verdict;
        prop_assert_eq!(before, after);
    }

    /// More evidence never takes an allow back, so an allow on some of it stands.
    #[test]
    fn an_allow_stands(
        which in 0..POLICIES.len(), found in some_findings(), more in some_findings(),
    ) {
        let early = judge(which, found.clone(), false).verdict;
        let late = judge(which, [found, more].concat(), true).verdict;
        prop_assert!(early != Verdict::Allow || late == Verdict::Allow);
    }

    /// The order of the evidence plays no part.
    #[test]
    fn order_plays_no_part(which in 0..POLICIES.len(), found in some_findings()) {
        let forward = judge(which, found.clone(), true);
        let backward = judge(which, found.into_iter().rev().collect(), true);
        prop_assert_eq!(forward.verdict, backward.verdict);
        let signers = |d: &PolicyDecision| d.requirements.iter().map(|r| r.signers).collect::<Vec<_>>();
        prop_assert_eq!(signers(&forward), signers(&backward));
    }

    /// A requirement is met by as many distinct keys as it asks for, and not by fewer.
    #[test]
    fn thresholds_count_distinct_keys(which in 0..POLICIES.len(), found in some_findings()) {
        let decision = judge(which, found, true);
        for requirement in &decision.requirements {
            let keys: std::collections::BTreeSet<_> =
                requirement.found.iter().map(|f| format!("{:?}", f.signer)).collect();
            prop_assert_eq!(requirement.signers, keys.len());
            prop_assert_eq!(requirement.satisfied, keys.len() >= requirement.threshold);
            prop_assert_eq!(requirement.missing.is_some(), !requirement.satisfied);
            prop_assert_eq!(requirement.code.is_some(), !requirement.satisfied);
        }
        let met = decision.requirements.iter().all(|r| r.satisfied);
        prop_assert_eq!(decision.verdict == Verdict::Allow, met);
    }

    /// No text makes a pattern, a condition or a document panic.
    #[test]
    fn parsers_do_not_panic(text in "\\PC{0,200}") {
        let _ = waxseal_policy::ImagePattern::parse(&text);
        let _ = waxseal_policy::PolicyDocument::parse(&text);
    }

    /// No text makes the condition's parser panic.
    #[test]
    fn conditions_do_not_panic(text in "[a-z.()\\[\\]{}!?:&|=<>+'\"0-9, -]{0,60}") {
        let _ = waxseal_policy::Condition::compile(&text);
    }
}
