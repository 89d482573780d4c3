//! What a kill leaves.

use super::{A, B, Opener, all, put};
use crate::{Batch, Result};

pub(super) fn flush_survives(open: &Opener) -> Result<()> {
    let engine = open();
    put(&*engine, A, b"a", b"1")?;
    put(&*engine, B, b"b", b"2")?;
    engine.flush()?;
    drop(engine);
    let engine = open();
    assert_eq!(all(&*engine, A)?, [(b"a".to_vec(), b"1".to_vec())]);
    let mut batch = Batch::new();
    batch.delete(A, b"a");
    batch.put(B, b"b", b"3");
    engine.write(&batch)?;
    engine.flush()?;
    engine.flush()?;
    drop(engine);
    let engine = open();
    assert_eq!(all(&*engine, A)?, []);
    assert_eq!(all(&*engine, B)?, [(b"b".to_vec(), b"3".to_vec())]);
    Ok(())
}

/// After the last flush an engine may keep any number of batches, but each is there as a whole and none is skipped.
pub(super) fn unflushed_is_whole_or_gone(open: &Opener) -> Result<()> {
    let engine = open();
    for number in 0..50u8 {
        let mut batch = Batch::new();
        batch.put(A, &[number], b"");
        batch.put(B, &[number], b"");
        engine.write(&batch)?;
        if number == 20 {
            engine.flush()?;
        }
    }
    drop(engine);
    let engine = open();
    let (a, b) = (all(&*engine, A)?, all(&*engine, B)?);
    assert_eq!(a, b);
    assert!(a.len() >= 21, "what was flushed is there");
    assert!(
        a.iter().enumerate().all(|(at, (key, _))| key == &[at as u8]),
        "a prefix of the batches"
    );
    Ok(())
}

pub(super) fn stats_move(open: &Opener) -> Result<()> {
    let engine = open();
    for number in 0..64u8 {
        put(&*engine, A, &[number], &[number; 1024])?;
    }
    assert!(engine.stats()?.unflushed_bytes >= 64 * 1024);
    engine.flush()?;
    let stats = engine.stats()?;
    assert!(stats.unflushed_bytes < 16 * 1024, "{stats:?}");
    assert!(stats.disk_bytes > 0);
    Ok(())
}
