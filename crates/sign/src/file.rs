//! Key files: read only where nobody else can read them, written so that
//! nobody else can and nothing is overwritten.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::FileError;

/// Reads a private key file that only its owner may read.
///
/// # Errors
/// [`FileError::Readable`] where the group or everybody may read it too.
pub fn read_key_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let failed = |cause| FileError::Io {
        action: "read",
        path: path.to_owned(),
        cause,
    };
    let file = File::open(path).map_err(failed)?;
    check_mode(path, &file.metadata().map_err(failed)?)?;
    let mut content = Zeroizing::new(Vec::with_capacity(16 * 1024));
    let read = file
        .take(LIMIT + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    if u64::try_from(read).is_ok_and(|n| n > LIMIT) {
        return Err(FileError::TooLarge {
            path: path.to_owned(),
            limit: LIMIT,
        });
    }
    Ok(content)
}

/// Writes a private and a public key file: the private one for its owner's
/// eyes only, each whole or not at all, neither over a file that is there.
///
/// # Errors
/// [`FileError::Exists`], [`FileError::Io`]. No half of a pair is left behind.
pub fn write_key_pair(private: (&Path, &str), public: (&Path, &str)) -> Result<(), FileError> {
    for path in [private.0, public.0] {
        if path.symlink_metadata().is_ok() {
            return Err(FileError::Exists(path.to_owned()));
        }
    }
    write_new(private.0, private.1, false)?;
    write_new(public.0, public.1, true).inspect_err(|_| {
        // The pair is made together or not at all.
        let _ = std::fs::remove_file(private.0);
    })
}

fn write_new(path: &Path, content: &str, for_all: bool) -> Result<(), FileError> {
    let failed = |cause| FileError::Io {
        action: "write",
        path: path.to_owned(),
        cause,
    };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    folder.metadata().map_err(failed)?;
    // A temporary file is made with mode 0600.
    let mut file = tempfile::Builder::new()
        .prefix(".waxseal-")
        .tempfile_in(folder)
        // What it says of its own name helps nobody.
        .map_err(|e| failed(e.kind().into()))?;
    file.write_all(content.as_bytes()).map_err(failed)?;
    if for_all {
        open_to_all(file.as_file()).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(FileError::Exists(path.to_owned()))
        }
        Err(error) => Err(failed(error.error)),
    }
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &std::fs::Metadata) -> Result<(), FileError> {
    use std::os::unix::fs::MetadataExt;

    let mode = metadata.mode() & 0o7777;
    // A pipe, as in `--key <(…)`, has no mode that means anything.
    if metadata.is_file() && mode & 0o077 != 0 {
        return Err(FileError::Readable {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &std::fs::Metadata) -> Result<(), FileError> {
    Ok(())
}

#[cfg(unix)]
fn open_to_all(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn open_to_all(_: &File) -> std::io::Result<()> {
    Ok(())
}

/// The largest key file: an encrypted RSA-4096 key has 4 KiB.
const LIMIT: u64 = 256 * 1024;
