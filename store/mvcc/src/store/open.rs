//! Rebuilds the head from what lies in the engine.

use std::sync::Arc;

use bytes::Bytes;
use store_engine::{Engine, Order};
use store_planted::{Bug, planted};

use super::head::{Head, Pin, StoredHead};
use crate::gc::Progress;
use crate::index::{Builder, Index};
use crate::revision::LAST;
use crate::{Error, Result, keys, record};

/// More bytes than any store writes in its life.
const MOST_BYTES: u64 = u64::MAX / 2;

/// Reads the head and the collector's progress.
pub(crate) fn load(engine: &dyn Engine) -> Result<(Head, Progress)> {
    let stored = match engine.get(keys::META, keys::HEAD)? {
        Some(bytes) => StoredHead::decode(&bytes)?,
        None => StoredHead::default(),
    };
    let gc = match engine.get(keys::META, keys::GC)? {
        Some(bytes) => Progress::decode(&bytes)?,
        None => Progress::default(),
    };
    check(&stored, &gc)?;
    let StoredHead {
        revision,
        compacted,
        hash,
        added,
    } = stored;
    let index = index(engine, revision)?;
    let revision = if planted(Bug::RevisionFalls) {
        newest(engine)?.max(compacted).max(1)
    } else {
        revision
    };
    Ok((
        Head {
            revision,
            compacted,
            index,
            hash,
            added,
            pin: Arc::new(Pin),
        },
        gc,
    ))
}

/// Refuses numbers that no store comes to: to count on from them would overflow.
fn check(head: &StoredHead, gc: &Progress) -> Result<()> {
    let StoredHead {
        revision, compacted, ..
    } = *head;
    let Progress { done, goal, next, .. } = *gc;
    let head_is_possible = (1..=LAST).contains(&revision) && (-1..=revision).contains(&compacted);
    if !head_is_possible || head.added > MOST_BYTES {
        return Err(Error::Corrupt("the head of the store has impossible numbers".into()));
    }
    let goal_is_possible = -1 <= done && done <= goal && goal <= compacted;
    let next_is_possible = (0..=goal.max(0)).contains(&next.main) && next.sub >= 0;
    if !goal_is_possible || !next_is_possible || gc.removed > MOST_BYTES {
        return Err(Error::Corrupt("the collector's progress has impossible numbers".into()));
    }
    Ok(())
}

/// Reads what lives, without touching a value: the time goes with the number of keys, not with their bytes.
fn index(engine: &dyn Engine, revision: i64) -> Result<Index> {
    let mut builder = Builder::default();
    let mut cursor = engine.scan(keys::INDEX, b"", None, Order::Ascending);
    while cursor.valid() {
        let (key, meta) = (cursor.key(), record::read_index_value(cursor.value())?);
        if key.is_empty() || !meta.is_possible(revision) {
            let key = key.escape_ascii();
            return Err(Error::Corrupt(format!(
                "the index of key \"{key}\" has impossible numbers"
            )));
        }
        builder.push(key, meta);
        cursor.advance();
    }
    cursor.status()?;
    Ok(builder.finish())
}

/// The last revision of a key that lives, for the bug that takes it for the store's.
fn newest(engine: &dyn Engine) -> Result<i64> {
    let mut newest = 0;
    let mut cursor = engine.scan(keys::INDEX, b"", None, Order::Ascending);
    while cursor.valid() {
        newest = record::read_index_value(cursor.value())?.modified.main.max(newest);
        cursor.advance();
    }
    Ok(newest)
}

/// The exact version of a key, as its encoded `KeyValue`.
pub(crate) fn version(engine: &dyn Engine, key: &[u8], revision: crate::Revision) -> Result<Option<Bytes>> {
    match engine.get(keys::DATA, &keys::data_key(key, revision))? {
        Some(value) => record::data_value_kv(&value).map(Some),
        None => Ok(None),
    }
}
