//! Keys and all their versions: ranges, puts, deletions, compactions.

use std::collections::BTreeMap;

use bytes::Bytes;
use proto::Encoded;
use proto::etcd::range_request::{SortOrder, SortTarget};
use proto::etcd::{
    CompactionResponse, DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse, RangeRequest, RangeResponse,
    ResponseHeader,
};
use proto::fault::Fault;
use proto::mvcc::KeyValue;

/// One change of a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Version {
    pub(crate) revision: i64,
    /// Its place among the changes of its revision.
    pub(crate) place: i64,
    /// What was put; `None` for a deletion.
    pub(crate) kv: Option<KeyValue>,
}

/// Every key that ever was, but for what was compacted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Keys {
    /// The revision of the last write that ended.
    pub(crate) revision: i64,
    pub(crate) compacted: i64,
    /// The versions of each key, the oldest first; never none.
    pub(crate) versions: BTreeMap<Bytes, Vec<Version>>,
    /// How much the write under way has changed so far.
    changes: i64,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            revision: 1,
            compacted: -1,
            versions: BTreeMap::new(),
            changes: 0,
        }
    }
}

/// Whether a request for `start` and `end` means the key.
pub(crate) fn means(start: &[u8], end: &[u8], key: &[u8]) -> bool {
    match end {
        b"" => key == start,
        b"\0" => key >= start,
        _ => key >= start && key < end,
    }
}

pub(crate) fn header(revision: i64) -> ResponseHeader {
    ResponseHeader {
        revision,
        ..ResponseHeader::default()
    }
}

fn newest(versions: &[Version], at: i64) -> Option<&KeyValue> {
    versions
        .iter()
        .rev()
        .find(|version| version.revision <= at)?
        .kv
        .as_ref()
}

impl Keys {
    /// The revision that a read sees now: inside a write, the next one as soon as something has changed.
    pub(crate) fn now(&self) -> i64 {
        self.revision + i64::from(self.changes > 0)
    }

    /// The key as it was at a revision.
    pub(crate) fn get(&self, key: &[u8], at: i64) -> Option<&KeyValue> {
        newest(self.versions.get(key)?, at)
    }

    /// The keys of a range that lived at a revision, in order.
    pub(crate) fn live(&self, start: &[u8], end: &[u8], at: i64) -> Vec<KeyValue> {
        let meant = self.versions.iter().filter(|(key, _)| means(start, end, key));
        meant
            .filter_map(|(_, versions)| newest(versions, at))
            .cloned()
            .collect()
    }

    /// Puts a key, or deletes it.
    pub(crate) fn change(&mut self, key: Bytes, kv: Option<KeyValue>) {
        let version = Version {
            revision: self.revision + 1,
            place: self.changes,
            kv,
        };
        self.versions.entry(key).or_default().push(version);
        self.changes += 1;
    }

    /// Ends a write: what it changed is one revision.
    pub(crate) fn finish(&mut self) {
        self.revision = self.now();
        self.changes = 0;
    }

    /// Takes back a write.
    pub(crate) fn undo(&mut self) {
        let revision = self.revision;
        self.versions.retain(|_, versions| {
            versions.retain(|version| version.revision <= revision);
            !versions.is_empty()
        });
        self.changes = 0;
    }

    pub(crate) fn put(&mut self, request: &PutRequest) -> Result<PutResponse, Fault> {
        let old = self.get(&request.key, self.now()).cloned();
        if old.is_none() && (request.ignore_value || request.ignore_lease) {
            return Err(Fault::KeyNotFound);
        }
        let revision = self.revision + 1;
        let before = old.clone().unwrap_or_default();
        let kv = KeyValue {
            key: request.key.clone(),
            create_revision: if old.is_some() {
                before.create_revision
            } else {
                revision
            },
            mod_revision: revision,
            version: before.version + 1,
            lease: if request.ignore_lease {
                before.lease
            } else {
                request.lease
            },
            value: if request.ignore_value {
                before.value
            } else {
                request.value.clone()
            },
        };
        self.change(request.key.clone(), Some(kv));
        Ok(PutResponse {
            header: Some(header(revision)),
            prev_kv: old.filter(|_| request.prev_kv).as_ref().map(Encoded::from),
        })
    }

    pub(crate) fn delete(&mut self, request: &DeleteRangeRequest) -> DeleteRangeResponse {
        let gone = self.live(&request.key, &request.range_end, self.now());
        for kv in &gone {
            self.change(kv.key.clone(), None);
        }
        let prev_kvs = gone.iter().filter(|_| request.prev_kv).map(Encoded::from).collect();
        DeleteRangeResponse {
            header: Some(header(self.now())),
            deleted: gone.len() as i64,
            prev_kvs,
        }
    }

    pub(crate) fn range(&self, request: &RangeRequest) -> Result<RangeResponse, Fault> {
        let order = SortOrder::try_from(request.sort_order).map_err(|_| Fault::InvalidSortOption)?;
        let target = SortTarget::try_from(request.sort_target).map_err(|_| Fault::InvalidSortOption)?;
        let now = self.now();
        let at = if request.revision > 0 { request.revision } else { now };
        if at > now {
            return Err(Fault::FutureRevision);
        }
        if at < self.compacted {
            return Err(Fault::Compacted);
        }
        let mut kvs = self.live(&request.key, &request.range_end, at);
        let count = kvs.len() as i64;
        if request.count_only {
            kvs.clear();
        }
        // 0 and less mean no limit.
        let limit = usize::try_from(request.limit).ok().filter(|limit| *limit > 0);
        let limit = limit.unwrap_or(usize::MAX);
        // What is neither filtered nor sorted is cut when it is fetched, one too long so that `more` is known. A target
        // without an order is sorted upwards, but only after that.
        let in_order = order == SortOrder::None || (target, order) == (SortTarget::Key, SortOrder::Ascend);
        if in_order && !is_filtered(request) {
            kvs.truncate(limit.saturating_add(1));
        }
        kvs.retain(|kv| passes(request, kv));
        sort(&mut kvs, target, order);
        let more = kvs.len() > limit;
        kvs.truncate(limit);
        if request.keys_only {
            for kv in &mut kvs {
                kv.value.clear();
            }
        }
        Ok(RangeResponse {
            header: Some(header(now)),
            kvs: kvs.iter().map(Encoded::from).collect(),
            more,
            count,
        })
    }

    /// Forgets what cannot be seen at `revision` or later. A deletion of just that revision stays: a watch may start
    /// there.
    pub(crate) fn compact(&mut self, revision: i64) -> Result<CompactionResponse, Fault> {
        if revision <= self.compacted {
            return Err(Fault::Compacted);
        }
        if revision > self.revision {
            return Err(Fault::FutureRevision);
        }
        self.compacted = revision;
        self.versions.retain(|_, versions| {
            let seen = versions.iter().rposition(|version| version.revision <= revision);
            versions.drain(..seen.unwrap_or(0));
            if versions[0].kv.is_none() && versions[0].revision < revision {
                versions.remove(0);
            }
            !versions.is_empty()
        });
        Ok(CompactionResponse {
            header: Some(header(self.revision)),
        })
    }
}

fn is_filtered(request: &RangeRequest) -> bool {
    [
        request.min_mod_revision,
        request.max_mod_revision,
        request.min_create_revision,
        request.max_create_revision,
    ] != [0; 4]
}

fn passes(request: &RangeRequest, kv: &KeyValue) -> bool {
    let within = |revision: i64, min: i64, max: i64| (min == 0 || revision >= min) && (max == 0 || revision <= max);
    within(kv.mod_revision, request.min_mod_revision, request.max_mod_revision)
        && within(
            kv.create_revision,
            request.min_create_revision,
            request.max_create_revision,
        )
}

/// Sorts keys that are in order. Equals stay in the order of their keys, whichever way.
fn sort(kvs: &mut [KeyValue], target: SortTarget, order: SortOrder) {
    let compare = |a: &KeyValue, b: &KeyValue| match target {
        SortTarget::Key => a.key.cmp(&b.key),
        SortTarget::Version => a.version.cmp(&b.version),
        SortTarget::Create => a.create_revision.cmp(&b.create_revision),
        SortTarget::Mod => a.mod_revision.cmp(&b.mod_revision),
        SortTarget::Value => a.value.cmp(&b.value),
    };
    match order {
        SortOrder::None | SortOrder::Ascend => kvs.sort_by(compare),
        SortOrder::Descend => kvs.sort_by(|a, b| compare(b, a)),
    }
}
