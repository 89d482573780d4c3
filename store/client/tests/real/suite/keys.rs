//! Keys, transactions, refusals, logins and dead endpoints.

use std::time::Duration;

use base::task::Tasks;
use proto::auth::permission;
use proto::etcd::range_request::{SortOrder, SortTarget};
use proto::fault::Fault;
use store_client::{Client, Compare, Delete, Error, Get, Is, Options, Put, Span, Swap, Txn};

use super::{Store, client, client_with, in_time};

pub(crate) async fn keys_are_written_read_and_deleted(store: &mut impl Store) {
    let client = client(store).await;
    let first = client.put(Put::new("a/1", "one")).await.unwrap();
    assert_eq!(first.prev_kv, None);
    let second = client.put(Put::new("a/1", "uno").prev_kv()).await.unwrap();
    assert_eq!(second.revision, first.revision + 1);
    assert_eq!(second.prev_kv.unwrap().value, "one");
    client.put(Put::new("a/2", "two")).await.unwrap();
    client.put(Put::new("b", "")).await.unwrap();

    let kv = client.get_key("a/1").await.unwrap().unwrap();
    assert_eq!(
        (kv.version, kv.create_revision, kv.mod_revision),
        (2, first.revision, second.revision)
    );
    assert_eq!(client.get_key("a/3").await.unwrap(), None);
    let page = client.get(Get::prefix("a/").limit(1)).await.unwrap();
    assert_eq!(
        (page.kvs.len(), page.count, page.more, page.revision),
        (1, 2, true, first.revision + 3)
    );
    let old = client.get(Get::new("a/1").revision(first.revision)).await.unwrap();
    assert_eq!(old.kvs[0].value, "one");
    let sorted = client
        .get(Get::prefix("a/").sort(SortTarget::Key, SortOrder::Descend).keys_only())
        .await
        .unwrap();
    assert_eq!(
        sorted.kvs.iter().map(|kv| &kv.key[..]).collect::<Vec<_>>(),
        [b"a/2", b"a/1"]
    );
    assert_eq!(
        client
            .get(Get::new(Span::all()).count_only().serializable())
            .await
            .unwrap()
            .count,
        3
    );

    let deleted = client.delete(Delete::prefix("a/").prev_kv()).await.unwrap();
    assert_eq!(
        (deleted.deleted, deleted.prev_kvs.len(), deleted.revision),
        (2, 2, page.revision + 1)
    );
    let nothing = client.delete("a/1").await.unwrap();
    assert_eq!((nothing.deleted, nothing.revision), (0, deleted.revision));
}

pub(crate) async fn a_transaction_takes_one_branch(store: &mut impl Store) {
    let client = client(store).await;
    let txn = || {
        Txn::new()
            .when(Compare::missing("t"))
            .then(Put::new("t", "made"))
            .then(Get::new("t"))
            .or_else(Get::new("t"))
            .or_else(
                Txn::new()
                    .when(Compare::value("t", Is::Equal, "made"))
                    .then(Put::new("nested", "yes")),
            )
    };
    let made = client.txn(txn()).await.unwrap();
    assert!(made.succeeded);
    assert_eq!(made.page(1).unwrap().kvs[0].mod_revision, made.revision);
    let found = client.txn(txn()).await.unwrap();
    assert!(!found.succeeded);
    assert_eq!(found.page(0).unwrap().kvs[0].value, "made");
    assert!(found.page(1).is_err(), "no read");
    assert!(client.get_key("nested").await.unwrap().is_some());
    let read = client
        .txn(
            Txn::new()
                .when(Compare::version("t", Is::Greater, 0))
                .then(Get::new("t")),
        )
        .await
        .unwrap();
    assert_eq!((read.succeeded, read.revision), (true, found.revision));
}

pub(crate) async fn refusals_are_recognised(store: &mut impl Store) {
    let client = client(store).await;
    for n in 0..5 {
        client.put(Put::new("k", n.to_string())).await.unwrap();
    }
    let now = client.get("k").await.unwrap().revision;
    client.compact(now - 1, true).await.unwrap();
    let fault = |answer: Result<_, Error>| answer.map(|_: store_client::Page| ()).unwrap_err().fault();
    assert_eq!(
        fault(client.get(Get::new("k").revision(now - 2)).await),
        Some(Fault::Compacted)
    );
    assert_eq!(
        fault(client.get(Get::new("k").revision(now + 9)).await),
        Some(Fault::FutureRevision)
    );
    assert_eq!(fault(client.get("").await), Some(Fault::EmptyKey));
    assert_eq!(
        client.put(Put::new("x", "").lease(77)).await.unwrap_err().fault(),
        Some(Fault::LeaseNotFound)
    );
    assert_eq!(client.revoke(77).await.unwrap_err().fault(), Some(Fault::LeaseNotFound));
    assert_eq!(
        client.put(Put::new("x", "").ignore_value()).await.unwrap_err().fault(),
        Some(Fault::KeyNotFound)
    );
    let twice = Txn::new().then(Put::new("x", "")).then(Put::new("x", ""));
    assert_eq!(client.txn(twice).await.unwrap_err().fault(), Some(Fault::DuplicateKey));
    assert_eq!(
        client.compact(now - 1, false).await.unwrap_err().fault(),
        Some(Fault::Compacted)
    );
    assert_eq!(
        client.member_remove(77).await.unwrap_err().fault(),
        Some(Fault::MemberNotFound)
    );
}

pub(crate) async fn a_stream_of_pages_is_the_whole_range(store: &mut impl Store) {
    let client = client(store).await;
    for chunk in 0..25 {
        let put = |n| Put::new(format!("p/{:04}", chunk * 100 + n), "v".repeat(100));
        client
            .txn((0..100).fold(Txn::new(), |txn, n| txn.then(put(n))))
            .await
            .unwrap();
    }
    client.put(Put::new("q", "not part of it")).await.unwrap();
    for get in [
        Get::prefix("p/"),
        Get::prefix("p/").limit(2400),
        Get::prefix("p/").limit(3),
        Get::prefix("p/").keys_only(),
        Get::prefix("p/").count_only(),
        Get::prefix("p/").revision(12),
        Get::prefix("none/"),
        Get::new("p/0007"),
        Get::prefix("p/").sort(SortTarget::Key, SortOrder::Descend).limit(1200),
    ] {
        let plain = client.get(get.clone()).await.unwrap();
        assert_eq!(
            client.range_stream(get.clone()).collect().await.unwrap(),
            plain,
            "{get:?}"
        );
    }
    // All pieces are of one revision, whatever is written meanwhile.
    let mut pages = client.range_stream(Get::prefix("p/"));
    let first = pages.next().await.unwrap().unwrap();
    client.delete(Delete::prefix("p/")).await.unwrap();
    let mut keys = first.kvs.len();
    while let Some(piece) = pages.next().await.unwrap() {
        keys += piece.kvs.len();
    }
    assert_eq!(keys, 2500);
}

pub(crate) async fn changes_happen_once_and_only_if_expected(store: &mut impl Store) {
    let client = client(store).await;
    let Swap::Done { revision } = client.compare_and_swap(0, Put::new("c", "1")).await.unwrap() else {
        panic!("the key was there already");
    };
    let conflict = client.compare_and_swap(0, Put::new("c", "2")).await.unwrap();
    assert!(matches!(conflict, Swap::Conflict { current: Some(kv), .. } if kv.mod_revision == revision));
    assert!(
        client
            .compare_and_swap(revision, Put::new("c", "3"))
            .await
            .unwrap()
            .is_done()
    );
    assert!(!client.compare_and_delete(revision, "c").await.unwrap().is_done());
    assert!(client.compare_and_delete(revision + 1, "c").await.unwrap().is_done());
    let gone = client.compare_and_delete(revision + 1, "c").await.unwrap();
    assert!(matches!(gone, Swap::Conflict { current: None, .. }));

    let lease = client
        .put_with_ttl(Put::new("short", "v"), Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(client.get_key("short").await.unwrap().unwrap().lease, lease);
    let left = client.time_to_live(lease, true).await.unwrap();
    assert_eq!(
        (left.granted_ttl, &left.keys[..]),
        (60, &[bytes::Bytes::from("short")][..])
    );
    client
        .put_with_ttl(Put::new("", "v"), Duration::from_secs(60))
        .await
        .unwrap_err();
    assert_eq!(
        client.leases().await.unwrap(),
        [lease],
        "the lease of the refused put was given back"
    );
}

pub(crate) async fn a_dead_endpoint_is_passed_over(store: &mut impl Store) {
    let dead = std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let client = client_with(store, |mut options| {
        options.endpoints.push(dead.to_string());
        options
    })
    .await;
    for n in 0..20 {
        // Surely not sent to the dead one, so even a write goes on to the next.
        client.put(Put::new("k", n.to_string())).await.unwrap();
    }
    assert_eq!(client.get_key("k").await.unwrap().unwrap().version, 20);
}

pub(crate) async fn nothing_is_sent_when_nothing_listens(_: &mut impl Store) {
    let dead = std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let options = Options {
        retry_for: Duration::from_millis(200),
        ..Options::new([dead.to_string()])
    };
    let client = Client::new(options, &Tasks::new()).unwrap();
    let error = in_time(client.put(Put::new("k", "v"))).await.unwrap_err();
    assert!(error.is_surely_not_sent(), "{error}");
    assert!(in_time(client.get("k")).await.unwrap_err().is_unavailable());
}

pub(crate) async fn a_login_is_renewed_and_obeyed(store: &mut impl Store) {
    let plain = client(store).await;
    plain.user_add("root", Some("r")).await.unwrap();
    plain.role_add("root").await.unwrap();
    plain.user_grant_role("root", "root").await.unwrap();
    plain.user_add("ann", Some("a")).await.unwrap();
    plain.role_add("reader").await.unwrap();
    plain
        .role_grant_permission("reader", permission::Type::Read, Span::prefix("pub/"))
        .await
        .unwrap();
    plain.user_grant_role("ann", "reader").await.unwrap();
    // A login is harmless while nobody asks for it.
    let root = client_with(store, |options| options.with_login("root", "r")).await;
    root.auth_enable().await.unwrap();

    assert_eq!(plain.get("pub/x").await.unwrap_err().fault(), Some(Fault::UserEmpty));
    let wrong = Options::new(store.endpoints()).with_login("root", "wrong");
    let wrong = Client::new(wrong, &Tasks::new()).unwrap();
    assert_eq!(wrong.get("pub/x").await.unwrap_err().fault(), Some(Fault::AuthFailed));

    root.put(Put::new("pub/x", "v")).await.unwrap();
    let ann = Options::new(store.endpoints()).with_login("ann", "a");
    let ann = Client::new(ann, &Tasks::new()).unwrap();
    assert_eq!(ann.get_key("pub/x").await.unwrap().unwrap().value, "v");
    assert_eq!(
        ann.put(Put::new("pub/x", "w")).await.unwrap_err().fault(),
        Some(Fault::PermissionDenied)
    );
    assert_eq!(
        ann.get("other").await.unwrap_err().fault(),
        Some(Fault::PermissionDenied)
    );
    assert_eq!(ann.users().await.unwrap_err().fault(), Some(Fault::PermissionDenied));
    let refused = in_time(ann.watch("other")).await.err().unwrap();
    assert_eq!(refused.fault(), Some(Fault::PermissionDenied));
    let mut watcher = in_time(ann.watch("pub/x")).await.unwrap();

    // Any change of the rules makes tokens old; a restart forgets them all.
    root.role_add("another").await.unwrap();
    assert!(ann.get_key("pub/x").await.is_ok());
    store.kill(0);
    store.restart(0);
    // The first may still meet the broken connection, and a write is not repeated then.
    in_time(async { while root.put(Put::new("pub/x", "later")).await.is_err() {} }).await;
    assert!(!in_time(watcher.next()).await.unwrap().is_progress());
    assert_eq!(root.users().await.unwrap(), ["ann", "root"]);
    assert_eq!(root.user_roles("ann").await.unwrap(), ["reader"]);
    assert_eq!(root.role_permissions("reader").await.unwrap()[0].key, "pub/");
    root.auth_disable().await.unwrap();
    assert!(plain.get("other").await.is_ok());
}
