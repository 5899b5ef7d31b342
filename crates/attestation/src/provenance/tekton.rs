//! Tekton, which tells a step nothing but where it runs: its pod is named after
//! the TaskRun, and the source is the checkout.

use super::environment::{Variables, members};
use super::{BuildDefinition, Checkout, Detected, Metadata, git};

pub(super) fn detect(variables: &Variables<'_>, checkout: Option<&Checkout>) -> Detected {
    let mut omitted = vec!["the Pipeline and its parameters: a step is not told them".to_owned()];
    let task_run = variables
        .get("HOSTNAME")
        .and_then(|pod| pod.strip_suffix("-pod"));
    if task_run.is_none() {
        omitted.push("the TaskRun: HOSTNAME is not the name of its pod".to_owned());
    }
    let resolved_dependencies = match checkout {
        Some(checkout) => git::source(checkout, &mut omitted),
        None => {
            omitted.push("the source: there is no checkout here".to_owned());
            Vec::new()
        }
    };
    Detected {
        system: "Tekton",
        builder: None,
        definition: BuildDefinition {
            build_type: "https://waxseal.dev/buildtypes/tekton/v1".to_owned(),
            external_parameters: members([]),
            internal_parameters: members([("taskRun", task_run)]),
            resolved_dependencies,
        },
        metadata: Metadata {
            invocation_id: task_run.map(str::to_owned),
            started_on: None,
        },
        omitted,
    }
}
