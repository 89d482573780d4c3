//! The file in which a data folder says whose it is.

use std::path::PathBuf;
use std::sync::OnceLock;

use store_node::{Config, Folder, Identity, IdentityStore};
use tempfile::TempDir;

use crate::Verdict;
use crate::support::must;

/// A folder of a member, and its file.
fn place() -> &'static (TempDir, Folder, PathBuf) {
    static PLACE: OnceLock<(TempDir, Folder, PathBuf)> = OnceLock::new();
    PLACE.get_or_init(|| {
        let dir = must("make a folder", TempDir::new());
        let config = Config {
            data_dir: dir.path().to_owned(),
            ..Config::default()
        };
        let folder = must("open a data folder", Folder::open(&config));
        let file = dir.path().join("member").join("identity");
        (dir, folder, file)
    })
}

/// Reads a file; what it says is written and read again.
///
/// # Panics
/// Where an identity is another then.
pub fn run(data: &[u8]) -> Verdict {
    let (_, folder, file) = place();
    must("write a file", std::fs::write(file, data));
    let Ok(Some(identity)) = folder.load() else {
        return Verdict::Refused;
    };
    must("save an identity", folder.save(&identity));
    assert_eq!(must("load what was saved", folder.load()), Some(identity));
    Verdict::Understood
}

/// What is written for the first member and for the last there can be.
pub fn seeds() -> Vec<Vec<u8>> {
    let (_, folder, file) = place();
    [(1, 2), (u64::MAX, u64::MAX)]
        .map(|(cluster, member)| {
            must("save an identity", folder.save(&Identity::new(cluster, member)));
            must("read a file", std::fs::read(file))
        })
        .into()
}
