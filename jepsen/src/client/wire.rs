//! Calls as the store takes them, and its answers as a history tells them.
//!
//! Keys and values of every workload are text; bytes that are none came from a broken store, and are recorded with
//! marks in their places so that a checker sees that they differ.

use bytes::Bytes;
use jepsen_check::history::{
    Compare, Delete, Event, Get, KeyValue, Kind, Put, Relation, Reply, Request, Response, Target, Txn, Watch,
};
use proto::Encoded;
use proto::etcd::compare::{CompareResult, CompareTarget, TargetUnion};
use proto::etcd::watch_create_request::FilterType;
use proto::etcd::{
    self, DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse, RangeRequest, RangeResponse, RequestOp,
    ResponseOp, TxnRequest, TxnResponse, WatchCreateRequest, WatchResponse, request_op, response_op,
};

/// An answer that lacks what the API promises.
#[derive(Debug, thiserror::Error)]
#[error("malformed answer: {0}")]
pub(crate) struct Malformed(pub(crate) String);

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn end(end: Option<&str>) -> Bytes {
    end.map(bytes).unwrap_or_default()
}

/// Bytes as a history has them.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn range(get: &Get) -> RangeRequest {
    RangeRequest {
        key: bytes(&get.key),
        range_end: end(get.end.as_deref()),
        limit: get.limit,
        revision: get.revision,
        serializable: get.serializable,
        ..RangeRequest::default()
    }
}

pub(super) fn put(put: &Put) -> PutRequest {
    PutRequest {
        key: bytes(&put.key),
        value: bytes(&put.value),
        lease: put.lease,
        prev_kv: put.prev_kv,
        ..PutRequest::default()
    }
}

pub(super) fn delete(delete: &Delete) -> DeleteRangeRequest {
    DeleteRangeRequest {
        key: bytes(&delete.key),
        range_end: end(delete.end.as_deref()),
        prev_kv: delete.prev_kv,
    }
}

pub(super) fn txn(txn: &Txn) -> TxnRequest {
    let steps = |requests: &[Request]| requests.iter().map(step).collect();
    TxnRequest {
        compare: txn.compare.iter().map(compare).collect(),
        success: steps(&txn.then),
        failure: steps(&txn.otherwise),
    }
}

fn step(request: &Request) -> RequestOp {
    let request = match request {
        Request::Get(one) => request_op::Request::RequestRange(range(one)),
        Request::Put(one) => request_op::Request::RequestPut(put(one)),
        Request::Delete(one) => request_op::Request::RequestDeleteRange(delete(one)),
    };
    RequestOp { request: Some(request) }
}

fn compare(compare: &Compare) -> etcd::Compare {
    let result = match compare.is {
        Relation::Equal => CompareResult::Equal,
        Relation::NotEqual => CompareResult::NotEqual,
        Relation::Greater => CompareResult::Greater,
        Relation::Less => CompareResult::Less,
    };
    let (target, union) = match &compare.target {
        Target::Value(value) => (CompareTarget::Value, TargetUnion::Value(bytes(value))),
        Target::Version(version) => (CompareTarget::Version, TargetUnion::Version(*version)),
        Target::Create(revision) => (CompareTarget::Create, TargetUnion::CreateRevision(*revision)),
        Target::Mod(revision) => (CompareTarget::Mod, TargetUnion::ModRevision(*revision)),
        Target::Lease(lease) => (CompareTarget::Lease, TargetUnion::Lease(*lease)),
    };
    etcd::Compare {
        result: result.into(),
        target: target.into(),
        key: bytes(&compare.key),
        range_end: Bytes::new(),
        target_union: Some(union),
    }
}

pub(super) fn watch(watch: &Watch) -> WatchCreateRequest {
    let filter = |kind: &Kind| match kind {
        Kind::Put => FilterType::Noput as i32,
        Kind::Delete => FilterType::Nodelete as i32,
    };
    WatchCreateRequest {
        key: bytes(&watch.key),
        range_end: end(watch.end.as_deref()),
        start_revision: watch.start_revision,
        progress_notify: watch.progress_notify,
        filters: watch.filters.iter().map(filter).collect(),
        prev_kv: watch.prev_kv,
        watch_id: 0,
        fragment: watch.fragment,
    }
}

/// A key as it came.
///
/// # Errors
/// [`Malformed`].
pub(crate) fn key_value(encoded: &Encoded<proto::mvcc::KeyValue>) -> Result<KeyValue, Malformed> {
    let kv = encoded.decode().map_err(|error| Malformed(error.to_string()))?;
    Ok(stored(&kv))
}

fn stored(kv: &proto::mvcc::KeyValue) -> KeyValue {
    KeyValue {
        key: text(&kv.key),
        value: text(&kv.value),
        create_revision: kv.create_revision,
        mod_revision: kv.mod_revision,
        version: kv.version,
        lease: kv.lease,
    }
}

fn key_values(encoded: &[Encoded<proto::mvcc::KeyValue>]) -> Result<Vec<KeyValue>, Malformed> {
    encoded.iter().map(key_value).collect()
}

pub(super) fn ranged(answer: &RangeResponse) -> Result<Reply, Malformed> {
    Ok(Reply::Get {
        kvs: key_values(&answer.kvs)?,
        count: answer.count,
    })
}

pub(super) fn was_put(answer: &PutResponse) -> Result<Reply, Malformed> {
    Ok(Reply::Put {
        prev: answer.prev_kv.as_ref().map(key_value).transpose()?,
    })
}

pub(super) fn deleted(answer: &DeleteRangeResponse) -> Result<Reply, Malformed> {
    Ok(Reply::Delete {
        deleted: answer.deleted,
        prev: key_values(&answer.prev_kvs)?,
    })
}

pub(super) fn transacted(answer: &TxnResponse) -> Result<Reply, Malformed> {
    Ok(Reply::Txn {
        succeeded: answer.succeeded,
        replies: answer.responses.iter().map(stepped).collect::<Result<_, _>>()?,
    })
}

fn stepped(answer: &ResponseOp) -> Result<Reply, Malformed> {
    match &answer.response {
        Some(response_op::Response::ResponseRange(one)) => ranged(one),
        Some(response_op::Response::ResponsePut(one)) => was_put(one),
        Some(response_op::Response::ResponseDeleteRange(one)) => deleted(one),
        Some(response_op::Response::ResponseTxn(one)) => transacted(one),
        None => Err(Malformed("a step of a transaction has no answer".to_owned())),
    }
}

/// What a watch's message says.
///
/// # Errors
/// [`Malformed`].
pub(super) fn response(message: &WatchResponse) -> Result<Response, Malformed> {
    let event = |encoded: &Encoded<proto::mvcc::Event>| -> Result<Event, Malformed> {
        let event = encoded.decode().map_err(|error| Malformed(error.to_string()))?;
        let kv = event
            .kv
            .as_ref()
            .ok_or_else(|| Malformed("an event without a key".to_owned()))?;
        Ok(Event {
            kind: match event.r#type() {
                proto::mvcc::event::EventType::Put => Kind::Put,
                proto::mvcc::event::EventType::Delete => Kind::Delete,
            },
            kv: stored(kv),
            prev: event.prev_kv.as_ref().map(stored),
        })
    };
    Ok(Response {
        revision: message.header.as_ref().map_or(0, |header| header.revision),
        created: message.created,
        canceled: message.canceled,
        compact_revision: message.compact_revision,
        fragment: message.fragment,
        events: message.events.iter().map(event).collect::<Result<_, _>>()?,
    })
}

/// The first key after all that begin with this text. No workload's prefix ends in the last character that there is.
pub(crate) fn prefix_end(prefix: &str) -> String {
    let mut bytes = prefix.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last = last.wrapping_add(1);
    }
    text(&bytes)
}

/// A read of every key that begins with this text.
pub(crate) fn prefix(prefix: &str) -> Get {
    Get {
        key: prefix.to_owned(),
        end: Some(prefix_end(prefix)),
        ..Get::default()
    }
}

/// A condition on the revision that last wrote a key; 0: it does not exist.
pub(crate) fn unchanged(key: &str, mod_revision: i64) -> Compare {
    Compare {
        key: key.to_owned(),
        is: Relation::Equal,
        target: Target::Mod(mod_revision),
    }
}

/// A transaction's read of one key.
pub(crate) fn read_step(key: &str) -> Request {
    Request::Get(Get {
        key: key.to_owned(),
        ..Get::default()
    })
}

/// A transaction's write of one key.
pub(crate) fn write_step(key: &str, value: impl Into<String>) -> Request {
    Request::Put(Put {
        key: key.to_owned(),
        value: value.into(),
        ..Put::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_goes_out_as_it_was_meant() {
        let sent = txn(&Txn {
            compare: vec![unchanged("x", 7)],
            then: vec![write_step("x", "1"), read_step("y")],
            otherwise: vec![Request::Delete(Delete {
                key: "x".into(),
                end: Some("z".into()),
                prev_kv: true,
            })],
        });
        assert_eq!(sent.compare[0].target, CompareTarget::Mod as i32);
        assert_eq!(sent.compare[0].target_union, Some(TargetUnion::ModRevision(7)));
        assert_eq!(sent.success.len(), 2);
        let Some(request_op::Request::RequestDeleteRange(delete)) = &sent.failure[0].request else {
            panic!("{sent:?}");
        };
        assert_eq!(&delete.range_end[..], b"z");
    }

    #[test]
    fn an_event_comes_back_as_it_was_sent() {
        let kv = |mod_revision| proto::mvcc::KeyValue {
            key: Bytes::from_static(b"x"),
            value: Bytes::from_static(b"1"),
            mod_revision,
            ..proto::mvcc::KeyValue::default()
        };
        let mut event = proto::mvcc::Event {
            kv: Some(kv(8)),
            prev_kv: Some(kv(7)),
            ..proto::mvcc::Event::default()
        };
        event.set_type(proto::mvcc::event::EventType::Delete);
        let message = WatchResponse {
            header: Some(etcd::ResponseHeader {
                revision: 9,
                ..etcd::ResponseHeader::default()
            }),
            events: vec![Encoded::from(&event)],
            fragment: true,
            ..WatchResponse::default()
        };
        let told = response(&message).unwrap();
        assert_eq!((told.revision, told.fragment), (9, true));
        assert_eq!(told.events[0].kind, Kind::Delete);
        assert_eq!(told.events[0].prev.as_ref().unwrap().mod_revision, 7);
        let broken = WatchResponse {
            events: vec![Encoded::from(&proto::mvcc::Event::default())],
            ..WatchResponse::default()
        };
        assert!(response(&broken).is_err());
    }

    #[test]
    fn a_prefix_covers_what_begins_with_it() {
        let all = prefix("set/");
        assert_eq!(all.end.as_deref(), Some("set0"));
        assert!(jepsen_check::history::covers(&all.key, all.end.as_deref(), "set/999"));
        assert!(!jepsen_check::history::covers(&all.key, all.end.as_deref(), "seu"));
    }
}
