//! Paths as they stand in an archive.

use crate::limits;

/// The path from the root, without `.` and without a slash at either end;
/// nothing for the root itself.
pub(super) fn normal(raw: &[u8]) -> Result<Option<String>, &'static str> {
    if raw.len() > limits::PATH_BYTES {
        return Err("its path is too long");
    }
    let text = std::str::from_utf8(raw).map_err(|_| "its path is not UTF-8")?;
    if text.contains('\0') {
        return Err("its path has a NUL in it");
    }
    let mut path = String::with_capacity(text.len());
    let mut folders = 0;
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err("its path leads out of the image"),
            part => {
                if !path.is_empty() {
                    path.push('/');
                    folders += 1;
                }
                if folders > limits::PATH_FOLDERS {
                    return Err("its path has too many folders");
                }
                path.push_str(part);
            }
        }
    }
    Ok((!path.is_empty()).then_some(path))
}
