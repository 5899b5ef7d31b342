use super::*;
use crate::predicate_type::PredicateType;

const COMMIT: &str = "c27d339ee6075c1f744c5d4b200f7901aad2c369";

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment {
        variables: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..Environment::default()
    }
}

fn provenance(variables: &[(&str, &str)]) -> (Value, Vec<String>) {
    let found = detect(&environment(variables)).unwrap();
    let omitted = found.omitted.clone();
    let builder = found.builder.clone().unwrap_or_default();
    let json = found.provenance(builder, Vec::new()).to_json().unwrap();
    (serde_json::from_slice(&json).unwrap(), omitted)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

const GITHUB: &[(&str, &str)] = &[
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_SERVER_URL", "https://github.com"),
    ("GITHUB_REPOSITORY", "octo/app"),
    (
        "GITHUB_WORKFLOW_REF",
        "octo/app/.github/workflows/release.yml@refs/tags/v1",
    ),
    ("GITHUB_REF", "refs/tags/v1"),
    ("GITHUB_SHA", COMMIT),
    ("GITHUB_EVENT_NAME", "push"),
    ("GITHUB_REPOSITORY_ID", "7"),
    ("GITHUB_REPOSITORY_OWNER_ID", "8"),
    ("GITHUB_RUN_ID", "99"),
    ("GITHUB_RUN_ATTEMPT", "2"),
    ("RUNNER_ENVIRONMENT", "github-hosted"),
    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "a secret"),
];

#[test]
fn github_is_described_with_its_own_build_type() {
    let (found, omitted) = provenance(GITHUB);
    assert_eq!(
        found,
        json(&format!(
            r#"{{
                "buildDefinition": {{
                    "buildType": "https://actions.github.io/buildtypes/workflow/v1",
                    "externalParameters": {{"workflow": {{
                        "path": ".github/workflows/release.yml",
                        "ref": "refs/tags/v1",
                        "repository": "https://github.com/octo/app"
                    }}}},
                    "internalParameters": {{"github": {{
                        "event_name": "push",
                        "repository_id": "7",
                        "repository_owner_id": "8",
                        "runner_environment": "github-hosted"
                    }}}},
                    "resolvedDependencies": [{{
                        "uri": "git+https://github.com/octo/app@refs/tags/v1",
                        "digest": {{"gitCommit": "{COMMIT}"}}
                    }}]
                }},
                "runDetails": {{
                    "builder": {{"id": "https://github.com/actions/runner/github-hosted"}},
                    "metadata": {{
                        "invocationId": "https://github.com/octo/app/actions/runs/99/attempts/2"
                    }}
                }}
            }}"#
        ))
    );
    assert_eq!(omitted, Vec::<String>::new());
}

#[test]
fn what_github_does_not_say_is_absent() {
    let (found, omitted) = provenance(&[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "workflow_dispatch"),
        ("GITHUB_SHA", COMMIT),
    ]);
    assert_eq!(
        found["buildDefinition"]["externalParameters"],
        json(r#"{"workflow": {}}"#)
    );
    assert_eq!(found["buildDefinition"].get("resolvedDependencies"), None);
    assert_eq!(found["runDetails"].get("metadata"), None);
    assert_eq!(
        omitted,
        [
            "the workflow: GITHUB_WORKFLOW_REF does not name it",
            "the workflow's inputs: a job is not told them",
            "the source: the environment does not name a repository and a commit",
        ]
    );
    assert_eq!(
        detect(&environment(&[("GITHUB_ACTIONS", "true")]))
            .unwrap()
            .builder,
        None
    );
}

#[test]
fn gitlab_buildkite_and_jenkins_are_known() {
    let (found, _) = provenance(&[
        ("GITLAB_CI", "true"),
        ("CI_SERVER_URL", "https://gitlab.com"),
        ("CI_RUNNER_ID", "12"),
        ("CI_RUNNER_VERSION", "17.1.0"),
        ("CI_PROJECT_URL", "https://gitlab.com/acme/shop"),
        ("CI_COMMIT_SHA", COMMIT),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_JOB_NAME", "image"),
        ("CI_JOB_URL", "https://gitlab.com/acme/shop/-/jobs/5"),
        ("CI_JOB_STARTED_AT", "2026-01-02T03:04:05Z"),
        ("CI_JOB_TOKEN", "a secret"),
    ]);
    assert_eq!(
        found,
        json(&format!(
            r#"{{
                "buildDefinition": {{
                    "buildType": "https://waxseal.dev/buildtypes/gitlab-ci/v1",
                    "externalParameters": {{
                        "job": "image",
                        "ref": "refs/heads/main",
                        "source": "https://gitlab.com/acme/shop"
                    }},
                    "resolvedDependencies": [{{
                        "uri": "git+https://gitlab.com/acme/shop@refs/heads/main",
                        "digest": {{"gitCommit": "{COMMIT}"}}
                    }}]
                }},
                "runDetails": {{
                    "builder": {{
                        "id": "https://gitlab.com/-/runners/12",
                        "version": {{"gitlab-runner": "17.1.0"}}
                    }},
                    "metadata": {{
                        "invocationId": "https://gitlab.com/acme/shop/-/jobs/5",
                        "startedOn": "2026-01-02T03:04:05Z"
                    }}
                }}
            }}"#
        ))
    );
    let (found, _) = provenance(&[
        ("BUILDKITE", "true"),
        ("BUILDKITE_ORGANIZATION_SLUG", "acme"),
        ("BUILDKITE_PIPELINE_SLUG", "shop"),
        ("BUILDKITE_REPO", "git@github.com:acme/shop.git"),
        ("BUILDKITE_COMMIT", COMMIT),
        ("BUILDKITE_TAG", "v1"),
        (
            "BUILDKITE_BUILD_URL",
            "https://buildkite.com/acme/shop/builds/7",
        ),
        ("BUILDKITE_JOB_ID", "018f"),
    ]);
    assert_eq!(
        found["buildDefinition"]["resolvedDependencies"][0]["uri"],
        "git+ssh://github.com/acme/shop.git@refs/tags/v1"
    );
    assert_eq!(
        found["runDetails"]["metadata"]["invocationId"],
        "https://buildkite.com/acme/shop/builds/7#018f"
    );
    let (found, _) = provenance(&[
        ("JENKINS_URL", "https://ci.example.com/"),
        ("JOB_NAME", "shop/main"),
        ("BUILD_URL", "https://ci.example.com/job/shop/7/"),
        ("GIT_URL", "https://bot:token@git.example.com/shop.git"),
        ("GIT_COMMIT", COMMIT),
        ("GIT_BRANCH", "origin/main"),
    ]);
    assert_eq!(
        found["runDetails"]["builder"]["id"],
        "https://ci.example.com"
    );
    assert_eq!(
        found["buildDefinition"]["resolvedDependencies"][0]["uri"],
        "git+https://git.example.com/shop.git@refs/heads/main"
    );
}

#[test]
fn a_build_on_buildkite_before_the_commit_is_known_names_none() {
    let (found, omitted) = provenance(&[
        ("BUILDKITE", "true"),
        ("BUILDKITE_REPO", "https://github.com/acme/shop"),
        ("BUILDKITE_COMMIT", "HEAD"),
    ]);
    assert_eq!(found["buildDefinition"].get("resolvedDependencies"), None);
    assert_eq!(
        omitted,
        ["the source: what is given as the commit is not one"]
    );
}

#[test]
fn a_checkout_and_tekton_have_no_builder_of_their_own() {
    let checkout = Checkout {
        remote: Some("https://user:token@example.com/shop.git".to_owned()),
        commit: Some(COMMIT.to_owned()),
        reference: Some("refs/heads/main".to_owned()),
        modified: false,
    };
    let mut environment = Environment {
        checkout: Some(checkout),
        ..Environment::default()
    };
    let found = detect(&environment).unwrap();
    assert_eq!((found.system, &found.builder), ("a git checkout", &None));
    assert_eq!(
        found.definition.resolved_dependencies,
        [Dependency::new(
            "git+https://example.com/shop.git@refs/heads/main",
            "gitCommit",
            COMMIT
        )]
    );
    environment.tekton = true;
    environment
        .variables
        .insert("HOSTNAME".to_owned(), "shop-build-x7-pod".to_owned());
    let found = detect(&environment).unwrap();
    assert_eq!((found.system, found.builder), ("Tekton", None));
    assert_eq!(
        found.metadata.invocation_id.as_deref(),
        Some("shop-build-x7")
    );
    if let Some(checkout) = &mut environment.checkout {
        checkout.modified = true;
    }
    let found = detect(&environment).unwrap();
    assert_eq!(found.definition.resolved_dependencies, []);
    assert_eq!(
        found.omitted.last().map(String::as_str),
        Some("the source: files differ from the commit that is checked out")
    );
    assert_eq!(detect(&Environment::default()), None);
}

#[test]
fn the_url_of_a_repository_holds_no_secret_and_no_path_of_this_machine() {
    let cases = [
        (
            "https://example.com/a/b.git",
            Some("https://example.com/a/b.git"),
        ),
        ("https://u:p@example.com/a", Some("https://example.com/a")),
        (
            "https://t@example.com/a?token=x#y",
            Some("https://example.com/a"),
        ),
        ("git@example.com:a/b.git", Some("ssh://example.com/a/b.git")),
        ("ssh://git@example.com:22/a", Some("ssh://example.com:22/a")),
        ("https://u:p@a@example.com/x", Some("https://example.com/x")),
        ("/srv/git/a", None),
        ("../a", None),
        ("C:\\git\\a", None),
        ("file:///srv/a", None),
        ("ext::sh -c x", None),
        ("", None),
    ];
    for (remote, expected) in cases {
        assert_eq!(public_url(remote).as_deref(), expected, "{remote}");
    }
}

#[test]
fn base_images_come_from_what_buildx_wrote() {
    let v02 = br#"{"buildx.build.provenance": {"materials": [
        {"uri": "pkg:docker/alpine@3.20?platform=linux%2Famd64", "digest": {"sha256": "ab"}},
        {"uri": "https://example.com/unpinned"}
    ]}, "containerimage.digest": "sha256:cd"}"#;
    let expected = [Dependency::new(
        "pkg:docker/alpine@3.20?platform=linux%2Famd64",
        "sha256",
        "ab",
    )];
    assert_eq!(buildx_materials(v02).unwrap(), expected);
    let v1 = br#"{"buildx.build.provenance": {"buildDefinition": {"resolvedDependencies": [
        {"uri": "pkg:docker/alpine@3.20?platform=linux%2Famd64", "digest": {"sha256": "ab"}}]}}}"#;
    assert_eq!(buildx_materials(v1).unwrap(), expected);
    // A token in front of a host is no part of the place.
    let secret = br#"{"buildx.build.provenance": {"materials": [
        {"uri": "https://x:token@example.com/a.git#refs/heads/b@c", "digest": {"sha1": "ab"}}]}}"#;
    let expected = [Dependency::new(
        "https://example.com/a.git#refs/heads/b@c",
        "sha1",
        "ab",
    )];
    assert_eq!(buildx_materials(secret).unwrap(), expected);
    assert_eq!(buildx_materials(b"{}"), Err(BuildxError::NoProvenance));
    assert!(matches!(buildx_materials(b"["), Err(BuildxError::Json(_))));
}

#[test]
fn both_versions_are_read_under_one_set_of_names() {
    let read = |uri: &str, text: &str| {
        ProvenanceView::parse(&PredicateType::from_uri(uri), text.as_bytes())
    };
    let v1 = read(
        PredicateType::SLSA_PROVENANCE_V1,
        r#"{"buildDefinition": {"buildType": "https://b/1", "externalParameters": {},
            "resolvedDependencies": [{"uri": "git+https://x/y", "digest": {"gitCommit": "ab"}}]},
            "runDetails": {"builder": {"id": "https://builder"}, "metadata": {"invocationId": "7"}}}"#,
    );
    let v02 = read(
        PredicateType::SLSA_PROVENANCE_V02,
        r#"{"builder": {"id": "https://builder"}, "buildType": "https://b/1",
            "metadata": {"buildInvocationID": "7"},
            "materials": [{"uri": "git+https://x/y", "digest": {"gitCommit": "ab"}}]}"#,
    );
    let expected = ProvenanceView {
        builder: "https://builder".to_owned(),
        build_type: "https://b/1".to_owned(),
        invocation: Some("7".to_owned()),
        materials: vec![Material {
            uri: Some("git+https://x/y".to_owned()),
            digest: vec![("gitCommit".to_owned(), "ab".to_owned())],
        }],
    };
    assert_eq!(v1, Some(Ok(expected.clone())));
    assert_eq!(v02, Some(Ok(expected)));
    assert_eq!(read("https://example.com/other", "{}"), None);
    assert_eq!(
        read(
            PredicateType::SLSA_PROVENANCE_V02,
            r#"{"builder": {"id": "me"}, "buildType": "https://b/1"}"#
        ),
        Some(Err(ProvenanceError::NotUri("builder.id")))
    );
    let Some(Err(ProvenanceError::Shape(why))) = read(
        PredicateType::SLSA_PROVENANCE_V1,
        r#"{"buildDefinition": {"buildType": "https://b/1"}}"#,
    ) else {
        panic!("a provenance without a builder was read");
    };
    assert!(why.starts_with("missing field `runDetails`"), "{why}");
}
