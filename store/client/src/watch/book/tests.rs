//! The book of watches against frames as a store sends them.

use std::sync::Arc;

use futures_util::FutureExt;
use proto::Encoded;
use proto::etcd::ResponseHeader;
use proto::mvcc::{Event, KeyValue};

use super::*;
use crate::watch::queue::{Attention, Queue};
use crate::{Result, Update};

fn queue(id: Id, bytes_max: usize) -> Arc<Queue> {
    Arc::new(Queue::new(id, bytes_max, Arc::new(Attention::default())))
}

fn open(book: &mut Book, id: Id, start_revision: i64, bytes_max: usize) -> (Arc<Queue>, WatchRequest) {
    let queue = queue(id, bytes_max);
    let request = WatchCreateRequest {
        key: "k".into(),
        start_revision,
        ..WatchCreateRequest::default()
    };
    let asked = book.open(id, Subscription::new(request, Arc::clone(&queue)));
    (queue, asked)
}

fn header(revision: i64) -> ResponseHeader {
    ResponseHeader {
        revision,
        ..ResponseHeader::default()
    }
}

fn created(watch_id: i64, revision: i64) -> WatchResponse {
    WatchResponse {
        watch_id,
        created: true,
        header: Some(header(revision)),
        ..WatchResponse::default()
    }
}

fn events(watch_id: i64, revisions: &[i64]) -> WatchResponse {
    let event = |&mod_revision: &i64| {
        let kv = Some(KeyValue {
            key: "k".into(),
            mod_revision,
            ..KeyValue::default()
        });
        Encoded::from(&Event { kv, ..Event::default() })
    };
    WatchResponse {
        watch_id,
        header: Some(header(revisions.last().copied().unwrap_or_default())),
        events: revisions.iter().map(event).collect(),
        ..WatchResponse::default()
    }
}

fn start_revisions(requests: &[WatchRequest]) -> Vec<i64> {
    let start = |request: &WatchRequest| match &request.request_union {
        Some(RequestUnion::CreateRequest(create)) => create.start_revision,
        other => panic!("not a create: {other:?}"),
    };
    requests.iter().map(start).collect()
}

fn take(queue: &Queue) -> Option<Result<Update>> {
    queue.next().now_or_never()
}

fn told(queue: &Queue) -> Vec<i64> {
    let mut told = Vec::new();
    while let Some(Ok(update)) = take(queue) {
        told.extend(
            update
                .events
                .iter()
                .filter_map(|event| event.kv.as_ref())
                .map(|kv| kv.mod_revision),
        );
    }
    told
}

#[test]
fn goes_on_after_the_last_event() {
    let mut book = Book::default();
    let (queue, asked) = open(&mut book, 1, 0, 1 << 20);
    assert_eq!(start_revisions(&[asked]), [0]);
    book.frame(created(5, 9)).unwrap();
    book.frame(events(5, &[11, 11, 12])).unwrap();
    assert_eq!(start_revisions(&book.reopen()), [13]);
    // The names of the old stream mean nothing on the new one.
    book.frame(events(5, &[13])).unwrap();
    book.frame(created(0, 20)).unwrap();
    book.frame(events(0, &[12, 13, 14])).unwrap();
    assert_eq!(told(&queue), [11, 11, 12, 13, 14], "nothing twice, nothing left out");
}

#[test]
fn a_watch_from_now_stays_at_the_now_of_its_making() {
    let mut book = Book::default();
    let (_queue, _) = open(&mut book, 1, 0, 1 << 20);
    assert_eq!(start_revisions(&book.reopen()), [0], "never made: now is still to come");
    book.frame(created(0, 9)).unwrap();
    assert_eq!(start_revisions(&book.reopen()), [10]);
}

#[test]
fn progress_moves_on_but_not_before_a_future_start() {
    let mut book = Book::default();
    let (_past, _) = open(&mut book, 1, 3, 1 << 20);
    let (future, _) = open(&mut book, 2, 100, 1 << 20);
    book.frame(created(0, 9)).unwrap();
    book.frame(created(1, 9)).unwrap();
    book.frame(WatchResponse {
        watch_id: -1,
        header: Some(header(50)),
        ..WatchResponse::default()
    })
    .unwrap();
    assert_eq!(start_revisions(&book.reopen()), [51, 100]);
    assert!(take(&future).is_none());
}

#[test]
fn parts_are_put_together_and_forgotten_when_the_stream_breaks() {
    let mut book = Book::default();
    let (queue, _) = open(&mut book, 1, 1, 1 << 20);
    book.frame(created(0, 9)).unwrap();
    book.frame(WatchResponse {
        fragment: true,
        ..events(0, &[5, 5])
    })
    .unwrap();
    assert!(take(&queue).is_none());
    book.frame(events(0, &[5])).unwrap();
    assert_eq!(take(&queue).unwrap().unwrap().events.len(), 3);
    book.frame(WatchResponse {
        fragment: true,
        ..events(0, &[6])
    })
    .unwrap();
    assert_eq!(start_revisions(&book.reopen()), [6]);
    book.frame(created(0, 9)).unwrap();
    book.frame(events(0, &[6, 6])).unwrap();
    assert_eq!(told(&queue), [6, 6]);
}

#[test]
fn a_slow_consumer_stops_its_watch_and_resumes_it() {
    let mut book = Book::default();
    let (queue, _) = open(&mut book, 1, 1, 100);
    book.frame(created(4, 9)).unwrap();
    assert!(book.frame(events(4, &[2])).unwrap().is_empty());
    let stop = book.frame(events(4, &[3])).unwrap();
    assert!(
        matches!(&stop[..], [WatchRequest { request_union: Some(RequestUnion::CancelRequest(cancel)) }]
        if cancel.watch_id == 4)
    );
    // What was on its way, and the store's word that it has stopped.
    book.frame(events(4, &[4])).unwrap();
    book.frame(WatchResponse {
        watch_id: 4,
        canceled: true,
        ..WatchResponse::default()
    })
    .unwrap();
    assert!(book.reopen().is_empty(), "not resumed while it is slow");
    assert_eq!(told(&queue), [2, 3]);
    assert_eq!(start_revisions(&[book.attend(1).unwrap()]), [4]);
}

#[test]
fn the_end_of_a_watch_is_told_with_its_reason() {
    let mut book = Book::default();
    let (compacted, _) = open(&mut book, 1, 1, 100);
    let (denied, _) = open(&mut book, 2, 0, 100);
    let (fine, _) = open(&mut book, 3, 0, 100);
    book.frame(created(0, 9)).unwrap();
    let reason = "rpc error: code = PermissionDenied desc = etcdserver: permission denied".to_owned();
    book.frame(WatchResponse {
        canceled: true,
        cancel_reason: reason,
        ..created(-1, 9)
    })
    .unwrap();
    book.frame(created(1, 9)).unwrap();
    book.frame(WatchResponse {
        canceled: true,
        compact_revision: 7,
        ..WatchResponse::default()
    })
    .unwrap();
    assert!(matches!(take(&compacted), Some(Err(Error::Compacted { revision: 7 }))));
    let refused = take(&denied).unwrap().unwrap_err();
    assert_eq!(refused.fault(), Some(proto::fault::Fault::PermissionDenied));
    assert!(take(&fine).is_none());
    assert_eq!(start_revisions(&book.reopen()), [10], "the third is still there");
}

#[test]
fn an_abandoned_watch_is_cancelled_even_while_it_is_being_made() {
    let mut book = Book::default();
    let (queue, _) = open(&mut book, 1, 0, 100);
    queue.abandon();
    assert!(book.attend(1).is_none(), "no name yet to cancel it by");
    assert!(book.is_empty());
    assert_eq!(
        book.frame(created(3, 9)).unwrap().len(),
        1,
        "cancelled as soon as it is named"
    );
}

#[test]
fn an_old_token_opens_the_stream_again() {
    let mut book = Book::default();
    let (queue, _) = open(&mut book, 1, 0, 100);
    let reason = "rpc error: code = Unauthenticated desc = etcdserver: invalid auth token".to_owned();
    let answer = book.frame(WatchResponse {
        canceled: true,
        cancel_reason: reason,
        ..created(-1, 9)
    });
    assert!(answer.is_err_and(|error| error.wants_new_token()));
    assert!(take(&queue).is_none(), "the consumer does not notice");
    assert_eq!(book.reopen().len(), 1);
}
