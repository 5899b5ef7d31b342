//! A git checkout, where no build system says more.

use super::environment::{commit, members};
use super::{BuildDefinition, Dependency, Detected, Metadata};

/// What git says of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkout {
    /// The URL of `origin`, which may hold a password.
    pub remote: Option<String>,
    /// The commit that is checked out.
    pub commit: Option<String>,
    /// The branch or tag, with `refs/`.
    pub reference: Option<String>,
    /// Whether files differ from the commit.
    pub modified: bool,
}

pub(super) fn detect(checkout: &Checkout) -> Detected {
    let mut omitted = Vec::new();
    let resolved_dependencies = source(checkout, &mut omitted);
    let url = checkout.remote.as_deref().and_then(public_url);
    Detected {
        system: "a git checkout",
        builder: None,
        definition: BuildDefinition {
            build_type: "https://waxseal.dev/buildtypes/git/v1".to_owned(),
            external_parameters: members([
                ("ref", checkout.reference.as_deref()),
                ("source", url.as_deref()),
            ]),
            internal_parameters: members([]),
            resolved_dependencies,
        },
        metadata: Metadata::default(),
        omitted,
    }
}

/// The commit, unless what was built differs from it.
pub(super) fn source(checkout: &Checkout, omitted: &mut Vec<String>) -> Vec<Dependency> {
    if checkout.modified {
        omitted.push("the source: files differ from the commit that is checked out".to_owned());
        return Vec::new();
    }
    commit(
        checkout.remote.as_deref(),
        checkout.reference.as_deref(),
        checkout.commit.as_deref(),
        omitted,
    )
}

/// The URL of a repository without whatever password or token is in it; git's
/// short form for SSH is written out. `None` for a path on this machine.
#[must_use]
pub fn public_url(remote: &str) -> Option<String> {
    let remote = remote.trim();
    if remote.is_empty() || remote.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return None;
    }
    if let Some((scheme, rest)) = remote.split_once("://") {
        if !matches!(scheme, "https" | "http" | "ssh" | "git") {
            return None;
        }
        let (authority, path) = rest.split_once('/')?;
        let host = authority.rsplit('@').next().unwrap_or(authority);
        // A query or a fragment may hold a token, and names nothing in a repository.
        let path = path.split(['?', '#']).next().unwrap_or(path);
        return (!host.is_empty()).then(|| format!("{scheme}://{host}/{path}"));
    }
    // `git@example.com:acme/shop.git`
    let (authority, path) = remote.split_once(':')?;
    let is_host = authority.len() > 1 && !authority.contains(['/', '\\']);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let path = path.trim_start_matches('/');
    (is_host && !host.is_empty() && !path.is_empty()).then(|| format!("ssh://{host}/{path}"))
}
