//! The nine built-in kinds that hold a pod spec.
//!
//! A search over every definition in the API of Kubernetes 1.36 finds no other
//! that names an image to run. A kind is known by group and name: the path is
//! the same in every version that was ever served.

use super::Kind;

/// One built-in kind.
#[derive(Debug)]
pub(super) struct Workload {
    groups: &'static [&'static str],
    kind: &'static str,
    /// The keys that lead to the pod spec.
    pub(super) pod_spec: &'static [&'static str],
}

impl Workload {
    /// Whether this is a Pod itself rather than a template of one.
    pub(super) fn is_pod(&self) -> bool {
        self.kind == "Pod"
    }
}

pub(super) fn find(kind: &Kind) -> Option<&'static Workload> {
    BUILTIN
        .iter()
        .find(|w| w.kind == kind.name && w.groups.contains(&kind.group.as_str()))
}

/// Kinds whose objects are copies of a template that was checked on its way in.
/// A controller writes them; the Pods made from them are checked again.
pub(super) fn holds_no_images_of_its_own(kind: &Kind) -> bool {
    kind.group == "apps" && kind.name == "ControllerRevision"
}

const TEMPLATE: &[&str] = &["spec", "template", "spec"];
const CORE: &[&str] = &[""];
const APPS: &[&str] = &["apps", "extensions"];
const BATCH: &[&str] = &["batch"];

const BUILTIN: &[Workload] = &[
    Workload {
        groups: CORE,
        kind: "Pod",
        pod_spec: &["spec"],
    },
    Workload {
        groups: CORE,
        kind: "PodTemplate",
        pod_spec: &["template", "spec"],
    },
    Workload {
        groups: CORE,
        kind: "ReplicationController",
        pod_spec: TEMPLATE,
    },
    Workload {
        groups: APPS,
        kind: "DaemonSet",
        pod_spec: TEMPLATE,
    },
    Workload {
        groups: APPS,
        kind: "Deployment",
        pod_spec: TEMPLATE,
    },
    Workload {
        groups: APPS,
        kind: "ReplicaSet",
        pod_spec: TEMPLATE,
    },
    Workload {
        groups: APPS,
        kind: "StatefulSet",
        pod_spec: TEMPLATE,
    },
    Workload {
        groups: BATCH,
        kind: "CronJob",
        pod_spec: &["spec", "jobTemplate", "spec", "template", "spec"],
    },
    Workload {
        groups: BATCH,
        kind: "Job",
        pod_spec: TEMPLATE,
    },
];
