//! Point reads and scans.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{A, B, Opener, all, keys, put, rest};
use crate::{Batch, Order, Result, Space};

pub(super) fn point_reads(open: &Opener) -> Result<()> {
    let engine = open();
    assert_eq!(engine.get(A, b"k")?, None);
    put(&*engine, A, b"k", b"1")?;
    put(&*engine, A, b"empty", b"")?;
    assert_eq!(engine.get(A, b"k")?.as_deref(), Some(&b"1"[..]));
    assert_eq!(
        engine.get(A, b"empty")?.as_deref(),
        Some(&b""[..]),
        "an empty value is a value"
    );
    put(&*engine, A, b"k", b"2")?;
    assert_eq!(engine.get(A, b"k")?.as_deref(), Some(&b"2"[..]));
    let many = engine.multi_get(A, &[b"none".to_vec(), b"k".to_vec(), b"empty".to_vec(), b"k".to_vec()])?;
    let many: Vec<_> = many.iter().map(|value| value.as_deref()).collect();
    assert_eq!(many, [None, Some(&b"2"[..]), Some(b""), Some(b"2")]);
    assert!(engine.multi_get(A, &[])?.is_empty());
    Ok(())
}

pub(super) fn scans_keep_bounds_in_both_orders(open: &Opener) -> Result<()> {
    let engine = open();
    for key in [b"a", b"b", b"c", b"d"] {
        put(&*engine, A, key, b"")?;
    }
    let check = |from: &[u8], to: Option<&[u8]>, expected: &[&[u8]]| -> Result<()> {
        let mut found = keys(&*engine, A, from, to, Order::Ascending)?;
        assert_eq!(found, expected, "{from:?}..{to:?}");
        found.reverse();
        assert_eq!(
            keys(&*engine, A, from, to, Order::Descending)?,
            found,
            "{from:?}..{to:?} descending"
        );
        Ok(())
    };
    check(b"", None, &[b"a", b"b", b"c", b"d"])?;
    check(b"b", Some(b"d"), &[b"b", b"c"])?;
    check(b"aa", Some(b"cc"), &[b"b", b"c"])?;
    check(b"c", None, &[b"c", b"d"])?;
    check(b"x", None, &[])?;
    check(b"b", Some(b"b"), &[])?;
    check(b"c", Some(b"b"), &[])?;
    check(b"", Some(b""), &[])?;
    Ok(())
}

pub(super) fn seeks_stay_in_bounds(open: &Opener) -> Result<()> {
    let engine = open();
    for key in [b"a", b"c", b"e", b"g"] {
        put(&*engine, A, key, b"")?;
    }
    put(&*engine, Space(0), b"z", b"")?;
    put(&*engine, B, b"a", b"")?;
    let at = |order: Order, target: &[u8]| -> Result<Option<Vec<u8>>> {
        let mut cursor = engine.scan(A, b"b", Some(b"g"), order);
        cursor.seek(target);
        cursor.status()?;
        assert!(cursor.valid() || cursor.key().is_empty());
        Ok(cursor.valid().then(|| cursor.key().to_vec()))
    };
    assert_eq!(at(Order::Ascending, b"")?.as_deref(), Some(&b"c"[..]));
    assert_eq!(at(Order::Ascending, b"c")?.as_deref(), Some(&b"c"[..]));
    assert_eq!(at(Order::Ascending, b"d")?.as_deref(), Some(&b"e"[..]));
    assert_eq!(at(Order::Ascending, b"f")?, None);
    assert_eq!(at(Order::Ascending, b"z")?, None);
    assert_eq!(at(Order::Descending, b"z")?.as_deref(), Some(&b"e"[..]));
    assert_eq!(at(Order::Descending, b"g")?.as_deref(), Some(&b"e"[..]));
    assert_eq!(at(Order::Descending, b"d")?.as_deref(), Some(&b"c"[..]));
    assert_eq!(at(Order::Descending, b"c")?.as_deref(), Some(&b"c"[..]));
    assert_eq!(at(Order::Descending, b"b")?, None);
    assert_eq!(at(Order::Descending, b"")?, None);
    // A cursor that ran off its end can be sent back.
    let mut cursor = engine.scan(A, b"", None, Order::Ascending);
    assert_eq!(rest(&mut *cursor)?.len(), 4);
    cursor.advance();
    cursor.seek(b"e");
    assert_eq!(rest(&mut *cursor)?.len(), 2);
    Ok(())
}

pub(super) fn edge_keys(open: &Opener) -> Result<()> {
    let engine = open();
    let edge: [&[u8]; 6] = [b"", b"\x00", b"\x00\x00", b"\xff", b"\xff\x00", b"\xff\xff\xff"];
    for space in [Space(0), A, Space(255)] {
        for key in edge {
            put(&*engine, space, key, key)?;
        }
    }
    for space in [Space(0), A, Space(255)] {
        assert_eq!(keys(&*engine, space, b"", None, Order::Ascending)?, edge);
        let mut reversed = edge;
        reversed.reverse();
        assert_eq!(keys(&*engine, space, b"", None, Order::Descending)?, reversed);
        assert_eq!(keys(&*engine, space, b"\xff", None, Order::Ascending)?, edge[3..]);
        assert_eq!(
            keys(&*engine, space, b"", Some(b"\xff"), Order::Descending)?,
            [edge[2], edge[1], edge[0]]
        );
        for key in edge {
            assert_eq!(engine.get(space, key)?.as_deref(), Some(key));
        }
    }
    Ok(())
}

pub(super) fn scans_are_consistent(open: &Opener) -> Result<()> {
    let engine = open();
    for number in 0..100u8 {
        put(&*engine, A, &[number], b"old")?;
    }
    for order in [Order::Ascending, Order::Descending] {
        let before = all(&*engine, A)?;
        let mut cursor = engine.scan(A, b"", None, order);
        let mut batch = Batch::new();
        batch.delete_range(A, &[20], &[40]);
        batch.put(A, &[200], b"new");
        for number in 50..70 {
            batch.put(A, &[number], b"new");
        }
        engine.write(&batch)?;
        engine.flush()?;
        let mut seen = rest(&mut *cursor)?;
        if order == Order::Descending {
            seen.reverse();
        }
        assert_eq!(seen, before, "a scan sees the store as of the call");
        cursor.seek(&[30]);
        assert_eq!(cursor.key() == [30], before.iter().any(|(key, _)| key == &[30]));
    }
    assert_eq!(all(&*engine, A)?.len(), 81);
    Ok(())
}

/// A writer moves one mark over all keys, a batch a step; a scan must never see two marks or none.
pub(super) fn scans_see_whole_batches(open: &Opener) -> Result<()> {
    let engine = open();
    put(&*engine, A, &[0], b"mark")?;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| -> Result<()> {
            for step in 0..2000u32 {
                let mut batch = Batch::new();
                batch.delete(A, &[(step % 251) as u8]);
                batch.put(A, &[((step + 1) % 251) as u8], b"mark");
                engine.write(&batch)?;
            }
            Ok(())
        });
        let reader = scope.spawn(|| -> Result<()> {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(all(&*engine, A)?.len(), 1);
                assert_eq!(keys(&*engine, A, b"", None, Order::Descending)?.len(), 1);
            }
            Ok(())
        });
        let written = writer.join();
        stop.store(true, Ordering::Relaxed);
        for outcome in [written, reader.join()] {
            match outcome {
                Ok(outcome) => outcome?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(())
    })
}
