//! CircleCI: the job's program makes a token for any audience; the one in
//! `CIRCLE_OIDC_TOKEN` is for the organisation.

use super::Surroundings;
use super::program::ask;
use crate::{IdentityError, IdentityToken};

pub(super) fn is_here(around: &Surroundings<'_>) -> bool {
    around.var("CIRCLECI").as_deref() == Some("true")
}

pub(super) async fn token(around: &Surroundings<'_>) -> Result<IdentityToken, IdentityError> {
    let claims = serde_json::json!({ "aud": around.audience }).to_string();
    let arguments = ["run", "oidc", "get", "--root-issuer", "--claims", &claims];
    ask("CircleCI", "circleci", &arguments).await
}
