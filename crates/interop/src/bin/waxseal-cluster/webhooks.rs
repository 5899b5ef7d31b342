//! The webhook configurations that are put into the cluster.

use serde_json::{Value, json};

/// A validating or mutating configuration that sends every image-bearing
/// object of the namespaces labelled `waxseal=on` to `url`.
pub(crate) fn configuration(kind: &str, url: &str, ca_bundle: &str) -> Value {
    let rule = |group: &str, resources: &[&str]| {
        json!({
            "apiGroups": [group], "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"], "resources": resources, "scope": "Namespaced",
        })
    };
    let path = if kind == "MutatingWebhookConfiguration" {
        "mutate"
    } else {
        "validate"
    };
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": { "name": format!("waxseal-{path}") },
        "webhooks": [{
            "name": format!("{path}.waxseal.dev"),
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "timeoutSeconds": 10,
            "namespaceSelector": { "matchLabels": { "waxseal": "on" } },
            "clientConfig": { "url": format!("{url}/{path}"), "caBundle": ca_bundle },
            "rules": [
                rule("", &[
                    "pods", "pods/ephemeralcontainers", "podtemplates", "replicationcontrollers",
                    "replicationcontrollers/scale",
                ]),
                rule("apps", &[
                    "deployments", "deployments/scale", "replicasets", "statefulsets", "daemonsets",
                ]),
                rule("batch", &["jobs", "cronjobs"]),
            ],
        }],
    })
}

/// The API's path of a configuration of this kind.
pub(crate) fn collection(kind: &str) -> String {
    let plural = kind.to_lowercase() + "s";
    format!("/apis/admissionregistration.k8s.io/v1/{plural}")
}
