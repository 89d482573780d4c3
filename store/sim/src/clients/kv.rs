//! Reads, writes, transactions and compactions, on few keys so that they meet.

use std::time::Duration;

use jepsen_check::history::{Call, Compare, Delete, Get, Put, Relation, Request, Target, Txn};
use proto::etcd::compare::{CompareResult, CompareTarget, TargetUnion};
use proto::etcd::request_op::Request as Op;
use proto::etcd::{self, CompactionRequest, DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest};
use rand::Rng;

use super::{Client, Ended, convert};

/// Keys are `k0` to `k5`; `k` to `l` are all of them.
const KEYS: u32 = 6;
/// So many revisions behind what it has seen, a client compacts.
const KEPT: i64 = 40;

/// Asks until it is to be quiet.
pub(super) async fn run(mut client: Client, pause: Duration) {
    while client.pause(pause).await {
        match client.random.random_range(0..100) {
            0..35 => client.put().await,
            35..50 => client.get().await,
            50..60 => client.list().await,
            60..70 => client.delete().await,
            70..97 => client.txn().await,
            _ => client.compact().await,
        }
    }
}

fn bytes(text: &str) -> bytes::Bytes {
    bytes::Bytes::copy_from_slice(text.as_bytes())
}

fn range_of(get: &Get) -> RangeRequest {
    RangeRequest {
        key: bytes(&get.key),
        range_end: get.end.as_deref().map(bytes).unwrap_or_default(),
        revision: get.revision,
        limit: get.limit,
        serializable: get.serializable,
        ..RangeRequest::default()
    }
}

fn put_of(put: &Put) -> PutRequest {
    PutRequest {
        key: bytes(&put.key),
        value: bytes(&put.value),
        lease: put.lease,
        prev_kv: put.prev_kv,
        ..PutRequest::default()
    }
}

fn delete_of(delete: &Delete) -> DeleteRangeRequest {
    DeleteRangeRequest {
        key: bytes(&delete.key),
        range_end: delete.end.as_deref().map(bytes).unwrap_or_default(),
        prev_kv: delete.prev_kv,
    }
}

fn compare_of(compare: &Compare) -> etcd::Compare {
    let result = match compare.is {
        Relation::Equal => CompareResult::Equal,
        Relation::NotEqual => CompareResult::NotEqual,
        Relation::Greater => CompareResult::Greater,
        Relation::Less => CompareResult::Less,
    };
    let (target, union) = match &compare.target {
        Target::Value(value) => (CompareTarget::Value, TargetUnion::Value(bytes(value))),
        Target::Version(number) => (CompareTarget::Version, TargetUnion::Version(*number)),
        Target::Create(number) => (CompareTarget::Create, TargetUnion::CreateRevision(*number)),
        Target::Mod(number) => (CompareTarget::Mod, TargetUnion::ModRevision(*number)),
        Target::Lease(number) => (CompareTarget::Lease, TargetUnion::Lease(*number)),
    };
    etcd::Compare {
        result: result.into(),
        target: target.into(),
        key: bytes(&compare.key),
        target_union: Some(union),
        ..etcd::Compare::default()
    }
}

fn op_of(request: &Request) -> RequestOp {
    let request = match request {
        Request::Get(get) => Op::RequestRange(range_of(get)),
        Request::Put(put) => Op::RequestPut(put_of(put)),
        Request::Delete(delete) => Op::RequestDeleteRange(delete_of(delete)),
    };
    RequestOp { request: Some(request) }
}

fn txn_of(txn: &Txn) -> TxnRequest {
    TxnRequest {
        compare: txn.compare.iter().map(compare_of).collect(),
        success: txn.then.iter().map(op_of).collect(),
        failure: txn.otherwise.iter().map(op_of).collect(),
    }
}

impl Client {
    fn key(&mut self) -> String {
        format!("k{}", self.random.random_range(0..KEYS))
    }

    fn new_put(&mut self) -> Put {
        Put {
            key: self.key(),
            value: self.recorder.value(),
            lease: 0,
            prev_kv: self.random.random(),
        }
    }

    async fn put(&mut self) {
        let put = self.new_put();
        let request = put_of(&put);
        self.invoke(Call::Put(put));
        let ended = match self.member.put(&self.caller, request).await {
            Ok(response) => convert::ended(response.header.as_ref(), convert::put(&response)),
            Err(error) => Self::failed(&error),
        };
        self.complete(ended);
    }

    async fn get(&mut self) {
        let get = Get {
            key: self.key(),
            serializable: self.random.random_ratio(1, 4),
            ..Get::default()
        };
        self.range(get).await;
    }

    /// Reads all keys, of the present or of a past that may be compacted.
    async fn list(&mut self) {
        let back = if self.random.random_ratio(1, 3) {
            self.random.random_range(0..KEPT)
        } else {
            0
        };
        let revision = if back == 0 { 0 } else { (self.seen - back).max(0) };
        let get = Get {
            key: "k".to_owned(),
            end: Some("l".to_owned()),
            revision,
            limit: if self.random.random_ratio(1, 4) { 2 } else { 0 },
            serializable: self.random.random_ratio(1, 4),
        };
        self.range(get).await;
    }

    async fn range(&mut self, get: Get) {
        let request = range_of(&get);
        self.invoke(Call::Get(get));
        let ended = match self.member.range(&self.caller, request).await {
            Ok(response) => convert::ended(response.header.as_ref(), convert::range(&response)),
            // A read that was not answered changed nothing.
            Err(error) => Ended::Fail(error.text()),
        };
        self.complete(ended);
    }

    async fn delete(&mut self) {
        let all = self.random.random_ratio(1, 6);
        let delete = Delete {
            key: if all { "k".to_owned() } else { self.key() },
            end: all.then(|| "l".to_owned()),
            prev_kv: self.random.random(),
        };
        let request = delete_of(&delete);
        self.invoke(Call::Delete(delete));
        let ended = match self.member.delete_range(&self.caller, request).await {
            Ok(response) => convert::ended(response.header.as_ref(), convert::delete(&response)),
            Err(error) => Self::failed(&error),
        };
        self.complete(ended);
    }

    /// What an apiserver does: reads a key, and writes it and another if it was not changed meanwhile.
    async fn txn(&mut self) {
        let key = self.key();
        let found = self.member.range(
            &self.caller,
            range_of(&Get {
                key: key.clone(),
                serializable: true,
                ..Get::default()
            }),
        );
        let known = found
            .await
            .ok()
            .and_then(|response| response.kvs.first()?.decode().ok());
        let target = match known {
            Some(kv) if self.random.random() => Target::Mod(kv.mod_revision),
            Some(kv) => Target::Version(kv.version),
            None => Target::Create(0),
        };
        let compare = Compare {
            key: key.clone(),
            is: Relation::Equal,
            target,
        };
        let first = Put {
            key: key.clone(),
            ..self.new_put()
        };
        let mut then = vec![Request::Put(first)];
        let second = self.new_put();
        if second.key != key {
            then.push(Request::Put(second));
        }
        let txn = Txn {
            compare: vec![compare],
            then,
            otherwise: vec![Request::Get(Get { key, ..Get::default() })],
        };
        let request = txn_of(&txn);
        self.invoke(Call::Txn(txn));
        let ended = match self.member.txn(&self.caller, request).await {
            Ok(response) => convert::ended(response.header.as_ref(), convert::txn(&response)),
            Err(error) => Self::failed(&error),
        };
        self.complete(ended);
    }

    async fn compact(&mut self) {
        let revision = self.seen - KEPT;
        if revision <= 0 {
            return;
        }
        self.invoke(Call::Compact { revision });
        let request = CompactionRequest {
            revision,
            physical: self.random.random(),
        };
        let ended = match self.member.compact(&self.caller, request).await {
            Ok(response) => convert::ended(response.header.as_ref(), jepsen_check::history::Reply::Compact {}),
            Err(error) => Self::failed(&error),
        };
        self.complete(ended);
    }
}
