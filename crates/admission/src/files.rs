//! Files that are configured: read whole, up to a limit.

use std::io::{Error, ErrorKind, Read as _};
use std::path::Path;

use crate::limits;

/// The content of `path`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(limits::FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|read| read > limits::FILE_BYTES) {
        let message = format!("larger than {} bytes", limits::FILE_BYTES);
        return Err(Error::new(ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}
