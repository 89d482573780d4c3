//! Space that comes back.

use super::*;

#[test]
fn reclaim_gives_space_back() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Rocks::open(
        folder.path(),
        Options {
            write_buffer_bytes: 1 << 20,
            ..Options::default()
        },
    )
    .unwrap();
    for number in 0..4000u32 {
        put(&engine, &number.to_be_bytes(), &noise(u64::from(number), 2000));
    }
    engine.flush().unwrap();
    let full = engine.stats().unwrap().disk_bytes;
    assert!(full > 7 << 20, "{full}");
    let (from, to) = (100u32.to_be_bytes(), 3900u32.to_be_bytes());
    let mut batch = Batch::new();
    batch.delete_range(S, &from, &to);
    engine.write(&batch).unwrap();
    let cursor = engine.scan(S, b"", None, Order::Descending);
    drop(cursor);
    engine.reclaim(S, &from, &to).unwrap();
    // It works in the background and says nothing when it is done.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while engine.stats().unwrap().disk_bytes > full / 4 {
        assert!(std::time::Instant::now() < deadline, "{:?}", engine.stats());
        std::thread::yield_now();
    }
    assert_eq!(count(&engine), 200);
}

#[test]
fn closing_does_not_wait_for_a_long_reclaim() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Rocks::open(
        folder.path(),
        Options {
            write_buffer_bytes: 1 << 20,
            ..Options::default()
        },
    )
    .unwrap();
    for number in 0..2000u32 {
        put(&engine, &number.to_be_bytes(), &noise(u64::from(number), 2000));
    }
    engine.reclaim(S, b"", b"\xff").unwrap();
    engine.reclaim(S, b"", b"\xff").unwrap();
    put(&engine, b"last", b"");
    drop(engine);
    assert_eq!(count(&open(folder.path())), 2001, "closing in good order flushes");
}

#[test]
fn a_slow_background_is_still_correct() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        background_bytes_per_second: Some(4 << 20),
        write_buffer_bytes: 256 << 10,
        ..Options::default()
    };
    let engine = Rocks::open(folder.path(), options).unwrap();
    for number in 0..1000u32 {
        put(&engine, &number.to_be_bytes(), &noise(u64::from(number), 1000));
    }
    engine.flush().unwrap();
    assert_eq!(count(&engine), 1000);
}
