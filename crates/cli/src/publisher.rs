//! Provenance that code hosts and package registries publish, asked for by the
//! repository that it has to come from.

use std::path::Path;
use std::str::FromStr;

use waxseal_attestation::PredicateType;
use waxseal_verify::{KeylessAuthority, Matcher, MatcherError, TrustedRoot, VerifiedAttestation};

use crate::error::Failure;
use crate::expected;

/// Whose provenance is asked for.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct PublisherArgs {
    /// Ask for GitHub's attestation of a build in this repository, or in any of this owner's
    #[arg(long, value_name = "OWNER[/REPOSITORY]", help_heading = PUBLISHED, conflicts_with_all = ["npm", "pypi"], conflicts_with_all = expected::FLAGS)]
    github: Option<Source>,

    /// Ask for npm's provenance of a package that was built in this repository
    #[arg(long, value_name = "[HOST/]OWNER/REPOSITORY", help_heading = PUBLISHED, conflicts_with = "pypi", conflicts_with_all = expected::FLAGS)]
    npm: Option<Source>,

    /// Ask for PyPI's attestation of a file that this repository published
    #[arg(long, value_name = "[HOST/]OWNER/REPOSITORY", help_heading = PUBLISHED, conflicts_with_all = expected::FLAGS)]
    pypi: Option<Source>,
}

impl PublisherArgs {
    /// What is asked for, if anything.
    pub(crate) fn publisher(&self) -> Result<Option<Publisher<'_>>, Failure> {
        let (place, source) = match (&self.github, &self.npm, &self.pypi) {
            (Some(source), _, _) => (Place::GitHub, source),
            (None, Some(source), _) => (Place::Npm, source),
            (None, None, Some(source)) => (Place::PyPi, source),
            (None, None, None) => return Ok(None),
        };
        match (place, source) {
            (Place::GitHub, Source { host, .. }) if *host != Host::GitHub => {
                Err(Failure::usage("--github is for repositories on github.com"))
            }
            (Place::Npm | Place::PyPi, Source { repository, .. }) if repository.is_none() => Err(
                Failure::usage("a package is built in one repository: OWNER/REPOSITORY"),
            ),
            _ => Ok(Some(Publisher { place, source })),
        }
    }
}

/// Where provenance is published, and which repository it has to name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Publisher<'a> {
    place: Place,
    source: &'a Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    GitHub,
    Npm,
    PyPi,
}

impl Publisher<'_> {
    /// The trust roots under which it is published. GitHub has an instance of
    /// its own for private repositories.
    pub(crate) fn roots(&self) -> &'static [&'static str] {
        match self.place {
            Place::GitHub => &["github", "sigstore"],
            Place::Npm | Place::PyPi => &["sigstore"],
        }
    }

    /// The types of attestation that say where something comes from.
    pub(crate) fn types(&self) -> Vec<PredicateType> {
        let types: &[&str] = match self.place {
            Place::GitHub => &[PredicateType::SLSA_PROVENANCE_V1],
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

    /// Who has to have signed, under a trust root. One without logs belongs to
    /// an instance that has none.
    pub(crate) fn authority(&self, root: &TrustedRoot) -> Result<KeylessAuthority, MatcherError> {
        let Source {
            host,
            owner,
            repository,
        } = self.source;
        let (issuer, url, end) = match host {
            Host::GitHub => (
                "https://token.actions.githubusercontent.com",
                "https://github.com",
                "/.+",
            ),
            Host::GitLab => ("https://gitlab.com", "https://gitlab.com", "//.+"),
        };
        let (claim, source) = match repository {
            Some(repository) => ("sourceRepositoryURI", format!("{url}/{owner}/{repository}")),
            None => ("sourceRepositoryOwnerURI", format!("{url}/{owner}")),
        };
        // Names are the same in whatever case they are written.
        let source = format!("(?i:{})", source.replace('.', r"\."));
        let issuer = Matcher::exact(issuer)?;
        let workflow = Matcher::regex(format!("{source}{end}"))?;
        let mut authority = if root.has_logs() {
            KeylessAuthority::new(issuer, workflow)
        } else {
            KeylessAuthority::without_logs(issuer, workflow)
        };
        let source = Matcher::regex(source)?;
        authority.claims.insert(claim.to_owned(), source);
        Ok(authority)
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
struct Source {
    host: Host,
    /// With GitLab's groups in it.
    owner: String,
    repository: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    GitHub,
    GitLab,
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

/// What these flags are called among the arguments.
pub(crate) const FLAGS: [&str; 3] = ["github", "npm", "pypi"];

/// PyPI's own predicate: somebody who may publish the project did.
const PYPI_PUBLISH: &str = "https://docs.pypi.org/attestations/publish/v1";
const PUBLISHED: &str = "Published provenance";
