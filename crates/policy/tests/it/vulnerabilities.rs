//! Scans, what they excuse, and who may.

use waxseal_policy::{PolicyDecision, Verdict, codes, evaluate};

use crate::evidence::{Case, Says, findings, policy};

const VULN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
const VEX: &str = "https://openvex.dev/ns";

/// An hour before the time of the tests: one high finding and one low one.
const SCAN: Says = Says::Attests(
    VULN,
    r#"{"scanner": {"uri": "pkg:x", "result": {"SchemaVersion": 2, "Results": [{"Target": "os",
        "Vulnerabilities": [
            {"VulnerabilityID": "CVE-1", "PkgName": "libssl3", "Severity": "HIGH",
             "PkgIdentifier": {"PURL": "pkg:deb/debian/libssl3@3.0.1"}},
            {"VulnerabilityID": "CVE-2", "PkgName": "zlib", "Severity": "LOW", "FixedVersion": "2"}
        ]}]}}, "metadata": {"scanFinishedOn": "2025-12-31T23:00:00Z"}}"#,
);
const RULE: &str = r#"vulnerabilities: { from: [a], maxAge: 7d, deny: 'severity >= "high"' }"#;
const EXCUSING: &str =
    r#"vulnerabilities: { from: [a], maxAge: 7d, deny: severity >= high, unless: { vex: [b] } }"#;

fn says(predicate: &'static str) -> Says {
    Says::Attests(VEX, predicate)
}

fn decide(require: &str, said: &[(&str, &Says)]) -> PolicyDecision {
    decide_on(require, said, true)
}

fn decide_on(require: &str, said: &[(&str, &Says)], complete: bool) -> PolicyDecision {
    let numbered = (1_u8..).zip(said);
    let all = numbered.flat_map(|(number, (who, says))| findings(who, says, number));
    evaluate(&policy(require), &Case::new(all.collect()).facts(complete))
}

/// The code and the reason of the nearest miss.
fn miss(decision: &PolicyDecision) -> (&str, &str) {
    assert_eq!(decision.verdict, Verdict::Deny);
    let nearest = &decision.requirements[0].rejected[0];
    (&nearest.code, &nearest.reason)
}

#[test]
fn what_is_too_bad_is_refused_by_name() {
    let decision = decide(RULE, &[("a", &SCAN)]);
    assert_eq!(
        miss(&decision),
        (
            codes::VULNERABLE,
            "a finding is of severity high or above: CVE-1 (high) in pkg:deb/debian/libssl3@3.0.1"
        )
    );
    assert_eq!(
        decision.requirements[0].requirement,
        "scan at most 7d old with nothing of severity high or above by a"
    );
    assert_eq!(
        decision.requirements[0].code.as_deref(),
        Some(codes::NO_SCAN)
    );
    let low = decide(
        "vulnerabilities: { from: [a], maxAge: 7d, deny: severity >= low }",
        &[("a", &SCAN)],
    );
    assert_eq!(
        miss(&low).1,
        "2 findings are of severity low or above: CVE-1 (high) in pkg:deb/debian/libssl3@3.0.1, \
         CVE-2 (low) in zlib"
    );
}

#[test]
fn what_is_not_so_bad_is_let_in() {
    for require in [
        "vulnerabilities: { from: [a], maxAge: 7d, deny: severity >= critical }",
        // Of the two, only the low one has a fix.
        "vulnerabilities: { from: [a], maxAge: 2h, deny: severity >= high, onlyFixable: true }",
    ] {
        let decision = decide(require, &[("a", &SCAN)]);
        assert_eq!(decision.verdict, Verdict::Allow, "{require}");
        assert!(decision.requirements[0].found[0].notes.is_empty());
    }
    // What a stranger scanned does not count.
    let decision = decide(
        "vulnerabilities: { from: [a], maxAge: 7d, deny: severity >= critical }",
        &[("d", &SCAN)],
    );
    assert_eq!(decision.verdict, Verdict::Deny);
}

#[test]
fn an_old_scan_and_one_without_a_time_do_not_count() {
    let old = decide(
        "vulnerabilities: { from: [a], maxAge: 30m, deny: severity >= critical }",
        &[("a", &SCAN)],
    );
    assert_eq!(
        miss(&old),
        (
            codes::TOO_OLD,
            "it was signed at 2025-12-31T23:00:00Z, which is more than 30m ago"
        )
    );
    let timeless = Says::Attests(VULN, r#"{"scanner": {"result": {"matches": []}}}"#);
    assert_eq!(miss(&decide(RULE, &[("a", &timeless)])).0, codes::NO_TIME);
    let tomorrow = Says::Attests(
        VULN,
        r#"{"scanner": {"result": {"matches": []}},
            "metadata": {"scanFinishedOn": "2026-01-02T00:00:00Z"}}"#,
    );
    assert_eq!(
        miss(&decide(RULE, &[("a", &tomorrow)])),
        (
            codes::SCAN,
            "the scan ended at `2026-01-02T00:00:00Z`, which is yet to come"
        )
    );
}

#[test]
fn a_scan_that_says_nothing_is_not_a_clean_one() {
    let nothing = Says::Attests(
        VULN,
        r#"{"scanner": {"result": {"SchemaVersion": 2}},
            "metadata": {"scanFinishedOn": "2025-12-31T23:00:00Z"}}"#,
    );
    assert_eq!(
        miss(&decide(RULE, &[("a", &nothing)])),
        (
            codes::SCAN,
            "the scan: the scan looked at nothing: an image that it cannot read has no findings \
             either"
        )
    );
}

const NOT_AFFECTED: &str = r#"{"timestamp": "2025-12-01T00:00:00Z", "statements": [
    {"vulnerability": {"name": "CVE-1"}, "products": [{"@id": "pkg:oci/api"}],
     "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"}]}"#;

#[test]
fn a_trusted_statement_excuses_and_is_named() {
    let decision = decide(EXCUSING, &[("a", &SCAN), ("b", &says(NOT_AFFECTED))]);
    assert_eq!(decision.verdict, Verdict::Allow);
    assert_eq!(
        decision.requirements[0].found[0].notes,
        [
            "CVE-1 (high) in pkg:deb/debian/libssl3@3.0.1 is excused: not_affected \
             (vulnerable_code_not_in_execute_path), says b"
        ]
    );
    assert_eq!(
        decision.requirements[0].requirement,
        "scan at most 7d old with nothing of severity high or above, unless excused by VEX of b by \
         a"
    );
}

#[test]
fn others_excuse_nothing() {
    // Said by the scanner itself, and by one whom the requirement does not name.
    for who in ["a", "c", "d"] {
        let decision = decide(EXCUSING, &[("a", &SCAN), (who, &says(NOT_AFFECTED))]);
        assert_eq!(miss(&decision).0, codes::VULNERABLE, "{who}");
    }
    // About another product.
    let other = r#"{"timestamp": "2025-12-01T00:00:00Z", "statements": [
        {"vulnerability": {"name": "CVE-1"}, "products": [{"@id": "pkg:oci/web"}],
         "status": "fixed"}]}"#;
    let decision = decide(EXCUSING, &[("a", &SCAN), ("b", &says(other))]);
    assert_eq!(miss(&decision).0, codes::VULNERABLE);
}

#[test]
fn the_latest_statement_is_in_force() {
    let later = r#"{"timestamp": "2025-12-02T00:00:00Z", "statements": [
        {"vulnerability": {"name": "CVE-1"}, "status": "affected"}]}"#;
    let decision = decide(
        EXCUSING,
        &[
            ("a", &SCAN),
            ("b", &says(NOT_AFFECTED)),
            ("b", &says(later)),
        ],
    );
    assert_eq!(miss(&decision).0, codes::VULNERABLE);
    // While there may be more to come, an excuse is not acted on.
    let early = decide_on(EXCUSING, &[("a", &SCAN), ("b", &says(NOT_AFFECTED))], false);
    assert_eq!(
        miss(&early).1,
        "it is excused by statements of which not all are there yet"
    );
}

#[test]
fn a_document_that_cannot_be_read_spoils_the_excuses() {
    let bad = r#"{"timestamp": "2025-12-02T00:00:00Z", "statements": [
        {"vulnerability": {"name": "CVE-9"}, "status": "perhaps"}]}"#;
    let decision = decide(
        EXCUSING,
        &[("a", &SCAN), ("b", &says(NOT_AFFECTED)), ("b", &says(bad))],
    );
    assert_eq!(
        miss(&decision).1,
        "a finding is of severity high or above: CVE-1 (high) in pkg:deb/debian/libssl3@3.0.1; \
         nothing is excused: a VEX document by b: its statement 1: its status is none of the \
         specification"
    );
}

#[test]
fn a_statement_that_is_yet_to_be_made_spoils_the_excuses() {
    let at = |time: &str| {
        let said = NOT_AFFECTED.replace("2025-12-01T00:00:00Z", time);
        let said = Says::Attests(VEX, Box::leak(said.into_boxed_str()));
        decide(EXCUSING, &[("a", &SCAN), ("b", &said)])
    };
    assert_eq!(
        miss(&at("2036-01-01T00:00:00Z")).1,
        "a finding is of severity high or above: CVE-1 (high) in pkg:deb/debian/libssl3@3.0.1; \
         nothing is excused: a VEX document by b: a statement is of 2036-01-01T00:00:00Z, which is \
         yet to come"
    );
    // The time of the tests is midnight; clocks differ a little.
    assert_eq!(at("2026-01-01T00:05:00Z").verdict, Verdict::Allow);
    assert_eq!(at("2026-01-01T00:05:01Z").verdict, Verdict::Deny);
}

#[test]
fn the_policy_itself_excepts_for_a_reason_and_a_time() {
    let require = |until: &str| {
        format!(
            "vulnerabilities: {{ from: [a], maxAge: 7d, deny: severity >= high, \
             except: [{{ id: cve-1, reason: not reachable, until: '{until}' }}] }}"
        )
    };
    let decision = decide(&require("2026-02-01T00:00:00Z"), &[("a", &SCAN)]);
    assert_eq!(decision.verdict, Verdict::Allow);
    assert_eq!(
        decision.requirements[0].found[0].notes,
        ["CVE-1 (high) in pkg:deb/debian/libssl3@3.0.1 is excused: not reachable, says the policy"]
    );
    let over = decide(&require("2026-01-01T00:00:00Z"), &[("a", &SCAN)]);
    assert_eq!(miss(&over).0, codes::VULNERABLE);
}

/// A scan that cannot say what could be fixed must not say that nothing can.
#[test]
fn only_fixable_lets_nothing_pass_of_formats_that_do_not_say() {
    let sarif = Says::Attests(
        VULN,
        r#"{"scanner": {"result": {"runs": [{"tool": {"driver": {}}, "results": [
            {"ruleId": "CVE-1", "level": "error"}]}]}},
            "metadata": {"scanFinishedOn": "2025-12-31T23:00:00Z"}}"#,
    );
    let decision = decide(
        "vulnerabilities: { from: [a], maxAge: 7d, deny: severity >= high, onlyFixable: true }",
        &[("a", &sarif)],
    );
    assert_eq!(
        miss(&decision),
        (
            codes::VULNERABLE,
            "a finding is of severity high or above: CVE-1 (high)"
        )
    );
}

#[test]
fn an_old_report_that_is_attested_again_is_old() {
    let again = Says::Attests(
        VULN,
        r#"{"scanner": {"result": {"matches": [], "descriptor": {"timestamp": "2025-12-01T00:00:00Z"}}},
            "metadata": {"scanFinishedOn": "2025-12-31T23:00:00Z"}}"#,
    );
    assert_eq!(
        miss(&decide(RULE, &[("a", &again)])),
        (
            codes::TOO_OLD,
            "it was signed at 2025-12-01T00:00:00Z, which is more than 7d ago"
        )
    );
}

/// A scanner whose list is of last year finds nothing that was found this year.
#[test]
fn a_scan_with_an_old_list_of_vulnerabilities_is_old() {
    let scan = |db: &str, descriptor: &str| {
        let text = format!(
            r#"{{"scanner": {{{db}"result": {{"matches": [], "descriptor": {{{descriptor}
                "timestamp": "2025-12-31T22:00:00Z"}}}}}},
                "metadata": {{"scanFinishedOn": "2025-12-31T23:00:00Z"}}}}"#
        );
        Says::Attests(VULN, text.leak())
    };
    let old = "2025-12-01T00:00:00Z";
    let of_cosign = format!(r#""db": {{"uri": "x", "lastUpdate": "{old}"}}, "#);
    let of_grype = format!(r#""db": {{"built": "{old}"}}, "#);
    let of_grype_now = format!(r#""db": {{"status": {{"built": "{old}"}}}}, "#);
    for scan in [
        scan(&of_cosign, ""),
        scan("", &of_grype),
        scan("", &of_grype_now),
    ] {
        assert_eq!(
            miss(&decide(RULE, &[("a", &scan)])),
            (
                codes::TOO_OLD,
                "the scanner's list of vulnerabilities is of 2025-12-01T00:00:00Z, which is more \
                 than 7d ago"
            )
        );
    }
    let broken = scan(r#""db": {"lastUpdate": "last week"}, "#, "");
    assert_eq!(
        miss(&decide(RULE, &[("a", &broken)])),
        (
            codes::SCAN,
            "the scanner's list of vulnerabilities is of `last week`, which is not a time"
        )
    );
    for unsaid in [
        r#""db": null, "#,
        r#""db": {"uri": "x"}, "#,
        r#""db": {"lastUpdate": ""}, "#,
        r#""db": {"lastUpdate": "0001-01-01T00:00:00Z"}, "#,
        r#""db": {"lastUpdate": "2025-12-30T00:00:00Z"}, "#,
    ] {
        let decision = decide(RULE, &[("a", &scan(unsaid, ""))]);
        assert_eq!(decision.verdict, Verdict::Allow, "{unsaid}");
    }
    // It says nothing of when the scan was.
    let timeless = Says::Attests(
        VULN,
        r#"{"scanner": {"db": {"lastUpdate": "2025-12-31T00:00:00Z"}, "result": {"matches": []}}}"#,
    );
    assert_eq!(miss(&decide(RULE, &[("a", &timeless)])).0, codes::NO_TIME);
}

/// Debian's advisory is about two vulnerabilities, and one of them does not matter.
#[test]
fn an_advisory_is_no_other_name_of_what_it_is_about() {
    let scan = Says::Attests(
        VULN,
        r#"{"scanner": {"result": {"SchemaVersion": 2, "Results": [{"Target": "os",
            "Vulnerabilities": [{"VulnerabilityID": "CVE-1", "PkgName": "a", "Severity": "HIGH",
                "VendorIDs": ["DSA-1"]}]}]}},
            "metadata": {"scanFinishedOn": "2025-12-31T23:00:00Z"}}"#,
    );
    let other = r#"{"timestamp": "2025-12-01T00:00:00Z", "statements": [
        {"vulnerability": {"name": "CVE-2", "aliases": ["DSA-1"]}, "status": "fixed"}]}"#;
    let refused = "a finding is of severity high or above: CVE-1 (high) in a";
    let decision = decide(EXCUSING, &[("a", &scan), ("b", &says(other))]);
    assert_eq!(miss(&decision), (codes::VULNERABLE, refused));
    // It takes back what was said of each.
    let own = r#"{"timestamp": "2025-12-01T00:00:00Z", "statements": [
        {"vulnerability": {"name": "CVE-1"}, "status": "fixed"}]}"#;
    let later = r#"{"timestamp": "2025-12-02T00:00:00Z", "statements": [
        {"vulnerability": {"name": "DSA-1"}, "status": "affected"}]}"#;
    let excused = decide(EXCUSING, &[("a", &scan), ("b", &says(own))]);
    assert_eq!(excused.verdict, Verdict::Allow);
    let decision = decide(
        EXCUSING,
        &[("a", &scan), ("b", &says(own)), ("b", &says(later))],
    );
    assert_eq!(miss(&decision), (codes::VULNERABLE, refused));
}

/// SARIF names no packages, and the later statement does.
#[test]
fn a_later_statement_about_a_part_takes_an_excuse_back() {
    let sarif = Says::Attests(
        VULN,
        r#"{"scanner": {"result": {"runs": [{"tool": {"driver": {}}, "results": [
            {"ruleId": "CVE-1", "level": "error"}]}]}},
            "metadata": {"scanFinishedOn": "2025-12-31T23:00:00Z"}}"#,
    );
    let later = r#"{"timestamp": "2025-12-02T00:00:00Z", "statements": [
        {"vulnerability": {"name": "CVE-1"}, "status": "affected", "products": [
            {"@id": "pkg:oci/api", "subcomponents": [{"@id": "pkg:deb/debian/libssl3"}]}]}]}"#;
    let excused = decide(EXCUSING, &[("a", &sarif), ("b", &says(NOT_AFFECTED))]);
    assert_eq!(excused.verdict, Verdict::Allow);
    let decision = decide(
        EXCUSING,
        &[
            ("a", &sarif),
            ("b", &says(NOT_AFFECTED)),
            ("b", &says(later)),
        ],
    );
    assert_eq!(
        miss(&decision),
        (
            codes::VULNERABLE,
            "a finding is of severity high or above: CVE-1 (high)"
        )
    );
}
