//! Watches as their owner sees them.

use std::cell::Cell;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Filter, GroupBatch, Hub, Poll, Watcher};
use crate::testing::{Store, bytes, delete, put, then};
use crate::{KeyRange, PageLimits, Revision, RevisionBatch};

fn filter(key: &str, end: &str) -> Filter {
    Filter::new(KeyRange::new(&bytes(key), &bytes(end)))
}

/// Publishes as the owner would; answers who was woken and how many versions were fetched.
fn publish(hub: &Hub<u32>, store: &Store, batch: &RevisionBatch) -> (Vec<u32>, usize) {
    let (mut woken, fetched) = (Vec::new(), Cell::new(0));
    let reader = store.mvcc.reader();
    let previous = |key: &[u8], revision: Revision| {
        fetched.set(fetched.get() + 1);
        reader.value_at(key, revision).unwrap()
    };
    hub.publish(batch, &previous, &mut |token| woken.push(*token));
    woken.sort_unstable();
    (woken, fetched.get())
}

fn put_and_publish(hub: &Hub<u32>, store: &mut Store, key: &str, value: &str) -> (Vec<u32>, usize) {
    let batch = store.put(key, value);
    publish(hub, store, &batch)
}

fn delete_and_publish(hub: &Hub<u32>, store: &mut Store, key: &str, end: &str) -> (Vec<u32>, usize) {
    let batch = store.delete(key, end).unwrap();
    publish(hub, store, &batch)
}

fn shown(batches: &[Arc<GroupBatch>]) -> String {
    let event = |event: &proto::Encoded<proto::mvcc::Event>| {
        let event = event.decode().unwrap();
        let kv = event.kv.unwrap();
        let old = event
            .prev_kv
            .map_or(String::new(), |old| format!("<{}", old.value.escape_ascii()));
        let sign = if event.r#type == 1 { "-" } else { "+" };
        format!("{sign}{}{}{old}", kv.key.escape_ascii(), kv.value.escape_ascii())
    };
    let batch = |batch: &Arc<GroupBatch>| {
        format!(
            "{}:{}",
            batch.revision,
            batch.events.iter().map(event).collect::<Vec<_>>().join(",")
        )
    };
    batches.iter().map(batch).collect::<Vec<_>>().join(" ")
}

fn ready(watcher: &mut Watcher<u32>) -> String {
    match watcher.poll(usize::MAX) {
        Poll::Ready(batches) => shown(&batches),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_change_reaches_those_who_asked() {
    let (mut store, hub) = (Store::new(), Hub::new(1, -1, 1 << 20));
    let mut one = hub.watch(filter("a", ""), 0, 1);
    let mut range = hub.watch(filter("a", "c"), 0, 2);
    let mut open = hub.watch(filter("b", "\0"), 0, 3);
    let mut other = hub.watch(filter("x", ""), 0, 4);
    let batch = store.txn(&then([put("a", "1"), put("b", "2")])).unwrap().1.unwrap();
    assert_eq!(publish(&hub, &store, &batch), (vec![1, 2, 3], 0));
    assert_eq!(ready(&mut one), "2:+a1");
    assert_eq!(ready(&mut range), "2:+a1,+b2");
    assert_eq!(ready(&mut open), "2:+b2");
    for watcher in [&mut one, &mut range, &mut open, &mut other] {
        assert_eq!(watcher.poll(usize::MAX), Poll::Idle(2));
    }
    assert_eq!(
        publish(&hub, &store, &batch),
        (vec![], 0),
        "the same revision again is not news"
    );
}

#[test]
fn previous_values_are_fetched_once_and_only_if_asked_for() {
    let (mut store, hub) = (Store::new(), Hub::new(1, -1, 1 << 20));
    let with = |filter: Filter| Filter {
        prev_kv: true,
        ..filter
    };
    let mut plain = hub.watch(filter("a", ""), 0, 1);
    put_and_publish(&hub, &mut store, "a", "1");
    assert_eq!(put_and_publish(&hub, &mut store, "a", "2").1, 0);
    let mut first = hub.watch(with(filter("a", "")), 0, 2);
    let mut second = hub.watch(with(filter("a", "\0")), 0, 3);
    assert_eq!(put_and_publish(&hub, &mut store, "a", "3").1, 1);
    let batch = store.txn(&then([delete("a", ""), put("b", "1")])).unwrap().1.unwrap();
    assert_eq!(publish(&hub, &store, &batch).1, 1);
    assert_eq!(ready(&mut plain), "2:+a1 3:+a2 4:+a3 5:-a");
    assert_eq!(ready(&mut first), "4:+a3<2 5:-a<3");
    assert_eq!(ready(&mut second), "4:+a3<2 5:-a<3,+b1");
}

#[test]
fn filters_leave_out_kinds() {
    let (mut store, hub) = (Store::new(), Hub::new(1, -1, 1 << 20));
    let mut puts = hub.watch(
        Filter {
            no_delete: true,
            ..filter("a", "")
        },
        0,
        1,
    );
    let mut deletes = hub.watch(
        Filter {
            no_put: true,
            ..filter("a", "")
        },
        0,
        2,
    );
    assert_eq!(put_and_publish(&hub, &mut store, "a", "1").0, [1]);
    assert_eq!(delete_and_publish(&hub, &mut store, "a", "").0, [2]);
    assert_eq!(ready(&mut puts), "2:+a1");
    assert_eq!(ready(&mut deletes), "3:-a");
    assert_eq!(ready(&mut deletes), "Idle(3)");
}

#[test]
fn a_start_ahead_waits_in_silence() {
    let (mut store, hub) = (Store::new(), Hub::new(1, -1, 1 << 20));
    let mut watcher = hub.watch(filter("a", ""), 4, 1);
    for n in 0..2 {
        put_and_publish(&hub, &mut store, "a", &n.to_string());
        assert_eq!(watcher.poll(usize::MAX), Poll::Future);
    }
    put_and_publish(&hub, &mut store, "a", "x");
    assert_eq!(ready(&mut watcher), "4:+ax");
    assert_eq!(ready(&mut watcher), "Idle(4)");
}

#[test]
fn a_start_behind_is_read_from_history_once() {
    let (mut store, hub) = (Store::new(), Hub::new(1, -1, 1 << 20));
    for n in 0..3 {
        put_and_publish(&hub, &mut store, "a", &n.to_string());
    }
    let mut watcher = hub.watch(filter("a", ""), 2, 1);
    assert_eq!(watcher.poll(usize::MAX), Poll::Behind(2));
    let limits = PageLimits {
        revisions: 1000,
        bytes: 1 << 20,
    };
    let page = store
        .mvcc
        .reader()
        .view()
        .history(watcher.next(), watcher.filter(), limits)
        .unwrap();
    assert_eq!(shown(&page.batches), "2:+a0 3:+a1 4:+a2");
    watcher.resume(page.next);
    assert_eq!(ready(&mut watcher), "Idle(4)");
    put_and_publish(&hub, &mut store, "a", "3");
    // A second watch of the same group finds what is kept since the first came.
    let mut late = hub.watch(filter("a", ""), 5, 2);
    assert_eq!(ready(&mut late), "5:+a3");
    assert_eq!(ready(&mut watcher), "5:+a3");
}

#[test]
fn history_may_run_ahead_of_the_hub() {
    let (mut store, hub) = (Store::new(), Hub::new(1, -1, 1 << 20));
    let mut watcher = hub.watch(filter("a", ""), 1, 1);
    let batch = store.put("a", "1");
    assert_eq!(watcher.poll(usize::MAX), Poll::Behind(1));
    let limits = PageLimits {
        revisions: 1000,
        bytes: 1 << 20,
    };
    let page = store.mvcc.reader().view().history(1, watcher.filter(), limits).unwrap();
    watcher.resume(page.next);
    assert_eq!(ready(&mut watcher), "Idle(2)", "never less than what was sent");
    publish(&hub, &store, &batch);
    assert_eq!(ready(&mut watcher), "Idle(2)", "and never twice");
}

#[test]
fn what_is_kept_is_bounded_and_slow_watches_are_behind() {
    let (mut store, hub) = (Store::new(), Hub::new(1, -1, 1000));
    let mut slow = hub.watch(filter("a", ""), 0, 1);
    let mut idle = hub.watch(filter("b", ""), 0, 2);
    for n in 0..50 {
        put_and_publish(&hub, &mut store, "a", &n.to_string());
        assert!(hub.stats().ring_bytes <= 1000);
    }
    assert_eq!(slow.poll(usize::MAX), Poll::Behind(2));
    assert_eq!(idle.poll(usize::MAX), Poll::Idle(51), "nothing of its own was dropped");
    hub.compacted(40);
    assert_eq!(slow.poll(usize::MAX), Poll::Compacted(40));
    slow.resume(50);
    assert_eq!(ready(&mut slow), "50:+a48 51:+a49");
    let mut late = hub.watch(filter("a", ""), 39, 3);
    assert_eq!(late.poll(usize::MAX), Poll::Compacted(40));
    let mut exact = hub.watch(filter("a", ""), 40, 3);
    assert_eq!(exact.poll(usize::MAX), Poll::Behind(40));
}

#[test]
fn a_compaction_refuses_new_watches_and_leaves_running_ones() {
    let (mut store, hub) = (Store::new(), Hub::new(1, -1, 1 << 20));
    let mut running = hub.watch(filter("a", ""), 0, 1);
    for n in 0..3 {
        put_and_publish(&hub, &mut store, "a", &n.to_string());
    }
    hub.compacted(4);
    let mut late = hub.watch(filter("a", ""), 3, 2);
    assert_eq!(
        late.poll(usize::MAX),
        Poll::Compacted(4),
        "though its events are still kept"
    );
    assert_eq!(ready(&mut running), "2:+a0 3:+a1 4:+a2");
}

#[test]
fn a_poll_ends_between_revisions() {
    let (mut store, hub) = (Store::new(), Hub::new(1, -1, 1 << 20));
    let mut watcher = hub.watch(filter("a", "\0"), 0, 1);
    for _ in 0..3 {
        let batch = store.txn(&then([put("a", "1"), put("b", "1")])).unwrap().1.unwrap();
        publish(&hub, &store, &batch);
    }
    for revision in 2..5 {
        match watcher.poll(1) {
            Poll::Ready(batches) => assert_eq!(shown(&batches), format!("{revision}:+a1,+b1")),
            other => panic!("{other:?}"),
        }
        assert_eq!(watcher.next(), revision + 1);
    }
    assert_eq!(watcher.poll(1), Poll::Idle(4));
}

#[test]
fn the_last_watch_of_a_group_takes_it_along() {
    let hub = Hub::new(1, -1, 1 << 20);
    let watchers: Vec<_> = (0..10)
        .map(|n| hub.watch(filter(["a", "b"][n % 2], ["", "c"][n % 2]), 0, n))
        .collect();
    assert_eq!((hub.stats().groups, hub.stats().watchers), (2, 10));
    drop(watchers);
    assert_eq!((hub.stats().groups, hub.stats().watchers), (0, 0));
    let _again = hub.watch(filter("a", ""), 0, 1);
    assert_eq!(hub.stats().groups, 1);
}

#[test]
fn a_gap_or_a_reset_sends_everybody_to_history() {
    let (mut store, hub) = (Store::new(), Hub::new(1, -1, 1 << 20));
    let mut watcher = hub.watch(filter("a", ""), 0, 1);
    store.put("a", "lost");
    put_and_publish(&hub, &mut store, "a", "2");
    assert_eq!(watcher.poll(usize::MAX), Poll::Behind(2));
    watcher.resume(4);
    let mut woken = Vec::new();
    hub.reset(9, 7, &mut |token| woken.push(*token));
    assert_eq!((woken, hub.revision()), (vec![1], 9));
    assert_eq!(watcher.poll(usize::MAX), Poll::Compacted(7));
    watcher.resume(8);
    assert_eq!(watcher.poll(usize::MAX), Poll::Behind(8));
}

#[test]
fn many_watches_share_one_batch() {
    let (mut store, hub) = (Store::new(), Hub::new(1, -1, 1 << 20));
    let mut same: Vec<_> = (0..10_000).map(|n| hub.watch(filter("pods/", "pods0"), 0, n)).collect();
    let idle: Vec<_> = (0..10_000)
        .map(|n| hub.watch(filter(&format!("x{n}/"), &format!("x{n}0")), 0, n))
        .collect();
    let (woken, _) = put_and_publish(&hub, &mut store, "pods/a", "1");
    assert_eq!(woken.len(), 10_000);
    let mut batches = same.iter_mut().map(|watcher| match watcher.poll(usize::MAX) {
        Poll::Ready(batches) => Arc::clone(&batches[0]),
        other => panic!("{other:?}"),
    });
    let first = batches.next().unwrap();
    assert!(batches.all(|batch| Arc::ptr_eq(&batch, &first)));
    drop(idle);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// However slowly a watch looks, and whatever the ring keeps: it hears of everything once, in order.
    #[test]
    fn nothing_is_lost_and_nothing_comes_twice(
        ops in proptest::collection::vec((0_u8..4, any::<bool>(), 0_u8..3, 1_usize..300), 1..60),
        ring in 0_usize..2000,
        start in 0_i64..10,
    ) {
        let (mut store, hub) = (Store::new(), Hub::new(1, -1, ring));
        let mut watcher = hub.watch(Filter { prev_kv: true, ..filter("k1", "k3") }, start, 0);
        let (mut expected, mut found) = (Vec::<i64>::new(), Vec::new());
        let limits = PageLimits { revisions: 2, bytes: 100 };
        let mut catch_up = |watcher: &mut Watcher<u32>, store: &Store, max: usize| match watcher.poll(max) {
            Poll::Ready(batches) => found.extend(batches.iter().map(|batch| batch.revision)),
            Poll::Behind(from) => {
                let page = store.mvcc.reader().view().history(from, watcher.filter(), limits).unwrap();
                found.extend(page.batches.iter().map(|batch| batch.revision));
                watcher.resume(page.next);
            }
            Poll::Idle(_) | Poll::Future => {}
            Poll::Compacted(_) => panic!("nothing was compacted"),
        };
        for (key, deleted, polls, max) in ops {
            let key = format!("k{key}");
            let batch = if deleted { store.delete(&key, "") } else { Some(store.put(&key, "v")) };
            if let Some(batch) = batch {
                if ("k1".."k3").contains(&key.as_str()) && batch.revision >= start {
                    expected.push(batch.revision);
                }
                publish(&hub, &store, &batch);
            }
            (0..polls).for_each(|_| catch_up(&mut watcher, &store, max));
        }
        (0..200).for_each(|_| catch_up(&mut watcher, &store, 1));
        prop_assert_eq!(found, expected);
    }
}
