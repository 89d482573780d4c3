//! Collects the versions that compactions gave up, in the background and in small steps.
//!
//! History says which version each change replaced. Walking the changes before the compaction therefore names exactly
//! the versions to drop: the work is proportional to what has changed since the last compaction, not to the store.
//! Changes of the compaction's own revision stay until the next one, since a watch may start there; what they replaced
//! does not.

use std::sync::Arc;

use store_engine::{Batch, Order};
use store_planted::{Bug, planted};

use crate::record::{self, Entry};
use crate::store::Shared;
use crate::{Error, Kind, Result, Revision, keys, revision};

/// How far collecting came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Changed whenever the contents of the store are replaced, so that a step on the old ones is not counted.
    pub(crate) epoch: u64,
    /// The last compaction that is collected entirely.
    pub(crate) done: i64,
    /// The compaction that is being collected; equal to `done` when none is.
    pub(crate) goal: i64,
    /// The first change that was not looked at yet.
    pub(crate) next: Revision,
    /// Bytes ever removed from `Data` and `History`.
    pub(crate) removed: u64,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            epoch: 0,
            done: -1,
            goal: -1,
            next: Revision::default(),
            removed: 0,
        }
    }
}

impl Progress {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(40);
        out.extend_from_slice(&self.done.to_be_bytes());
        out.extend_from_slice(&self.goal.to_be_bytes());
        out.extend_from_slice(&self.next.to_bytes());
        out.extend_from_slice(&self.removed.to_be_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        match (words, rest) {
            ([done, goal, main, sub, removed], []) => Ok(Self {
                epoch: 0,
                done: i64::from_be_bytes(*done),
                goal: i64::from_be_bytes(*goal),
                next: Revision::new(i64::from_be_bytes(*main), i64::from_be_bytes(*sub)),
                removed: u64::from_be_bytes(*removed),
            }),
            _ => Err(Error::Corrupt("progress of the collector".into())),
        }
    }
}

/// What a version costs in `Data`, given the length of its encoded `KeyValue`.
pub(crate) fn version_bytes(key: &[u8], kind: Kind, kv: usize) -> u64 {
    (keys::data_key_len(key) + record::data_value_len(kind, kv)) as u64
}

/// What a change costs in `History`, given the length of its value.
pub(crate) const fn history_bytes(value: usize) -> u64 {
    (revision::BYTES + value) as u64
}

/// The collector. One caller at a time; pause it while the engine's contents are replaced.
#[derive(Clone)]
pub struct Gc {
    shared: Arc<Shared>,
}

/// One step: write `batch` to the engine, then hand the step to [`Gc::finish`].
pub struct GcStep {
    /// Deletes what nobody can see. May be written at any time, also between apply batches.
    pub batch: Batch,
    /// Set by the step that completes a compaction: the range of `History` whose space may be given back.
    pub reclaim: Option<(Vec<u8>, Vec<u8>)>,
    progress: Progress,
}

impl Gc {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The last compaction of which nothing is left.
    #[must_use]
    pub fn done(&self) -> i64 {
        self.shared.gc.lock().done
    }

    /// Whether a compaction is not collected yet, be it only because a view still sees what it gave up.
    #[must_use]
    pub fn pending(&self) -> bool {
        self.done() < self.shared.head().compacted
    }

    /// Whether another compaction came before this one was collected.
    #[must_use]
    pub fn behind(&self) -> bool {
        let progress = *self.shared.gc.lock();
        progress.done < progress.goal && progress.goal < self.shared.head().compacted
    }

    /// Looks at up to `entries` changes. `None` where there is nothing to do now: everything is collected, or views
    /// that were taken before the compaction are still held; then ask again later.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn step(&self, entries: usize) -> Result<Option<GcStep>> {
        let mut progress = *self.shared.gc.lock();
        if progress.goal <= progress.done {
            progress.goal = self.shared.unseen();
            if progress.goal <= progress.done {
                return Ok(None);
            }
        }
        let mut batch = Batch::new();
        if self.collect(&mut progress, entries, &mut batch)? {
            batch.put(keys::META, keys::GC, &progress.encode());
            return Ok(Some(GcStep {
                batch,
                reclaim: None,
                progress,
            }));
        }
        let end = Revision::new(progress.goal, 0);
        let (from, to) = (Revision::default().to_bytes(), end.to_bytes());
        batch.delete_range(keys::HISTORY, &from, &to);
        progress.done = progress.goal;
        progress.next = end;
        batch.put(keys::META, keys::GC, &progress.encode());
        Ok(Some(GcStep {
            batch,
            reclaim: Some((from.to_vec(), to.to_vec())),
            progress,
        }))
    }

    /// Remembers that the step was written.
    pub fn finish(&self, step: GcStep) {
        let mut progress = self.shared.gc.lock();
        if progress.epoch == step.progress.epoch {
            *progress = step.progress;
        }
    }

    /// Takes the changes up to the goal, `entries` of them at most. Whether more are left.
    fn collect(&self, progress: &mut Progress, entries: usize, batch: &mut Batch) -> Result<bool> {
        let mut left = entries.max(1);
        let mut gone = Vec::with_capacity(left);
        let (from, end) = (
            progress.next.to_bytes(),
            Revision::new(progress.goal + i64::from(planted(Bug::OverCompaction)), i64::MAX).to_bytes(),
        );
        let mut cursor = self
            .shared
            .engine()
            .scan(keys::HISTORY, &from, Some(&end), Order::Ascending);
        while cursor.valid() {
            let entry = Entry::decode(cursor.key(), cursor.value())?;
            if left == 0 {
                progress.next = entry.revision;
                break;
            }
            left -= 1;
            // What the changes of the last goal's own revision replaced went with that goal.
            if let Some(previous) = entry.previous.filter(|_| entry.revision.main > progress.done) {
                gone.push(keys::data_key(&entry.key, previous));
                progress.removed += version_bytes(&entry.key, Kind::Put, entry.previous_bytes as usize);
            }
            if entry.revision.main < progress.goal {
                if entry.kind == Kind::Delete {
                    gone.push(keys::data_key(&entry.key, entry.revision));
                    progress.removed += version_bytes(&entry.key, Kind::Delete, tombstone_len(&entry.key));
                }
                progress.removed += history_bytes(cursor.value().len());
            }
            cursor.advance();
        }
        cursor.status()?;
        // In key order the engine finds the place of each near the last.
        gone.sort_unstable();
        for key in gone {
            batch.delete(keys::DATA, &key);
        }
        Ok(cursor.valid())
    }
}

/// The length of a tombstone's `KeyValue`, which has only the key.
fn tombstone_len(key: &[u8]) -> usize {
    if key.is_empty() {
        0
    } else {
        1 + prost::encoding::encoded_len_varint(key.len() as u64) + key.len()
    }
}

#[cfg(test)]
mod tests;
