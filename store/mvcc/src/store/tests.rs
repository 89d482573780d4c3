//! Batches: what is seen when, what survives, what is counted.

use std::sync::Arc;

use bytes::Bytes;
use proto::etcd::{DeleteRangeRequest, PutRequest};
use proto::fault::Fault;
use store_engine::{Batch, Engine, Memory, Op};

use super::StoredHead;
use crate::gc::Progress;
use crate::record::index_value;
use crate::revision::LAST;
use crate::testing::{Store, bytes, get, put_request};
use crate::{Error, KeyMeta, Kind, Mvcc, Revision, keys};

fn any_lease(_: i64) -> bool {
    true
}

#[test]
fn an_empty_store_is_at_revision_one() {
    let store = Store::new();
    assert_eq!(
        (store.mvcc.revision(), store.mvcc.compacted(), store.mvcc.live_bytes()),
        (1, -1, 0)
    );
}

#[test]
fn an_index_that_is_not_that_of_the_versions_is_found() {
    let mut store = Store::new();
    for key in ["a", "b", "c"] {
        store.put(key, "1");
    }
    store.delete("b", "");
    store.put("b", "2");
    store.delete("c", "");
    assert_eq!(store.mvcc.verify().unwrap(), 2);
    for key in ["a", "b"] {
        let held = store.engine.get(keys::INDEX, key.as_bytes()).unwrap().unwrap();
        let mut batch = Batch::new();
        batch.delete(keys::INDEX, key.as_bytes());
        store.engine.write(&batch).unwrap();
        let found = Mvcc::open(Arc::clone(&store.engine) as Arc<dyn Engine>)
            .unwrap()
            .verify()
            .unwrap_err();
        assert_eq!(
            found.to_string(),
            format!("corrupt store: the index and the versions of key \"{key}\" differ")
        );
        batch.clear();
        batch.put(keys::INDEX, key.as_bytes(), &held);
        store.engine.write(&batch).unwrap();
    }
    store.reopen();
}

#[test]
fn a_batch_is_seen_from_inside_first_and_from_outside_after_publish() {
    let mut store = Store::new();
    let reader = store.mvcc.reader();
    let mut batch = Batch::new();
    let mut session = store.mvcc.begin();
    session.put(&put_request("a", "1"), &any_lease).unwrap();
    session.put(&put_request("a", "2"), &any_lease).unwrap();
    let inside = session.range(&get("a", "")).unwrap();
    assert_eq!(inside.kvs[0].decode().unwrap().value, "2");
    let mut past = get("a", "");
    past.revision = 2;
    assert_eq!(session.range(&past).unwrap().kvs[0].decode().unwrap().value, "1");
    session.seal(&mut batch);
    store.engine.write(&batch).unwrap();
    assert_eq!((reader.revision(), reader.view().get(b"a")), (1, None));
    session.publish();
    assert_eq!(reader.revision(), 3);
    assert_eq!(reader.view().range(&get("a", "")).unwrap().kvs, inside.kvs);
    assert_eq!(
        reader.value_at(b"a", Revision::new(3, 0)).unwrap().as_ref(),
        Some(inside.kvs[0].bytes())
    );
}

#[test]
fn a_dropped_session_leaves_nothing() {
    let mut store = Store::new();
    store.put("a", "1");
    let before = store.mvcc.hash();
    let mut session = store.mvcc.begin();
    session.put(&put_request("b", "1"), &any_lease).unwrap();
    drop(session);
    assert_eq!(store.mvcc.hash(), before);
    assert_eq!(store.mvcc.reader().view().key_count(), 1);
    // The next session counts on from what was published.
    assert_eq!(store.put("c", "1").revision, 3);
}

#[test]
fn opening_again_finds_everything() {
    let mut store = Store::new();
    for n in 0..200 {
        store.put(&format!("key/{:03}", n % 70), &n.to_string());
    }
    store.delete("key/01", "key/02");
    store.compact(150).unwrap();
    let before = (store.mvcc.hash(), store.mvcc.compacted(), store.mvcc.live_bytes());
    let range = store.mvcc.reader().view().range(&get("\0", "\0")).unwrap();
    store.reopen();
    assert_eq!(
        (store.mvcc.hash(), store.mvcc.compacted(), store.mvcc.live_bytes()),
        before
    );
    assert_eq!(store.mvcc.reader().view().range(&get("\0", "\0")).unwrap(), range);
    assert_eq!(range.count, 60);
}

#[test]
fn a_batch_is_written_space_by_space_in_key_order() {
    let mut store = Store::new();
    store.put("gone", "1");
    let mut session = store.mvcc.begin();
    for key in ["b", "c", "a", "b"] {
        session.put(&put_request(key, "1"), &any_lease).unwrap();
    }
    session.delete_keys([bytes("gone")]).unwrap();
    let mut batch = Batch::new();
    session.seal(&mut batch);
    let written: Vec<_> = batch
        .ops()
        .map(|op| match op {
            Op::Put { space, key, .. } => (space, key.to_vec(), true),
            Op::Delete { space, key } => (space, key.to_vec(), false),
            Op::DeleteRange { .. } => panic!("no ranges here"),
        })
        .collect();
    for space in [keys::DATA, keys::HISTORY, keys::INDEX] {
        let keys: Vec<_> = written.iter().filter(|op| op.0 == space).map(|op| &op.1).collect();
        assert!(keys.is_sorted(), "{space:?}: {keys:?}");
    }
    let index: Vec<_> = written.iter().filter(|op| op.0 == keys::INDEX).collect();
    let index: Vec<_> = index.iter().map(|op| (&op.1[..], op.2)).collect();
    assert_eq!(index, [(&b"a"[..], true), (b"b", true), (b"c", true), (b"gone", false)]);
}

#[test]
fn the_hash_depends_on_every_change_and_not_on_batches() {
    let apply = |requests: &[PutRequest], together: bool| {
        let engine = Arc::new(Memory::new());
        let mut mvcc = Mvcc::open(engine.clone()).unwrap();
        for chunk in requests.chunks(if together { requests.len() } else { 1 }) {
            let mut batch = Batch::new();
            let mut session = mvcc.begin();
            for request in chunk {
                session.put(request, &any_lease).unwrap();
            }
            session.seal(&mut batch);
            engine.write(&batch).unwrap();
            session.publish();
        }
        let hashes: Vec<_> = (1..=4).map(|revision| mvcc.reader().hash_at(revision)).collect();
        (mvcc.hash(), hashes)
    };
    let requests = [put_request("a", "1"), put_request("b", "2"), put_request("a", "1")];
    let (hash, remembered) = apply(&requests, true);
    assert_eq!((hash, remembered.clone()), apply(&requests, false));
    assert_eq!(remembered[3], Some(hash.hash));
    assert!(remembered.iter().all(Option::is_some));
    let other = [put_request("a", "1"), put_request("b", "3"), put_request("a", "1")];
    assert_ne!(apply(&other, true).0, hash);
}

#[test]
fn a_change_says_all_that_listeners_need() {
    let mut store = Store::new();
    let mut session = store.mvcc.begin();
    let request = |lease| PutRequest {
        lease,
        ..put_request("a", "1")
    };
    session.put(&request(7), &any_lease).unwrap();
    let second = session.put(&request(8), &any_lease).unwrap().changes.unwrap();
    let change = &second.changes[0];
    assert_eq!(
        (second.revision, change.kind, change.modified),
        (3, Kind::Put, Revision::new(3, 0))
    );
    assert_eq!(
        (change.previous, change.previous_lease, change.lease),
        (Some(Revision::new(2, 0)), 7, 8)
    );
    let gone = session.delete_keys([bytes("b"), bytes("a")]).unwrap().unwrap();
    let change = &gone.changes[0];
    assert_eq!(
        (gone.changes.len(), change.kind, change.lease, change.previous_lease),
        (1, Kind::Delete, 0, 8)
    );
    let event = change.event.decode().unwrap();
    let kv = event.kv.unwrap();
    assert_eq!(
        (event.r#type, kv.key, kv.mod_revision, kv.version),
        (1, Bytes::from("a"), 4, 0)
    );
    assert!(session.delete_keys([bytes("a")]).unwrap().is_none());
}

#[test]
fn leases_are_checked_and_found_again() {
    let mut store = Store::new();
    let mut batch = Batch::new();
    let mut session = store.mvcc.begin();
    let request = PutRequest {
        lease: 9,
        ..put_request("a", "1")
    };
    let refused = session.put(&request, &|_| false).unwrap_err();
    assert_eq!(refused.fault(), Some(Fault::LeaseNotFound));
    session.put(&request, &any_lease).unwrap();
    session.put(&put_request("b", "1"), &any_lease).unwrap();
    session.seal(&mut batch);
    store.engine.write(&batch).unwrap();
    session.publish();
    store.reopen();
    let mut leased = Vec::new();
    store
        .mvcc
        .for_each_leased(|key, lease| leased.push((key.to_vec(), lease)));
    assert_eq!(leased, [(b"a".to_vec(), 9)]);
}

#[test]
fn deleting_nothing_is_no_revision() {
    let mut store = Store::new();
    store.put("a", "1");
    let mut session = store.mvcc.begin();
    let request = DeleteRangeRequest {
        key: bytes("x"),
        ..DeleteRangeRequest::default()
    };
    let outcome = session.delete_range(&request).unwrap();
    assert!(outcome.changes.is_none());
    assert_eq!(
        (outcome.response.deleted, outcome.response.header.unwrap().revision),
        (0, 2)
    );
    let request = DeleteRangeRequest {
        key: bytes("a"),
        prev_kv: true,
        ..DeleteRangeRequest::default()
    };
    let outcome = session.delete_range(&request).unwrap();
    assert_eq!(
        (outcome.response.deleted, outcome.response.header.unwrap().revision),
        (1, 3)
    );
    assert_eq!(outcome.response.prev_kvs[0].decode().unwrap().value, "1");
}

#[test]
fn compacting_obeys_its_bounds() {
    let mut store = Store::new();
    store.put("a", "1");
    let fault = |result: crate::Result<()>| result.unwrap_err().fault();
    assert_eq!(fault(store.compact(3)), Some(Fault::FutureRevision));
    store.compact(0).unwrap();
    store.compact(2).unwrap();
    assert_eq!(fault(store.compact(2)), Some(Fault::Compacted));
    assert_eq!(fault(store.compact(-7)), Some(Fault::Compacted));
    let mut request = get("a", "");
    for (revision, expected) in [
        (1, Some(Fault::Compacted)),
        (2, None),
        (3, Some(Fault::FutureRevision)),
        (-1, None),
    ] {
        request.revision = revision;
        let found = store
            .mvcc
            .reader()
            .view()
            .range(&request)
            .err()
            .and_then(|error| error.fault());
        assert_eq!(found, expected, "revision {revision}");
    }
}

#[test]
fn a_reload_shows_the_new_contents_to_old_readers() {
    let mut store = Store::new();
    store.put("old", "1");
    let reader = store.mvcc.reader();
    let mut other = Store::new();
    (0..5).for_each(|n| drop(other.put("new", &n.to_string())));
    other.compact(5).unwrap();
    other.collect(100);
    let checkpoint = other.engine.checkpoint().unwrap();
    let mut incoming = store.engine.incoming("x").unwrap();
    for (at, file) in checkpoint.files().iter().enumerate() {
        incoming
            .write(&file.name, 0, &checkpoint.read(at, 0, file.bytes as usize).unwrap())
            .unwrap();
    }
    incoming.finish(checkpoint.files()).unwrap();
    store.engine.install(incoming).unwrap();
    store.mvcc.reload().unwrap();
    assert_eq!((reader.revision(), reader.hash()), (6, other.mvcc.hash()));
    assert_eq!(
        (store.mvcc.gc().done(), reader.live_bytes()),
        (5, other.mvcc.live_bytes())
    );
    assert!(reader.view().get(b"old").is_none() && reader.view().get(b"new").is_some());
}

fn good() -> (StoredHead, Progress, KeyMeta) {
    let head = StoredHead {
        revision: 4,
        compacted: 3,
        hash: 0,
        added: 100,
    };
    let progress = Progress {
        epoch: 0,
        done: 2,
        goal: 3,
        next: Revision::new(3, 1),
        removed: 10,
    };
    let meta = KeyMeta {
        create: 2,
        modified: Revision::new(4, 0),
        version: 2,
        lease: -7,
        bytes: 10,
    };
    (head, progress, meta)
}

fn opened(head: StoredHead, progress: Progress, key: &[u8], meta: &KeyMeta) -> crate::Result<Store> {
    let engine = Arc::new(Memory::new());
    let mut batch = Batch::new();
    batch.put(keys::META, keys::HEAD, &head.encode());
    batch.put(keys::META, keys::GC, &progress.encode());
    batch.put(keys::INDEX, key, &index_value(meta));
    engine.write(&batch).unwrap();
    let mvcc = Mvcc::open(Arc::clone(&engine) as Arc<dyn Engine>)?;
    Ok(Store { engine, mvcc })
}

#[test]
fn a_head_with_numbers_that_no_store_has_is_refused() {
    let (head, progress, meta) = good();
    for revision in [0, -1, 2, LAST + 1, i64::MAX] {
        let head = StoredHead { revision, ..head };
        assert!(opened(head, progress, b"k", &meta).is_err(), "revision {revision}");
    }
    for compacted in [2, 5, i64::MAX, i64::MIN] {
        let head = StoredHead { compacted, ..head };
        assert!(opened(head, progress, b"k", &meta).is_err(), "compacted {compacted}");
    }
    let head_of = |added| StoredHead { added, ..head };
    assert!(opened(head_of(u64::MAX), progress, b"k", &meta).is_err());
    for (done, goal) in [(-2, 3), (i64::MIN, 3), (3, 2), (2, 4), (2, i64::MAX)] {
        let progress = Progress { done, goal, ..progress };
        assert!(opened(head, progress, b"k", &meta).is_err(), "{done} of {goal}");
    }
    for next in [Revision::new(4, 0), Revision::new(-1, 0), Revision::new(3, -1)] {
        let progress = Progress { next, ..progress };
        assert!(opened(head, progress, b"k", &meta).is_err(), "next {next:?}");
    }
    let progress_of = |removed| Progress { removed, ..progress };
    assert!(opened(head, progress_of(u64::MAX), b"k", &meta).is_err());
}

#[test]
fn an_index_with_numbers_that_no_key_has_is_refused() {
    let (head, progress, meta) = good();
    assert!(opened(head, progress, b"", &meta).is_err());
    for (create, main, sub, version) in [
        (0, 4, 0, 2),
        (5, 4, 0, 2),
        (2, 5, 0, 2),
        (-4, -4, 0, 2),
        (2, 4, -1, 2),
        (2, 4, 1 << 32, 2),
        (2, 4, 0, 0),
    ] {
        let meta = KeyMeta {
            create,
            modified: Revision::new(main, sub),
            version,
            ..meta
        };
        assert!(opened(head, progress, b"k", &meta).is_err(), "{meta:?}");
    }
}

#[test]
fn a_store_goes_on_to_the_last_revision() {
    let (head, _, meta) = good();
    let head = StoredHead {
        revision: LAST - 1,
        ..head
    };
    let meta = KeyMeta {
        version: i64::MAX,
        ..meta
    };
    let progress = Progress {
        done: 3,
        next: Revision::new(3, 0),
        ..good().1
    };
    let mut store = opened(head, progress, b"k", &meta).unwrap();
    store.put("k", "again");
    store.compact(LAST).unwrap();
    store.collect(usize::MAX);
    assert_eq!(store.mvcc.gc().done(), LAST);
}

#[test]
fn a_change_at_a_place_that_no_transaction_has_is_refused_when_it_is_met() {
    for revision in [
        Revision::new(2, i64::MAX),
        Revision::new(2, -1),
        Revision::new(2, 1 << 32),
    ] {
        let mut store = Store::new();
        store.put("a", "1");
        store.put("a", "2");
        let held = store
            .engine
            .get(keys::HISTORY, &Revision::new(2, 0).to_bytes())
            .unwrap()
            .unwrap();
        let mut batch = Batch::new();
        batch.put(keys::HISTORY, &revision.to_bytes(), &held);
        batch.put(keys::DATA, &keys::data_key(b"a", revision), b"\x12\0");
        store.engine.write(&batch).unwrap();
        let view = store.mvcc.reader().view();
        assert!(matches!(view.hash_kv(3), Err(Error::Corrupt(_))), "{revision:?}");
    }
}
