//! What is collected, what is kept, and what it is worth.

use proptest::prelude::*;
use store_engine::{Engine, Order};

use crate::read::tests::{run, step};
use crate::testing::{Naive, Store, get};
use crate::{Revision, keys};

/// Every version in `Data`.
fn versions(store: &Store) -> Vec<(Vec<u8>, Revision)> {
    let (mut found, mut key) = (Vec::new(), Vec::new());
    let mut cursor = store.engine.scan(keys::DATA, b"", None, Order::Ascending);
    while cursor.valid() {
        let revision = keys::read_data_key(cursor.key(), &mut key).unwrap();
        found.push((key.clone(), revision));
        cursor.advance();
    }
    found.sort();
    found
}

fn stored_bytes(store: &Store) -> u64 {
    let mut bytes = 0;
    for space in [keys::DATA, keys::HISTORY] {
        let mut cursor = store.engine.scan(space, b"", None, Order::Ascending);
        while cursor.valid() {
            bytes += (cursor.key().len() + cursor.value().len()) as u64;
            cursor.advance();
        }
    }
    bytes
}

/// What must be there after collecting up to `done`: what is visible there, the deletions just there, and every later
/// change.
fn expected(naive: &Naive, done: i64) -> Vec<(Vec<u8>, Revision)> {
    let visible = naive.at(done);
    let mut found: Vec<_> = naive
        .versions
        .iter()
        .filter(|(main, _, deleted, kv)| {
            *main > done
                || (*main == done && *deleted)
                || visible
                    .iter()
                    .any(|live| live.key == kv.key && live.mod_revision == *main)
        })
        .map(|(main, sub, _, kv)| (kv.key.to_vec(), Revision::new(*main, *sub)))
        .collect();
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn drops_just_what_nobody_can_see(steps in proptest::collection::vec(step(), 1..80)) {
        let (store, naive) = run(&steps);
        store.collect(usize::MAX);
        let gc = store.mvcc.gc();
        prop_assert!(!gc.pending());
        prop_assert_eq!(gc.done(), store.mvcc.compacted());
        prop_assert_eq!(versions(&store), expected(&naive, store.mvcc.compacted()));
        prop_assert_eq!(store.mvcc.live_bytes(), stored_bytes(&store));
    }
}

#[test]
fn a_view_keeps_what_it_sees() {
    let mut store = Store::new();
    (0..5).for_each(|n| drop(store.put("a", &n.to_string())));
    let old = store.mvcc.reader().view();
    let twin = old.clone();
    store.compact(4).unwrap();
    let newer = store.mvcc.reader().view();
    store.put("a", "5");
    store.compact(6).unwrap();
    store.collect(100);
    assert_eq!(versions(&store).len(), 6);
    let mut request = get("a", "");
    request.revision = 2;
    assert_eq!(old.range(&request).unwrap().kvs.len(), 1);
    drop(old);
    store.collect(100);
    assert_eq!((versions(&store).len(), store.mvcc.gc().done()), (6, -1));
    drop(twin);
    // The second view was taken after the first compaction: that one can go, the other cannot.
    store.collect(100);
    assert_eq!(
        (
            versions(&store).len(),
            store.mvcc.gc().done(),
            store.mvcc.gc().pending()
        ),
        (4, 4, true)
    );
    request.revision = 4;
    assert_eq!(newer.range(&request).unwrap().kvs.len(), 1);
    drop(newer);
    store.collect(100);
    assert_eq!((versions(&store).len(), store.mvcc.gc().done()), (2, 6));
}

#[test]
fn goes_on_where_it_stopped_after_opening_again() {
    let mut store = Store::new();
    (0..20).for_each(|n| drop(store.put("a", &n.to_string())));
    store.compact(21).unwrap();
    store.collect(2);
    store.reopen();
    assert!(store.mvcc.gc().pending());
    let before = store.mvcc.gc().step(100).unwrap().unwrap();
    // Six of nineteen changes were done; their versions are not deleted again.
    assert!(
        before.reclaim.is_some() && before.batch.len() == 14 + 2,
        "{}",
        before.batch.len()
    );
    store.collect(100);
    assert_eq!(store.mvcc.live_bytes(), stored_bytes(&store));
}

#[test]
fn a_step_on_replaced_contents_does_not_count() {
    let mut store = Store::new();
    (0..5).for_each(|n| drop(store.put("a", &n.to_string())));
    store.compact(5).unwrap();
    let gc = store.mvcc.gc();
    let step = gc.step(100).unwrap().unwrap();
    store.mvcc.reload().unwrap();
    gc.finish(step);
    assert_eq!(gc.done(), -1);
}

#[test]
fn deleting_everything_and_compacting_there_frees_the_space() {
    let mut store = Store::new();
    for n in 0..30 {
        store.put(&format!("{n:02}"), &"x".repeat(1000));
    }
    store.delete("\0", "\0");
    store.compact(store.mvcc.revision()).unwrap();
    store.collect(100);
    assert!(store.mvcc.live_bytes() < 3000, "{}", store.mvcc.live_bytes());
    assert_eq!(store.mvcc.live_bytes(), stored_bytes(&store));
    store.put("a", "1");
    store.compact(store.mvcc.revision()).unwrap();
    store.collect(100);
    assert_eq!(store.mvcc.live_bytes(), stored_bytes(&store));
    assert_eq!(versions(&store).len(), 1);
}

#[test]
fn a_new_compaction_does_not_confuse_one_that_is_half_collected() {
    let mut store = Store::new();
    (0..6).for_each(|n| drop(store.put(&n.to_string(), "v")));
    store.delete("\0", "\0");
    let deleted = store.mvcc.revision();
    store.compact(deleted).unwrap();
    // Stops in the middle of the deletion's own changes.
    store.collect(3);
    assert_eq!((store.mvcc.gc().pending(), store.mvcc.gc().behind()), (true, false));
    store.put("a", "1");
    store.compact(deleted + 1).unwrap();
    assert!(store.mvcc.gc().behind());
    store.collect(100);
    assert!(!store.mvcc.gc().behind());
    assert_eq!(store.mvcc.live_bytes(), stored_bytes(&store));
    assert_eq!(versions(&store).len(), 1);
}
