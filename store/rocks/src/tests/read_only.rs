//! Who only looks leaves every file as it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use store_engine::{Batch, Engine};

use super::{S, count, open, put};
use crate::{Options, ReadOnly};

/// Every file and folder below, with its time of change and contents.
fn contents(path: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let changed = path.metadata().unwrap().modified().unwrap();
        if path.is_dir() {
            all.extend(contents(&path));
            all.insert(path, (changed, Vec::new()));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            all.insert(path, (changed, bytes));
        }
    }
    all
}

#[test]
fn a_look_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    put(&engine, b"a", b"1");
    engine.flush().unwrap();
    put(&engine, b"b", b"2");
    assert!(
        ReadOnly::open(folder.path(), Options::default()).is_err(),
        "it is in use"
    );
    drop(engine);
    // What an open to write removes.
    std::fs::write(folder.path().join("ACTIVE.next"), "half").unwrap();
    std::fs::create_dir(folder.path().join("db-9")).unwrap();
    let before = contents(folder.path());

    let looker = ReadOnly::open(folder.path(), Options::default()).unwrap();
    let beside = ReadOnly::open(folder.path(), Options::default()).unwrap();
    assert_eq!(looker.get(S, b"a").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(looker.multi_get(S, &[b"a".to_vec(), b"z".to_vec()]).unwrap()[1], None);
    assert_eq!(count(&beside), count(&looker));
    let mut batch = Batch::new();
    batch.put(S, b"c", b"3");
    assert!(looker.write(&batch).is_err() && looker.flush().is_err() && looker.checkpoint().is_err());
    assert!(looker.incoming("x").is_err() && looker.reclaim(S, b"a", b"b").is_err());
    drop((looker, beside));
    assert!(contents(folder.path()) == before, "something changed");
    assert_eq!(open(folder.path()).get(S, b"a").unwrap().as_deref(), Some(&b"1"[..]));
}

#[test]
fn a_folder_without_a_database_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let error = ReadOnly::open(folder.path(), Options::default()).err().unwrap();
    assert!(error.to_string().contains("holds no database"), "{error}");
    assert_eq!(contents(folder.path()).len(), 0);
}
