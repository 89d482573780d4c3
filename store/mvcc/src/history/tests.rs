//! Events of the past against the naive store.

use proptest::prelude::*;
use proto::fault::Fault;

use super::PageLimits;
use crate::KeyRange;
use crate::read::tests::{run, step};
use crate::testing::{Store, delete, put, then};
use crate::watch::Filter;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn pages_tell_all_that_happened(
        steps in proptest::collection::vec(step(), 1..60),
        (no_put, no_delete, prev_kv) in (any::<bool>(), any::<bool>(), any::<bool>()),
        (revisions, bytes) in (1_usize..6, 1_usize..100),
        whole in any::<bool>(),
        back in 0_i64..20,
    ) {
        let (store, naive) = run(&steps);
        let view = store.mvcc.reader().view();
        let range = if whole { KeyRange::all() } else { KeyRange::new(&"k".into(), &"kk".into()) };
        let filter = Filter { no_put, no_delete, prev_kv, ..Filter::new(range) };
        let mut from = (naive.revision() - back).max(view.compacted()).max(1);
        let mut expected = Vec::new();
        for (main, _, deleted, kv) in naive.versions.iter().filter(|version| version.0 >= from) {
            if filter.range.contains(&kv.key) && !(if *deleted { no_delete } else { no_put }) {
                let old = naive.at(main - 1).into_iter().find(|old| old.key == kv.key);
                // What the last compaction gave up may be gone or still there.
                let certain = view.compacted() < *main;
                expected.push((*main, *deleted, kv.key.clone(), kv.value.clone(), old.filter(|_| prev_kv), certain));
            }
        }
        let mut found = Vec::new();
        while from <= view.revision() {
            let page = view.history(from, &filter, PageLimits { revisions, bytes }).unwrap();
            prop_assert!(page.next > from && page.batches.len() <= revisions);
            for batch in &page.batches {
                prop_assert!(batch.revision >= from && batch.revision < page.next && !batch.events.is_empty());
                for event in &batch.events {
                    let event = event.decode().unwrap();
                    let kv = event.kv.unwrap();
                    prop_assert_eq!(kv.mod_revision, batch.revision);
                    found.push((batch.revision, event.r#type == 1, kv.key, kv.value, event.prev_kv));
                }
            }
            from = page.next;
        }
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.into_iter().zip(expected) {
            let (main, deleted, key, value, old, certain) = expected;
            prop_assert_eq!((found.0, found.1, found.2, found.3), (main, deleted, key, value));
            if certain || found.4.is_some() {
                prop_assert_eq!(found.4, old);
            }
        }
    }
}

#[test]
fn starts_at_the_compaction_and_not_before() {
    let mut store = Store::new();
    store.put("a", "1");
    store.put("a", "2");
    store.delete("a", "");
    store.compact(4).unwrap();
    store.collect(100);
    let view = store.mvcc.reader().view();
    let limits = PageLimits {
        revisions: 10,
        bytes: 1000,
    };
    let filter = Filter::new(KeyRange::all());
    assert_eq!(
        view.history(3, &filter, limits).unwrap_err().fault(),
        Some(Fault::Compacted)
    );
    let page = view.history(4, &filter, limits).unwrap();
    assert_eq!((page.batches.len(), page.batches[0].revision, page.next), (1, 4, 5));
    let page = view.history(9, &filter, limits).unwrap();
    assert_eq!((page.batches.len(), page.next), (0, 9));
}

#[test]
fn pages_end_soon_after_the_bytes_allowed() {
    let mut store = Store::new();
    for n in 0..300 {
        store.put(&format!("{n:03}"), &"x".repeat(if n < 100 { 10_000 } else { 10 }));
    }
    let view = store.mvcc.reader().view();
    let filter = Filter::new(KeyRange::all());
    let (mut from, mut sizes) = (1, Vec::new());
    while from <= view.revision() {
        let page = view
            .history(
                from,
                &filter,
                PageLimits {
                    revisions: 1000,
                    bytes: 50_000,
                },
            )
            .unwrap();
        let bytes: usize = page.batches.iter().map(|batch| batch.bytes).sum();
        assert!(bytes < 50_000 + 8 * 10_100, "{bytes}");
        sizes.push(page.batches.len());
        from = page.next;
    }
    assert_eq!(sizes.iter().sum::<usize>(), 300);
    assert!(sizes.len() > 10 && sizes.last() > Some(&100), "{sizes:?}");
}

#[test]
fn a_key_that_came_and_went_in_the_compacted_revision_is_told_as_gone() {
    let mut store = Store::new();
    store.txn(&then([put("a", "1"), delete("a", "")])).unwrap();
    store.compact(2).unwrap();
    // The collector takes the put, which nobody can read any more; a watch may still start at its revision.
    store.collect(5);
    let filter = Filter::new(KeyRange::new(&"a".into(), &"".into()));
    let limits = PageLimits {
        revisions: 9,
        bytes: 1 << 20,
    };
    let page = store.mvcc.reader().view().history(2, &filter, limits).unwrap();
    let told = page.batches.iter().flat_map(|batch| &batch.events);
    let kinds: Vec<i32> = told.map(|event| event.decode().unwrap().r#type).collect();
    assert_eq!(kinds, [1], "the deletion alone");
    assert_eq!(page.next, 3);
}
