//! The file that a result goes to: there whole, or not at all.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::context::Context;
use crate::error::Failure;

/// Where a result will be written. The place is made sure of before the work: a
/// signature may be published, and is lost with its bundle.
pub(crate) enum OutFile {
    /// Takes the place of the path when it is complete.
    New(NamedTempFile, PathBuf),
    /// Something that cannot be replaced, such as a pipe.
    Special(File, PathBuf),
    Stdout,
}

impl OutFile {
    /// Opens the place, and writes nothing.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self::Stdout);
        };
        let failed = |e| Failure::file("write", path, e);
        // What a link leads to is replaced, not the link.
        let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if target.metadata().is_ok_and(|found| !found.is_file()) {
            let file = File::options().write(true).open(&target).map_err(failed)?;
            return Ok(Self::Special(file, target));
        }
        let folder = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        folder.metadata().map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".waxseal-");
        for_all(&mut builder);
        let file = builder.tempfile_in(folder);
        // What it says of its own name helps nobody.
        let file = file.map_err(|e| failed(e.kind().into()))?;
        Ok(Self::New(file, target))
    }

    /// Writes the result.
    pub(crate) fn write(self, context: &Context, result: &[u8]) -> Result<(), Failure> {
        match self {
            Self::New(mut file, path) => {
                let failed = |e| Failure::file("write", &path, e);
                file.write_all(result).map_err(failed)?;
                file.as_file().sync_all().map_err(failed)?;
                file.persist(&path).map_err(|e| failed(e.error))?;
                Ok(())
            }
            Self::Special(mut file, path) => file
                .write_all(result)
                .map_err(|e| Failure::file("write", &path, e)),
            Self::Stdout => context.print_bytes(result),
        }
    }
}

/// A result is no secret: the mode is what the user's mask leaves of it.
#[cfg(unix)]
fn for_all(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt as _;

    builder.permissions(std::fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn for_all(_builder: &mut tempfile::Builder<'_, '_>) {}
