//! What a disk holds, beyond its mount: somebody may want to look at it when its member is long gone.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::faults::Shared;
use super::model::{ROOT, Refusal};

/// The files of a disk, as its member sees them, or saw them last.
pub(crate) struct Contents(Arc<Shared>);

impl Contents {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Those of an empty disk.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self::new(Arc::new(Shared::new(true)))
    }

    /// Copies them to a folder of a real disk, which is made. What has several names becomes as many files.
    ///
    /// # Errors
    /// The real disk's.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        self.write_folder(ROOT, folder)
    }

    fn write_folder(&self, node: u64, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)?;
        let list = self.0.lock().model.list(node, 0).map_err(gone)?;
        for (name, node, _, is_folder) in list {
            let path = path.join(name);
            if is_folder {
                self.write_folder(node, &path)?;
            } else {
                std::fs::write(path, self.bytes(node).map_err(gone)?)?;
            }
        }
        Ok(())
    }

    fn bytes(&self, node: u64) -> Result<Vec<u8>, Refusal> {
        let state = self.0.lock();
        let bytes = state.model.attributes(node)?.bytes;
        state.model.read(node, 0, bytes as usize)
    }
}

/// Somebody still removes files from the disk.
fn gone(refusal: Refusal) -> io::Error {
    io::Error::other(format!("{refusal:?}"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::disk::model::Owner;

    #[test]
    fn every_file_is_there_as_it_was_last() {
        let shared = Arc::new(Shared::new(true));
        {
            let model = &mut shared.lock().model;
            let owner = Owner::default();
            let below = model.create(ROOT, OsStr::new("data"), owner, true).unwrap();
            let file = model.create(below, OsStr::new("log"), owner, false).unwrap();
            model.write(file, 2, b"ab", 1).unwrap();
            model.link(file, ROOT, OsStr::new("link")).unwrap();
            model.create(ROOT, OsStr::new("empty"), owner, false).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("n1.disk");
        Contents::new(shared).write(&to).unwrap();
        assert_eq!(std::fs::read(to.join("data/log")).unwrap(), b"\0\0ab");
        assert_eq!(std::fs::read(to.join("link")).unwrap(), b"\0\0ab");
        assert_eq!(std::fs::read(to.join("empty")).unwrap(), b"");
        assert_eq!(std::fs::read_dir(&to).unwrap().count(), 3);
    }
}
