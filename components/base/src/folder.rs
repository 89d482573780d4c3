//! Folders whose names outlive a loss of power.
//!
//! A new name is on disk only once the folder that holds it was synced; syncing the file or folder that has the name
//! does not do that. Whoever makes, renames or removes what must not come back or go away after a crash does it here.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Makes a folder and those above it where they are missing, readable by their owner alone. Afterwards the name of each
/// that was made is on disk, and so is the name of `path` if an earlier start made it and ended before it could say so.
///
/// # Errors
/// As the file system's; `NotADirectory` or `AlreadyExists` where something else has the name.
pub fn create(path: &Path) -> io::Result<()> {
    let parent = parent(path);
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => sync(parent),
        Err(error) if error.kind() == io::ErrorKind::NotFound && parent != path && !parent.exists() => {
            create(parent)?;
            create(path)
        }
        Err(_) if path.is_dir() => match sync(parent) {
            // Whoever may not read the folder above did not make this one.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        },
        Err(error) => Err(error),
    }
}

/// Makes the names in a folder durable: those that came, and that those which went are gone.
///
/// # Errors
/// As the file system's.
pub fn sync(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

/// Gives a file or folder another name, replacing what had it, and makes that durable in the folder it moves to. What is
/// in it must be on disk already.
///
/// # Errors
/// As the file system's.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync(parent(to))
}

/// The folder that holds a name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn makes_all_that_is_missing_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (outer, inner) = (dir.path().join("a"), dir.path().join("a/b/c"));
        for _ in 0..2 {
            create(&inner).unwrap();
            for path in [&outer, &inner] {
                assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
            }
        }
        fs::write(inner.join("file"), "").unwrap();
        assert!(create(&inner.join("file")).is_err());
        assert!(create(&inner.join("file/below")).is_err());
        create(Path::new("/")).unwrap();
        create(Path::new(".")).unwrap();
    }

    #[test]
    fn a_folder_that_replaces_an_empty_one_keeps_what_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        create(&from.join("inner")).unwrap();
        create(&to).unwrap();
        rename(&from, &to).unwrap();
        assert!(to.join("inner").is_dir() && !from.exists());
        assert_eq!(rename(&from, &to).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn names_without_a_folder_are_here() {
        assert_eq!(parent(Path::new("data")), Path::new("."));
        assert_eq!(parent(Path::new("a/b/")), Path::new("a"));
        assert_eq!(parent(Path::new("/")), Path::new("/"));
    }
}
