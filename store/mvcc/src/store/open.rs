//! Rebuilds the head from what lies in the engine.

use std::sync::Arc;

use bytes::Bytes;
use store_engine::{Engine, Order};

use super::head::{Head, Pin, StoredHead};
use crate::gc::Progress;
use crate::index::{Builder, Index};
use crate::{Result, keys, record};

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
    let StoredHead {
        revision,
        compacted,
        hash,
        added,
    } = stored;
    let index = index(engine)?;
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

/// Reads what lives, without touching a value: the time goes with the number of keys, not with their bytes.
fn index(engine: &dyn Engine) -> Result<Index> {
    let mut builder = Builder::default();
    let mut cursor = engine.scan(keys::INDEX, b"", None, Order::Ascending);
    while cursor.valid() {
        builder.push(cursor.key(), record::read_index_value(cursor.value())?);
        cursor.advance();
    }
    cursor.status()?;
    Ok(builder.finish())
}

/// The exact version of a key, as its encoded `KeyValue`.
pub(crate) fn version(engine: &dyn Engine, key: &[u8], revision: crate::Revision) -> Result<Option<Bytes>> {
    match engine.get(keys::DATA, &keys::data_key(key, revision))? {
        Some(value) => record::data_value_kv(&value).map(Some),
        None => Ok(None),
    }
}
