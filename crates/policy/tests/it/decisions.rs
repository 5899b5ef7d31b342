//! Facts in, verdict out.
use waxseal_attestation::PredicateType;
use waxseal_oci::Annotations;
use waxseal_policy::{
    Mode, Needs, Policy, PolicyDecision, PolicyError, Seen, Unmatched, Verdict, Via, codes, decide,
    evaluate, unable,
};

use crate::evidence::{
    self, CYCLONEDX, Case, NOW, PROVENANCE, SPDX_VERSIONED, Says, candidate, finding, findings,
    image, index, origin, policy, policy_with, subject,
};

const SIGNED: Says = Says::Signed(&[]);
const BUILT: Says = Says::Attests(
    PROVENANCE,
    r#"{"builder":{"id":"https://ci.example/runner"},"n":3}"#,
);

fn judge(policy: &Policy, findings: Vec<waxseal_policy::Finding>) -> PolicyDecision {
    evaluate(policy, &Case::new(findings).facts(true))
}

fn codes_of(decision: &PolicyDecision) -> Vec<&str> {
    decision.requirements[0]
        .rejected
        .iter()
        .map(|r| r.code.as_str())
        .collect()
}

#[test]
fn a_signature_by_the_right_key_is_let_in() {
    let policy = policy("signature: { from: [a] }");
    let decision = judge(&policy, findings("a", &SIGNED, 1));
    assert_eq!(decision.verdict, Verdict::Allow);
    let requirement = &decision.requirements[0];
    assert_eq!((requirement.signers, requirement.found.len()), (1, 1));
    assert_eq!((&requirement.code, &requirement.missing), (&None, &None));
}

#[test]
fn nothing_at_all_is_refused() {
    for require in [
        "signature: { from: [a] }",
        "attestation: { type: vuln, from: [a] }",
        "sbom: { from: [a] }",
    ] {
        let decision = judge(&policy(require), Vec::new());
        assert_eq!(decision.verdict, Verdict::Deny, "{require}");
    }
    let decision = judge(&policy("signature: { from: [a] }"), Vec::new());
    assert_eq!(
        decision.requirements[0].missing.as_deref(),
        Some("no signature by a; nothing is attached to the image")
    );
    assert_eq!(
        decision.requirements[0].code.as_deref(),
        Some(codes::NO_SIGNATURE)
    );
}

#[test]
fn another_key_is_refused() {
    let policy = policy("signature: { from: [a] }");
    for who in ["b", "d"] {
        let decision = judge(&policy, findings(who, &SIGNED, 1));
        assert_eq!(decision.verdict, Verdict::Deny);
        assert_eq!(codes_of(&decision), ["signed-by-other-key"], "{who}");
    }
}

#[test]
fn an_authority_that_the_requirement_does_not_name_is_not_counted() {
    let two = policy("signature: { from: [a] }\n    - signature: { from: [b] }");
    let decision = judge(&two, findings("a", &SIGNED, 1));
    let satisfied: Vec<_> = decision.requirements.iter().map(|r| r.satisfied).collect();
    assert_eq!(
        (decision.verdict, satisfied),
        (Verdict::Deny, vec![true, false])
    );
}

#[test]
fn an_attestation_is_no_signature() {
    let policy = policy("signature: { from: [a] }");
    let decision = judge(&policy, findings("a", &BUILT, 1));
    assert_eq!(decision.verdict, Verdict::Deny);
    assert_eq!(codes_of(&decision), [codes::NOT_A_SIGNATURE]);
    assert_eq!(
        decision.requirements[0].missing.as_deref(),
        Some(
            "no signature by a; attestations are not signatures (predicates seen: https://slsa.dev/provenance/v1)"
        )
    );
}

#[test]
fn a_signature_that_cannot_be_used_is_not_called_an_attestation() {
    let policy = policy("signature: { from: [a] }");
    let mut case = Case::new(Vec::new());
    let kind = PredicateType::SIGN.to_owned();
    case.seen.push(Seen {
        origin: origin(1, Some(kind.clone())),
        predicate: Some(kind),
        note: "it has 2 layers; a bundle has one".to_owned(),
    });
    let missing = |complete| {
        let decision = evaluate(&policy, &case.facts(complete));
        decision.requirements[0].missing.clone().unwrap()
    };
    assert_eq!(
        missing(true),
        "no signature by a; one is listed that does not count: it has 2 layers; a bundle has one"
    );
    assert_eq!(
        missing(false),
        "no signature by a; not all that is attached could be looked at"
    );
}

#[test]
fn a_signature_is_no_attestation() {
    let policy = policy("attestation: { type: slsaprovenance1, from: [a] }");
    let decision = judge(&policy, findings("a", &SIGNED, 1));
    assert_eq!(decision.verdict, Verdict::Deny);
    assert_eq!(codes_of(&decision), [codes::NOT_AN_ATTESTATION]);
}

#[test]
fn the_type_of_an_attestation_is_compared_whole() {
    let table = [
        ("slsaprovenance1", PROVENANCE, Verdict::Allow),
        (
            "slsaprovenance1",
            "https://slsa.dev/provenance/v1.0",
            Verdict::Deny,
        ),
        (
            "slsaprovenance1",
            "https://slsa.dev/provenance/v0.2",
            Verdict::Deny,
        ),
        (
            "'https://slsa.dev/provenance/v1'",
            PROVENANCE,
            Verdict::Allow,
        ),
        ("spdxjson", SPDX_VERSIONED, Verdict::Deny),
    ];
    for (wanted, found, verdict) in table {
        let policy = policy(&format!("attestation: {{ type: {wanted}, from: [a] }}"));
        let decision = judge(&policy, findings("a", &Says::Attests(found, "{}"), 1));
        assert_eq!(decision.verdict, verdict, "{wanted} {found}");
    }
}

#[test]
fn an_sbom_is_of_either_kind() {
    let policy = policy("sbom: { from: [a] }");
    for (kind, verdict) in [
        (CYCLONEDX, Verdict::Allow),
        (SPDX_VERSIONED, Verdict::Allow),
        ("https://spdx.dev/Document", Verdict::Allow),
        ("https://spdx.dev/Documents", Verdict::Deny),
        (PROVENANCE, Verdict::Deny),
    ] {
        let decision = judge(&policy, findings("a", &Says::Attests(kind, "{}"), 1));
        assert_eq!(decision.verdict, verdict, "{kind}");
    }
}

#[test]
fn annotations_are_needed() {
    let policy = policy("signature: { from: [a], annotations: { stage: release } }");
    let table: [(&'static [_], _); 4] = [
        (&[("stage", "release")], None),
        (&[("stage", "release"), ("more", "x")], None),
        (
            &[("stage", "test")],
            Some("the annotation `stage` is `test`, not `release`"),
        ),
        (
            &[],
            Some("the annotation `stage` is missing, not `release`"),
        ),
    ];
    for (has, wanted) in table {
        let decision = judge(&policy, findings("a", &Says::Signed(has), 1));
        let reason = decision.requirements[0]
            .rejected
            .first()
            .map(|r| r.reason.as_str());
        assert_eq!(reason, wanted, "{has:?}");
        assert_eq!(decision.verdict == Verdict::Allow, wanted.is_none());
    }
}

#[test]
fn conditions_are_asked() {
    let table = [
        (
            "predicate.builder.id == 'https://ci.example/runner'",
            Ok(()),
        ),
        ("predicate.n > 2 && predicateType.endsWith('/v1')", Ok(())),
        (
            "image == 'registry.example.com/shop/api:1.2' && subject.startsWith('sha256:')",
            Ok(()),
        ),
        ("predicate.n > 3", Err(codes::CONDITION)),
        ("predicate.missing == 1", Err(codes::CONDITION_ERROR)),
        (
            "!has(predicate.builder.name) && predicate.builder.name.size() > 0",
            Err(codes::CONDITION_ERROR),
        ),
    ];
    for (condition, wanted) in table {
        let policy = policy(&format!(
            "attestation: {{ type: slsaprovenance1, from: [a], where: \"{condition}\" }}"
        ));
        let decision = judge(&policy, findings("a", &BUILT, 1));
        let found = match decision.verdict {
            Verdict::Allow => Ok(()),
            _ => Err(codes_of(&decision)[0]),
        };
        assert_eq!(found, wanted, "{condition}");
    }
}

#[test]
fn one_of_several_attestations_is_enough() {
    let policy =
        policy("attestation: { type: slsaprovenance1, from: [a], where: 'predicate.n == 2' }");
    let other = Says::Attests(PROVENANCE, r#"{"n":1}"#);
    let right = Says::Attests(PROVENANCE, r#"{"n":2}"#);
    let both = [findings("a", &other, 1), findings("a", &right, 2)].concat();
    assert_eq!(judge(&policy, both).verdict, Verdict::Allow);
    // The one that holds must be by the one who is trusted.
    let split = [findings("a", &other, 1), findings("b", &right, 2)].concat();
    assert_eq!(judge(&policy, split).verdict, Verdict::Deny);
}

#[test]
fn an_age_needs_a_proven_time() {
    let policy = policy("attestation: { type: slsaprovenance1, from: [a], maxAge: 7d }");
    let decision = judge(&policy, findings("a", &BUILT, 1));
    assert_eq!(
        (decision.verdict, codes_of(&decision)),
        (Verdict::Deny, vec![codes::NO_TIME])
    );
}

#[test]
fn a_threshold_counts_keys_and_not_signatures() {
    let policy = policy("signature: { from: [a, b, c], threshold: 2 }");
    let twice = [findings("a", &SIGNED, 1), findings("a", &SIGNED, 2)].concat();
    let decision = judge(&policy, twice);
    assert_eq!(
        (decision.verdict, decision.requirements[0].signers),
        (Verdict::Deny, 1)
    );
    assert_eq!(
        decision.requirements[0].code.as_deref(),
        Some(codes::THRESHOLD)
    );
    assert_eq!(
        decision.requirements[0].missing.as_deref(),
        Some("1 of 2 distinct signers of a signature, from a, b, c")
    );
    let two = [findings("a", &SIGNED, 1), findings("c", &SIGNED, 2)].concat();
    assert_eq!(judge(&policy, two).verdict, Verdict::Allow);
}

#[test]
fn one_key_under_two_names_is_one_signer() {
    let mut flags = evidence::flags();
    flags
        .authorities
        .push(("twin".to_owned(), evidence::authority("a")));
    flags.threshold = 2;
    let error = Policy::from_flags(flags).map(|_| ());
    assert_eq!(
        error,
        Err(PolicyError::Threshold {
            requirement: 1,
            threshold: 2,
            keys: 1
        })
    );
}

#[test]
fn a_finding_under_a_wrong_name_does_not_count() {
    // Another policy calls `b` what this one calls `a`.
    let policy = policy("signature: { from: [a] }");
    let signed = candidate("b", &SIGNED, &subject(), 1);
    let mut found = finding(&signed, "b", &subject());
    found.authority = "a".to_owned();
    let decision = judge(&policy, vec![found]);
    assert_eq!(
        (decision.verdict, codes_of(&decision)),
        (Verdict::Deny, vec![codes::OTHER_SIGNER])
    );
}

#[test]
fn another_digest_does_not_count_and_the_index_does() {
    let policy = policy("signature: { from: [a] }");
    let signed = candidate("a", &SIGNED, &index(), 1);
    let mut case = Case::new(vec![finding(&signed, "a", &index())]);
    let decision = evaluate(&policy, &case.facts(true));
    assert_eq!(
        (decision.verdict, codes_of(&decision)),
        (Verdict::Deny, vec![codes::OTHER_SUBJECT])
    );
    case.via = Some(Via { index: index() });
    let decision = evaluate(&policy, &case.facts(true));
    assert_eq!(decision.verdict, Verdict::Allow);
    assert_eq!(decision.requirements[0].found[0].through, Some(index()));
}

#[test]
fn what_one_key_accepts_is_not_held_against_another() {
    let policy = policy("signature: { from: [a, b, c] }");
    let decision = judge(&policy, findings("b", &SIGNED, 1));
    assert_eq!(
        (decision.verdict, codes_of(&decision)),
        (Verdict::Allow, Vec::new())
    );
}

#[test]
fn every_covering_policy_must_allow() {
    let good = judge(
        &policy("signature: { from: [a] }"),
        findings("a", &SIGNED, 1),
    );
    let bad = judge(
        &policy("signature: { from: [b] }"),
        findings("a", &SIGNED, 1),
    );
    let verdict = |policies: Vec<PolicyDecision>| {
        decide(&image(), Some(&subject()), policies, Unmatched::Deny, NOW).verdict
    };
    assert_eq!(verdict(vec![good.clone(), good.clone()]), Verdict::Allow);
    assert_eq!(verdict(vec![good.clone(), bad.clone()]), Verdict::Deny);
    assert_eq!(verdict(vec![bad]), Verdict::Deny);
}

#[test]
fn a_mode_that_does_not_enforce_is_recorded() {
    for (word, mode) in [("warn", Mode::Warn), ("audit", Mode::Audit)] {
        let policy = policy_with(&format!("  mode: {word}\n"), "signature: { from: [a] }");
        let refused = judge(&policy, Vec::new());
        assert_eq!((refused.verdict, refused.mode), (Verdict::Deny, mode));
        let decision = decide(&image(), None, vec![refused.clone()], Unmatched::Deny, NOW);
        assert_eq!(decision.verdict, Verdict::Allow);
        assert_eq!(decision.warnings().collect::<Vec<_>>(), [&refused]);
    }
}

#[test]
fn no_policy_is_no_permission() {
    let verdict = |unmatched| decide(&image(), None, Vec::new(), unmatched, NOW);
    assert_eq!(verdict(Unmatched::Deny).verdict, Verdict::Deny);
    assert_eq!(verdict(Unmatched::Error).verdict, Verdict::Unable);
    assert_eq!(verdict(Unmatched::Allow).verdict, Verdict::Allow);
    assert_eq!(
        verdict(Unmatched::Deny).reason.as_deref(),
        Some("no policy covers this image")
    );
    let unable = unable(&image(), None, "the registry\nis away", None, NOW);
    assert!(!unable.allows());
    assert_eq!(unable.reason.as_deref(), Some("the registry\\u{a}is away"));
}

#[test]
fn flags_are_the_same_policy() {
    let from_flags = Policy::from_flags(evidence::flags()).unwrap();
    let from_file = policy("signature: { from: [a] }");
    for found in [
        findings("a", &SIGNED, 1),
        findings("b", &SIGNED, 1),
        findings("a", &BUILT, 1),
    ] {
        let (flags, file) = (judge(&from_flags, found.clone()), judge(&from_file, found));
        assert_eq!(
            (flags.verdict, flags.requirements),
            (file.verdict, file.requirements)
        );
    }
    assert_eq!(
        from_flags.needs(),
        Needs {
            signature: true,
            ..Needs::default()
        }
    );
    assert!(from_flags.covers(&image(), None));
}

#[test]
fn flags_that_ask_for_nothing_are_refused() {
    let error = |change: fn(&mut waxseal_policy::Flags)| {
        let mut flags = evidence::flags();
        change(&mut flags);
        Policy::from_flags(flags).map(|_| ()).unwrap_err()
    };
    assert_eq!(error(|f| f.authorities.clear()), PolicyError::NoAuthorities);
    assert_eq!(error(|f| f.threshold = 0), PolicyError::ThresholdZero(1));
    assert_eq!(
        error(|f| f
            .attestations
            .push("https://sigstore.dev/cosign/sign/v1".into())),
        PolicyError::Type {
            requirement: 1,
            reason: "a signature is required with `signature`".into()
        }
    );
}

#[test]
fn annotations_beside_attestations_are_not_forgotten() {
    let mut flags = evidence::flags();
    flags.attestations.push("slsaprovenance1".to_owned());
    flags.annotations = Annotations::from([("stage".to_owned(), "release".to_owned())]);
    let policy = Policy::from_flags(flags).unwrap();
    assert_eq!(
        judge(&policy, findings("a", &BUILT, 1)).verdict,
        Verdict::Deny
    );
    let signed = findings("a", &Says::Signed(&[("stage", "release")]), 2);
    let both = [findings("a", &BUILT, 1), signed].concat();
    assert_eq!(judge(&policy, both).verdict, Verdict::Allow);
}

#[test]
fn a_policy_says_what_it_needs() {
    let policy = policy(
        "signature: { from: [a] }\n    \
         - attestation: { type: slsaprovenance1, from: [a], where: 'predicate.n == 1' }\n    \
         - attestation: { type: vuln, from: [a] }",
    );
    let vuln = "https://cosign.sigstore.dev/attestation/vuln/v1".to_owned();
    let needs = Needs {
        signature: true,
        attestations: [PROVENANCE.to_owned(), vuln].into(),
        keep_predicate_of: [PROVENANCE.to_owned()].into(),
    };
    assert_eq!(policy.needs(), needs);
}
