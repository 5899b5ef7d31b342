//! Decisions in words and in JSON.

use waxseal_oci::Platform;
use waxseal_policy::{
    Decision, Finding, Policy, Seen, Style, Unmatched, Verdict, Via, decide, escaped, evaluate,
    unable,
};

use crate::evidence::{
    self, CYCLONEDX, Case, NOW, PROVENANCE, Says, candidate, finding, findings, image, index,
    named_keys, origin, policy, policy_with, subject,
};

fn decision(policy: &Policy, case: &Case) -> Decision {
    let decided = evaluate(policy, &case.facts(true));
    decide(
        &image(),
        Some(&subject()),
        vec![decided],
        Unmatched::Deny,
        NOW,
    )
}

/// The tree, the message and the JSON of a decision, one below the other.
fn written(decision: &Decision) -> String {
    let json = serde_json::to_string_pretty(decision).unwrap();
    let back: Decision = serde_json::from_str(&json).unwrap();
    assert_eq!(&back, decision, "JSON loses something");
    let text = decision.render_text(Style::default());
    named_keys(&format!("{text}\n\n{}\n\n{json}", decision.message()))
}

fn text(decision: &Decision) -> String {
    named_keys(&format!(
        "{}\n\n{}",
        decision.render_text(Style::default()),
        decision.message()
    ))
}

#[test]
fn an_image_that_is_let_in() {
    let policy = policy(
        "signature: { threshold: 2, from: [a, b, c], annotations: { stage: release } }\n    \
         - attestation: { type: slsaprovenance1, from: [c], where: 'predicate.n > 1' }",
    );
    let signed = Says::Signed(&[("stage", "release")]);
    let all = [
        findings("a", &signed, 1),
        findings("b", &signed, 2),
        findings("d", &signed, 3),
        findings("c", &Says::Attests(PROVENANCE, r#"{"n":2}"#), 4),
    ];
    insta::assert_snapshot!(
        "allow",
        written(&decision(&policy, &Case::new(all.concat())))
    );
}

#[test]
fn an_image_that_is_refused() {
    let policy = policy(
        "signature: { threshold: 2, from: [a, b], annotations: { stage: release } }\n    \
         - sbom: { from: [c] }",
    );
    let all = [
        findings("a", &Says::Signed(&[("stage", "release")]), 1),
        findings("b", &Says::Signed(&[("stage", "test")]), 2),
        findings("d", &Says::Attests(CYCLONEDX, "{}"), 3),
    ];
    let mut case = Case::new(all.concat());
    case.seen.push(Seen {
        origin: origin(9, Some(PROVENANCE.to_owned())),
        predicate: Some(PROVENANCE.to_owned()),
        note: "not fetched: the policy does not ask for it".to_owned(),
    });
    insta::assert_snapshot!("deny", written(&decision(&policy, &case)));
}

#[test]
fn an_image_with_attestations_only() {
    let policy = policy("signature: { from: [a] }");
    let all = [
        findings("a", &Says::Attests(PROVENANCE, "{}"), 1),
        findings("a", &Says::Attests(CYCLONEDX, "{}"), 2),
    ];
    insta::assert_snapshot!(
        "attestations",
        text(&decision(&policy, &Case::new(all.concat())))
    );
}

#[test]
fn a_member_of_an_index() {
    let policy = policy("signature: { from: [a] }");
    let signed = candidate("a", &Says::Signed(&[]), &index(), 1);
    let mut case = Case::new(vec![finding(&signed, "a", &index())]);
    case.via = Some(Via { index: index() });
    case.platform = Platform::parse("linux/arm64/v8");
    insta::assert_snapshot!("index", text(&decision(&policy, &case)));
}

#[test]
fn other_ends() {
    let warns = policy_with("  mode: warn\n", "signature: { from: [a] }");
    let all = [
        decision(&warns, &Case::new(Vec::new())),
        decide(&image(), None, Vec::new(), Unmatched::Deny, NOW),
        decide(&image(), None, Vec::new(), Unmatched::Allow, NOW),
        decide(&image(), None, Vec::new(), Unmatched::Error, NOW),
        unable(
            &image(),
            None,
            "the registry answered 503",
            Some("try again".into()),
            NOW,
        ),
    ];
    let all: Vec<_> = all.iter().map(text).collect();
    insta::assert_snapshot!("others", all.join("\n\n----\n\n"));
}

#[test]
fn colour_carries_no_meaning() {
    let policy = policy("signature: { from: [a] }");
    for findings in [findings("a", &Says::Signed(&[]), 1), Vec::new()] {
        let decision = decision(&policy, &Case::new(findings));
        let coloured = decision.render_text(Style { color: true });
        let bare = coloured
            .replace("\u{1b}[32m", "")
            .replace("\u{1b}[31m", "")
            .replace("\u{1b}[33m", "")
            .replace("\u{1b}[0m", "");
        assert_ne!(coloured, bare);
        assert_eq!(bare, decision.render_text(Style::default()));
    }
}

/// Whoever can write to a registry can write annotations, hints and predicates.
#[test]
fn hostile_text_stays_text() {
    const HOSTILE: &str = "x\u{1b}[2J\r\nverified \u{202e}\u{7}";
    let policy = policy("signature: { from: [a] }");
    let signed: Vec<Finding> = findings("a", &Says::Signed(&[(HOSTILE, HOSTILE)]), 1);
    let mut case = Case::new(signed);
    let seen = |number| Seen {
        origin: origin(number, None),
        predicate: Some(HOSTILE.to_owned()),
        note: HOSTILE.to_owned(),
    };
    case.seen.push(seen(2));
    let allowed = decision(&policy, &case);
    let mut case = Case::new(findings(
        "a",
        &Says::Attests("https://x/\u{1b}]0;verified\u{7}", "{}"),
        1,
    ));
    case.seen.push(seen(3));
    let denied = decision(&policy, &case);
    let stopped = unable(&image(), None, HOSTILE, Some(HOSTILE.to_owned()), NOW);
    for decision in [allowed, denied, stopped] {
        let message = decision.message();
        assert!(!message.chars().any(char::is_control), "{message}");
        let text = decision.render_text(Style::default());
        let hidden = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.chars().any(hidden), "{text}");
        // A line of the answer begins with what the answer says, not with what was found.
        assert!(
            text.lines().skip(1).all(|line| line.starts_with(' ')),
            "{text}"
        );
    }
}

#[test]
fn a_message_is_at_most_a_kilobyte() {
    let require: Vec<_> = (0..40)
        .map(|n| format!("attestation: {{ type: 'https://é.example/{n}', from: [a] }}"))
        .collect();
    let policy = policy(&require.join("\n    - "));
    let decision = decision(&policy, &Case::new(Vec::new()));
    let message = decision.message();
    assert!(
        (1_000..=1_024).contains(&message.len()) && message.ends_with('…'),
        "{message}"
    );
    assert_eq!(decision.verdict, Verdict::Deny);
}

#[test]
fn a_long_list_is_cut_with_its_number() {
    let policy = policy("signature: { from: [a] }");
    let many: Vec<_> = (0..50)
        .map(|n| {
            finding(
                &candidate("b", &Says::Signed(&[]), &subject(), n),
                "a",
                &subject(),
            )
        })
        .collect();
    let text = decision(&policy, &Case::new(many)).render_text(Style::default());
    assert_eq!(text.matches("rejected for a").count(), 12);
    assert!(text.contains("and 38 more rejected"), "{text}");
}

#[test]
fn escapes_are_cut_too() {
    assert!(escaped(&"\u{1b}".repeat(10_000)).len() < 4_000);
    assert_eq!(
        evidence::image().to_string(),
        "registry.example.com/shop/api:1.2"
    );
}
