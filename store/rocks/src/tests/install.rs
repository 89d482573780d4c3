//! Installs cut short: each step that a crash may leave, made by hand.

use std::fs;
use std::path::Path;

use store_engine::{Checkpoint, Error, Incoming};

use super::*;

fn receive(engine: &Rocks, image: &dyn Checkpoint) -> Box<dyn Incoming> {
    let mut incoming = engine.incoming("s").unwrap();
    for (number, file) in image.files().iter().enumerate() {
        incoming
            .write(&file.name, 0, &image.read(number, 0, file.bytes as usize).unwrap())
            .unwrap();
    }
    incoming.finish(image.files()).unwrap();
    incoming
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn databases(path: &Path) -> Vec<String> {
    let names = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter(|name| name.starts_with("db-") || name.starts_with("ACTIVE"))
        .collect();
    names.sort();
    names
}

/// A folder with one key, and another with two to install from.
fn two() -> (tempfile::TempDir, Rocks, tempfile::TempDir, Rocks) {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (engine, source) = (open(folder.path()), open(other.path()));
    put(&engine, b"old", b"");
    engine.flush().unwrap();
    put(&source, b"new", b"");
    put(&source, b"newer", b"");
    (folder, engine, other, source)
}

#[test]
fn an_install_between_stores_leaves_one_database() {
    let (folder, engine, _other, source) = two();
    let cursor = engine.scan(S, b"", None, Order::Ascending);
    engine
        .install(receive(&engine, &*source.checkpoint().unwrap()))
        .unwrap();
    assert_eq!(
        databases(folder.path()),
        ["ACTIVE", "db-1", "db-2"],
        "a cursor keeps the old one"
    );
    assert_eq!(cursor.key(), b"old");
    drop(cursor);
    assert_eq!(databases(folder.path()), ["ACTIVE", "db-2"]);
    assert_eq!(count(&engine), 2);
    engine
        .install(receive(&engine, &*source.checkpoint().unwrap()))
        .unwrap();
    assert_eq!(databases(folder.path()), ["ACTIVE", "db-3"]);
    drop(engine);
    assert_eq!(count(&open(folder.path())), 2);
}

#[test]
fn a_crash_before_the_pointer_leaves_the_old() {
    let (folder, engine, _other, source) = two();
    // As after the rename: the new database is there, the pointer is half written.
    copy(&folder.path().join("db-1"), &folder.path().join("saved"));
    engine
        .install(receive(&engine, &*source.checkpoint().unwrap()))
        .unwrap();
    drop(engine);
    copy(&folder.path().join("saved"), &folder.path().join("db-1"));
    fs::write(folder.path().join("ACTIVE"), "db-1\n").unwrap();
    fs::write(folder.path().join("ACTIVE.next"), "db").unwrap();
    let engine = open(folder.path());
    assert!(engine.get(S, b"old").unwrap().is_some());
    assert_eq!(count(&engine), 1);
    assert_eq!(databases(folder.path()), ["ACTIVE", "db-1"]);
}

#[test]
fn a_crash_after_the_pointer_leaves_the_new() {
    let (folder, engine, _other, source) = two();
    copy(&folder.path().join("db-1"), &folder.path().join("saved"));
    engine
        .install(receive(&engine, &*source.checkpoint().unwrap()))
        .unwrap();
    drop(engine);
    fs::rename(folder.path().join("saved"), folder.path().join("db-1")).unwrap();
    let engine = open(folder.path());
    assert_eq!(count(&engine), 2);
    assert_eq!(databases(folder.path()), ["ACTIVE", "db-2"]);
}

#[test]
fn a_checkpoint_that_rocksdb_refuses_leaves_the_old() {
    let (folder, engine, _other, source) = two();
    let image = source.checkpoint().unwrap();
    let mut incoming = engine.incoming("bad").unwrap();
    let mut files = Vec::new();
    for (number, file) in image.files().iter().enumerate() {
        let mut data = image.read(number, 0, file.bytes as usize).unwrap().to_vec();
        if file.name.starts_with("MANIFEST") {
            data.iter_mut().skip(20).for_each(|byte| *byte ^= 0x55);
        }
        incoming.write(&file.name, 0, &data).unwrap();
        files.push(store_engine::File {
            crc: crc32c::crc32c(&data),
            ..file.clone()
        });
    }
    incoming.finish(&files).unwrap();
    let error = engine.install(incoming).unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error}");
    assert_eq!(count(&engine), 1);
    assert_eq!(databases(folder.path()), ["ACTIVE", "db-1"]);
    put(&engine, b"more", b"");
    engine.flush().unwrap();
    drop(engine);
    assert_eq!(count(&open(folder.path())), 2);
}

#[test]
fn an_incoming_checkpoint_survives_a_restart() {
    let (folder, engine, _other, source) = two();
    let image = source.checkpoint().unwrap();
    let incoming = receive(&engine, &*image);
    drop(incoming);
    drop(engine);
    let engine = open(folder.path());
    let mut incoming = engine.incoming("s").unwrap();
    for file in image.files() {
        assert_eq!(incoming.held(&file.name).unwrap(), file.bytes);
    }
    incoming.finish(image.files()).unwrap();
    engine.install(incoming).unwrap();
    assert_eq!(count(&engine), 2);
}

#[test]
fn a_crash_while_the_first_database_is_made_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    fs::remove_file(folder.path().join("ACTIVE")).unwrap();
    assert_eq!(count(&open(folder.path())), 0);
}

#[test]
fn the_last_number_is_followed_by_the_first() {
    let (folder, engine, _other, source) = two();
    drop(engine);
    let last = format!("db-{}", u64::MAX);
    fs::rename(folder.path().join("db-1"), folder.path().join(&last)).unwrap();
    fs::write(folder.path().join("ACTIVE"), format!("{last}\n")).unwrap();
    let engine = open(folder.path());
    engine
        .install(receive(&engine, &*source.checkpoint().unwrap()))
        .unwrap();
    assert_eq!(count(&engine), 2);
    drop(engine);
    assert_eq!(databases(folder.path()), ["ACTIVE", "db-1"]);
}

#[test]
fn a_name_that_only_reads_like_a_database_is_left_alone() {
    let (folder, engine, _other, _source) = two();
    drop(engine);
    for name in ["db-007", "db-+7"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::create_dir(folder.path().join("db-7")).unwrap();
    drop(open(folder.path()));
    assert_eq!(databases(folder.path()), ["ACTIVE", "db-+7", "db-007", "db-1"]);
    fs::write(folder.path().join("ACTIVE"), "db-01\n").unwrap();
    assert!(matches!(
        Rocks::open(folder.path(), Options::default()),
        Err(Error::Corrupt(_))
    ));
}

#[test]
fn files_and_folders_in_the_place_of_one_another_are_in_nobodys_way() {
    let (folder, engine, _other, source) = two();
    drop(engine);
    fs::create_dir(folder.path().join("ACTIVE.next")).unwrap();
    for name in ["incoming", "checkpoints"] {
        fs::remove_dir_all(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name), "x").unwrap();
    }
    let engine = open(folder.path());
    assert_eq!(count(&engine), 1);
    fs::write(folder.path().join("incoming/s"), "x").unwrap();
    engine
        .install(receive(&engine, &*source.checkpoint().unwrap()))
        .unwrap();
    assert_eq!(count(&engine), 2);
}

#[test]
fn what_nobody_put_among_the_incoming_is_in_nobodys_way() {
    let (folder, engine, _other, source) = two();
    let incoming = folder.path().join("incoming");
    fs::write(incoming.join("file"), "x").unwrap();
    fs::create_dir_all(incoming.join("s/folder")).unwrap();
    engine
        .install(receive(&engine, &*source.checkpoint().unwrap()))
        .unwrap();
    assert_eq!(count(&engine), 2);
}
