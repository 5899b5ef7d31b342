//! GitHub Actions: the build type that GitHub defines,
//! <https://actions.github.io/buildtypes/workflow/v1>.

use serde_json::Value;

use super::environment::{Variables, commit, members};
use super::{BuildDefinition, Builder, Detected, Metadata};

pub(super) fn detect(variables: &Variables<'_>) -> Option<Detected> {
    if !variables.is_true("GITHUB_ACTIONS") {
        return None;
    }
    let mut omitted = Vec::new();
    let server = variables
        .get("GITHUB_SERVER_URL")
        .map(|url| url.trim_end_matches('/'));
    let repository = server
        .zip(variables.get("GITHUB_REPOSITORY"))
        .map(|(server, name)| format!("{server}/{name}"));
    // `octo/app/.github/workflows/release.yml@refs/tags/v1`
    let workflow = variables
        .get("GITHUB_WORKFLOW_REF")
        .and_then(|text| text.rsplit_once('@'));
    let path = workflow.and_then(|(path, _)| path.splitn(3, '/').nth(2));
    if path.is_none() {
        omitted.push("the workflow: GITHUB_WORKFLOW_REF does not name it".to_owned());
    }
    if variables.get("GITHUB_EVENT_NAME") == Some("workflow_dispatch") {
        omitted.push("the workflow's inputs: a job is not told them".to_owned());
    }
    let workflow_members = members([
        ("path", path),
        ("ref", workflow.map(|(_, reference)| reference)),
        ("repository", repository.as_deref()),
    ]);
    let mut external = serde_json::Map::new();
    external.insert("workflow".to_owned(), Value::Object(workflow_members));
    let github = members([
        ("event_name", variables.get("GITHUB_EVENT_NAME")),
        ("repository_id", variables.get("GITHUB_REPOSITORY_ID")),
        (
            "repository_owner_id",
            variables.get("GITHUB_REPOSITORY_OWNER_ID"),
        ),
        ("runner_environment", variables.get("RUNNER_ENVIRONMENT")),
    ]);
    let mut internal = serde_json::Map::new();
    if !github.is_empty() {
        internal.insert("github".to_owned(), Value::Object(github));
    }
    let resolved_dependencies = commit(
        repository.as_deref(),
        variables.get("GITHUB_REF"),
        variables.get("GITHUB_SHA"),
        &mut omitted,
    );
    let builder = server
        .zip(variables.get("RUNNER_ENVIRONMENT"))
        .map(|(server, runner)| Builder {
            id: format!("{server}/actions/runner/{runner}"),
            ..Builder::default()
        });
    let run = repository.zip(variables.get("GITHUB_RUN_ID"));
    let attempt = variables.get("GITHUB_RUN_ATTEMPT");
    let invocation_id = run.map(|(repository, run)| match attempt {
        Some(attempt) => format!("{repository}/actions/runs/{run}/attempts/{attempt}"),
        None => format!("{repository}/actions/runs/{run}"),
    });
    Some(Detected {
        system: "GitHub Actions",
        builder,
        definition: BuildDefinition {
            build_type: "https://actions.github.io/buildtypes/workflow/v1".to_owned(),
            external_parameters: external,
            internal_parameters: internal,
            resolved_dependencies,
        },
        metadata: Metadata {
            invocation_id,
            started_on: None,
        },
        omitted,
    })
}
