//! The versions that etcd would hold, in its order, whatever our collector has dropped by now.

use bytes::Bytes;

use crate::read::{Past, Row};
use crate::record::{self, Entry};
use crate::{Error, KeyRange, Kind, Result, Revision, View};

/// Versions read at once.
const CHUNK: usize = 512;

/// One entry of etcd's `key` bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its key in the bucket.
    pub revision: Revision,
    /// Whether it marks a deletion.
    pub tombstone: bool,
    /// The encoded `KeyValue`; of a deletion only the key is in it.
    pub kv: Bytes,
}

/// A version at or below the compaction: it has no history entry any more.
enum Place {
    /// In the index, by its place in key order: less to hold than the key.
    Live(u64),
    /// Replaced or deleted later.
    Replaced(Bytes),
    Tombstone(Bytes),
}

/// Reads, in revision order: the versions at or below the compaction that were visible at some revision, then all
/// changes after the compaction up to another.
pub(crate) struct Versions {
    view: View,
    kept: std::vec::IntoIter<(Revision, Place)>,
    next: Revision,
    until: i64,
}

impl Versions {
    /// What a hash at `revision` covers: of the compacted part only what is visible at `revision`.
    ///
    /// Upstream keeps everything that is physically there when nothing is visible at all (`hash.go`).
    pub(crate) fn visible_at(view: View, revision: i64) -> Result<Self> {
        let past = past(&view, revision)?;
        if past.count(&view.snapshot(), &KeyRange::all()) == 0 {
            return Self::held(view, revision);
        }
        let kept = kept(&view, &past);
        Ok(Self::new(view, kept, revision))
    }

    /// What the bucket holds after the compaction: its deletions of just that revision too.
    pub(crate) fn held(view: View, until: i64) -> Result<Self> {
        let compacted = view.compacted();
        let mut kept = if compacted > 0 {
            kept(&view, &past(&view, compacted)?)
        } else {
            Vec::new()
        };
        view.snapshot()
            .for_each_change(Revision::new(compacted.max(0), 0), |entry| {
                let here = entry.revision.main <= compacted;
                if here && entry.kind == Kind::Delete {
                    kept.push((entry.revision, Place::Tombstone(entry.key)));
                }
                here
            })?;
        Ok(Self::new(view, kept, until))
    }

    fn new(view: View, mut kept: Vec<(Revision, Place)>, until: i64) -> Self {
        kept.sort_unstable_by_key(|(revision, _)| *revision);
        Self {
            next: Revision::new(view.compacted() + 1, 0),
            kept: kept.into_iter(),
            until,
            view,
        }
    }

    /// The next versions; empty at the end.
    pub(crate) fn next_chunk(&mut self) -> Result<Vec<Version>> {
        let mut found = Vec::with_capacity(CHUNK);
        for (revision, place) in self.kept.by_ref().take(CHUNK) {
            let (kind, key) = match place {
                Place::Live(place) => (Kind::Put, self.view.snapshot().index.nth(place).map(|(key, _)| key)),
                Place::Replaced(key) => (Kind::Put, Some(key)),
                Place::Tombstone(key) => (Kind::Delete, Some(key)),
            };
            let key = key.ok_or_else(|| Error::Corrupt("index shrank".into()))?;
            found.push((revision, kind, key));
        }
        if found.is_empty() {
            let (until, next) = (self.until, &mut self.next);
            self.view.snapshot().for_each_change(
                *next,
                |Entry {
                     revision, kind, key, ..
                 }| {
                    if revision.main > until || found.len() == CHUNK {
                        return false;
                    }
                    *next = Revision::new(revision.main, revision.sub + 1);
                    found.push((revision, kind, key));
                    true
                },
            )?;
        }
        self.read(found)
    }

    fn read(&self, found: Vec<(Revision, Kind, Bytes)>) -> Result<Vec<Version>> {
        let puts: Vec<Row> = found
            .iter()
            .filter(|(_, kind, _)| *kind == Kind::Put)
            .map(|(revision, _, key)| Row {
                key: key.clone(),
                revision: *revision,
                meta: None,
                kv: None,
            })
            .collect();
        let mut values = self.view.snapshot().values(&puts)?.into_iter();
        let version = |(revision, kind, key): (Revision, Kind, Bytes)| match kind {
            Kind::Put => values.next().map(|kv| Version {
                revision,
                tombstone: false,
                kv,
            }),
            Kind::Delete => Some(Version {
                revision,
                tombstone: true,
                kv: record::deleted_kv(&key, 0),
            }),
        };
        Ok(found.into_iter().filter_map(version).collect())
    }
}

fn past(view: &View, revision: i64) -> Result<Past> {
    let mut past = Past::new(KeyRange::all(), revision);
    past.advance(&view.snapshot())?;
    Ok(past)
}

/// The versions at or below the compaction that were visible at the revision of `past`.
fn kept(view: &View, past: &Past) -> Vec<(Revision, Place)> {
    let compacted = view.compacted();
    let snapshot = view.snapshot();
    let mut kept = Vec::new();
    let mut cursor = snapshot.index.cursor(b"");
    let mut place = 0;
    while let Some((_, meta)) = cursor.entry() {
        if meta.modified.main <= compacted {
            kept.push((meta.modified, Place::Live(place)));
        }
        place += 1;
        cursor.advance();
    }
    for (key, then) in past.changed() {
        if let Some(revision) = then.filter(|revision| revision.main <= compacted) {
            kept.push((revision, Place::Replaced(key.clone())));
        }
    }
    kept
}
