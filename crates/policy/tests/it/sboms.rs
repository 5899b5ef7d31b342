//! What attested SBOMs say, and whether it is so.

use std::sync::Arc;

use waxseal_oci::{Algorithm, Digest};
use waxseal_policy::{Layers, PolicyDecision, Verdict, codes, evaluate};
use waxseal_sbom::{Inventory, Scanner};

use crate::evidence::{Case, Says, findings, policy, refused};

const SBOM: Says = Says::Attests(
    "https://cyclonedx.org/bom",
    r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"timestamp": "2025-12-31T00:00:00Z"},
        "components": [
            {"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1",
             "licenses": [{"license": {"id": "MIT"}}]},
            {"type": "library", "name": "b", "version": "2", "purl": "pkg:npm/b@2",
             "licenses": [{"expression": "MIT OR AGPL-3.0-only"}]}]}"#,
);

fn image(packages: &[(&str, &str)]) -> Inventory {
    let mut scanner = Scanner::new();
    for (name, version) in packages {
        let content = format!(r#"{{"name": "{name}", "version": "{version}"}}"#);
        let size = u64::try_from(content.len()).unwrap();
        let path = format!("node_modules/{name}/package.json");
        let mut content = content.as_bytes();
        scanner.file(&path, size, false, &mut content).unwrap();
    }
    scanner.finish()
}

fn decide(require: &str, says: &Says, layers: Option<Result<Inventory, String>>) -> PolicyDecision {
    let mut case = Case::new(findings("a", says, 1));
    case.layers = layers.map(|read| read.map(|inventory| Arc::new(Layers::new(inventory))));
    evaluate(&policy(require), &case.facts(true))
}

/// The code and the reason of the miss.
fn miss(decision: &PolicyDecision) -> (&str, &str) {
    assert_eq!(decision.verdict, Verdict::Deny);
    let nearest = &decision.requirements[0].rejected[0];
    (&nearest.code, &nearest.reason)
}

#[test]
fn it_is_compared_with_the_layers() {
    let rule = "sbom: { from: [a], matchesImage: true }";
    let decide_on = |packages| decide(rule, &SBOM, Some(Ok(image(packages))));
    let same = decide_on(&[("a", "1"), ("b", "2")]);
    assert_eq!(same.verdict, Verdict::Allow);
    assert_eq!(
        same.requirements[0].requirement,
        "attested SBOM (CycloneDX or SPDX) that lists what is in the image by a"
    );
    assert_eq!(decide_on(&[("a", "1")]).verdict, Verdict::Allow);
    assert_eq!(
        miss(&decide_on(&[("a", "1"), ("b", "3"), ("c", "1")])),
        (
            codes::SBOM_DIFFERS,
            "the SBOM leaves out a package of the image: pkg:npm/c@1 \
             (node_modules/c/package.json); it lists one in another version: pkg:npm/b@3 \
             (node_modules/b/package.json), where it says 2"
        )
    );
}

/// A lock file says which archive was installed, and the SBOM says another.
#[test]
fn another_content_of_the_same_version_is_refused() {
    const INTEGRITY: &str = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
    let lock = format!(
        r#"{{"name": "x", "lockfileVersion": 3, "packages": {{"node_modules/a": {{"version": "1", "integrity": "{INTEGRITY}"}}}}}}"#
    );
    let node = r#"{"name": "a", "version": "1"}"#;
    let inventory = || {
        let mut scanner = Scanner::new();
        for (path, text) in [
            ("package-lock.json", lock.as_str()),
            ("node_modules/a/package.json", node),
        ] {
            let size = text.len().try_into().unwrap();
            scanner
                .file(path, size, false, &mut text.as_bytes())
                .unwrap();
        }
        scanner.finish()
    };
    let decide_on = |hash: &Digest, more: &str| {
        let hash = hash.hex();
        let predicate = format!(
            r#"{{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [
                {{"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1",
                  "hashes": [{{"alg": "SHA-512", "content": "{hash}"}}]}}]}}"#
        );
        let says = Says::Attests("https://cyclonedx.org/bom", predicate.leak());
        let rule = format!("sbom: {{ from: [a], matchesImage: true{more} }}");
        decide(&rule, &says, Some(Ok(inventory())))
    };
    let [own, other] = ["", "another"].map(|of| Digest::of(Algorithm::Sha512, of.as_bytes()));
    assert_eq!(decide_on(&own, "").verdict, Verdict::Allow);
    assert_eq!(
        miss(&decide_on(&other, "")),
        (
            codes::SBOM_DIFFERS,
            &*format!(
                "the SBOM means another content: pkg:npm/a@1 (node_modules/a/package.json) is \
                 {own}, where it says {other}"
            )
        )
    );
    let allowed = decide_on(&other, ", mayOmit: ['pkg:npm/a']");
    assert_eq!(allowed.verdict, Verdict::Allow);
}

#[test]
fn what_may_be_left_out_may_be_left_out() {
    let layers = || Some(Ok(image(&[("a", "1"), ("b", "2"), ("c", "1")])));
    for (omit, verdict) in [
        ("npm", Verdict::Allow),
        ("pkg:npm/c", Verdict::Allow),
        ("pkg:npm/d", Verdict::Deny),
        ("pypi", Verdict::Deny),
    ] {
        let rule = format!("sbom: {{ from: [a], matchesImage: true, mayOmit: ['{omit}'] }}");
        assert_eq!(decide(&rule, &SBOM, layers()).verdict, verdict, "{omit}");
    }
}

/// An rpm database that cannot be read hides every package in it: an SBOM that
/// lists none of them is not known to be true.
#[test]
fn what_cannot_be_read_is_not_compared_and_refused() {
    let inventory = || {
        let mut scanner = Scanner::new();
        let node = r#"{"name": "a", "version": "1"}"#;
        for (path, text) in [
            ("node_modules/a/package.json", node),
            ("var/lib/rpm/Packages", "broken"),
        ] {
            let size = text.len().try_into().unwrap();
            scanner
                .file(path, size, false, &mut text.as_bytes())
                .unwrap();
        }
        scanner.finish()
    };
    let decide_on = |more: &str| {
        let rule = format!("sbom: {{ from: [a], matchesImage: true{more} }}");
        decide(&rule, &SBOM, Some(Ok(inventory())))
    };
    assert_eq!(
        miss(&decide_on("")),
        (
            codes::LAYERS,
            "the SBOM cannot be compared with all of the image, of which a file is not read: \
             var/lib/rpm/Packages: not an rpm database of a kind that is known"
        )
    );
    let by_type = decide_on(", mayOmit: [rpm]");
    assert_eq!(by_type.verdict, Verdict::Deny);
    let by_path = decide_on(", mayOmit: ['/var/lib/rpm/Packages']");
    assert_eq!(by_path.verdict, Verdict::Allow);
}

#[test]
fn layers_that_nobody_has_looked_into_match_nothing() {
    let rule = "sbom: { from: [a], matchesImage: true }";
    let unread = decide(rule, &SBOM, None);
    assert_eq!(
        miss(&unread),
        (
            codes::LAYERS_UNREAD,
            "the SBOM has not been compared with the image"
        )
    );
    assert!(unread.wants_layers());
    let broken = decide(rule, &SBOM, Some(Err("it is odd".to_owned())));
    assert_eq!(
        miss(&broken),
        (
            codes::LAYERS,
            "the SBOM cannot be compared with the image: it is odd"
        )
    );
    assert!(!broken.wants_layers());
    // Without the rule nobody wants them.
    assert!(!decide("sbom: { from: [a] }", &SBOM, None).wants_layers());
}

#[test]
fn components_are_denied_by_condition() {
    let rule = |deny: &str| format!("sbom: {{ from: [a], deny: ['{deny}'] }}");
    for (condition, hit) in [
        (
            r#"component.licenses.exists(l, l == "AGPL-3.0-only")"#,
            Some("pkg:npm/b@2"),
        ),
        (r#"component.licenses.exists(l, l == "GPL-2.0-only")"#, None),
        (
            r#"component.purl.startsWith("pkg:npm/a@")"#,
            Some("pkg:npm/a@1"),
        ),
        (
            r#"component.ecosystem == "npm" && component.version == "2""#,
            Some("pkg:npm/b@2"),
        ),
        (r#"component.supplier != """#, None),
    ] {
        let decision = decide(&rule(condition), &SBOM, None);
        match hit {
            None => assert_eq!(decision.verdict, Verdict::Allow, "{condition}"),
            Some(name) => assert_eq!(
                miss(&decision),
                (
                    codes::SBOM_DENIED,
                    &*format!("{name} is denied: {condition}")
                )
            ),
        }
    }
    // What a component has, and of what type, is known when the policy loads.
    let has = "(it has: name, version, purl, ecosystem, supplier, licenses)";
    for (condition, why) in [
        (
            r#"component.license == "MIT""#,
            format!("a component has no `license` {has}"),
        ),
        (
            r#"has(component.hashes) && component.name == "a""#,
            format!("a component has no `hashes` {has}"),
        ),
        (
            r#"component["Name"] == "a""#,
            format!("a component has no `Name` {has}"),
        ),
        (
            r#"component.licenses == "MIT""#,
            "`==` between a list and a string".to_owned(),
        ),
        (
            "component.version > 2",
            "`>` between a string and a number".to_owned(),
        ),
    ] {
        assert_eq!(
            refused(&rule(condition)),
            format!("policy `release`: in the condition of requirement 1: {why}"),
            "{condition}"
        );
    }
    // A condition without a truth value is one that is met.
    let broken = decide(&rule(r#"component.licenses[7] == "MIT""#), &SBOM, None);
    let (code, reason) = miss(&broken);
    assert_eq!(code, codes::CONDITION_ERROR);
    assert!(
        reason.starts_with("the condition of `deny`: it has no truth value"),
        "{reason}"
    );
}

#[test]
fn licences_and_elements_have_to_be_there() {
    let allowed = [
        "sbom: { from: [a], requireLicense: true }",
        "sbom: { from: [a], minimumElements: [timestamp, version, identifier] }",
    ];
    for rule in allowed {
        assert_eq!(decide(rule, &SBOM, None).verdict, Verdict::Allow, "{rule}");
    }
    let rule = "sbom: { from: [a], minimumElements: [author, supplier, relations] }";
    assert_eq!(
        miss(&decide(rule, &SBOM, None)),
        (
            codes::SBOM_ELEMENTS,
            "the SBOM: it does not say who made it; 2 components have no supplier: pkg:npm/a@1, \
             pkg:npm/b@2; it does not say how its components are related"
        )
    );
    let bare = Says::Attests(
        "https://spdx.dev/Document",
        r#"{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "dataLicense": "CC0-1.0",
            "name": "x", "documentNamespace": "https://example.com/x",
            "creationInfo": {"created": "2025-12-31T00:00:00Z", "creators": ["Tool: x"]},
            "packages": [{"SPDXID": "SPDXRef-a", "name": "a", "versionInfo": "1",
                "downloadLocation": "NOASSERTION", "licenseDeclared": "NOASSERTION"}]}"#,
    );
    let rule = "sbom: { from: [a], requireLicense: true }";
    assert_eq!(
        miss(&decide(rule, &bare, None)),
        (codes::SBOM_LICENSE, "a component has no licence: a 1")
    );
}

#[test]
fn an_sbom_of_another_image_or_none_at_all_does_not_count() {
    let other = Says::Attests(
        "https://cyclonedx.org/bom",
        r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "metadata": {"component": {"type": "container", "name": "x", "version":
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}},
            "components": [{"type": "library", "name": "a"}]}"#,
    );
    let rule = "sbom: { from: [a], deny: ['component.name == \"z\"'] }";
    let decision = decide(rule, &other, None);
    let (code, reason) = miss(&decision);
    assert_eq!(code, codes::SBOM);
    assert!(
        reason.contains("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        "{reason}"
    );
    let none = Says::Attests("https://cyclonedx.org/bom", r#"{"hello": 1}"#);
    assert_eq!(
        miss(&decide(rule, &none, None)),
        (
            codes::SBOM,
            "the document is neither CycloneDX nor SPDX: there is no `bomFormat`, no \
             `spdxVersion` and no `@graph`"
        )
    );
    // Signed by somebody else, it is not even read.
    let case = Case::new(findings("d", &SBOM, 1));
    let decision = evaluate(&policy(rule), &case.facts(true));
    assert_eq!(decision.verdict, Verdict::Deny);
    assert!(decision.requirements[0].found.is_empty());
}

/// However a package URL is written, and whatever the licence stands beside.
#[test]
fn denied_components_do_not_escape_by_their_spelling() {
    let deny = |purl: &str, license: &str, condition: &str| {
        let predicate = format!(
            r#"{{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [
                {{"type": "library", "name": "z", "version": "1"}},
                {{"type": "library", "name": "b", "version": "2", "purl": "{purl}",
                  "licenses": [{license}]}}]}}"#
        );
        let says = Says::Attests("https://cyclonedx.org/bom", predicate.leak());
        let rule = format!("sbom: {{ from: [a], deny: ['{condition}'] }}");
        decide(&rule, &says, None)
    };
    let [by_purl, by_type, by_license] = [
        r#"component.purl.startsWith("pkg:maven/org.x/b@")"#,
        r#"component.ecosystem == "maven""#,
        r#"component.licenses.exists(l, l == "AGPL-3.0-only")"#,
    ];
    for (purl, condition) in [
        ("pkg:maven/org.x/b@2", by_purl),
        ("pkg:Maven/org.x/b@2", by_purl),
        ("pkg:maven/org.x/%62@2", by_purl),
        ("pkg:Maven/org.x/b@2", by_type),
        // As it is written, too.
        (
            "pkg:Maven/org.x/b@2",
            r#"component.purl.startsWith("pkg:Maven/")"#,
        ),
    ] {
        let name = format!("{purl} is denied: {condition}");
        assert_eq!(
            miss(&deny(purl, "", condition)),
            (codes::SBOM_DENIED, name.as_str())
        );
    }
    for license in [
        r#"{"expression": "MIT AND AGPL-3.0-only"}"#,
        r#"{"expression": "MIT AND agpl-3.0-only"}"#,
        r#"{"license": {"id": "AGPL-3.0"}}"#,
        r#"{"license": {"name": "GPL-2.0 or AGPL-3.0"}}"#,
    ] {
        let decision = deny("pkg:npm/b@2", license, by_license);
        let name = format!("pkg:npm/b@2 is denied: {by_license}");
        assert_eq!(
            miss(&decision),
            (codes::SBOM_DENIED, name.as_str()),
            "{license}"
        );
    }
}

#[test]
fn what_is_asked_of_each_component_is_not_met_by_none() {
    let files = Says::Attests(
        "https://cyclonedx.org/bom",
        r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "components": [{"type": "file", "name": "etc/passwd"}]}"#,
    );
    for more in [
        "requireLicense: true",
        "minimumElements: [version]",
        r#"deny: ['component.name == "a"']"#,
    ] {
        let rule = format!("sbom: {{ from: [a], {more} }}");
        assert_eq!(
            miss(&decide(&rule, &files, None)),
            (
                codes::SBOM,
                "the SBOM lists no package, so that nothing is said of any"
            ),
            "{more}"
        );
        // That an image has none, its layers say.
        let rule = format!("sbom: {{ from: [a], matchesImage: true, {more} }}");
        let decision = decide(&rule, &files, Some(Ok(image(&[]))));
        assert_eq!(decision.verdict, Verdict::Allow, "{more}");
    }
}
