//! Batches and deletions.

use super::{A, B, Opener, all, keys, put};
use crate::{Batch, Order, Result, Space};

pub(super) fn spaces_are_apart(open: &Opener) -> Result<()> {
    let engine = open();
    put(&*engine, A, b"k", b"a")?;
    put(&*engine, B, b"k", b"b")?;
    put(&*engine, Space(0), b"\xff", b"0")?;
    assert_eq!(all(&*engine, A)?, [(b"k".to_vec(), b"a".to_vec())]);
    assert_eq!(all(&*engine, B)?, [(b"k".to_vec(), b"b".to_vec())]);
    let mut batch = Batch::new();
    batch.delete(A, b"k");
    engine.write(&batch)?;
    assert_eq!(engine.get(A, b"k")?, None);
    assert_eq!(engine.get(B, b"k")?.as_deref(), Some(&b"b"[..]));
    batch.clear();
    batch.delete_range(A, b"", b"\xff\xff\xff");
    engine.write(&batch)?;
    assert_eq!(all(&*engine, B)?.len(), 1);
    assert_eq!(all(&*engine, Space(0))?.len(), 1);
    Ok(())
}

pub(super) fn delete_range_is_half_open(open: &Opener) -> Result<()> {
    let engine = open();
    for key in [&b"a"[..], b"b", b"b\x00", b"c", b"d"] {
        put(&*engine, A, key, b"")?;
    }
    let mut batch = Batch::new();
    batch.delete_range(A, b"b", b"c");
    batch.delete_range(A, b"x", b"z");
    batch.delete_range(A, b"d", b"a");
    batch.delete(A, b"never was");
    engine.write(&batch)?;
    assert_eq!(keys(&*engine, A, b"", None, Order::Ascending)?, [b"a", b"c", b"d"]);
    assert_eq!(engine.get(A, b"b")?, None);
    assert_eq!(
        engine
            .multi_get(A, &[b"b".to_vec(), b"c".to_vec()])?
            .iter()
            .flatten()
            .count(),
        1
    );
    engine.flush()?;
    assert_eq!(keys(&*engine, A, b"", None, Order::Descending)?, [b"d", b"c", b"a"]);
    put(&*engine, A, b"b", b"again")?;
    assert_eq!(engine.get(A, b"b")?.as_deref(), Some(&b"again"[..]));
    Ok(())
}

pub(super) fn batches_apply_in_order(open: &Opener) -> Result<()> {
    let engine = open();
    let mut batch = Batch::new();
    batch.put(A, b"a", b"1");
    batch.put(A, b"a", b"2");
    batch.delete(A, b"a");
    batch.put(A, b"a", b"3");
    batch.put(A, b"b", b"1");
    batch.delete(A, b"b");
    batch.put(A, b"c", b"1");
    batch.delete_range(A, b"c", b"d");
    batch.put(A, b"d", b"1");
    batch.delete_range(A, b"d", b"e");
    batch.put(A, b"d", b"2");
    engine.write(&batch)?;
    assert_eq!(
        all(&*engine, A)?,
        [(b"a".to_vec(), b"3".to_vec()), (b"d".to_vec(), b"2".to_vec())]
    );
    assert_eq!(engine.get(A, b"c")?, None);
    engine.write(&Batch::new())?;
    Ok(())
}

pub(super) fn large_values(open: &Opener) -> Result<()> {
    let engine = open();
    let value = vec![0xa5; 3 << 20];
    let key = vec![b'k'; 60_000];
    put(&*engine, A, &key, &value)?;
    assert_eq!(engine.get(A, &key)?.as_deref(), Some(&value[..]));
    engine.flush()?;
    assert_eq!(engine.get(A, &key)?.as_deref(), Some(&value[..]));
    assert_eq!(all(&*engine, A)?, [(key, value)]);
    Ok(())
}

pub(super) fn reclaim_changes_nothing(open: &Opener) -> Result<()> {
    let engine = open();
    for number in 0..100u8 {
        put(&*engine, A, &[number], &[number; 1000])?;
    }
    engine.flush()?;
    let mut batch = Batch::new();
    batch.delete_range(A, &[10], &[90]);
    engine.write(&batch)?;
    let before = all(&*engine, A)?;
    engine.reclaim(A, &[10], &[90])?;
    engine.reclaim(A, &[90], &[10])?;
    assert_eq!(all(&*engine, A)?, before);
    engine.flush()?;
    assert_eq!(all(&*engine, A)?, before);
    Ok(())
}
