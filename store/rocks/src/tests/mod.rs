//! Tests against real files: the suite, kills, installs cut short, damaged bytes.

mod crash;
mod damage;
mod install;
mod read_only;
mod space;

use std::path::Path;
use std::sync::Arc;

use store_engine::suite::{self, Opener};
use store_engine::{Batch, Engine, Order, Space};

use crate::{Options, Rocks};

const S: Space = Space(1);

fn open(path: &Path) -> Rocks {
    Rocks::open(path, Options::default()).unwrap()
}

fn put(engine: &dyn Engine, key: &[u8], value: &[u8]) {
    let mut batch = Batch::new();
    batch.put(S, key, value);
    engine.write(&batch).unwrap();
}

fn count(engine: &dyn Engine) -> usize {
    let mut cursor = engine.scan(S, b"", None, Order::Ascending);
    let mut count = 0;
    while cursor.valid() {
        count += 1;
        cursor.advance();
    }
    cursor.status().unwrap();
    count
}

/// Bytes that do not compress.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn passes_the_suite() {
    suite::run(&|| -> Opener {
        let folder = tempfile::tempdir().unwrap();
        Box::new(move || Arc::new(open(folder.path())))
    });
}

#[test]
fn passes_the_suite_with_tiny_buffers() {
    suite::run(&|| -> Opener {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            write_buffer_bytes: 64 << 10,
            cache_bytes: 1 << 20,
            ..Options::default()
        };
        Box::new(move || Arc::new(Rocks::open(folder.path(), options.clone()).unwrap()))
    });
}

#[test]
fn a_second_opener_is_told_who_holds_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path());
    let error = Rocks::open(folder.path(), Options::default()).err().unwrap();
    assert!(
        error.to_string().contains("is in use: another process holds the lock"),
        "{error}"
    );
}

#[test]
fn checkpoints_go_away() {
    let folder = tempfile::tempdir().unwrap();
    let held = || std::fs::read_dir(folder.path().join("checkpoints")).unwrap().count();
    let engine = open(folder.path());
    put(&engine, b"k", b"v");
    let image = engine.checkpoint().unwrap();
    assert_eq!(held(), 1);
    drop(image);
    assert_eq!(held(), 0);
    // One that a killed process left.
    std::fs::create_dir(folder.path().join("checkpoints/7")).unwrap();
    drop(engine);
    let engine = open(folder.path());
    assert_eq!(held(), 0);
    assert_eq!(count(&engine), 1);
}
