//! Rebuilds the head from what lies in the engine.

use std::sync::Arc;

use bytes::Bytes;
use store_engine::{Engine, Order};

use super::head::{Head, Pin, StoredHead};
use crate::gc::Progress;
use crate::index::{Builder, Index};
use crate::{Error, Kind, Result, keys, record};

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

/// Takes the newest version of every key.
///
/// The versions of a key stand newest first. Most keys have one, so the step to the next key is tried before the
/// seek that skips older versions.
fn index(engine: &dyn Engine) -> Result<Index> {
    let mut builder = Builder::default();
    let mut cursor = engine.scan(keys::DATA, b"", None, Order::Ascending);
    let (mut key, mut next) = (Vec::new(), Vec::new());
    while cursor.valid() {
        let modified =
            keys::read_data_key(cursor.key(), &mut key).ok_or_else(|| Error::Corrupt("key of a version".into()))?;
        let (flag, kv) = cursor
            .value()
            .split_first()
            .ok_or_else(|| Error::Corrupt("empty version".into()))?;
        if record::kind(*flag)? == Kind::Put {
            builder.push(&key, record::read_meta(kv, modified)?);
        }
        cursor.advance();
        if cursor.valid() && keys::read_data_key(cursor.key(), &mut next).is_some() && next == key {
            cursor.seek(&keys::data_end(&key));
        }
    }
    cursor.status()?;
    Ok(builder.finish())
}

/// The exact version of a key, as its encoded `KeyValue`.
pub(crate) fn version(engine: &dyn Engine, key: &[u8], revision: crate::Revision) -> Result<Option<Bytes>> {
    match engine.get(keys::DATA, &keys::data_key(key, revision))? {
        Some(value) => Ok(Some(record::read_data_value(&value)?.1)),
        None => Ok(None),
    }
}
