//! Buildkite.

use super::environment::{Variables, commit, members};
use super::{BuildDefinition, Builder, Detected, Metadata};

pub(super) fn detect(variables: &Variables<'_>) -> Option<Detected> {
    if !variables.is_true("BUILDKITE") {
        return None;
    }
    let mut omitted = Vec::new();
    let reference = variables
        .get("BUILDKITE_TAG")
        .map(|tag| format!("refs/tags/{tag}"))
        .or_else(|| {
            let branch = variables.get("BUILDKITE_BRANCH")?;
            Some(format!("refs/heads/{branch}"))
        });
    // `https://buildkite.com/acme/shop/builds/7`, and `#` with the job.
    let build = variables.get("BUILDKITE_BUILD_URL");
    let invocation_id = build.map(|url| match variables.get("BUILDKITE_JOB_ID") {
        Some(job) => format!("{url}#{job}"),
        None => url.to_owned(),
    });
    let builder = variables
        .get("BUILDKITE_ORGANIZATION_SLUG")
        .map(|organization| Builder {
            id: format!("https://buildkite.com/{organization}"),
            version: members([("agent", variables.get("BUILDKITE_AGENT_VERSION"))]),
        });
    Some(Detected {
        system: "Buildkite",
        builder,
        definition: BuildDefinition {
            build_type: "https://waxseal.dev/buildtypes/buildkite/v1".to_owned(),
            external_parameters: members([
                ("pipeline", variables.get("BUILDKITE_PIPELINE_SLUG")),
                ("ref", reference.as_deref()),
                ("step", variables.get("BUILDKITE_STEP_KEY")),
                ("trigger", variables.get("BUILDKITE_SOURCE")),
            ]),
            internal_parameters: members([
                ("agent", variables.get("BUILDKITE_AGENT_ID")),
                ("build", variables.get("BUILDKITE_BUILD_ID")),
            ]),
            resolved_dependencies: commit(
                variables.get("BUILDKITE_REPO"),
                reference.as_deref(),
                variables.get("BUILDKITE_COMMIT"),
                &mut omitted,
            ),
        },
        metadata: Metadata {
            invocation_id,
            started_on: None,
        },
        omitted,
    })
}
