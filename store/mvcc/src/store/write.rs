//! One change at a time: version, history, index, hash, and the list of what a command changed.

use bytes::Bytes;
use proto::Encoded;
use proto::etcd::{DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse};
use proto::mvcc::KeyValue;
use xxhash_rust::xxh3::Xxh3;

use super::Session;
use crate::change::{Change, Kind};
use crate::index::KeyMeta;
use crate::read::header;
use crate::record::{self, Entry};
use crate::{KeyRange, Result, Revision, gc, keys};

/// The changes of the command that is running.
#[derive(Default)]
pub(crate) struct Writing {
    pub(super) changes: Vec<Change>,
}

impl Session<'_> {
    pub(crate) fn execute_put(&mut self, writing: &mut Writing, request: &PutRequest) -> Result<PutResponse> {
        let meta = self.index.get(&request.key);
        let old = match meta {
            Some(meta) if request.prev_kv || request.ignore_value => {
                Some(self.snapshot(None).value(&request.key, meta.modified)?)
            }
            _ => None,
        };
        let value = match &old {
            Some(old) if request.ignore_value => record::read_kv(old)?.value,
            _ => request.value.clone(),
        };
        let lease = if request.ignore_lease {
            meta.map_or(0, |meta| meta.lease)
        } else {
            request.lease
        };
        self.put_one(writing, request.key.clone(), value, lease, meta);
        let prev_kv = old.filter(|_| request.prev_kv).map(Encoded::from_bytes);
        Ok(PutResponse {
            header: header(self.revision + 1),
            prev_kv,
        })
    }

    pub(crate) fn execute_delete(
        &mut self,
        writing: &mut Writing,
        request: &DeleteRangeRequest,
    ) -> Result<DeleteRangeResponse> {
        let range = KeyRange::new(&request.key, &request.range_end);
        let snapshot = self.snapshot(Some(writing));
        let rows = snapshot.rows(&range, usize::MAX);
        let prev_kvs = if request.prev_kv {
            snapshot.values(&rows)?.into_iter().map(Encoded::from_bytes).collect()
        } else {
            Vec::new()
        };
        let deleted = rows.len() as i64;
        // A range may hold millions of keys: lists that double would be copied, and their pages fetched, again and again.
        writing.changes.reserve(rows.len());
        self.pending.history.reserve(rows.len());
        self.pending.data.reserve(rows.len());
        for row in rows {
            self.delete_one(writing, row.key);
        }
        let revision = self.snapshot(Some(writing)).revision;
        Ok(DeleteRangeResponse {
            header: header(revision),
            deleted,
            prev_kvs,
        })
    }

    fn put_one(&mut self, writing: &mut Writing, key: Bytes, value: Bytes, lease: i64, old: Option<KeyMeta>) {
        let main = self.revision + 1;
        let kv = KeyValue {
            key,
            create_revision: old.map_or(main, |old| old.create),
            mod_revision: main,
            version: old.map_or(0, |old| old.version).saturating_add(1),
            value,
            lease,
        };
        self.record(writing, Kind::Put, &kv, old);
    }

    pub(super) fn delete_one(&mut self, writing: &mut Writing, key: Bytes) {
        if let Some(old) = self.index.get(&key) {
            self.record(
                writing,
                Kind::Delete,
                &KeyValue {
                    key,
                    ..KeyValue::default()
                },
                Some(old),
            );
        }
    }

    /// Notes one change everywhere: version, history, index, hash, and the list of the command's changes.
    fn record(&mut self, writing: &mut Writing, kind: Kind, kv: &KeyValue, old: Option<KeyMeta>) {
        let modified = Revision::new(self.revision + 1, writing.changes.len() as i64);
        let data_key = keys::data_key(&kv.key, modified);
        let (data, stored) = record::data_value(kind, kv);
        // What is kept of the change shares one allocation, and lets go of the request's.
        let key = record::key_of(&stored, kv.key.len());
        let previous = old.map(|old| old.modified);
        let previous_bytes = old.map_or(0, |old| old.bytes);
        let entry = Entry {
            revision: modified,
            kind,
            previous,
            previous_bytes,
            key: key.clone(),
        };
        self.added += gc::version_bytes(&key, kind, stored.len()) + gc::history_bytes(entry.encoded_len());
        self.hash = roll(self.hash, modified, kind, &stored);
        let (event_kv, event) = match kind {
            Kind::Put => {
                let KeyValue {
                    create_revision: create,
                    version,
                    lease,
                    ..
                } = *kv;
                let meta = KeyMeta {
                    create,
                    modified,
                    version,
                    lease,
                    bytes: stored.len() as u32,
                };
                self.index.insert(&key, meta);
                (stored, Encoded::from_bytes(data.clone()))
            }
            Kind::Delete => {
                self.index.remove(&key);
                let kv = record::deleted_kv(&key, modified.main);
                let event = record::event(kind, &kv, None);
                (kv, event)
            }
        };
        self.pending.data.insert(data_key, data);
        self.pending.history.push(entry);
        writing.changes.push(Change {
            event,
            key,
            kind,
            modified,
            kv: event_kv,
            previous,
            lease: kv.lease,
            previous_lease: old.map_or(0, |old| old.lease),
        });
    }
}

/// The rolling hash after one more change.
pub(crate) fn roll(hash: u64, revision: Revision, kind: Kind, kv: &[u8]) -> u64 {
    let (key, len) = revision.bucket_key(kind == Kind::Delete);
    let mut hasher = Xxh3::with_seed(hash);
    hasher.update(&key[..len]);
    hasher.update(kv);
    hasher.digest()
}
