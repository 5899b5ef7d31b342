//! GitLab: the job's `id_tokens` become variables. `SIGSTORE_ID_TOKEN` is the
//! name by which every Sigstore program looks, in GitLab and elsewhere.

use zeroize::Zeroizing;

use super::Surroundings;
use crate::{IdentityError, IdentityToken};

pub(super) fn is_here(around: &Surroundings<'_>) -> bool {
    around.var(VARIABLE).is_some() || around.var("GITLAB_CI").as_deref() == Some("true")
}

pub(super) fn token(around: &Surroundings<'_>) -> Result<IdentityToken, IdentityError> {
    let Some(token) = around.var(VARIABLE) else {
        return Err(IdentityError::Refused {
            provider: "GitLab",
            reason: format!(
                "the job has no `id_tokens` entry {VARIABLE} with `aud: {}`",
                around.audience
            ),
        });
    };
    IdentityToken::parse(Zeroizing::new(token))
}

const VARIABLE: &str = "SIGSTORE_ID_TOKEN";
