//! RocksDB's errors, which are texts, mapped to the engine's.

use std::io;

use rocksdb::ErrorKind;
use store_engine::Error;

/// Maps an error met while doing `op`.
pub(crate) fn map(op: &'static str, error: rocksdb::Error) -> Error {
    let kind = error.kind();
    let text = error.into_string();
    // The texts of ENOSPC and EDQUOT, which stand inside an "IO error".
    if text.contains("No space left on device") || text.contains("Disk quota exceeded") {
        return Error::NoSpace;
    }
    match kind {
        ErrorKind::Corruption => Error::Corrupt(format!("{op}: {text}")),
        ErrorKind::ShutdownInProgress => Error::Closed,
        _ => Error::Io {
            op,
            source: io::Error::other(text),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error whose text RocksDB made: opening a folder with a damaged pointer to its manifest.
    #[test]
    fn corruption_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("CURRENT"), "nonsense").unwrap();
        let error = rocksdb::DB::open_default(folder.path()).unwrap_err();
        assert!(matches!(map("open", error), Error::Corrupt(text) if text.starts_with("open: ")));
    }
}
