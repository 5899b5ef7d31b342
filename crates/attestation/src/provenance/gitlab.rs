//! GitLab CI.

use super::environment::{Variables, commit, members};
use super::{BuildDefinition, Builder, Detected, Metadata};

pub(super) fn detect(variables: &Variables<'_>) -> Option<Detected> {
    if !variables.is_true("GITLAB_CI") {
        return None;
    }
    let mut omitted = Vec::new();
    let server = variables
        .get("CI_SERVER_URL")
        .map(|url| url.trim_end_matches('/'));
    let source = variables.get("CI_PROJECT_URL");
    let reference = variables
        .get("CI_COMMIT_TAG")
        .map(|tag| format!("refs/tags/{tag}"))
        .or_else(|| {
            let branch = variables.get("CI_COMMIT_BRANCH")?;
            Some(format!("refs/heads/{branch}"))
        });
    let builder = server
        .zip(variables.get("CI_RUNNER_ID"))
        .map(|(server, runner)| Builder {
            id: format!("{server}/-/runners/{runner}"),
            version: members([("gitlab-runner", variables.get("CI_RUNNER_VERSION"))]),
        });
    Some(Detected {
        system: "GitLab CI",
        builder,
        definition: BuildDefinition {
            build_type: "https://waxseal.dev/buildtypes/gitlab-ci/v1".to_owned(),
            external_parameters: members([
                ("configuration", variables.get("CI_CONFIG_PATH")),
                ("job", variables.get("CI_JOB_NAME")),
                ("ref", reference.as_deref()),
                ("source", source),
                ("trigger", variables.get("CI_PIPELINE_SOURCE")),
            ]),
            internal_parameters: members([
                ("architecture", variables.get("CI_RUNNER_EXECUTABLE_ARCH")),
                ("job", variables.get("CI_JOB_ID")),
                ("pipeline", variables.get("CI_PIPELINE_ID")),
                ("project", variables.get("CI_PROJECT_ID")),
            ]),
            resolved_dependencies: commit(
                source,
                reference.as_deref(),
                variables.get("CI_COMMIT_SHA"),
                &mut omitted,
            ),
        },
        metadata: Metadata {
            invocation_id: variables.get("CI_JOB_URL").map(str::to_owned),
            started_on: variables.get("CI_JOB_STARTED_AT").map(str::to_owned),
        },
        omitted,
    })
}
