//! Damaged and missing files: errors, never panics and never an empty store in place of a lost one.

use std::fs;
use std::path::{Path, PathBuf};

use store_engine::Error;

use super::*;

fn table(folder: &Path) -> PathBuf {
    let mut entries = fs::read_dir(folder.join("db-1"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .find(|path| path.extension().is_some_and(|end| end == "sst"))
        .unwrap()
}

fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    for number in 0..200u8 {
        put(&engine, &[number], &noise(u64::from(number), 1000));
    }
    engine.flush().unwrap();
    folder
}

#[test]
fn a_flipped_byte_in_a_table_is_found() {
    let folder = filled();
    let path = table(folder.path());
    let mut data = fs::read(&path).unwrap();
    data[5000] ^= 1;
    fs::write(&path, data).unwrap();
    let engine = open(folder.path());
    let keys: Vec<Vec<u8>> = (0..200u8).map(|number| vec![number]).collect();
    let broken = keys
        .iter()
        .filter(|key| matches!(engine.get(S, key), Err(Error::Corrupt(_))))
        .count();
    assert!(broken > 0);
    assert!(matches!(engine.multi_get(S, &keys), Err(Error::Corrupt(_))));
    let mut cursor = engine.scan(S, b"", None, Order::Ascending);
    while cursor.valid() {
        cursor.advance();
    }
    assert!(matches!(cursor.status(), Err(Error::Corrupt(_))));
}

#[test]
fn a_missing_table_is_found_at_open() {
    let folder = filled();
    fs::remove_file(table(folder.path())).unwrap();
    let error = Rocks::open(folder.path(), Options::default()).err().unwrap();
    assert!(matches!(error, Error::Corrupt(_)), "{error}");
}

#[test]
fn a_lost_pointer_or_database_is_not_an_empty_store() {
    let folder = filled();
    let pointer = folder.path().join("ACTIVE");
    let open = || Rocks::open(folder.path(), Options::default()).map(drop);
    fs::write(&pointer, "db-1").unwrap();
    assert!(matches!(open(), Err(Error::Corrupt(_))));
    fs::write(&pointer, "../../elsewhere\n").unwrap();
    assert!(matches!(open(), Err(Error::Corrupt(_))));
    fs::remove_file(&pointer).unwrap();
    assert!(matches!(open(), Err(Error::Corrupt(_))));
    fs::write(&pointer, "db-1\n").unwrap();
    open().unwrap();
    fs::rename(folder.path().join("db-1"), folder.path().join("gone")).unwrap();
    assert!(matches!(open(), Err(Error::Io { .. })));
}

#[test]
fn a_failed_background_write_shows_in_later_calls() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    put(&engine, b"k", b"v");
    fs::remove_dir_all(folder.path().join("db-1")).unwrap();
    assert!(engine.flush().is_err());
    let mut batch = Batch::new();
    batch.put(S, b"l", b"v");
    assert!(engine.write(&batch).is_err() || engine.flush().is_err());
}
