//! The manifests in `docs/admission.md` ask about everything that is checked.

use std::collections::BTreeSet;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, RuleWithOperations, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::apps::v1::Deployment;
use serde_json::Value;

use crate::requests::KINDS;

/// Every YAML document of the page.
fn documents() -> Vec<Value> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/admission.md");
    let page = std::fs::read_to_string(page).unwrap();
    page.split("```yaml\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap())
        .flat_map(|block| block.split("\n---\n"))
        .map(|document| serde_saphyr::from_str(document).unwrap())
        .collect()
}

fn of_kind<T: serde::de::DeserializeOwned>(kind: &str) -> T {
    let found = documents()
        .into_iter()
        .find(|document| document["kind"] == kind)
        .unwrap();
    serde_json::from_value(found).unwrap()
}

#[test]
fn both_webhooks_ask_about_the_nine_kinds_and_fail_closed() {
    let mutating: MutatingWebhookConfiguration = of_kind("MutatingWebhookConfiguration");
    let validating: ValidatingWebhookConfiguration = of_kind("ValidatingWebhookConfiguration");
    let mutating = mutating.webhooks.unwrap().remove(0);
    let validating = validating.webhooks.unwrap().remove(0);
    for rules in [mutating.rules, validating.rules] {
        asks_about_everything(&rules.unwrap());
    }
    assert_eq!(mutating.failure_policy.as_deref(), Some("Fail"));
    assert_eq!(validating.failure_policy.as_deref(), Some("Fail"));
    assert_eq!(mutating.match_policy.as_deref(), Some("Equivalent"));
    assert_eq!(validating.match_policy.as_deref(), Some("Equivalent"));
    assert_eq!(mutating.reinvocation_policy.as_deref(), Some("IfNeeded"));
    assert_eq!(mutating.side_effects, "None");
    assert_eq!(validating.side_effects, "None");
    assert_eq!(mutating.object_selector, None);
    assert_eq!(validating.object_selector, None);
    assert_eq!(mutating.namespace_selector, validating.namespace_selector);
    let selector = validating.namespace_selector.unwrap();
    assert_eq!(selector.match_labels, None);
    let [own] = &selector.match_expressions.unwrap()[..] else {
        panic!("one expression")
    };
    assert_eq!(own.key, "kubernetes.io/metadata.name");
    assert_eq!(own.values.as_deref(), Some(&["waxseal".to_owned()][..]));
}

fn asks_about_everything(rules: &[RuleWithOperations]) {
    let mut asked = BTreeSet::new();
    for rule in rules {
        assert_eq!(
            rule.operations.as_deref(),
            Some(&["CREATE".to_owned(), "UPDATE".to_owned()][..])
        );
        assert_eq!(rule.api_versions.as_deref(), Some(&["v1".to_owned()][..]));
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                asked.insert((group.clone(), resource.clone()));
            }
        }
    }
    let mut wanted: BTreeSet<_> = KINDS
        .iter()
        .filter(|row| row.2 == "v1")
        .map(|row| (row.1.to_owned(), row.3.to_owned()))
        .collect();
    wanted.insert((String::new(), "pods/ephemeralcontainers".to_owned()));
    assert_eq!(asked, wanted);
}

#[test]
fn the_deployment_runs_a_command_line_that_exists() {
    use clap::Parser as _;
    let deployment: Deployment = of_kind("Deployment");
    let container = deployment.spec.template.spec.unwrap().containers.remove(0);
    let words = std::iter::once("waxseal-admission".to_owned()).chain(container.args.unwrap());
    waxseal_admission::args::Cli::try_parse_from(words).unwrap();
}
