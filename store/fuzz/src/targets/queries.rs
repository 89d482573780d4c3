//! Options of ranges, transactions that read, and watches, asked of a machine in memory.
//!
//! An input: a byte that says which request, then the request as it comes from the wire.

use std::sync::OnceLock;

use bytes::{Bytes, BytesMut};
use prost::Message;
use proto::etcd::request_op::Request;
use proto::etcd::{RangeRequest, RangeResponse, RequestOp, TxnRequest, WatchCreateRequest};
use proto::mvcc::Event;
use store_machine::{Machine, Reader};
use store_mvcc::watch::{Filter, GroupBatch, Hub, Poll};
use store_mvcc::{KeyRange, Kind, PageLimits, View, is_readonly, validate};

use crate::Verdict;
use crate::support::machine::filled;
use crate::support::{must, sample};

/// More pages and polls than what is stored can need.
const ENOUGH: usize = 1_000;

/// Readers of a machine that nobody writes to any more.
fn reader() -> &'static Reader {
    static READER: OnceLock<Reader> = OnceLock::new();
    READER.get_or_init(|| {
        let (_, machine): (_, Machine) = filled();
        machine.reader()
    })
}

/// Asks in every way that there is.
///
/// # Panics
/// Where two ways of asking for the same have different answers.
pub fn run(data: &[u8]) -> Verdict {
    let Some((which, request)) = data.split_first() else {
        return Verdict::Refused;
    };
    match which % 3 {
        0 => {
            if let Ok(request) = RangeRequest::decode(Bytes::copy_from_slice(request)) {
                return range(&request);
            }
        }
        1 => {
            if let Ok(request) = TxnRequest::decode(Bytes::copy_from_slice(request)) {
                return txn(&request);
            }
        }
        _ => {
            if let Ok(request) = WatchCreateRequest::decode(Bytes::copy_from_slice(request)) {
                return watch(&request);
            }
        }
    }
    Verdict::Refused
}

fn range(request: &RangeRequest) -> Verdict {
    let view = reader().mvcc().view();
    let plain = view.range(request);
    let fine = validate::range(request).is_ok() && request.revision <= 0;
    assert!(plain.is_ok() || !fine, "a range of the present is refused: {plain:?}");
    if validate::streamable(request) {
        match (paged(request), &plain) {
            (Some(paged), Ok(plain)) => assert_eq!(&paged, plain, "pages and the whole differ"),
            (paged, plain) => assert_eq!(paged.is_some(), plain.is_ok(), "pages are refused, or the whole is"),
        }
    }
    if let (Some(listed), Ok(plain)) = (listed(&view, request), &plain) {
        assert_eq!(&listed, plain, "pieces and the whole differ");
    }
    Verdict::of(plain.is_ok())
}

fn paged(request: &RangeRequest) -> Option<RangeResponse> {
    let mut pages = reader().mvcc().range_pages(request.clone(), 16).ok()?;
    let mut whole = RangeResponse::default();
    for _ in 0..ENOUGH {
        match must("read a page", pages.next_page()) {
            Some(page) => {
                whole.kvs.extend(page.kvs);
                whole.header = page.header;
                whole.more = page.more;
                whole.count = page.count;
            }
            None => return Some(whole),
        }
    }
    panic!("a range of a few keys has no last page");
}

fn listed(view: &View, request: &RangeRequest) -> Option<RangeResponse> {
    let mut listing = view.listing(request, 0).ok()??;
    let mut encoded = BytesMut::from(listing.response().encode_to_vec().as_slice());
    for _ in 0..ENOUGH {
        match must("read a piece", listing.next_piece(16)) {
            Some(piece) => encoded.extend_from_slice(&piece),
            None => return Some(must("decode pieces", RangeResponse::decode(encoded.freeze()))),
        }
    }
    panic!("a range of a few keys has no last piece");
}

fn txn(request: &TxnRequest) -> Verdict {
    let view = reader().mvcc().view();
    if validate::txn(request, usize::MAX).is_err() || !is_readonly(request) {
        return Verdict::Refused;
    }
    let first = view.txn(request).ok();
    assert_eq!(first, view.txn(request).ok(), "the same question has two answers");
    Verdict::of(first.is_some())
}

fn watch(request: &WatchCreateRequest) -> Verdict {
    // Those below zero are refused before the store is asked.
    if request.start_revision < 0 {
        return Verdict::Refused;
    }
    let filter = Filter {
        range: KeyRange::new(&request.key, &request.range_end),
        no_put: request.filters.contains(&0),
        no_delete: request.filters.contains(&1),
        prev_kv: request.prev_kv,
    };
    let view = reader().mvcc().view();
    let Some(heard) = follow(&view, &filter, request.start_revision) else {
        return Verdict::Refused;
    };
    let all = Filter {
        prev_kv: request.prev_kv,
        ..Filter::new(KeyRange::all())
    };
    let all = follow(&view, &all, request.start_revision).unwrap_or_default();
    let expected: Vec<_> = all.into_iter().filter(|(_, event)| wanted(&filter, event)).collect();
    assert_eq!(heard, expected, "a watch hears of what it asked for");
    Verdict::Understood
}

/// Whether a watch asks for an event, by the event alone.
fn wanted(filter: &Filter, event: &Event) -> bool {
    let kind = if event.r#type == 0 { Kind::Put } else { Kind::Delete };
    event.kv.as_ref().is_some_and(|kv| filter.accepts(&kv.key, kind))
}

/// All events that a watch hears of until it has caught up; none where it is told that they are gone or to come.
fn follow(view: &View, filter: &Filter, start: i64) -> Option<Vec<(i64, Event)>> {
    let hub = Hub::new(view.revision(), view.compacted(), 1 << 16);
    let mut watcher = hub.watch(filter.clone(), start, ());
    let limits = PageLimits {
        revisions: 2,
        bytes: 64,
    };
    let mut heard = Vec::new();
    for _ in 0..ENOUGH {
        match watcher.poll(64) {
            Poll::Ready(batches) => take(&mut heard, &batches),
            Poll::Behind(from) => {
                let page = must("read the past of a watch", view.history(from, filter, limits));
                assert!(page.next > from, "a page of the past ends where it began");
                take(&mut heard, &page.batches);
                watcher.resume(page.next);
            }
            Poll::Idle(_) => return Some(heard),
            Poll::Future | Poll::Compacted(_) => return None,
        }
    }
    panic!("a watch of a few revisions never catches up");
}

fn take(heard: &mut Vec<(i64, Event)>, batches: &[std::sync::Arc<GroupBatch>]) {
    for batch in batches {
        for event in &batch.events {
            heard.push((batch.revision, must("decode an event", event.decode())));
        }
    }
}

fn seed<M: Message>(which: u8, request: &M) -> Vec<u8> {
    let mut seed = vec![which];
    seed.extend_from_slice(&request.encode_to_vec());
    seed
}

/// A transaction of ranges alone.
fn ranges() -> TxnRequest {
    let TxnRequest {
        compare,
        mut success,
        mut failure,
    } = sample::questions();
    let is_range = |op: &RequestOp| matches!(op.request, Some(Request::RequestRange(_)));
    success.retain(is_range);
    failure.retain(is_range);
    TxnRequest {
        compare,
        success,
        failure,
    }
}

/// Ranges with every option, transactions and watches.
pub fn seeds() -> Vec<Vec<u8>> {
    let all = sample::everything();
    let mut seeds = vec![
        seed(0, &all),
        seed(
            0,
            &RangeRequest {
                revision: 5,
                limit: 2,
                ..all.clone()
            },
        ),
        seed(
            0,
            &RangeRequest {
                count_only: true,
                revision: 6,
                ..all.clone()
            },
        ),
        seed(
            0,
            &RangeRequest {
                sort_order: 2,
                sort_target: 4,
                keys_only: true,
                ..all.clone()
            },
        ),
        seed(
            0,
            &RangeRequest {
                min_mod_revision: 3,
                max_create_revision: 9,
                ..all.clone()
            },
        ),
        seed(
            0,
            &RangeRequest {
                key: "b".into(),
                range_end: "c".into(),
                limit: -1,
                ..RangeRequest::default()
            },
        ),
        seed(1, &ranges()),
        seed(1, &sample::txn()),
        seed(1, &sample::questions()),
    ];
    for start_revision in [0, 1, 4, 7, i64::MAX] {
        let create = WatchCreateRequest {
            key: all.key.clone(),
            range_end: all.range_end.clone(),
            start_revision,
            prev_kv: true,
            ..WatchCreateRequest::default()
        };
        seeds.push(seed(2, &create));
        let filtered = WatchCreateRequest {
            filters: vec![1],
            key: "a".into(),
            range_end: Bytes::new(),
            ..create
        };
        seeds.push(seed(2, &filtered));
    }
    seeds
}
