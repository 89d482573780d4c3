//! The past of a range by walking its versions: one seek a key, whatever has happened since.

use bytes::Bytes;
use store_engine::Order;

use super::{Row, Snapshot};
use crate::{Error, KeyRange, Kind, Result, keys, record};

/// The first `limit` keys of the range that lived at `revision`, with their values.
pub(super) fn rows(snapshot: &Snapshot<'_>, range: &KeyRange, revision: i64, limit: usize) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    walk(snapshot, range, revision, |row| {
        rows.push(row(true)?);
        Ok(rows.len() < limit)
    })?;
    Ok(rows)
}

/// How many keys of the range lived at `revision`.
pub(super) fn count(snapshot: &Snapshot<'_>, range: &KeyRange, revision: i64) -> Result<u64> {
    let mut count = 0;
    walk(snapshot, range, revision, |_| {
        count += 1;
        Ok(true)
    })?;
    Ok(count)
}

/// Calls with each key that lived; the argument makes the row, with or without its value.
fn walk(
    snapshot: &Snapshot<'_>,
    range: &KeyRange,
    revision: i64,
    mut visit: impl FnMut(&dyn Fn(bool) -> Result<Row>) -> Result<bool>,
) -> Result<()> {
    if range.is_empty() {
        return Ok(());
    }
    let end = range.end().map(|end| keys::data_start(&end));
    let mut cursor = snapshot.engine.scan(
        keys::DATA,
        &keys::data_start(range.start()),
        end.as_deref(),
        Order::Ascending,
    );
    let (mut key, mut older) = (Vec::new(), Vec::new());
    let corrupt = || Error::Corrupt("key of a version".into());
    while cursor.valid() {
        let mut found = keys::read_data_key(cursor.key(), &mut key).ok_or_else(corrupt)?;
        if found.main > revision {
            cursor.seek(&keys::data_at(&key, revision));
            if !cursor.valid() {
                break;
            }
            found = keys::read_data_key(cursor.key(), &mut older).ok_or_else(corrupt)?;
            if older != key {
                // The key is younger than the revision, and the cursor stands at the next one.
                continue;
            }
        }
        let (kind, kv) = record::split_data_value(cursor.value())?;
        if kind == Kind::Put {
            let row = |value: bool| {
                let meta = record::read_meta(kv, found)?;
                let kv = value.then(|| Bytes::copy_from_slice(kv));
                Ok(Row {
                    key: Bytes::copy_from_slice(&key),
                    revision: found,
                    meta: Some(meta),
                    kv,
                })
            };
            if !visit(&row)? {
                return Ok(());
            }
        }
        cursor.seek(&keys::data_end(&key));
    }
    cursor.status()?;
    Ok(())
}
