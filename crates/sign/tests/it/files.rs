//! Key files on disk.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use waxseal_sign::{FileError, read_key_file, write_key_pair};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_pair_is_written_once_and_for_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let (private, public) = (folder.path().join("a.key"), folder.path().join("a.pub"));
    write_key_pair((&private, "secret"), (&public, "open")).unwrap();
    assert_eq!((mode(&private), mode(&public)), (0o600, 0o644));
    assert_eq!(read_key_file(&private).unwrap().as_slice(), b"secret");

    let again = write_key_pair((&private, "other"), (&public, "other")).unwrap_err();
    assert_eq!(
        again.to_string(),
        format!(
            "`{}` is already there and is not overwritten",
            private.display()
        )
    );
    assert_eq!(std::fs::read(&private).unwrap(), b"secret");

    // Nor is one half replaced, nor a dangling link followed.
    std::fs::remove_file(&private).unwrap();
    symlink(folder.path().join("nowhere"), &private).unwrap();
    let error = write_key_pair((&private, "x"), (&public, "x")).unwrap_err();
    assert!(matches!(error, FileError::Exists(path) if path == private));
    std::fs::remove_file(&private).unwrap();
    let error = write_key_pair((&private, "x"), (&public, "x")).unwrap_err();
    assert!(matches!(error, FileError::Exists(path) if path == public));
    assert!(!private.exists());
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.key");
    std::fs::write(&path, "secret").unwrap();
    for open in [0o644, 0o640, 0o604, 0o660] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(open)).unwrap();
        let error = read_key_file(&path).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the private key `{}` can be read by others than its owner (mode {open:04o})",
                path.display()
            )
        );
    }
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o400)).unwrap();
    assert_eq!(read_key_file(&path).unwrap().as_slice(), b"secret");
}

#[test]
fn a_file_that_is_no_key_is_not_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(10 << 30).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    assert!(matches!(
        read_key_file(&path),
        Err(FileError::TooLarge { limit: 262_144, .. })
    ));
    let missing = read_key_file(&folder.path().join("missing")).unwrap_err();
    assert!(matches!(missing, FileError::Io { action: "read", .. }));
}
