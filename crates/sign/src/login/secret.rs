//! What binds an answer to the run that asked.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::IdentityError;

/// A random value that is guessed by nobody.
pub(super) fn random() -> Result<Zeroizing<String>, IdentityError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice())
        .map_err(|_| IdentityError::SignIn("there are no random numbers".to_owned()))?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

/// Whether what came back is what was sent.
pub(super) fn same(sent: &str, back: Option<&str>) -> bool {
    back.is_some_and(|back| verify_slices_are_equal(sent.as_bytes(), back.as_bytes()).is_ok())
}

/// RFC 7636: who brings the code has to know what it was asked for with.
pub(super) struct Challenge {
    pub(super) verifier: Zeroizing<String>,
    pub(super) challenge: String,
}

impl Challenge {
    pub(super) fn new() -> Result<Self, IdentityError> {
        let verifier = random()?;
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        Ok(Self {
            verifier,
            challenge,
        })
    }
}
