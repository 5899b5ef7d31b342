//! Tokens that the surroundings give to whatever runs in them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::{buildkite, circleci, github, gitlab, google, kubernetes, spiffe};
use crate::{Http, IdentityError, IdentityToken};

/// What a program that wants a token can see around it.
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Surroundings<'a> {
    /// The environment.
    pub variable: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// The file system's root.
    pub root: PathBuf,
    /// How services are asked.
    pub http: &'a Http,
    /// For whom the token has to be.
    pub audience: &'a str,
}

impl Surroundings<'_> {
    /// A variable that is set and not empty.
    pub(crate) fn var(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    /// A file by its absolute path.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

/// Where a token comes from without anybody being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provider {
    /// Buildkite, by its agent.
    Buildkite,
    /// CircleCI, by its program.
    CircleCi,
    /// A job of GitHub Actions with `id-token: write`.
    GitHub,
    /// A job of GitLab with an `id_tokens` entry, or whoever sets
    /// `SIGSTORE_ID_TOKEN`.
    GitLab,
    /// A machine of Google Cloud, by its metadata server.
    Google,
    /// A projected service account token of Kubernetes.
    Kubernetes,
    /// A JWT-SVID in a file.
    Spiffe,
}

impl Provider {
    /// In the order in which they are looked for.
    pub const ALL: [Self; 7] = [
        Self::GitLab,
        Self::GitHub,
        Self::CircleCi,
        Self::Buildkite,
        Self::Spiffe,
        Self::Kubernetes,
        Self::Google,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Buildkite => "buildkite",
            Self::CircleCi => "circleci",
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Google => "google",
            Self::Kubernetes => "kubernetes",
            Self::Spiffe => "spiffe",
        }
    }

    /// Whether the surroundings look as if it were there.
    fn is_here(self, around: &Surroundings<'_>) -> bool {
        match self {
            Self::Buildkite => buildkite::is_here(around),
            Self::CircleCi => circleci::is_here(around),
            Self::GitHub => github::is_here(around),
            Self::GitLab => gitlab::is_here(around),
            Self::Google => google::is_here(around),
            Self::Kubernetes => kubernetes::is_here(around),
            Self::Spiffe => spiffe::is_here(around),
        }
    }

    /// Its token.
    ///
    /// # Errors
    /// [`IdentityError`], where it has none to give.
    pub async fn token(self, around: &Surroundings<'_>) -> Result<IdentityToken, IdentityError> {
        match self {
            Self::Buildkite => buildkite::token(around).await,
            Self::CircleCi => circleci::token(around).await,
            Self::GitHub => github::token(around).await,
            Self::GitLab => gitlab::token(around),
            Self::Google => google::token(around).await,
            Self::Kubernetes => kubernetes::token(around),
            Self::Spiffe => spiffe::token(around),
        }
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // cosign's names too.
        let name = match text {
            "buildkite-agent" => "buildkite",
            "filesystem" => "kubernetes",
            "github-actions" => "github",
            name => name,
        };
        Self::ALL
            .into_iter()
            .find(|provider| provider.name() == name)
            .ok_or_else(|| {
                let known: Vec<&str> = Self::ALL.iter().map(|p| p.name()).collect();
                format!("unknown provider (known: {})", known.join(", "))
            })
    }
}

/// The token of the surroundings, and who gave it, if they give one.
///
/// The first provider that is there is the one that is asked: where it fails,
/// no other identity is taken in its place.
///
/// # Errors
/// [`IdentityError`], where a provider is there and gives no token.
pub async fn ambient_token(
    around: &Surroundings<'_>,
) -> Result<Option<(Provider, IdentityToken)>, IdentityError> {
    for provider in Provider::ALL {
        if provider.is_here(around) {
            let token = provider.token(around).await?;
            return Ok(Some((provider, token)));
        }
    }
    Ok(None)
}
