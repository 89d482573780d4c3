//! Fills an empty engine with versions from a backup.

use std::sync::Arc;

use proto::mvcc::KeyValue;
use store_engine::{Batch, Engine};

use crate::gc::{self, Progress};
use crate::index::Index;
use crate::record::{self, Entry};
use crate::store::{StoredHead, roll};
use crate::{Error, Kind, Result, Revision, Version, keys, revision};

/// Bytes of versions written to the engine at once.
const BATCH: usize = 4 << 20;

/// How a backup is taken in.
#[derive(Clone, Copy, Debug)]
pub struct ImportOptions {
    /// The backup's last compaction, -1 for none.
    pub compacted: i64,
    /// Added to the last revision, so that no client sees it go backwards.
    pub bump_revision: u64,
    /// Compacts everything up to the new revision, so that watches from before the restore are told so.
    pub mark_compacted: bool,
}

/// Takes versions in revision order.
pub struct Import {
    engine: Arc<dyn Engine>,
    options: ImportOptions,
    batch: Batch,
    /// What lives so far: it names the version that each change replaces.
    index: Index,
    last: Revision,
    hash: u64,
    added: u64,
    removed: u64,
}

impl Import {
    /// Starts with an engine that holds nothing of this crate.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>, options: ImportOptions) -> Self {
        Self {
            engine,
            options,
            batch: Batch::new(),
            index: Index::default(),
            last: Revision::new(1, 0),
            hash: 0,
            added: 0,
            removed: 0,
        }
    }

    /// Takes one version.
    ///
    /// # Errors
    /// When it is out of order, not a `KeyValue` or nothing that a store holds, or when the engine fails.
    pub fn push(&mut self, version: Version) -> Result<()> {
        let Version {
            revision,
            tombstone,
            kv,
        } = version;
        let Revision { main, sub } = revision;
        let impossible = || Error::Corrupt(format!("no put or deletion makes version {main}.{sub}"));
        if revision <= self.last {
            return Err(Error::Corrupt(format!("version {main}.{sub} out of order")));
        }
        if !revision.is_possible() {
            return Err(impossible());
        }
        self.last = revision;
        let kind = if tombstone { Kind::Delete } else { Kind::Put };
        let mut kv = record::read_kv(&kv)?;
        if tombstone {
            kv = KeyValue {
                key: kv.key,
                ..KeyValue::default()
            };
        }
        // What came may say the same in other bytes; index, sizes and hash are of what is stored.
        let (data, stored) = record::data_value(kind, &kv);
        let key = kv.key;
        if key.is_empty() {
            return Err(impossible());
        }
        let old = if tombstone {
            self.batch.delete(keys::INDEX, &key);
            self.index.remove(&key)
        } else {
            let meta = record::read_meta(&stored, revision)?;
            if !meta.is_possible(revision.main) {
                return Err(impossible());
            }
            self.batch.put(keys::INDEX, &key, &record::index_value(&meta));
            self.index.insert(&key, meta)
        };
        let compacted = revision.main < self.options.compacted;
        if let Some(old) = old.filter(|_| revision.main <= self.options.compacted) {
            // The backup was taken in the middle of a compaction: this is what it had not dropped yet.
            self.batch.delete(keys::DATA, &keys::data_key(&key, old.modified));
            self.removed += gc::version_bytes(&key, Kind::Put, old.bytes as usize);
        }
        if !(compacted && tombstone) {
            self.batch.put(keys::DATA, &keys::data_key(&key, revision), &data);
            self.added += gc::version_bytes(&key, kind, stored.len());
        }
        if !compacted {
            let previous_bytes = old.map_or(0, |old| old.bytes);
            let entry = Entry {
                revision,
                kind,
                previous: old.map(|old| old.modified),
                previous_bytes,
                key,
            };
            let value = entry.encode();
            self.batch.put(keys::HISTORY, &revision.to_bytes(), &value);
            self.added += gc::history_bytes(value.len());
        }
        self.hash = roll(self.hash, revision, kind, &stored);
        if self.batch.bytes() >= BATCH {
            self.engine.write(&self.batch)?;
            self.batch.clear();
        }
        Ok(())
    }

    /// Writes the head, and makes everything durable. Answers the store's revision.
    ///
    /// # Errors
    /// When the engine fails, when the compaction is none, or when the revision is so far that no room is left behind it.
    pub fn finish(mut self) -> Result<i64> {
        let ImportOptions {
            compacted,
            bump_revision,
            mark_compacted,
        } = self.options;
        // After a compaction that left nothing of the last revisions, it is the newest that is known.
        let last = self.last.main.max(compacted);
        let revision = last.checked_add_unsigned(bump_revision);
        // Half of what there is stays for what is written from here on.
        let revision = revision.filter(|revision| compacted >= -1 && *revision <= revision::LAST / 2);
        let revision = revision.ok_or_else(|| {
            Error::Corrupt(format!(
                "nothing can go on from revision {last} + {bump_revision}, compacted at {compacted}"
            ))
        })?;
        let marked = if mark_compacted { revision } else { compacted };
        let head = StoredHead {
            revision,
            compacted: marked,
            hash: self.hash,
            added: self.added,
        };
        self.batch.put(keys::META, keys::HEAD, &head.encode());
        let next = Revision::new(compacted.max(0), 0);
        let progress = Progress {
            epoch: 0,
            done: compacted,
            goal: compacted,
            next,
            removed: self.removed,
        };
        self.batch.put(keys::META, keys::GC, &progress.encode());
        self.engine.write(&self.batch)?;
        self.engine.flush()?;
        Ok(revision)
    }
}

#[cfg(test)]
mod tests;
