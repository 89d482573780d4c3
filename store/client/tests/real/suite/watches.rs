//! Watches: complete, in order, once, over broken connections and slow consumers.

use proto::fault::Fault;
use store_client::{Client, Delete, Error, EventType, Put, Span, Txn, Watch, Watcher};

use super::{Store, client, client_with, in_time};

async fn put(client: &Client, key: &str, value: &str) -> i64 {
    client
        .put(Put::new(key.to_owned(), value.to_owned()))
        .await
        .unwrap()
        .revision
}

/// The revisions of so many events.
async fn revisions(watcher: &mut Watcher, count: usize) -> Vec<i64> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let update = in_time(watcher.next()).await.unwrap();
        seen.extend(
            update
                .events
                .into_iter()
                .filter_map(|event| event.kv)
                .map(|kv| kv.mod_revision),
        );
    }
    seen
}

pub(crate) async fn a_watch_tells_every_change(store: &mut impl Store) {
    let client = client(store).await;
    let first = put(&client, "w/a", "1").await;
    let mut all = client
        .watch(Watch::prefix("w/").from_revision(first).prev_kv())
        .await
        .unwrap();
    let mut deletes = client.watch(Watch::prefix("w/").without_puts()).await.unwrap();
    let mut other = client.watch("other").await.unwrap();
    assert_eq!(other.next_revision(), first + 1);
    put(&client, "w/a", "2").await;
    let last = client.delete(Delete::prefix("w/")).await.unwrap().revision;

    let mut events = Vec::new();
    while events.len() < 3 {
        events.extend(in_time(all.next()).await.unwrap().events);
    }
    let kinds: Vec<_> = events.iter().map(store_client::Event::r#type).collect();
    assert_eq!(kinds, [EventType::Put, EventType::Put, EventType::Delete]);
    let before: Vec<_> = events
        .iter()
        .map(|event| event.prev_kv.as_ref().map(|kv| kv.value.clone()))
        .collect();
    assert_eq!(before, [None, Some("1".into()), Some("2".into())]);
    assert_eq!(all.next_revision(), last + 1);

    let only = in_time(deletes.next()).await.unwrap();
    assert_eq!((only.events.len(), only.revision), (1, last));
    assert_eq!(only.events[0].prev_kv, None, "not asked for");
    // A store may stay silent while it catches up, so it is asked until it answers.
    let progress = in_time(async {
        loop {
            other.request_progress().await;
            let wait = std::time::Duration::from_millis(100);
            if let Ok(update) = tokio::time::timeout(wait, other.next()).await {
                return update.unwrap();
            }
        }
    });
    let progress = progress.await;
    assert!(progress.is_progress() && progress.revision == last, "{progress:?}");
}

pub(crate) async fn a_watch_ends_when_its_start_is_forgotten(store: &mut impl Store) {
    let client = client(store).await;
    for n in 0..5 {
        put(&client, "k", &n.to_string()).await;
    }
    client.compact(5, true).await.unwrap();
    let mut watcher = client.watch(Watch::new("k").from_revision(2)).await.unwrap();
    let end = in_time(watcher.next()).await.unwrap_err();
    assert!(matches!(end, Error::Compacted { revision: 5 }), "{end:?}");
    assert!(in_time(watcher.next()).await.is_err(), "it stays ended");
    // The stream is not ended with it.
    let mut next = client.watch(Watch::new("k").from_revision(5)).await.unwrap();
    assert_eq!(revisions(&mut next, 2).await, [5, 6]);
}

pub(crate) async fn many_watches_share_a_stream(store: &mut impl Store) {
    const WATCHES: usize = 500;
    let client = client(store).await;
    let mut watchers = Vec::new();
    for n in 0..WATCHES {
        watchers.push(in_time(client.watch(format!("m/{n}"))).await.unwrap());
    }
    // Half of them are dropped, and the others must not notice.
    let mut kept: Vec<_> = watchers.into_iter().enumerate().filter(|(n, _)| n % 2 == 0).collect();
    let mut whole = client.watch(Watch::prefix("m/")).await.unwrap();
    for n in 0..WATCHES {
        put(&client, &format!("m/{n}"), "v").await;
    }
    let seen = revisions(&mut whole, WATCHES).await;
    for (n, watcher) in &mut kept {
        assert_eq!(revisions(watcher, 1).await, [seen[*n]]);
    }
}

pub(crate) async fn a_large_revision_comes_in_one_piece(store: &mut impl Store) {
    let client = client(store).await;
    let mut watcher = client.watch(Watch::prefix("f/").fragment()).await.unwrap();
    let big = "v".repeat(12 * 1024);
    let txn = (0..100).fold(Txn::new(), |txn, n| {
        txn.then(Put::new(format!("f/{n:03}"), big.clone()))
    });
    let revision = client.txn(txn).await.unwrap().revision;
    // One delete of keys from many revisions, with what was there before: larger than one answer may be.
    let txn = (100..200).fold(Txn::new(), |txn, n| {
        txn.then(Put::new(format!("f/{n:03}"), big.clone()))
    });
    client.txn(txn).await.unwrap();
    let mut deletes = client
        .watch(Watch::prefix("f/").fragment().prev_kv().without_puts())
        .await
        .unwrap();
    client.delete(Delete::prefix("f/")).await.unwrap();
    let update = in_time(watcher.next()).await.unwrap();
    assert_eq!((update.events.len(), update.revision >= revision), (100, true));
    assert_eq!(in_time(deletes.next()).await.unwrap().events.len(), 200);
}

pub(crate) async fn a_slow_consumer_misses_nothing(store: &mut impl Store) {
    let client = client_with(store, |mut options| {
        options.watch_bytes_max = 2_000;
        options
    })
    .await;
    let mut slow = client.watch("s").await.unwrap();
    let mut fast = client.watch("s").await.unwrap();
    let mut written = Vec::new();
    for n in 0..200 {
        written.push(put(&client, "s", &format!("{n:0100}")).await);
        assert_eq!(
            revisions(&mut fast, 1).await,
            written[n..],
            "not held up by the slow one"
        );
    }
    assert_eq!(revisions(&mut slow, 200).await, written);
}

pub(crate) async fn a_watch_survives_a_restart(store: &mut impl Store) {
    let client = client(store).await;
    let mut watcher = client.watch(Watch::new(Span::all())).await.unwrap();
    let mut written = Vec::new();
    for round in 0..3 {
        for n in 0..10 {
            written.push(put(&client, "k", &format!("{round} {n}")).await);
        }
        store.kill(0);
        store.restart(0);
        in_time(client.get("k")).await.unwrap();
    }
    written.push(put(&client, "k", "last").await);
    assert_eq!(revisions(&mut watcher, written.len()).await, written);
}

pub(crate) async fn a_watch_survives_the_loss_of_its_member(store: &mut impl Store) {
    let client = client(store).await;
    let mut watchers = Vec::new();
    for _ in 0..4 {
        // Each has its own client, so that the streams are spread over the members.
        watchers.push(self::client(store).await.watch(Watch::prefix("k")).await.unwrap());
    }
    let mut written = Vec::new();
    for member in 0..3 {
        for n in 0..10 {
            // A write that meets the dead member may be done or not: the next one tells by its revision.
            if let Ok(put) = in_time(client.put(Put::new("k", format!("{member} {n}")))).await {
                written.push(put.revision);
            }
        }
        store.kill(member);
        in_time(async { while client.put(Put::new("k", "during")).await.is_err() {} }).await;
        store.restart(member);
        let alone = client_with(store, |mut options| {
            options.endpoints = vec![options.endpoints[member].clone()];
            options
        });
        alone.await;
    }
    let last = client.put(Put::new("k", "last")).await.unwrap().revision;
    for watcher in &mut watchers {
        let mut seen = Vec::new();
        while seen.last() != Some(&last) {
            seen.extend(revisions(watcher, 1).await);
        }
        assert!(seen.is_sorted_by(|a, b| a < b), "in order and once: {seen:?}");
        assert_eq!(seen.len() as i64, last - seen[0] + 1, "nothing left out: {seen:?}");
        assert!(
            written.iter().all(|revision| seen.contains(revision)),
            "{written:?} in {seen:?}"
        );
    }
}

pub(crate) async fn a_watch_that_needs_a_leader_ends_without_one(store: &mut impl Store) {
    let client = client_with(store, |mut options| {
        options.endpoints.truncate(1);
        options
    })
    .await;
    let mut needs = client.watch(Watch::new("k").require_leader()).await.unwrap();
    let mut patient = client.watch("k").await.unwrap();
    store.kill(1);
    store.kill(2);
    assert_eq!(in_time(needs.next()).await.unwrap_err().fault(), Some(Fault::NoLeader));
    store.restart(1);
    store.restart(2);
    in_time(async { while client.put(Put::new("k", "v")).await.is_err() {} }).await;
    assert!(!in_time(patient.next()).await.unwrap().is_progress());
}
