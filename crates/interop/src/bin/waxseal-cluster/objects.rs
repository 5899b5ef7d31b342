//! The nine built-in kinds that carry a PodSpec, and the API's paths to them.

use serde_json::{Value, json};

/// A kind, and where the API keeps objects of it.
pub(crate) struct Kind {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its group and version.
    pub(crate) api: &'static str,
    /// Its plural in a path.
    pub(crate) plural: &'static str,
    /// The JSON pointer of its PodSpec.
    pub(crate) pod_spec: &'static str,
}

/// Every built-in kind with a PodSpec.
pub(crate) const KINDS: [Kind; 9] = [
    Kind {
        name: "Pod",
        api: "v1",
        plural: "pods",
        pod_spec: "/spec",
    },
    Kind {
        name: "PodTemplate",
        api: "v1",
        plural: "podtemplates",
        pod_spec: "/template/spec",
    },
    Kind {
        name: "ReplicationController",
        api: "v1",
        plural: "replicationcontrollers",
        pod_spec: "/spec/template/spec",
    },
    Kind {
        name: "Deployment",
        api: "apps/v1",
        plural: "deployments",
        pod_spec: "/spec/template/spec",
    },
    Kind {
        name: "ReplicaSet",
        api: "apps/v1",
        plural: "replicasets",
        pod_spec: "/spec/template/spec",
    },
    Kind {
        name: "StatefulSet",
        api: "apps/v1",
        plural: "statefulsets",
        pod_spec: "/spec/template/spec",
    },
    Kind {
        name: "DaemonSet",
        api: "apps/v1",
        plural: "daemonsets",
        pod_spec: "/spec/template/spec",
    },
    Kind {
        name: "Job",
        api: "batch/v1",
        plural: "jobs",
        pod_spec: "/spec/template/spec",
    },
    Kind {
        name: "CronJob",
        api: "batch/v1",
        plural: "cronjobs",
        pod_spec: "/spec/jobTemplate/spec/template/spec",
    },
];

impl Kind {
    /// The path of this kind's collection in a namespace.
    pub(crate) fn collection(&self, namespace: &str) -> String {
        let prefix = if self.api.contains('/') {
            "/apis/"
        } else {
            "/api/"
        };
        format!(
            "{prefix}{}/namespaces/{namespace}/{}",
            self.api, self.plural
        )
    }

    /// An object of this kind around a PodSpec.
    pub(crate) fn object(&self, name: &str, pod_spec: &Value) -> Value {
        let labels = json!({ "app": name });
        let template = json!({ "metadata": { "labels": labels }, "spec": pod_spec });
        let selector = json!({ "matchLabels": labels });
        let mut object = json!({
            "apiVersion": self.api, "kind": self.name, "metadata": { "name": name },
        });
        match self.name {
            "Pod" => object["spec"] = pod_spec.clone(),
            "PodTemplate" => object["template"] = template,
            "ReplicationController" => {
                object["spec"] = json!({ "replicas": 1, "selector": labels, "template": template });
            }
            "StatefulSet" => {
                object["spec"] =
                    json!({ "serviceName": name, "selector": selector, "template": template });
            }
            "Job" => object["spec"] = json!({ "template": template }),
            "CronJob" => {
                object["spec"] = json!({
                    "schedule": "* * * * *", "jobTemplate": { "spec": { "template": template } },
                });
            }
            _ => object["spec"] = json!({ "selector": selector, "template": template }),
        }
        if matches!(self.name, "Job" | "CronJob") {
            let spec = object
                .pointer_mut(self.pod_spec)
                .expect("the spec that was just put there");
            spec["restartPolicy"] = json!("Never");
        }
        object
    }
}

/// A PodSpec with one container of this image.
pub(crate) fn pod_spec(image: &str) -> Value {
    json!({ "containers": [{ "name": "main", "image": image }] })
}

/// Where an image can stand in a PodSpec: a name, and a PodSpec that has a
/// good image in its container and `image` there.
pub(crate) fn positions(good: &str, image: &str) -> Vec<(&'static str, Value)> {
    let with = |change: fn(&mut Value, &str)| {
        let mut spec = pod_spec(good);
        change(&mut spec, image);
        spec
    };
    vec![
        (
            "second container",
            with(|s, i| {
                s["containers"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!({ "name": "second", "image": i }));
            }),
        ),
        (
            "init container",
            with(|s, i| {
                s["initContainers"] = json!([{ "name": "init", "image": i }]);
            }),
        ),
        (
            "sidecar",
            with(|s, i| {
                s["initContainers"] =
                    json!([{ "name": "side", "image": i, "restartPolicy": "Always" }]);
            }),
        ),
        (
            "image volume",
            with(|s, i| {
                s["volumes"] = json!([{ "name": "model", "image": { "reference": i } }]);
            }),
        ),
    ]
}
