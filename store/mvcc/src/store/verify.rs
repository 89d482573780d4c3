//! Compares the index with the versions it was made from.

use store_engine::{Engine, Order};

use crate::index::Index;
use crate::{Error, Kind, Result, keys, record};

/// Walks the newest version of every key in `Data`; answers how many live.
///
/// The versions of a key stand newest first. Most keys have one, so the step to the next key is tried before the
/// seek that skips older versions.
pub(crate) fn index(engine: &dyn Engine, index: &Index) -> Result<u64> {
    let mut indexed = index.cursor(b"");
    let mut live = 0;
    let mut cursor = engine.scan(keys::DATA, b"", None, Order::Ascending);
    let (mut key, mut next) = (Vec::new(), Vec::new());
    while cursor.valid() {
        let modified =
            keys::read_data_key(cursor.key(), &mut key).ok_or_else(|| Error::Corrupt("key of a version".into()))?;
        let (kind, kv) = record::split_data_value(cursor.value())?;
        if kind == Kind::Put {
            let meta = record::read_meta(kv, modified)?;
            if indexed.entry() != Some((key.as_slice(), meta)) {
                return Err(differs(&key));
            }
            live += 1;
            indexed.advance();
        }
        cursor.advance();
        if cursor.valid() && keys::read_data_key(cursor.key(), &mut next).is_some() && next == key {
            cursor.seek(&keys::data_end(&key));
        }
    }
    cursor.status()?;
    match indexed.entry() {
        None => Ok(live),
        Some((key, _)) => Err(differs(key)),
    }
}

fn differs(key: &[u8]) -> Error {
    Error::Corrupt(format!(
        "the index and the versions of key \"{}\" differ",
        key.escape_ascii()
    ))
}
