//! The state that a read works on: the published one, or the one inside a running batch.

use bytes::Bytes;
use proto::fault::Fault;
use store_engine::{Engine, Order};

use super::versions::Versions;
use crate::index::Index;
use crate::record::{self, Entry};
use crate::store::Pending;
use crate::{Error, KeyMeta, KeyRange, Result, Revision, keys};

/// Values asked from the engine at once.
const CHUNK: usize = 1024;
/// From so many keys in order on, one walk costs less than a search for each.
const WALKED: usize = 16;

#[derive(Clone, Copy)]
pub(crate) struct Snapshot<'a> {
    pub(crate) engine: &'a dyn Engine,
    pub(crate) index: &'a Index,
    /// The revision of `index`.
    pub(crate) revision: i64,
    /// The last revision that the engine holds; what is later is in `pending`.
    pub(crate) stored: i64,
    pub(crate) compacted: i64,
    pub(crate) pending: Option<&'a Pending>,
}

/// One version of a key that a range found.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) key: Bytes,
    pub(crate) revision: Revision,
    /// Not known for versions of the past until their value was read.
    pub(crate) meta: Option<KeyMeta>,
    /// The encoded `KeyValue`, where it was read already.
    pub(crate) kv: Option<Bytes>,
}

impl Snapshot<'_> {
    /// The revision that a request means: 0 and less is the present.
    pub(crate) fn resolve(&self, revision: i64) -> Result<i64> {
        match revision {
            ..=0 => Ok(self.revision),
            _ if revision > self.revision => Err(Fault::FutureRevision.into()),
            _ if revision < self.compacted => Err(Fault::Compacted.into()),
            _ => Ok(revision),
        }
    }

    /// The live keys of a range, at most `limit`.
    pub(crate) fn rows(&self, range: &KeyRange, limit: usize) -> Vec<Row> {
        let row = |key: Bytes, meta: KeyMeta| Row {
            key,
            revision: meta.modified,
            meta: Some(meta),
            kv: None,
        };
        if range.is_single() {
            let key = range.start();
            return self
                .index
                .get(key)
                .map(|meta| row(key.clone(), meta))
                .into_iter()
                .collect();
        }
        let mut rows = Vec::new();
        let mut cursor = self.index.cursor(range.start());
        while let Some((key, meta)) = cursor.entry() {
            if rows.len() >= limit || range.is_past(key) {
                break;
            }
            rows.push(row(Bytes::copy_from_slice(key), meta));
            cursor.advance();
        }
        rows
    }

    /// The encoded `KeyValue` of a version that must exist.
    pub(crate) fn value(&self, key: &[u8], revision: Revision) -> Result<Bytes> {
        let found = self.find(&[(key, revision)])?.pop().flatten();
        found.ok_or_else(|| missing(revision))
    }

    /// The encoded `KeyValue`s of versions that must exist.
    pub(crate) fn values(&self, rows: &[Row]) -> Result<Vec<Bytes>> {
        if rows.len() >= WALKED && self.pending.is_none() && rows.is_sorted_by(|a, b| a.key <= b.key) {
            return self.walked(rows);
        }
        let mut values = Vec::with_capacity(rows.len());
        for chunk in rows.chunks(CHUNK) {
            let wanted: Vec<_> = chunk
                .iter()
                .filter(|row| row.kv.is_none())
                .map(|row| (row.key.as_ref(), row.revision))
                .collect();
            let mut found = self.find(&wanted)?.into_iter();
            for row in chunk {
                let kv = row.kv.clone().or_else(|| found.next().flatten());
                values.push(kv.ok_or_else(|| missing(row.revision))?);
            }
        }
        Ok(values)
    }

    /// The same, for rows in key order.
    pub(super) fn walked(&self, rows: &[Row]) -> Result<Vec<Bytes>> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(Vec::new());
        };
        let mut versions = Versions::new(self.engine, &first.key, Some(&last.key));
        let mut values = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(kv) = &row.kv {
                values.push(kv.clone());
                continue;
            }
            let Some(value) = versions.find(&row.key, row.revision) else {
                versions.status()?;
                return Err(missing(row.revision));
            };
            let (_, kv) = record::split_data_value(value)?;
            values.push(Bytes::copy_from_slice(kv));
        }
        Ok(values)
    }

    /// The encoded `KeyValue`s of versions, where they are still there.
    pub(crate) fn find(&self, wanted: &[(&[u8], Revision)]) -> Result<Vec<Option<Bytes>>> {
        let keys: Vec<Vec<u8>> = wanted
            .iter()
            .map(|(key, revision)| keys::data_key(key, *revision))
            .collect();
        let values = match self.pending {
            Some(pending) if wanted.iter().any(|(_, revision)| revision.main > self.stored) => {
                let here = |key: &Vec<u8>| match pending.data.get(key) {
                    Some(value) => Ok(Some(value.clone())),
                    None => self.engine.get(keys::DATA, key),
                };
                keys.iter().map(here).collect::<store_engine::Result<Vec<_>>>()?
            }
            _ => match keys.as_slice() {
                [] => Vec::new(),
                [key] => vec![self.engine.get(keys::DATA, key)?],
                keys => self.engine.multi_get(keys::DATA, keys)?,
            },
        };
        let kv = |value: Option<Bytes>| value.as_ref().map(record::data_value_kv).transpose();
        values.into_iter().map(kv).collect()
    }

    /// Calls with the changes from `from` on, in order, until told to stop by `false`.
    pub(crate) fn for_each_change(&self, from: Revision, mut visit: impl FnMut(Entry) -> bool) -> Result<()> {
        let end = Revision::new(self.stored, i64::MAX);
        if from <= end {
            let mut cursor = self
                .engine
                .scan(keys::HISTORY, &from.to_bytes(), Some(&end.to_bytes()), Order::Ascending);
            while cursor.valid() {
                if !visit(Entry::decode(cursor.key(), cursor.value())?) {
                    return Ok(());
                }
                cursor.advance();
            }
            cursor.status()?;
        }
        let pending = self.pending.map_or(&[][..], |pending| &pending.history);
        let start = pending.partition_point(|entry| entry.revision < from);
        for entry in &pending[start..] {
            if !visit(entry.clone()) {
                break;
            }
        }
        Ok(())
    }
}

pub(super) fn missing(revision: Revision) -> Error {
    Error::Corrupt(format!("no version {}.{}", revision.main, revision.sub))
}
