//! From what the store answers to the words of a history.

use jepsen_check::history as words;
use proto::Encoded;
use proto::etcd::response_op::Response;
use proto::etcd::{DeleteRangeResponse, PutResponse, RangeResponse, ResponseHeader, TxnResponse, WatchResponse};
use proto::mvcc::{Event, KeyValue};

use super::Ended;

/// Keys and values of a simulation are text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn key_value(kv: KeyValue) -> words::KeyValue {
    words::KeyValue {
        key: text(&kv.key),
        value: text(&kv.value),
        create_revision: kv.create_revision,
        mod_revision: kv.mod_revision,
        version: kv.version,
        lease: kv.lease,
    }
}

/// What cannot be decoded shows as an empty key, which no checker lets pass.
fn decoded(kv: &Encoded<KeyValue>) -> words::KeyValue {
    kv.decode().map(key_value).unwrap_or_default()
}

/// An event as the store keeps it.
pub(crate) fn event(event: &Encoded<Event>) -> words::Event {
    let event = event.decode().unwrap_or_default();
    words::Event {
        kind: if event.r#type == 0 {
            words::Kind::Put
        } else {
            words::Kind::Delete
        },
        kv: event.kv.map(key_value).unwrap_or_default(),
        prev: event.prev_kv.map(key_value),
    }
}

/// A call that happened.
pub(super) fn ended(header: Option<&ResponseHeader>, reply: words::Reply) -> Ended {
    Ended::Ok {
        revision: header.map(|header| header.revision),
        term: header.map(|header| header.raft_term),
        reply,
    }
}

pub(super) fn range(response: &RangeResponse) -> words::Reply {
    words::Reply::Get {
        kvs: response.kvs.iter().map(decoded).collect(),
        count: response.count,
    }
}

pub(super) fn put(response: &PutResponse) -> words::Reply {
    words::Reply::Put {
        prev: response.prev_kv.as_ref().map(decoded),
    }
}

pub(super) fn delete(response: &DeleteRangeResponse) -> words::Reply {
    words::Reply::Delete {
        deleted: response.deleted,
        prev: response.prev_kvs.iter().map(decoded).collect(),
    }
}

pub(super) fn txn(response: &TxnResponse) -> words::Reply {
    let one = |response: &Response| match response {
        Response::ResponseRange(response) => range(response),
        Response::ResponsePut(response) => put(response),
        Response::ResponseDeleteRange(response) => delete(response),
        Response::ResponseTxn(response) => txn(response),
    };
    words::Reply::Txn {
        succeeded: response.succeeded,
        replies: response
            .responses
            .iter()
            .filter_map(|op| op.response.as_ref())
            .map(one)
            .collect(),
    }
}

pub(super) fn delivery(response: &WatchResponse) -> words::Response {
    words::Response {
        revision: response.header.as_ref().map_or(0, |header| header.revision),
        created: response.created,
        canceled: response.canceled,
        compact_revision: response.compact_revision,
        fragment: response.fragment,
        events: response.events.iter().map(event).collect(),
    }
}
