//! SPIFFE: a JWT-SVID that a helper keeps in a file.

use std::path::Path;

use super::Surroundings;
use super::given::token_from_file;
use crate::{IdentityError, IdentityToken};

pub(super) fn is_here(around: &Surroundings<'_>) -> bool {
    around.var(VARIABLE).is_some()
}

pub(super) fn token(around: &Surroundings<'_>) -> Result<IdentityToken, IdentityError> {
    let refused = |reason: &str| IdentityError::Refused {
        provider: "SPIFFE",
        reason: reason.to_owned(),
    };
    let path = around
        .var(VARIABLE)
        .ok_or_else(|| refused("SPIFFE_JWT_SVID_FILE names no file"))?;
    let token = token_from_file(Path::new(&path))?;
    // JWT-SVID, 3.1: the subject is the SPIFFE ID.
    if !token.bearer().starts_with("spiffe://") {
        return Err(refused(
            "the subject of the token in SPIFFE_JWT_SVID_FILE is no SPIFFE ID",
        ));
    }
    Ok(token)
}

const VARIABLE: &str = "SPIFFE_JWT_SVID_FILE";
