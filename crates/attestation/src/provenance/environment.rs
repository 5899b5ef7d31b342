//! Which build system this is, from the variables that it sets.

use std::collections::BTreeMap;

use super::{
    BuildDefinition, Builder, Checkout, Dependency, Metadata, Provenance, RunDetails, buildkite,
    git, github, gitlab, jenkins, tekton,
};

/// What a build process was told: its environment variables and, as far as they
/// could be read, its checkout and its name.
///
/// All of it is what the build says of itself. It is as trustworthy as who signs
/// the provenance, and no more.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Environment {
    /// The variables.
    pub variables: BTreeMap<String, String>,
    /// The version-controlled folder in which the build runs.
    pub checkout: Option<Checkout>,
    /// Whether Tekton's folder is mounted: it sets no variables.
    pub tekton: bool,
}

/// What an environment says of the build.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Detected {
    /// The build system, for people.
    pub system: &'static str,
    /// The URI of the builder; a plain checkout has none.
    pub builder: Option<Builder>,
    /// What was to be built.
    pub definition: BuildDefinition,
    /// Which run.
    pub metadata: Metadata,
    /// What is not in the provenance, and why.
    pub omitted: Vec<String>,
}

/// Reads what is known of a build. `None` where there is neither a build system
/// nor a checkout.
#[must_use]
pub fn detect(environment: &Environment) -> Option<Detected> {
    let variables = Variables(&environment.variables);
    let known = [
        github::detect,
        gitlab::detect,
        buildkite::detect,
        jenkins::detect,
    ];
    if let Some(found) = known.iter().find_map(|detect| detect(&variables)) {
        return Some(found);
    }
    if environment.tekton {
        return Some(tekton::detect(&variables, environment.checkout.as_ref()));
    }
    environment.checkout.as_ref().map(git::detect)
}

impl Detected {
    /// The provenance, once it is known who the builder is and what else went in.
    #[must_use]
    pub fn provenance(mut self, builder: Builder, more: Vec<Dependency>) -> Provenance {
        for dependency in more {
            if !self.definition.resolved_dependencies.contains(&dependency) {
                self.definition.resolved_dependencies.push(dependency);
            }
        }
        Provenance {
            build_definition: self.definition,
            run_details: RunDetails {
                builder,
                metadata: self.metadata,
            },
        }
    }
}

/// Environment variables; an empty one is not there.
pub(super) struct Variables<'a>(pub(super) &'a BTreeMap<String, String>);

impl<'a> Variables<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|v| !v.is_empty())
    }

    /// Whether a variable says yes.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }
}

/// Members of a JSON object, those without a value left out.
pub(super) fn members<'a>(
    all: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> serde_json::Map<String, serde_json::Value> {
    all.into_iter()
        .filter_map(|(name, value)| value.map(|v| (name.to_owned(), v.into())))
        .collect()
}

/// A commit of a repository, where both are known and the commit is one.
pub(super) fn commit(
    repository: Option<&str>,
    at: Option<&str>,
    commit: Option<&str>,
    omitted: &mut Vec<String>,
) -> Vec<Dependency> {
    let (Some(repository), Some(commit)) = (repository, commit) else {
        omitted.push("the source: the environment does not name a repository and a commit".into());
        return Vec::new();
    };
    let Some(url) = git::public_url(repository) else {
        omitted.push("the source: the repository has no URL that others could follow".into());
        return Vec::new();
    };
    let is_commit =
        matches!(commit.len(), 40 | 64) && commit.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_commit {
        omitted.push("the source: what is given as the commit is not one".into());
        return Vec::new();
    }
    let at = at
        .map(|reference| format!("@{reference}"))
        .unwrap_or_default();
    vec![Dependency::new(
        format!("git+{url}{at}"),
        "gitCommit",
        &commit.to_ascii_lowercase(),
    )]
}
