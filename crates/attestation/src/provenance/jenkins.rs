//! Jenkins, with the variables of its git plugin.

use super::environment::{Variables, commit, members};
use super::{BuildDefinition, Builder, Detected, Metadata};

pub(super) fn detect(variables: &Variables<'_>) -> Option<Detected> {
    let server = variables.get("JENKINS_URL")?;
    let job = variables.get("JOB_NAME")?;
    let mut omitted = Vec::new();
    let source = variables
        .get("GIT_URL")
        .or_else(|| variables.get("GIT_URL_1"));
    // `origin/main`; a tag build says `refs/tags/…` in the same variable.
    let branch = variables.get("GIT_BRANCH").map(|branch| {
        if branch.starts_with("refs/") {
            branch.to_owned()
        } else {
            format!(
                "refs/heads/{}",
                branch.strip_prefix("origin/").unwrap_or(branch)
            )
        }
    });
    Some(Detected {
        system: "Jenkins",
        builder: Some(Builder {
            id: server.trim_end_matches('/').to_owned(),
            ..Builder::default()
        }),
        definition: BuildDefinition {
            build_type: "https://waxseal.dev/buildtypes/jenkins/v1".to_owned(),
            external_parameters: members([("job", Some(job)), ("ref", branch.as_deref())]),
            internal_parameters: members([
                ("build", variables.get("BUILD_NUMBER")),
                ("node", variables.get("NODE_NAME")),
            ]),
            resolved_dependencies: commit(
                source,
                branch.as_deref(),
                variables.get("GIT_COMMIT"),
                &mut omitted,
            ),
        },
        metadata: Metadata {
            invocation_id: variables.get("BUILD_URL").map(str::to_owned),
            started_on: None,
        },
        omitted,
    })
}
