//! Ranges of all kinds against the naive store, before and after compactions, collecting and opening again.

use proptest::prelude::*;
use prost::Message;
use proto::etcd::{RangeRequest, RangeResponse};
use proto::fault::Fault;
use proto::mvcc::KeyValue;

use super::{Past, walk};
use crate::KeyRange;
use crate::testing::{Naive, Store, bytes, get};

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Put(u8, u8),
    Delete(u8, u8),
    Compact(u8),
    Collect(usize),
    Reopen,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0_u8..8, any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
        4 => (0_u8..8, 0_u8..10).prop_map(|(key, end)| Step::Delete(key, end)),
        2 => any::<u8>().prop_map(Step::Compact),
        2 => (0_usize..4).prop_map(Step::Collect),
        1 => Just(Step::Reopen),
    ]
}

fn name(key: u8) -> String {
    format!("{}{}", ["k", "k\0", "kk"][usize::from(key % 3)], key)
}

/// Runs the steps on both stores.
pub(crate) fn run(steps: &[Step]) -> (Store, Naive) {
    let (mut store, mut naive) = (Store::new(), Naive::default());
    for step in steps {
        match step {
            Step::Put(key, value) => {
                store.put(&name(*key), &value.to_string());
                naive.put(&name(*key), &value.to_string());
            }
            Step::Delete(key, end) => {
                let end = match end {
                    8 => String::new(),
                    9 => "\0".into(),
                    end => name(*end),
                };
                store.delete(&name(*key), &end);
                naive.delete(&KeyRange::new(&bytes(&name(*key)), &bytes(&end)));
            }
            Step::Compact(part) => {
                let revision = naive.revision() * i64::from(*part) / 255;
                let allowed = revision > store.mvcc.compacted();
                assert_eq!(store.compact(revision).is_ok(), allowed);
            }
            Step::Collect(steps) => store.collect(*steps),
            Step::Reopen => store.reopen(),
        }
        assert_eq!(store.mvcc.revision(), naive.revision());
    }
    (store, naive)
}

fn decode(response: &RangeResponse) -> Vec<KeyValue> {
    response.kvs.iter().map(|kv| kv.decode().unwrap()).collect()
}

fn ranges() -> Vec<KeyRange> {
    let range = |key: &str, end: &str| KeyRange::new(&bytes(key), &bytes(end));
    vec![
        range("\0", "\0"),
        range("k", "kk"),
        range("k1", "\0"),
        range(&name(1), ""),
        range("z", "a"),
    ]
}

fn request(range: &KeyRange, revision: i64) -> RangeRequest {
    let range_end = match range.end() {
        _ if range.is_single() => bytes(""),
        Some(end) => end,
        None => bytes("\0"),
    };
    RangeRequest {
        key: range.start().clone(),
        range_end,
        revision,
        ..RangeRequest::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn every_readable_revision_reads_as_it_was(steps in proptest::collection::vec(step(), 1..60)) {
        let (store, naive) = run(&steps);
        let view = store.mvcc.reader().view();
        for revision in 1..=naive.revision() {
            for range in ranges() {
                let request = request(&range, revision);
                if revision < view.compacted() {
                    let refused = view.range(&request).unwrap_err().fault();
                    prop_assert_eq!(refused, Some(Fault::Compacted));
                    continue;
                }
                let expected = naive.range(&range, revision);
                let found = view.range(&request).unwrap();
                prop_assert_eq!(decode(&found), expected.clone());
                prop_assert_eq!(found.count, expected.len() as i64);

                // Both ways into the past agree.
                let snapshot = view.snapshot();
                let walked = walk::rows(&snapshot, &range, revision, 3).unwrap();
                let mut past = Past::new(range.clone(), revision);
                past.advance(&snapshot).unwrap();
                let turned = past.rows(&snapshot, &range, 3);
                let places = |rows: &[super::Row]| rows.iter().map(|r| (r.key.clone(), r.revision)).collect::<Vec<_>>();
                prop_assert_eq!(places(&walked), places(&turned));
                prop_assert_eq!(walk::count(&snapshot, &range, revision).unwrap(), past.count(&snapshot, &range));
            }
        }
    }

    #[test]
    fn options_do_what_upstream_does(
        steps in proptest::collection::vec(step(), 1..40),
        target in 0_i32..5,
        order in 0_i32..3,
        limit in 0_i64..6,
        (min_mod, max_mod, min_create, max_create) in (0_i64..20, 0_i64..30, 0_i64..10, 0_i64..30),
        filtered in any::<bool>(),
        (keys_only, count_only) in (any::<bool>(), any::<bool>()),
        back in 0_i64..5,
    ) {
        let (store, naive) = run(&steps);
        let view = store.mvcc.reader().view();
        let revision = (naive.revision() - back).max(view.compacted()).max(1);
        let on = |number: i64| if filtered { number } else { 0 };
        let request = RangeRequest {
            limit, sort_order: order, sort_target: target, keys_only, count_only,
            min_mod_revision: on(min_mod), max_mod_revision: on(max_mod),
            min_create_revision: on(min_create), max_create_revision: on(max_create),
            ..request(&KeyRange::all(), revision)
        };
        let mut expected = naive.at(revision);
        let count = expected.len() as i64;
        let plain = order == 0 || (order == 1 && target == 0);
        let filters = request.min_mod_revision + request.max_mod_revision
            + request.min_create_revision + request.max_create_revision > 0;
        if plain && !filters && limit > 0 {
            expected.truncate(limit as usize + 1);
        }
        let within = |n: i64, min: i64, max: i64| (min == 0 || n >= min) && (max == 0 || n <= max);
        expected.retain(|kv| {
            within(kv.mod_revision, request.min_mod_revision, request.max_mod_revision)
                && within(kv.create_revision, request.min_create_revision, request.max_create_revision)
        });
        match target {
            1 => expected.sort_by_key(|kv| kv.version),
            2 => expected.sort_by_key(|kv| kv.create_revision),
            3 => expected.sort_by_key(|kv| kv.mod_revision),
            4 => expected.sort_by_key(|kv| kv.value.clone()),
            _ => {}
        }
        // Equal rows may come in any order: compare what they are sorted by.
        let sorted_by = |kv: &KeyValue| match target {
            1 => kv.version.to_string(),
            2 => kv.create_revision.to_string(),
            3 => kv.mod_revision.to_string(),
            4 if keys_only => String::new(),
            4 => String::from_utf8_lossy(&kv.value).into_owned(),
            _ => String::from_utf8_lossy(&kv.key).into_owned(),
        };
        if order == 2 {
            expected.reverse();
        }
        let more = limit > 0 && expected.len() as i64 > limit && !count_only;
        if limit > 0 {
            expected.truncate(limit as usize);
        }
        if count_only {
            expected.clear();
        }
        let response = view.range(&request).unwrap();
        let found = decode(&response);
        prop_assert_eq!(response.header.unwrap().revision, naive.revision());
        prop_assert_eq!((response.count, response.more), (count, more));
        prop_assert_eq!(
            found.iter().map(sorted_by).collect::<Vec<_>>(),
            expected.iter().map(sorted_by).collect::<Vec<_>>()
        );
        prop_assert!(!keys_only || found.iter().all(|kv| kv.value.is_empty() && kv.version > 0));
    }

    #[test]
    fn pieces_of_a_listing_are_the_plain_answer(
        steps in proptest::collection::vec(step(), 1..60),
        later in proptest::collection::vec((0_u8..8, any::<u8>()), 0..20),
        (limit, room) in (0_i64..6, 1_usize..60),
    ) {
        let (mut store, _) = run(&steps);
        for range in ranges() {
            let request = RangeRequest { limit, ..request(&range, 0) };
            let plain = store.mvcc.reader().view().range(&request).unwrap();
            let Some(mut listing) = store.mvcc.reader().view().listing(&request, 1).unwrap() else {
                prop_assert!(range.is_single() || plain.kvs.is_empty());
                continue;
            };
            let mut answer = RangeResponse { kvs: Vec::new(), ..plain.clone() };
            prop_assert_eq!(listing.response(), &answer);
            prop_assert_eq!(listing.bytes() + answer.encoded_len(), plain.encoded_len());
            let mut encoded = answer.encode_to_vec();
            // What is written meanwhile is not seen.
            for (key, value) in &later {
                store.put(&name(*key), &value.to_string());
            }
            while let Some(piece) = listing.next_piece(room).unwrap() {
                prop_assert!(!piece.is_empty());
                encoded.extend_from_slice(&piece);
            }
            prop_assert_eq!((listing.keys(), listing.bytes()), (0, 0));
            answer = RangeResponse::decode(encoded.as_slice()).unwrap();
            prop_assert_eq!(answer, plain);
        }
    }

    #[test]
    fn walking_finds_what_searching_finds(steps in proptest::collection::vec(step(), 1..60)) {
        let (store, _) = run(&steps);
        let view = store.mvcc.reader().view();
        let snapshot = view.snapshot();
        let rows = snapshot.rows(&KeyRange::all(), usize::MAX);
        let wanted: Vec<_> = rows.iter().map(|row| (row.key.as_ref(), row.revision)).collect();
        let searched: Option<Vec<_>> = snapshot.find(&wanted).unwrap().into_iter().collect();
        prop_assert_eq!(Some(snapshot.walked(&rows).unwrap()), searched);
    }

    #[test]
    fn pages_merged_are_the_plain_answer(
        steps in proptest::collection::vec(step(), 1..60),
        later in proptest::collection::vec(step(), 0..30),
        limit in 0_i64..12,
        back in 0_i64..8,
        max_bytes in 1_usize..200,
        keys_only in any::<bool>(),
    ) {
        let (mut store, _) = run(&steps);
        let reader = store.mvcc.reader();
        let revision = (reader.revision() - back).max(reader.compacted());
        let request = RangeRequest { limit, keys_only, ..request(&KeyRange::all(), revision) };
        let expected = reader.view().range(&request).unwrap();
        let mut pages = reader.range_pages(request, max_bytes).unwrap();
        let mut merged = RangeResponse::default();
        // The store moves on between the pages, but never gives up the revision.
        let mut later = later.iter();
        while let Some(page) = pages.next_page().unwrap() {
            prop_assert!(merged.header.is_none());
            merged.merge(page.encode_to_vec().as_slice()).unwrap();
            match later.next() {
                Some(Step::Put(key, value)) => drop(store.put(&name(*key), &value.to_string())),
                Some(Step::Delete(key, _)) => drop(store.delete(&name(*key), "\0")),
                Some(Step::Compact(_)) => drop(store.compact(revision)),
                Some(_) => store.collect(2),
                None => {}
            }
        }
        prop_assert_eq!(merged, expected);
    }
}

#[test]
fn a_compaction_ends_a_stream_of_pages() {
    let mut store = Store::new();
    for n in 0..40 {
        store.put(&format!("{n:02}"), "v");
    }
    let mut pages = store.mvcc.reader().range_pages(get("\0", "\0"), 1 << 20).unwrap();
    let first = pages.next_page().unwrap().unwrap();
    assert_eq!((first.kvs.len(), first.header, first.count), (10, None, 0));
    store.put("00", "w");
    store.compact(41).unwrap();
    store.collect(100);
    assert_eq!(pages.next_page().unwrap().unwrap().kvs.len(), 20);
    store.compact(42).unwrap();
    assert_eq!(pages.next_page().unwrap_err().fault(), Some(Fault::Compacted));
}

#[test]
fn pages_shrink_to_the_bytes_allowed() {
    let mut store = Store::new();
    for n in 0..64 {
        store.put(&format!("{n:02}"), &"x".repeat(100));
    }
    let mut pages = store.mvcc.reader().range_pages(get("\0", "\0"), 1000).unwrap();
    let (mut sizes, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next_page().unwrap() {
        sizes.push(page.kvs.len());
        count = page.count;
        assert!(page.kvs.iter().map(|kv| kv.bytes().len()).sum::<usize>() <= 1000);
    }
    assert_eq!((sizes.iter().sum::<usize>(), count), (64, 64));
    assert!(sizes.iter().all(|size| *size >= 1) && sizes.len() < 20, "{sizes:?}");
}

#[test]
fn long_ago_is_walked_and_answers_alike() {
    let (mut store, mut naive) = (Store::new(), Naive::default());
    for n in 0..400_u32 {
        let key = format!("{:02}", n % 11);
        store.put(&key, &n.to_string());
        naive.put(&key, &n.to_string());
    }
    store.delete("03", "07");
    let view = store.mvcc.reader().view();
    for revision in [5, 12, 30, 100, 399, 401] {
        let range = KeyRange::new(&bytes("02"), &bytes("09"));
        assert_eq!(view.snapshot().is_far(&range, revision), revision < 140);
        let request = RangeRequest {
            limit: 3,
            ..request(&range, revision)
        };
        let (found, expected) = (view.range(&request).unwrap(), naive.range(&range, revision));
        assert_eq!(decode(&found), expected[..expected.len().min(3)]);
        assert_eq!((found.count, found.more), (expected.len() as i64, expected.len() > 3));
        let mut pages = store.mvcc.reader().range_pages(request, 1 << 20).unwrap();
        let page = pages.next_page().unwrap().unwrap();
        assert_eq!((page.kvs, page.count), (found.kvs, found.count));
    }
}

#[test]
fn a_bad_enum_is_refused() {
    let store = Store::new();
    for (sort_order, sort_target) in [(3, 0), (0, 5), (-1, 0)] {
        let request = RangeRequest {
            sort_order,
            sort_target,
            ..get("a", "")
        };
        let refused = store.mvcc.reader().view().range(&request).unwrap_err();
        assert_eq!(refused.fault(), Some(Fault::InvalidSortOption));
    }
}

#[test]
fn a_target_without_an_order_sorts_what_the_limit_left() {
    let mut store = Store::new();
    for (key, value) in [("a", "3"), ("b", "2"), ("c", "1")] {
        store.put(key, value);
    }
    let request = RangeRequest {
        sort_target: 4,
        limit: 1,
        ..get("a", "\0")
    };
    let response = store.mvcc.reader().view().range(&request).unwrap();
    assert_eq!(decode(&response)[0].key, "b");
    assert!(response.more);
}

#[test]
fn a_listing_that_was_compacted_meanwhile_says_so() {
    let mut store = Store::new();
    for key in ["a", "b", "c"] {
        store.put(key, "1");
    }
    let all = get("a", "\0");
    let listing = || store.mvcc.reader().view().listing(&all, 1).unwrap().unwrap();
    let (mut early, mut late) = (listing(), listing());
    assert!(
        store.mvcc.reader().view().listing(&all, 1000).unwrap().is_none(),
        "it is short"
    );
    early.next_piece(1).unwrap().unwrap();
    // A compaction at the revision that is read takes nothing away from it.
    store.compact(4).unwrap();
    store.collect(10);
    early.next_piece(1).unwrap().unwrap();
    late.next_piece(1).unwrap().unwrap();
    store.put("c", "2");
    store.compact(5).unwrap();
    store.collect(10);
    for listing in [&mut early, &mut late] {
        assert_eq!(listing.next_piece(1).unwrap_err().fault(), Some(Fault::Compacted));
    }
}

#[test]
fn keys_with_many_versions_are_walked_over() {
    let mut store = Store::new();
    for round in 0..30 {
        for key in 0..20 {
            if round <= key {
                store.put(&format!("k{key:02}"), &round.to_string());
            }
        }
    }
    let values = store.mvcc.reader().view().range(&get("k", "l")).unwrap();
    let values: Vec<_> = decode(&values).into_iter().map(|kv| kv.value).collect();
    let expected: Vec<_> = (0..20).map(|key| bytes(&key.to_string())).collect();
    assert_eq!(values, expected);
}
