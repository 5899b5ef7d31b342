//! Provenance that code hosts and package registries publish, asked for by the
//! repository that it has to come from.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;
use waxseal_attestation::PredicateType;
use waxseal_attestation::json::shown;
use waxseal_gate::{Expected, NamedIdentity};
use waxseal_verify::{KeylessAuthority, Matcher, Rejection, TrustedRoot, VerifiedAttestation};

use crate::claim_args::ClaimArgs;
use crate::error::Failure;
use crate::expected;
use crate::workflow_args::{WorkflowArgs, refuse_of_releases};

/// Whose provenance is asked for.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct PublisherArgs {
    /// Ask for GitHub's attestation of a build in this repository, or in any of this owner's
    #[arg(long, value_name = "OWNER[/REPOSITORY]", help_heading = PUBLISHED, conflicts_with_all = ["github_release", "npm", "pypi"], conflicts_with_all = expected::FLAGS)]
    github: Option<Source>,

    /// Ask for GitHub's own attestation of a release, immutable from then on, of this repository
    #[arg(long, value_name = "OWNER/REPOSITORY[@TAG]", help_heading = PUBLISHED, conflicts_with_all = ["npm", "pypi"], conflicts_with_all = expected::FLAGS)]
    github_release: Option<Release>,

    /// Ask for npm's provenance of a package that was built in this repository
    #[arg(long, value_name = "[HOST/]OWNER/REPOSITORY", help_heading = PUBLISHED, conflicts_with = "pypi", conflicts_with_all = expected::FLAGS)]
    npm: Option<Source>,

    /// Ask for PyPI's attestation of a file that this repository published
    #[arg(long, value_name = "[HOST/]OWNER/REPOSITORY", help_heading = PUBLISHED, conflicts_with_all = expected::FLAGS)]
    pypi: Option<Source>,

    #[command(flatten)]
    workflow: WorkflowArgs,
}

impl PublisherArgs {
    /// What is asked for, if anything.
    pub(crate) fn publisher<'a>(
        &'a self,
        claims: &'a ClaimArgs,
    ) -> Result<Option<Publisher<'a>>, Failure> {
        let workflow = &self.workflow;
        let mut tag = None;
        let (place, source) = if let Some(source) = &self.github {
            (Place::GitHub, source)
        } else if let Some(Release(source, of)) = &self.github_release {
            tag = of.as_deref();
            (Place::GitHubRelease, source)
        } else if let Some(source) = &self.npm {
            (Place::Npm, source)
        } else if let Some(source) = &self.pypi {
            (Place::PyPi, source)
        } else {
            workflow.refuse_alone()?;
            return Ok(None);
        };
        if place == Place::GitHubRelease {
            refuse_of_releases(workflow, claims)?;
        }
        let publisher = Publisher {
            place,
            source,
            tag,
            workflow,
            claims,
        };
        match (place, source) {
            (Place::GitHub | Place::GitHubRelease, Source { host, .. })
                if *host != Host::GitHub =>
            {
                Err(only_github())
            }
            (Place::GitHub, _) => Ok(Some(publisher)),
            (_, Source { repository, .. }) if repository.is_none() => Err(Failure::usage(
                "a package or release is of one repository: OWNER/REPOSITORY",
            )),
            _ => Ok(Some(publisher)),
        }
    }
}

/// The same for images, which carry it along in the registry.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct BuiltArgs {
    /// Require GitHub's attestation of a build in this repository, or in any of this owner's, not
    /// a signature
    #[arg(long, value_name = "OWNER[/REPOSITORY]", help_heading = PUBLISHED, conflicts_with_all = expected::FLAGS, conflicts_with_all = OTHERS)]
    github: Option<Source>,

    #[command(flatten)]
    workflow: WorkflowArgs,
}

impl BuiltArgs {
    /// What is asked for, if anything.
    pub(crate) fn publisher<'a>(
        &'a self,
        claims: &'a ClaimArgs,
    ) -> Result<Option<Publisher<'a>>, Failure> {
        let place = Place::GitHub;
        match &self.github {
            Some(source) if source.host != Host::GitHub => Err(only_github()),
            Some(source) => Ok(Some(Publisher {
                place,
                source,
                tag: None,
                workflow: &self.workflow,
                claims,
            })),
            None => self.workflow.refuse_alone().map(|()| None),
        }
    }
}

fn only_github() -> Failure {
    Failure::usage("GitHub attests what is on github.com")
}

/// Where provenance is published, and which repository it has to name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Publisher<'a> {
    place: Place,
    source: &'a Source,
    tag: Option<&'a str>,
    workflow: &'a WorkflowArgs,
    claims: &'a ClaimArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    GitHub,
    GitHubRelease,
    Npm,
    PyPi,
}

impl Publisher<'_> {
    /// The trust roots under which it is published. GitHub has an instance of
    /// its own for private repositories.
    pub(crate) fn roots(&self) -> &'static [&'static str] {
        match self.place {
            Place::GitHub => &["github", "sigstore"],
            Place::GitHubRelease => &["github"],
            Place::Npm | Place::PyPi => &["sigstore"],
        }
    }

    /// The types of attestation that say where something comes from.
    pub(crate) fn types(&self) -> Vec<PredicateType> {
        let types: &[&str] = match self.place {
            Place::GitHub => &[PredicateType::SLSA_PROVENANCE_V1],
            Place::GitHubRelease => &[RELEASE],
            Place::Npm => &[
                PredicateType::SLSA_PROVENANCE_V1,
                PredicateType::SLSA_PROVENANCE_V02,
            ],
            Place::PyPi => &[PYPI_PUBLISH],
        };
        types
            .iter()
            .map(|uri| PredicateType::from_uri(*uri))
            .collect()
    }

    /// Who has to have signed, under a trust root.
    pub(crate) fn authority(&self, root: &TrustedRoot) -> Result<KeylessAuthority, Failure> {
        if self.place == Place::GitHubRelease {
            // GitHub itself, whom no identity provider vouches for.
            let github = Matcher::exact(RELEASES).map_err(Failure::usage)?;
            return Ok(KeylessAuthority::without_logs(Matcher::absent(), github));
        }
        self.builds(root)?.authority().map_err(Failure::usage)
    }

    /// What to say to somebody who takes a reusable workflow for one of the
    /// repository's own.
    pub(crate) fn hint(&self, rejection: &Rejection) -> Option<&'static str> {
        let other = matches!(rejection, Rejection::IdentityMismatch { .. });
        // PyPI knows no publisher but a repository's own workflows.
        let workflows =
            self.source.host == Host::GitHub && matches!(self.place, Place::GitHub | Place::Npm);
        (other && workflows && !self.workflow.names_signer()).then_some(
            "--signer-workflow or --signer-repo names a workflow of another repository that \
             builds for this one",
        )
    }

    /// The builds of the repository, under a trust root. One without logs belongs
    /// to an instance that has none.
    pub(crate) fn builds(&self, root: &TrustedRoot) -> Result<NamedIdentity, Failure> {
        let source = self.source;
        let (issuer, end) = match source.host {
            Host::GitHub => ("https://token.actions.githubusercontent.com", "/.+"),
            Host::GitLab => ("https://gitlab.com", "//.+"),
        };
        let claim = match source.repository {
            Some(_) => "sourceRepositoryURI",
            None => "sourceRepositoryOwnerURI",
        };
        let issuer = Expected::Exactly(issuer.to_owned());
        let workflow = Expected::Matching(format!("{}{end}", source.pattern()));
        let claims = BTreeMap::from([(claim.to_owned(), Expected::Matching(source.pattern()))]);
        let mut identity = NamedIdentity {
            claims,
            without_logs: !root.has_logs(),
            ..NamedIdentity::new(source.name(), issuer, workflow)
        };
        self.workflow.join(source.host, &mut identity)?;
        self.claims.join(&mut identity)?;
        Ok(identity)
    }

    /// Which release GitHub attested stands in the predicate, which nobody but
    /// GitHub writes.
    fn other_release(&self, attestation: &VerifiedAttestation) -> Option<String> {
        #[derive(Deserialize)]
        struct Predicate {
            purl: String,
        }
        let predicate = attestation.predicate().unwrap_or_default();
        let Ok(Predicate { purl }) = serde_json::from_str(predicate) else {
            return Some("the attestation does not say of which release it is".to_owned());
        };
        let Source {
            owner, repository, ..
        } = self.source;
        let repository = repository.as_deref().unwrap_or_default();
        let wanted = format!("pkg:github/{owner}/{repository}");
        let same = purl.split_once('@').is_some_and(|(found, tag)| {
            found.eq_ignore_ascii_case(&wanted) && self.tag.is_none_or(|wanted| wanted == tag)
        });
        let tag = self.tag.map_or_else(String::new, |tag| format!("@{tag}"));
        (!same).then(|| {
            format!(
                "the attestation is of the release `{}`, not of `{wanted}{tag}`",
                shown(&purl)
            )
        })
    }

    /// Why what an attestation calls its subject is not what was asked about.
    pub(crate) fn misnamed(
        &self,
        attestation: &VerifiedAttestation,
        file: Option<&Path>,
    ) -> Option<String> {
        let name = attestation.subject_name();
        let file = file.and_then(|file| file.file_name());
        match (self.place, file) {
            (Place::Npm, _) if !name.starts_with("pkg:npm/") => Some(format!(
                "the attestation is of `{name}`, not of an npm package"
            )),
            (Place::GitHubRelease, _) => self.other_release(attestation),
            // PEP 740: the name is part of what is attested.
            (Place::PyPi, Some(file)) if file != name => Some(format!(
                "the attestation is of a file called `{name}`, not `{}`",
                file.display()
            )),
            _ => None,
        }
    }
}

/// A repository, or all of an owner's.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    host: Host,
    /// With GitLab's groups in it.
    owner: String,
    repository: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    GitHub,
    GitLab,
}

impl Source {
    pub(crate) fn host(&self) -> Host {
        self.host
    }

    pub(crate) fn repository(&self) -> Option<&str> {
        self.repository.as_deref()
    }

    /// What it is called on its host.
    fn name(&self) -> String {
        match &self.repository {
            Some(repository) => format!("{}/{repository}", self.owner),
            None => self.owner.clone(),
        }
    }

    /// The expression for its address. Names are the same in whatever case they
    /// are written.
    pub(crate) fn pattern(&self) -> String {
        let host = match self.host {
            Host::GitHub => "https://github.com",
            Host::GitLab => "https://gitlab.com",
        };
        let address = format!("{host}/{}", self.name());
        format!("(?i:{})", regex::escape(&address))
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix("https://").unwrap_or(text);
        let (host, path) = match text.split_once('/') {
            Some(("github.com", path)) => (Host::GitHub, path),
            Some(("gitlab.com", path)) => (Host::GitLab, path),
            _ => (Host::GitHub, text),
        };
        let plain = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        let parts = path.split('/').count();
        let most = if host == Host::GitHub { 2 } else { 20 };
        if parts > most || !path.split('/').all(plain) {
            return Err(
                "it is not of the form OWNER/REPOSITORY, on github.com or with gitlab.com/ in \
                 front of it"
                    .to_owned(),
            );
        }
        let (owner, repository) = match path.rsplit_once('/') {
            Some((owner, repository)) => (owner, Some(repository.to_owned())),
            None => (path, None),
        };
        Ok(Self {
            host,
            owner: owner.to_owned(),
            repository,
        })
    }
}

/// A release of a repository, by its tag, or any.
#[derive(Clone, Debug)]
struct Release(Source, Option<String>);

impl FromStr for Release {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('@') {
            Some((_, "")) => Err("there is no tag behind the `@`".to_owned()),
            Some((source, tag)) => Ok(Self(source.parse()?, Some(tag.to_owned()))),
            None => Ok(Self(text.parse()?, None)),
        }
    }
}

/// What these flags are called among the arguments.
pub(crate) const FLAGS: [&str; 4] = ["github", "github_release", "npm", "pypi"];

/// What does not go with whom an image is built by.
const OTHERS: [&str; 9] = [
    "keys",
    "policies",
    "threshold",
    "annotations",
    "insecure_ignore_sct",
    "log",
    "timestamp",
    "require_log",
    "require_timestamp",
];

/// PyPI's own predicate: somebody who may publish the project did.
const PYPI_PUBLISH: &str = "https://docs.pypi.org/attestations/publish/v1";
/// Whom GitHub's certificate for releases is for.
const RELEASES: &str = "https://dotcom.releases.github.com";
const RELEASE: &str = "https://in-toto.io/attestation/release/v0.2";
pub(crate) const PUBLISHED: &str = "Published provenance";
