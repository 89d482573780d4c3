//! Out and in again.

use std::sync::Arc;

use proptest::prelude::*;
use prost::Message;
use proto::mvcc::KeyValue;
use store_engine::{Engine, Memory};

use super::{Import, ImportOptions};
use crate::read::tests::{run, step};
use crate::testing::{Store, get};
use crate::{Revision, Version};

fn copy(store: &Store, bump_revision: u64, mark_compacted: bool) -> Store {
    let engine = Arc::new(Memory::new());
    let options = ImportOptions {
        compacted: store.mvcc.compacted(),
        bump_revision,
        mark_compacted,
    };
    let mut import = Import::new(engine.clone() as Arc<dyn Engine>, options);
    let mut last = Revision::default();
    for version in store.mvcc.reader().view().export().unwrap() {
        let version = version.unwrap();
        assert!(version.revision > last);
        last = version.revision;
        import.push(version).unwrap();
    }
    let revision = import.finish().unwrap();
    engine.crash();
    let copy = Store::over(engine);
    assert_eq!(copy.mvcc.revision(), revision);
    copy
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_copy_answers_alike(steps in proptest::collection::vec(step(), 1..60)) {
        let (store, naive) = run(&steps);
        let copy = copy(&store, 0, false);
        let (view, other) = (store.mvcc.reader().view(), copy.mvcc.reader().view());
        prop_assert_eq!((view.revision(), view.compacted()), (other.revision(), other.compacted()));
        for revision in view.compacted().max(1)..=naive.revision() {
            let mut request = get("\0", "\0");
            request.revision = revision;
            prop_assert_eq!(view.range(&request).unwrap(), other.range(&request).unwrap());
            prop_assert_eq!(view.hash_kv(revision).unwrap(), other.hash_kv(revision).unwrap());
        }
        let versions = |view: &crate::View| view.export().unwrap().map(Result::unwrap).collect::<Vec<Version>>();
        prop_assert_eq!(versions(&view), versions(&other));
    }

    #[test]
    fn a_bumped_copy_starts_compacted(steps in proptest::collection::vec(step(), 1..40)) {
        let (store, naive) = run(&steps);
        let mut copy = copy(&store, 1000, true);
        prop_assert_eq!(copy.mvcc.revision(), naive.revision() + 1000);
        prop_assert_eq!(copy.mvcc.compacted(), naive.revision() + 1000);
        copy.collect(usize::MAX);
        let range = copy.mvcc.reader().view().range(&get("\0", "\0")).unwrap();
        prop_assert_eq!(range.kvs, store.mvcc.reader().view().range(&get("\0", "\0")).unwrap().kvs);
        prop_assert_eq!(copy.put("k", "v").revision, naive.revision() + 1001);
    }
}

#[test]
fn a_backup_from_the_middle_of_a_compaction_is_cleaned() {
    let mut store = Store::new();
    store.put("a", "1");
    store.put("a", "2");
    store.delete("a", "");
    store.put("b", "1");
    store.put("b", "2");
    let versions: Vec<_> = store
        .mvcc
        .reader()
        .view()
        .export()
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(versions.len(), 5);
    let engine = Arc::new(Memory::new());
    let options = ImportOptions {
        compacted: 6,
        bump_revision: 0,
        mark_compacted: false,
    };
    let mut import = Import::new(engine.clone() as Arc<dyn Engine>, options);
    for version in versions {
        import.push(version).unwrap();
    }
    import.finish().unwrap();
    let copy = Store::over(engine);
    assert_eq!(copy.mvcc.reader().value_at(b"a", Revision::new(2, 0)).unwrap(), None);
    assert_eq!(copy.mvcc.reader().value_at(b"a", Revision::new(3, 0)).unwrap(), None);
    assert_eq!(copy.mvcc.reader().value_at(b"b", Revision::new(5, 0)).unwrap(), None);
    store.compact(6).unwrap();
    store.collect(100);
    assert_eq!(copy.mvcc.live_bytes(), store.mvcc.live_bytes());
}

#[test]
fn disorder_is_refused() {
    let (_, mut import) = import();
    import.push(version(3, 0, &created(3))).unwrap();
    assert!(import.push(version(3, 0, &created(3))).is_err());
    assert!(import.push(version(2, 0, &created(2))).is_err());
}

fn import() -> (Arc<Memory>, Import) {
    let engine = Arc::new(Memory::new());
    let options = ImportOptions {
        compacted: -1,
        bump_revision: 0,
        mark_compacted: false,
    };
    (Arc::clone(&engine), Import::new(engine as Arc<dyn Engine>, options))
}

fn version(main: i64, sub: i64, kv: &KeyValue) -> Version {
    Version {
        revision: Revision::new(main, sub),
        tombstone: false,
        kv: kv.encode_to_vec().into(),
    }
}

fn created(main: i64) -> KeyValue {
    KeyValue {
        key: "a".into(),
        create_revision: main,
        mod_revision: main,
        version: 1,
        value: "value".into(),
        lease: 0,
    }
}

#[test]
fn what_says_the_same_in_other_bytes_is_stored_as_its_own() {
    let (engine, mut import) = import();
    let (_, mut plain) = self::import();
    let kv = created(2);
    // A lease of zero that is written out, and a field that is not known here.
    let odd = [&kv.encode_to_vec()[..], &[0x30, 0], &[0x7d, 1, 2, 3, 4]].concat();
    let odd = Version {
        kv: odd.into(),
        ..version(2, 0, &kv)
    };
    // Of a deletion nothing but the key counts.
    let (gone, bare) = (
        created(3),
        KeyValue {
            key: "a".into(),
            ..KeyValue::default()
        },
    );
    let tombstone = |kv: &KeyValue| Version {
        tombstone: true,
        ..version(3, 0, kv)
    };
    for version in [odd, tombstone(&gone), version(4, 0, &created(4))] {
        import.push(version).unwrap();
    }
    for version in [version(2, 0, &kv), tombstone(&bare), version(4, 0, &created(4))] {
        plain.push(version).unwrap();
    }
    assert_eq!((import.hash, import.added), (plain.hash, plain.added));
    import.finish().unwrap();
    let mut store = Store::over(engine);
    let mut listing = store
        .mvcc
        .reader()
        .view()
        .listing(&get("\0", "\0"), 1)
        .unwrap()
        .unwrap();
    assert!(listing.next_piece(usize::MAX).unwrap().is_some());
    store.compact(4).unwrap();
    store.collect(usize::MAX);
    let (mut fresh, value) = (Store::new(), "value");
    fresh.put("a", value);
    fresh.delete("a", "");
    fresh.put("a", value);
    fresh.compact(4).unwrap();
    fresh.collect(usize::MAX);
    assert_eq!(store.mvcc.live_bytes(), fresh.mvcc.live_bytes());
}

#[test]
fn a_place_in_a_revision_that_the_index_cannot_hold_is_refused() {
    for sub in [-1, i64::from(u32::MAX) + 1, i64::MAX] {
        let (_, mut import) = import();
        assert!(import.push(version(2, sub, &created(2))).is_err(), "{sub}");
    }
    let (engine, mut import) = import();
    import.push(version(2, u32::MAX.into(), &created(2))).unwrap();
    import.finish().unwrap();
    let range = Store::over(engine).mvcc.reader().view().range(&get("a", "")).unwrap();
    assert_eq!(range.kvs.len(), 1);
}

#[test]
fn what_no_put_makes_is_refused() {
    let good = created(2);
    for kv in [
        KeyValue {
            key: "".into(),
            lease: 7,
            ..good.clone()
        },
        KeyValue {
            create_revision: 3,
            ..good.clone()
        },
        KeyValue {
            create_revision: 0,
            ..good.clone()
        },
        KeyValue {
            version: 0,
            ..good.clone()
        },
    ] {
        let (_, mut import) = import();
        assert!(import.push(version(2, 0, &kv)).is_err(), "{kv:?}");
    }
    let (_, mut import) = import();
    let tombstone = Version {
        tombstone: true,
        ..version(2, 0, &KeyValue::default())
    };
    assert!(import.push(tombstone).is_err());
}

#[test]
fn a_revision_behind_which_there_is_no_room_is_refused() {
    let outcome = |compacted, bump_revision| {
        let engine = Arc::new(Memory::new());
        let options = ImportOptions {
            compacted,
            bump_revision,
            mark_compacted: true,
        };
        let mut import = Import::new(Arc::clone(&engine) as Arc<dyn Engine>, options);
        import.push(version(2, 0, &created(2)))?;
        let revision = import.finish()?;
        let mut store = Store::over(engine);
        store.put("b", "1");
        store.compact(revision + 1).unwrap();
        store.collect(usize::MAX);
        store.reopen();
        let held = store.mvcc.reader().view().export()?.count();
        assert_eq!(held, 2);
        Ok::<_, crate::Error>(revision)
    };
    let far = crate::revision::LAST / 2;
    for (compacted, bump) in [
        (i64::MIN, 0),
        (-2, 0),
        (far + 1, 0),
        (i64::MAX, 0),
        (-1, u64::MAX),
        (-1, i64::MAX as u64),
        (-1, far as u64),
        (far, 1),
    ] {
        assert!(outcome(compacted, bump).is_err(), "{compacted} {bump}");
    }
    // After a compaction that left nothing of the last revisions it is the newest that is known.
    for (compacted, bump, revision) in [
        (-1, 0, 2),
        (0, 5, 7),
        (9, 0, 9),
        (far - 1, 0, far - 1),
        (-1, far as u64 - 3, far - 1),
    ] {
        assert_eq!(outcome(compacted, bump).unwrap(), revision);
    }
}
