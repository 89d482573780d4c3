//! Events of the past, read from the engine for watches that are behind.

use std::sync::Arc;

use bytes::Bytes;
use proto::fault::Fault;
use store_planted::{Bug, planted};

use crate::read::Snapshot;
use crate::record::{self, Entry};
use crate::watch::{Filter, GroupBatch};
use crate::{Error, Kind, Result, Revision};

/// Changes whose values are asked from the engine at first: they may be large.
const FIRST: usize = 8;
/// Most changes whose values are asked from the engine at once.
const MOST: usize = 256;
/// Changes looked at for one page, so that a watch of one rare key does not read all of history in one call.
const SCANNED: usize = 100_000;

/// How much one page may hold. Both are limits to go on at, not to stop before: a revision is never cut.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// Most revisions.
    pub revisions: usize,
    /// Bytes of events after which the page ends.
    pub bytes: usize,
}

/// Some revisions of the past, in order.
#[derive(Debug)]
pub struct HistoryPage {
    /// The matching revisions; may be empty though more follow.
    pub batches: Vec<Arc<GroupBatch>>,
    /// The revision to go on from. Greater than the view's revision when all was read.
    pub next: i64,
}

pub(crate) fn page(snapshot: &Snapshot<'_>, from: i64, filter: &Filter, limits: PageLimits) -> Result<HistoryPage> {
    if from < snapshot.compacted {
        return Err(Fault::Compacted.into());
    }
    let (entries, mut next) = matching(snapshot, from, filter, limits.revisions)?;
    let mut batches = Vec::new();
    let (mut bytes, mut read, mut want) = (0, 0, FIRST);
    let mut rest = entries.as_slice();
    while !rest.is_empty() {
        if bytes >= limits.bytes {
            next = rest[0].revision.main;
            break;
        }
        let (chunk, behind) = rest.split_at(whole_revisions(rest, want));
        for (entry, event) in chunk.iter().zip(events(snapshot, filter, chunk)?) {
            let Some(event) = event else { continue };
            bytes += event.bytes().len();
            match batches.last_mut() {
                Some(GroupBatch { revision, events, .. }) if *revision == entry.revision.main => events.push(event),
                _ => batches.push(GroupBatch {
                    revision: entry.revision.main,
                    events: vec![event],
                    bytes: 0,
                }),
            }
        }
        rest = behind;
        // About as many as still fit, going by those so far.
        read += chunk.len();
        want = (limits.bytes.saturating_sub(bytes) / (bytes / read).max(1)).clamp(1, MOST);
    }
    let sized = |mut batch: GroupBatch| {
        batch.bytes = batch.events.iter().map(|event| event.bytes().len()).sum();
        Arc::new(batch)
    };
    Ok(HistoryPage {
        batches: batches.into_iter().map(sized).collect(),
        next,
    })
}

/// The changes that the watch wants to hear of, and the revision behind the last one that was looked at.
fn matching(snapshot: &Snapshot<'_>, from: i64, filter: &Filter, revisions: usize) -> Result<(Vec<Entry>, i64)> {
    let mut entries: Vec<Entry> = Vec::new();
    let (mut found, mut scanned, mut current) = (0, 0, 0);
    let mut next = (snapshot.revision + 1).max(from);
    snapshot.for_each_change(Revision::new(from, 0), |entry| {
        let main = entry.revision.main;
        if main != current {
            if found >= revisions || scanned >= SCANNED {
                next = main;
                return false;
            }
            current = main;
        }
        scanned += 1;
        if filter.accepts(&entry.key, entry.kind) {
            found += usize::from(entries.last().is_none_or(|last| last.revision.main != main));
            entries.push(entry);
        }
        true
    })?;
    Ok((entries, next))
}

/// How many of the first entries to take: as many as are wanted, and on to the end of a revision.
fn whole_revisions(entries: &[Entry], want: usize) -> usize {
    let Some(last) = entries.get(want - 1) else {
        return entries.len();
    };
    entries.partition_point(|entry| entry.revision.main <= last.revision.main)
}

/// The events of the entries; none for a put that was replaced in its own revision, where that is the last compaction's:
/// no read can see it any more, so the collector takes it.
fn events(
    snapshot: &Snapshot<'_>,
    filter: &Filter,
    entries: &[Entry],
) -> Result<Vec<Option<proto::Encoded<proto::mvcc::Event>>>> {
    let puts: Vec<_> = entries
        .iter()
        .filter(|entry| entry.kind == Kind::Put)
        .map(|entry| (entry.key.as_ref(), entry.revision))
        .collect();
    let previous: Vec<_> = entries
        .iter()
        .filter_map(|entry| Some((entry.key.as_ref(), entry.previous?)))
        .filter(|_| filter.prev_kv)
        .collect();
    let mut puts = snapshot.find(&puts)?.into_iter();
    let mut previous = snapshot.find(&previous)?.into_iter();
    entries
        .iter()
        .map(|entry| {
            // A version that was collected is silently absent, as upstream's.
            let old: Option<Bytes> = if filter.prev_kv && entry.previous.is_some() {
                previous.next().flatten()
            } else {
                None
            };
            let kv = match entry.kind {
                Kind::Put => puts.next().flatten(),
                Kind::Delete if planted(Bug::LostDeletion) && entry.revision.main == snapshot.compacted => None,
                Kind::Delete => Some(record::deleted_kv(&entry.key, entry.revision.main)),
            };
            match kv {
                Some(kv) => Ok(Some(record::event(entry.kind, &kv, old.as_deref()))),
                None if entry.revision.main == snapshot.compacted => Ok(None),
                None => Err(lost(entry)),
            }
        })
        .collect()
}

fn lost(entry: &Entry) -> Error {
    Error::Corrupt(format!("no version {}.{}", entry.revision.main, entry.revision.sub))
}

#[cfg(test)]
mod tests;
