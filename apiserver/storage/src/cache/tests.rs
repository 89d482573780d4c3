//! A cache is at each revision what a plain map is that was told the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use apiserver_api::tree::parse;
use proptest::prelude::*;

use super::{Behind, Cache, Clock, Forgotten, News, Overrun};
use crate::object::Object;
use crate::object::tests::Plain;

fn object(key: &str, revision: i64) -> Arc<Object> {
    let tree = parse(br#"{"metadata":{"name":"a"}}"#).unwrap().tree;
    Arc::new(Object::of(key, revision, tree, &Plain))
}

fn put(key: &str, revision: i64) -> News {
    News {
        key: key.into(),
        object: Some(object(key, revision)),
        revision,
    }
}

fn gone(key: &str, revision: i64) -> News {
    News {
        key: key.into(),
        object: None,
        revision,
    }
}

fn cache(budget: usize) -> Cache {
    Cache::new(budget, Arc::new(Clock::default()))
}

fn keys(cache: &Cache, prefix: &str, from: Option<&str>) -> Vec<String> {
    let snapshot = cache.snapshot();
    snapshot
        .from(prefix, from)
        .map(|object| object.key.to_string())
        .collect()
}

#[test]
fn a_snapshot_stays_what_it_was() {
    let cache = cache(usize::MAX);
    cache.replace(5, [object("/a/x", 3), object("/a/y", 4), object("/b/z", 5)]);
    let old = cache.snapshot();
    cache.apply([gone("/a/x", 6), put("/a/w", 7)]);
    assert_eq!((old.revision(), old.len()), (5, 3));
    assert_eq!(keys(&cache, "/a/", None), ["/a/w", "/a/y"]);
    assert_eq!(keys(&cache, "/a/", Some("/a/w\0")), ["/a/y"]);
    assert_eq!(keys(&cache, "/a/", Some("/")), ["/a/w", "/a/y"]);
    assert_eq!(cache.snapshot().get("/b/z").map(|object| object.revision), Some(5));
}

#[test]
fn a_watcher_goes_on_where_its_snapshot_ends() {
    let cache = cache(usize::MAX);
    cache.replace(5, [object("/a/x", 3)]);
    let (snapshot, cursor) = cache.snapshot_and_watch(None);
    let mut cursor = cursor.unwrap();
    cache.apply([put("/a/x", 6), gone("/a/x", 7), gone("/a/never", 8)]);
    let told = cache.read(&mut cursor, 10).unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|change| (change.revision, change.now.is_some(), change.before.is_some()))
        .collect();
    assert_eq!((snapshot.len(), told), (1, vec![(6, true, true), (7, false, true)]));
}

#[test]
fn who_watched_before_a_new_beginning_is_told() {
    let cache = cache(usize::MAX);
    cache.replace(5, []);
    let mut cursor = cache.watch(None, 5).unwrap();
    cache.replace(9, [object("/a/x", 8)]);
    assert_eq!(cache.read(&mut cursor, 10).unwrap_err(), Overrun);
    assert_eq!(cache.watch(None, 8).unwrap_err(), Forgotten(9));
}

#[tokio::test(start_paused = true)]
async fn a_reader_waits_for_a_revision_and_no_longer_than_asked() {
    let clock = Clock::default();
    assert_eq!(clock.reaches(0, Duration::from_secs(3)).await, Err(Behind(0)));
    clock.set(5);
    assert_eq!(clock.reaches(5, Duration::ZERO).await, Ok(()));
    assert_eq!(clock.reaches(6, Duration::from_secs(3)).await, Err(Behind(5)));
    let (reached, ()) = tokio::join!(clock.reaches(6, Duration::from_secs(3)), async { clock.set(6) });
    assert_eq!(reached, Ok(()));
}

#[test]
fn a_snapshot_is_as_new_as_all_caches_are() {
    let cache = cache(usize::MAX);
    cache.replace(5, [object("/a/x", 3)]);
    cache.clock().set(5);
    cache.apply([put("/a/y", 7)]);
    assert_eq!(cache.snapshot().revision(), 7);
    cache.clock().set(9);
    assert_eq!((cache.snapshot().revision(), cache.mark().revision), (9, 7));
}

#[test]
fn what_is_read_anew_is_not_what_was_there_at_the_same_revision() {
    let cache = cache(usize::MAX);
    cache.replace(5, [object("/a/x", 3)]);
    cache.apply([put("/a/y", 7)]);
    let before = cache.mark();
    assert_eq!(cache.mark(), before);
    // The store went back to 6 and on to 7.
    cache.replace(6, [object("/a/x", 6)]);
    let restored = cache.mark();
    cache.apply([put("/a/z", 7)]);
    let after = cache.mark();
    assert_eq!(after.revision, before.revision);
    assert!(before < restored && restored < after);
}

proptest! {
    #[test]
    fn it_is_what_a_plain_map_is(steps in prop::collection::vec((0..6_u8, any::<bool>()), 0..80)) {
        let cache = cache(3_000);
        cache.replace(1, []);
        let mut plain = BTreeMap::new();
        let mut past = vec![(1, plain.clone())];
        for (at, (key, is_put)) in steps.into_iter().enumerate() {
            let (key, revision) = (format!("/r/{key}"), at as i64 + 2);
            if is_put {
                plain.insert(key.clone(), revision);
                cache.apply([put(&key, revision)]);
            } else {
                plain.remove(&key);
                cache.apply([gone(&key, revision)]);
            }
            let snapshot = cache.snapshot();
            let found: Vec<_> = snapshot.from("/r/", None).map(|object| (object.key.to_string(), object.revision)).collect();
            prop_assert_eq!(found, plain.clone().into_iter().collect::<Vec<_>>());
            past.push((revision, plain.clone()));
        }
        // What was is what the plain map was, as far back as it is known, and that is not nowhere.
        prop_assert!(cache.snapshot_at(past.len() as i64 + 1).is_none());
        for (revision, plain) in past.into_iter().rev() {
            let Some(snapshot) = cache.snapshot_at(revision) else { break };
            let found: Vec<_> = snapshot.from("/r/", None).map(|object| (object.key.to_string(), object.revision)).collect();
            prop_assert_eq!(found, plain.into_iter().collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_cache_knows_how_much_it_holds() {
    let cache = cache(1 << 20);
    cache.replace(5, [object("/registry/x/a", 3), object("/registry/x/b", 5)]);
    let (_, bytes) = cache.size();
    assert_eq!(cache.size(), (2, bytes));
    cache.apply([
        put("/registry/x/a", 6),
        gone("/registry/x/b", 7),
        gone("/registry/x/c", 8),
    ]);
    assert_eq!(cache.size(), (1, bytes / 2));
}
