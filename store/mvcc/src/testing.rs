//! A naive store to compare with, and shorthands for tests.

use std::sync::Arc;

use bytes::Bytes;
use proto::etcd::request_op::Request;
use proto::etcd::{Compare, DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest, TxnResponse};
use proto::mvcc::KeyValue;
use store_engine::{Batch, Engine, Memory};

use crate::{KeyRange, Mvcc, Result, RevisionBatch};

/// A store over a memory engine, one command a batch.
pub(crate) struct Store {
    pub(crate) engine: Arc<Memory>,
    pub(crate) mvcc: Mvcc,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(Memory::new()))
    }

    pub(crate) fn over(engine: Arc<Memory>) -> Self {
        let mvcc = Mvcc::open(Arc::clone(&engine) as Arc<dyn Engine>).unwrap();
        mvcc.verify().unwrap();
        Self { engine, mvcc }
    }

    pub(crate) fn put(&mut self, key: &str, value: &str) -> Arc<RevisionBatch> {
        self.txn(&then([put(key, value)])).unwrap().1.unwrap()
    }

    pub(crate) fn delete(&mut self, key: &str, end: &str) -> Option<Arc<RevisionBatch>> {
        self.txn(&then([delete(key, end)])).unwrap().1
    }

    /// Runs a transaction in a batch of its own. All leases but 404 exist.
    pub(crate) fn txn(&mut self, request: &TxnRequest) -> Result<(TxnResponse, Option<Arc<RevisionBatch>>)> {
        let mut batch = Batch::new();
        let mut session = self.mvcc.begin();
        let outcome = session.txn(request, &|lease| lease != 404)?;
        session.seal(&mut batch);
        self.engine.write(&batch).unwrap();
        session.publish();
        Ok((outcome.response, outcome.changes))
    }

    pub(crate) fn compact(&mut self, revision: i64) -> Result<()> {
        let mut batch = Batch::new();
        let mut session = self.mvcc.begin();
        session.compact(revision)?;
        session.seal(&mut batch);
        self.engine.write(&batch).unwrap();
        session.publish();
        Ok(())
    }

    /// Collects all that can be, a few changes at a time; `steps` at most.
    pub(crate) fn collect(&self, steps: usize) {
        let gc = self.mvcc.gc();
        for _ in 0..steps {
            let Some(step) = gc.step(3).unwrap() else { return };
            self.engine.write(&step.batch).unwrap();
            gc.finish(step);
        }
    }

    pub(crate) fn reopen(&mut self) {
        *self = Self::over(Arc::clone(&self.engine));
    }
}

pub(crate) fn op(request: Request) -> RequestOp {
    RequestOp { request: Some(request) }
}

pub(crate) fn put(key: &str, value: &str) -> RequestOp {
    op(Request::RequestPut(put_request(key, value)))
}

pub(crate) fn put_request(key: &str, value: &str) -> PutRequest {
    PutRequest {
        key: bytes(key),
        value: bytes(value),
        ..PutRequest::default()
    }
}

pub(crate) fn delete(key: &str, end: &str) -> RequestOp {
    let request = DeleteRangeRequest {
        key: bytes(key),
        range_end: bytes(end),
        prev_kv: true,
    };
    op(Request::RequestDeleteRange(request))
}

pub(crate) fn get(key: &str, end: &str) -> RangeRequest {
    RangeRequest {
        key: bytes(key),
        range_end: bytes(end),
        ..RangeRequest::default()
    }
}

pub(crate) fn then(ops: impl Into<Vec<RequestOp>>) -> TxnRequest {
    TxnRequest {
        compare: Vec::<Compare>::new(),
        success: ops.into(),
        failure: Vec::new(),
    }
}

pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Everything that ever happened, in a list.
#[derive(Clone, Default)]
pub(crate) struct Naive {
    /// Main revision, sub revision, whether it is a deletion, and the key-value.
    pub(crate) versions: Vec<(i64, i64, bool, KeyValue)>,
}

impl Naive {
    pub(crate) fn revision(&self) -> i64 {
        self.versions.last().map_or(1, |version| version.0)
    }

    /// The live keys at a revision, in key order.
    pub(crate) fn at(&self, revision: i64) -> Vec<KeyValue> {
        let mut live = std::collections::BTreeMap::new();
        for (_, _, deleted, kv) in self.versions.iter().take_while(|version| version.0 <= revision) {
            if *deleted {
                live.remove(&kv.key);
            } else {
                live.insert(kv.key.clone(), kv.clone());
            }
        }
        live.into_values().collect()
    }

    pub(crate) fn range(&self, range: &KeyRange, revision: i64) -> Vec<KeyValue> {
        self.at(revision)
            .into_iter()
            .filter(|kv| range.contains(&kv.key))
            .collect()
    }

    pub(crate) fn put(&mut self, key: &str, value: &str) {
        let (main, old) = (
            self.revision() + 1,
            self.at(i64::MAX).into_iter().find(|kv| kv.key == key),
        );
        let kv = KeyValue {
            key: bytes(key),
            create_revision: old.as_ref().map_or(main, |old| old.create_revision),
            mod_revision: main,
            version: old.map_or(0, |old| old.version) + 1,
            value: bytes(value),
            lease: 0,
        };
        self.versions.push((main, 0, false, kv));
    }

    pub(crate) fn delete(&mut self, range: &KeyRange) {
        let main = self.revision() + 1;
        for (sub, kv) in self.range(range, i64::MAX).into_iter().enumerate() {
            self.versions.push((
                main,
                sub as i64,
                true,
                KeyValue {
                    key: kv.key,
                    ..KeyValue::default()
                },
            ));
        }
    }
}
