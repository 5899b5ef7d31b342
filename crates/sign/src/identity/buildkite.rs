//! Buildkite: the agent is asked.

use super::Surroundings;
use super::program::ask;
use crate::{IdentityError, IdentityToken};

pub(super) fn is_here(around: &Surroundings<'_>) -> bool {
    around.var("BUILDKITE").as_deref() == Some("true")
}

pub(super) async fn token(around: &Surroundings<'_>) -> Result<IdentityToken, IdentityError> {
    let arguments = ["oidc", "request-token", "--audience", around.audience];
    ask("Buildkite", "buildkite-agent", &arguments).await
}
