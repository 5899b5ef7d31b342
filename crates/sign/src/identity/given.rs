//! Tokens that the caller gives.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::{IdentityError, IdentityToken, limits};

/// A token as it is given on a command line: `@FILE`, the token itself, or the
/// path of a file with it.
///
/// # Errors
/// [`IdentityError`], where there is no such file or it holds no token.
pub fn token_given(text: Zeroizing<String>) -> Result<IdentityToken, IdentityError> {
    if let Some(path) = text.strip_prefix('@') {
        return token_from_file(Path::new(path));
    }
    // A path has no two dots with base64url around them; a token has.
    match IdentityToken::parse(text.clone()) {
        Ok(token) => Ok(token),
        Err(error) if text.len() > PATH_BYTES || !Path::new(text.as_str()).is_file() => Err(error),
        Err(_) => token_from_file(Path::new(text.as_str())),
    }
}

/// A token that lies in a file.
///
/// # Errors
/// [`IdentityError`], where it cannot be read or is no token.
pub fn token_from_file(path: &Path) -> Result<IdentityToken, IdentityError> {
    let failed = |cause| {
        // Somebody wrote the token where its file should stand, and an error would
        // repeat it.
        if path
            .as_os_str()
            .as_encoded_bytes()
            .starts_with(TOKEN_BEGINS)
        {
            return IdentityError::Malformed(
                "it stands where the name of a file with it has to stand",
            );
        }
        IdentityError::File {
            path: path.to_owned(),
            cause,
        }
    };
    // Room for all of it from the start: what grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(limits::TOKEN_BYTES + 1));
    let limit = u64::try_from(limits::TOKEN_BYTES).unwrap_or(u64::MAX) + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_string(&mut text))
        .map_err(failed)?;
    IdentityToken::parse(text)
}

/// `{"` in base64url, as the header of every token begins.
const TOKEN_BEGINS: &[u8] = b"eyJ";
const PATH_BYTES: usize = 4096;
