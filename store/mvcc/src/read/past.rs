//! The past of a range, seen as the present with what has changed since turned back.
//!
//! Costs as much as there were changes since, and gives exact counts without walking the range: a list that is read
//! page by page at one revision stays cheap. `walk` is the other way, for revisions long ago.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Row, Snapshot};
use crate::{KeyRange, Result, Revision};

/// What the keys of a range were at a revision, for those that have changed since.
pub(crate) struct Past {
    range: KeyRange,
    /// Changes up to here are in `changed`.
    until: i64,
    /// Keys that changed after `revision`: the version they had then, if any.
    changed: BTreeMap<Bytes, Option<Revision>>,
}

impl Past {
    /// The keys of `range` at `revision`. Call [`Self::advance`] before reading.
    pub(crate) const fn new(range: KeyRange, revision: i64) -> Self {
        Self {
            range,
            until: revision,
            changed: BTreeMap::new(),
        }
    }

    /// How many keys have changed since.
    pub(crate) fn len(&self) -> usize {
        self.changed.len()
    }

    pub(crate) const fn changed(&self) -> &BTreeMap<Bytes, Option<Revision>> {
        &self.changed
    }

    /// Takes in the changes up to the snapshot.
    pub(crate) fn advance(&mut self, snapshot: &Snapshot<'_>) -> Result<()> {
        snapshot.for_each_change(Revision::new(self.until + 1, 0), |entry| {
            if self.range.contains(&entry.key) {
                // The first change after the revision names the version that it replaced.
                self.changed.entry(entry.key).or_insert(entry.previous);
            }
            true
        })?;
        self.until = snapshot.revision;
        Ok(())
    }

    /// How many keys of a part of the range lived.
    pub(crate) fn count(&self, snapshot: &Snapshot<'_>, range: &KeyRange) -> u64 {
        let mut count = snapshot.index.count(range);
        for (key, then) in self.changed_in(range) {
            count += u64::from(then.is_some());
            count -= u64::from(snapshot.index.get(key).is_some());
        }
        count
    }

    fn changed_in<'p>(&'p self, range: &'p KeyRange) -> impl Iterator<Item = (&'p Bytes, Option<Revision>)> {
        self.changed
            .range(range.start().clone()..)
            .take_while(|(key, _)| !range.is_past(key))
            .map(|(key, then)| (key, *then))
    }

    /// The keys of a part of the range that lived, at most `limit`, in key order.
    pub(crate) fn rows(&self, snapshot: &Snapshot<'_>, range: &KeyRange, limit: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut changed = self.changed_in(range).peekable();
        let mut cursor = snapshot.index.cursor(range.start());
        while rows.len() < limit {
            let live = cursor.entry().filter(|(key, _)| !range.is_past(key));
            match (live, changed.peek()) {
                // Unchanged since.
                (Some((key, meta)), other) if other.is_none_or(|(changed, _)| key < changed.as_ref()) => {
                    let key = Bytes::copy_from_slice(key);
                    rows.push(Row {
                        key,
                        revision: meta.modified,
                        meta: Some(meta),
                        kv: None,
                    });
                    cursor.advance();
                }
                (live, Some((key, then))) => {
                    if let Some(revision) = *then {
                        rows.push(Row {
                            key: (*key).clone(),
                            revision,
                            meta: None,
                            kv: None,
                        });
                    }
                    if live.is_some_and(|(live, _)| live == key.as_ref()) {
                        cursor.advance();
                    }
                    changed.next();
                }
                (_, None) => break,
            }
        }
        rows
    }
}
