//! Kubernetes: a service account token that is projected into the pod with the
//! audience `sigstore`, at the path that cosign uses.

use super::Surroundings;
use super::given::token_from_file;
use crate::{IdentityError, IdentityToken};

pub(super) fn is_here(around: &Surroundings<'_>) -> bool {
    around.file(PATH).exists()
}

pub(super) fn token(around: &Surroundings<'_>) -> Result<IdentityToken, IdentityError> {
    token_from_file(&around.file(PATH))
}

const PATH: &str = "/var/run/sigstore/cosign/oidc-token";
