//! Which workflow has to have attested, and from what, in the words of
//! `gh attestation verify`.

use std::str::FromStr;

use waxseal_gate::{Expected, NamedIdentity};

use crate::claim_args::ClaimArgs;
use crate::error::Failure;
use crate::publisher::{Host, PUBLISHED, Source};

/// What published provenance has to say besides the repository that it is from.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct WorkflowArgs {
    /// The reusable workflow, of whatever repository, that has to have attested it, in place of any
    /// of the repository's own
    #[arg(long, value_name = "OWNER/REPOSITORY/PATH[@REF]", help_heading = PUBLISHED, conflicts_with = "signer_repo")]
    signer_workflow: Option<Workflow>,

    /// The repository of which any workflow may have attested it, in place of the repository's own
    #[arg(long, value_name = "OWNER/REPOSITORY", help_heading = PUBLISHED)]
    signer_repo: Option<Source>,

    /// The commit of the workflow that attested it
    #[arg(long, value_name = "COMMIT", help_heading = PUBLISHED)]
    signer_digest: Option<String>,

    /// The ref that it was built from, such as refs/tags/v1.2
    #[arg(long, value_name = "REF", help_heading = PUBLISHED)]
    source_ref: Option<String>,

    /// The commit that it was built from
    #[arg(long, value_name = "COMMIT", help_heading = PUBLISHED)]
    source_digest: Option<String>,

    /// Refuse what was built on a runner of somebody's own
    #[arg(long, help_heading = PUBLISHED)]
    deny_self_hosted_runners: bool,
}

impl WorkflowArgs {
    /// The first of these flags that is given.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--signer-workflow", self.signer_workflow.is_some()),
            ("--signer-repo", self.signer_repo.is_some()),
            ("--signer-digest", self.signer_digest.is_some()),
            ("--source-ref", self.source_ref.is_some()),
            ("--source-digest", self.source_digest.is_some()),
            ("--deny-self-hosted-runners", self.deny_self_hosted_runners),
        ];
        let given = flags.into_iter().find(|(_, given)| *given);
        given.map(|(flag, _)| flag)
    }

    /// Whether it is said who attests.
    pub(crate) fn names_signer(&self) -> bool {
        self.signer_workflow.is_some() || self.signer_repo.is_some()
    }

    /// Asks it of whoever builds in a repository of this host.
    pub(crate) fn join(&self, host: Host, identity: &mut NamedIdentity) -> Result<(), Failure> {
        if let Some(workflow) = &self.signer_workflow {
            identity.subject = Expected::Matching(workflow.pattern());
        }
        if let Some(source) = &self.signer_repo {
            if source.repository().is_none() {
                return Err(Failure::usage(
                    "--signer-repo is one repository: OWNER/REPOSITORY",
                ));
            }
            identity.subject = Expected::Matching(format!("{}/.+", source.pattern()));
        }
        let hosts = self.signer_repo.iter().map(Source::host);
        if self.names_signer() && hosts.chain([host]).any(|host| host != Host::GitHub) {
            return Err(Failure::usage(
                "workflows of other repositories attest nothing but on github.com",
            ));
        }
        let hosted = match host {
            Host::GitHub => "github-hosted",
            Host::GitLab => "gitlab-hosted",
        };
        let hosted = self.deny_self_hosted_runners.then(|| hosted.to_owned());
        for (claim, wanted) in [
            ("buildSignerDigest", &self.signer_digest),
            ("sourceRepositoryRef", &self.source_ref),
            ("sourceRepositoryDigest", &self.source_digest),
            ("runnerEnvironment", &hosted),
        ] {
            if let Some(wanted) = wanted {
                let wanted = Expected::Exactly(wanted.clone());
                identity.claims.insert(claim.to_owned(), wanted);
            }
        }
        Ok(())
    }

    /// What these flags and claims are of no use without.
    pub(crate) fn refuse_alone(&self) -> Result<(), Failure> {
        match self.given() {
            Some(flag) => Err(Failure::usage(format_args!(
                "{flag} says nothing without whose provenance is asked for"
            ))
            .hint("give --github OWNER/REPOSITORY; --certificate-claim asks it of an identity")),
            None => Ok(()),
        }
    }
}

/// A release is attested by GitHub itself, of whom nothing more can be asked.
pub(crate) fn refuse_of_releases(
    workflow: &WorkflowArgs,
    claims: &ClaimArgs,
) -> Result<(), Failure> {
    let claimed = (!claims.is_empty()).then_some("--certificate-claim");
    match workflow.given().or(claimed) {
        Some(flag) => Err(Failure::usage(format_args!(
            "{flag} asks for what GitHub's attestations of releases do not say"
        ))
        .hint("--github asks for the attestation of a build")),
        None => Ok(()),
    }
}

/// A workflow of a repository, at a ref or at any.
#[derive(Clone, Debug)]
struct Workflow {
    source: Source,
    path: String,
    reference: Option<String>,
}

impl Workflow {
    /// The expression for what certificates call it.
    fn pattern(&self) -> String {
        let reference = self.reference.as_deref().map(regex::escape);
        format!(
            "{}/{}@{}",
            self.source.pattern(),
            regex::escape(&self.path),
            reference.as_deref().unwrap_or(".+")
        )
    }
}

impl FromStr for Workflow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "it is not of the form OWNER/REPOSITORY/PATH[@REF], where PATH is such as \
             .github/workflows/build.yml"
                .to_owned()
        };
        let text = text.strip_prefix("https://").unwrap_or(text);
        let text = text.strip_prefix("github.com/").unwrap_or(text);
        let (file, reference) = match text.split_once('@') {
            Some((_, "")) => return Err("there is no ref behind the `@`".to_owned()),
            Some((file, reference)) => (file, Some(reference.to_owned())),
            None => (text, None),
        };
        let mut parts = file.splitn(3, '/');
        let (Some(owner), Some(repository), Some(path)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let is_file = [".yml", ".yaml"]
            .iter()
            .any(|end| path.strip_suffix(end).is_some_and(|stem| !stem.is_empty()));
        if !is_file {
            return Err(wrong());
        }
        Ok(Self {
            source: format!("github.com/{owner}/{repository}").parse()?,
            path: path.to_owned(),
            reference,
        })
    }
}

/// What these flags are called among the arguments.
pub(crate) const FLAGS: [&str; 6] = [
    "signer_workflow",
    "signer_repo",
    "signer_digest",
    "source_ref",
    "source_digest",
    "deny_self_hosted_runners",
];

#[cfg(test)]
mod tests {
    use super::Workflow;

    #[test]
    fn a_workflow_is_named_as_certificates_name_it() {
        let pattern = |text: &str| text.parse().map(|workflow: Workflow| workflow.pattern());
        let build = r"(?i:https://github\.com/acme/ci)/\.github/workflows/build\.yml@";
        for text in [
            "acme/ci/.github/workflows/build.yml",
            "github.com/acme/ci/.github/workflows/build.yml",
            "https://github.com/acme/ci/.github/workflows/build.yml",
        ] {
            assert_eq!(pattern(text), Ok(format!("{build}.+")));
        }
        assert_eq!(
            pattern("acme/ci/.github/workflows/build.yml@refs/tags/v1"),
            Ok(format!("{build}refs/tags/v1"))
        );
        let form = "it is not of the form OWNER/REPOSITORY/PATH[@REF], where PATH is such as \
                    .github/workflows/build.yml";
        let source = "it is not of the form OWNER/REPOSITORY, on github.com or with gitlab.com/ \
                      in front of it";
        for (text, why) in [
            ("acme/ci", form),
            ("acme/ci/.github/workflows", form),
            ("acme/ci/.yml", form),
            ("acme//.github/workflows/build.yml", source),
            (".*/ci/.github/workflows/build.yml", source),
            (
                "acme/ci/.github/workflows/build.yml@",
                "there is no ref behind the `@`",
            ),
        ] {
            assert_eq!(pattern(text), Err(why.to_owned()), "{text}");
        }
    }
}
