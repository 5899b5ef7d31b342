//! AdmissionReviews as an API server writes them.

use serde_json::{Value, json};

/// A kind, its group and version, its resource, and where its pod spec is.
pub(crate) type KindRow = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// The nine kinds, and the older versions that a cluster may still serve.
pub(crate) const KINDS: &[KindRow] = &[
    ("Pod", "", "v1", "pods", "/spec"),
    ("PodTemplate", "", "v1", "podtemplates", "/template/spec"),
    (
        "ReplicationController",
        "",
        "v1",
        "replicationcontrollers",
        "/spec/template/spec",
    ),
    (
        "Deployment",
        "apps",
        "v1",
        "deployments",
        "/spec/template/spec",
    ),
    (
        "ReplicaSet",
        "apps",
        "v1",
        "replicasets",
        "/spec/template/spec",
    ),
    (
        "StatefulSet",
        "apps",
        "v1",
        "statefulsets",
        "/spec/template/spec",
    ),
    (
        "DaemonSet",
        "apps",
        "v1",
        "daemonsets",
        "/spec/template/spec",
    ),
    ("Job", "batch", "v1", "jobs", "/spec/template/spec"),
    (
        "CronJob",
        "batch",
        "v1",
        "cronjobs",
        "/spec/jobTemplate/spec/template/spec",
    ),
    (
        "Deployment",
        "apps",
        "v1beta1",
        "deployments",
        "/spec/template/spec",
    ),
    (
        "StatefulSet",
        "apps",
        "v1beta2",
        "statefulsets",
        "/spec/template/spec",
    ),
    (
        "Deployment",
        "extensions",
        "v1beta1",
        "deployments",
        "/spec/template/spec",
    ),
    (
        "DaemonSet",
        "extensions",
        "v1beta1",
        "daemonsets",
        "/spec/template/spec",
    ),
    (
        "ReplicaSet",
        "extensions",
        "v1beta1",
        "replicasets",
        "/spec/template/spec",
    ),
    (
        "CronJob",
        "batch",
        "v1beta1",
        "cronjobs",
        "/spec/jobTemplate/spec/template/spec",
    ),
    (
        "Rollout",
        "argoproj.io",
        "v1alpha1",
        "rollouts",
        "/spec/template/spec",
    ),
];

/// Every position in a pod spec that names an image, as a pointer into it.
pub(crate) const POSITIONS: &[&str] = &[
    "/containers/0/image",
    "/containers/1/image",
    "/initContainers/0/image",
    "/initContainers/1/image",
    "/ephemeralContainers/0/image",
    "/volumes/1/image/reference",
];

/// A pod spec in which every position names `image`.
pub(crate) fn pod_spec(image: &str) -> Value {
    json!({
        "initContainers": [
            {"name": "init", "image": image},
            {"name": "sidecar", "image": image, "restartPolicy": "Always"},
        ],
        "containers": [
            {"name": "app", "image": image, "ports": [{"containerPort": 8080, "protocol": "TCP"}]},
            {"name": "second", "image": image},
        ],
        "ephemeralContainers": [{"name": "debugger", "image": image, "targetContainerName": "app"}],
        "volumes": [
            {"name": "scratch", "emptyDir": {}},
            {"name": "model", "image": {"reference": image, "pullPolicy": "IfNotPresent"}},
        ],
        "restartPolicy": "Always",
    })
}

/// An object of `row` around `spec`.
pub(crate) fn object(row: &KindRow, spec: Value) -> Value {
    let (kind, group, version, _, pointer) = row;
    let api_version = if group.is_empty() {
        (*version).to_owned()
    } else {
        format!("{group}/{version}")
    };
    let mut object = spec;
    for key in pointer.rsplit('/').filter(|key| !key.is_empty()) {
        object = json!({ key: object });
    }
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    object["metadata"] =
        json!({"name": "shop", "namespace": "production", "labels": {"app": "shop"}});
    object
}

/// An AdmissionReview about an object of `row`.
pub(crate) fn review(row: &KindRow, operation: &str, object: &Value, old: &Value) -> Value {
    let (kind, group, version, resource, _) = row;
    let kind = json!({"group": group, "version": version, "kind": kind});
    let resource = json!({"group": group, "version": version, "resource": resource});
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "0c9a8d74-9cb7-44dd-b98e-09fd62def2f4",
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "name": "shop",
            "namespace": "production",
            "operation": operation,
            "userInfo": {"username": "admin", "uid": "admin", "groups": ["system:masters"]},
            "object": object,
            "oldObject": old,
            "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    })
}
