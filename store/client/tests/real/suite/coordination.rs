//! Leases, locks and elections.

use std::time::Duration;

use futures_util::FutureExt;
use proto::fault::Fault;
use store_client::{Client, Delete, Election, Error, Get, Lock, Put, Session, Txn};

use super::{Store, client, in_time};

async fn session(client: &Client) -> Session {
    in_time(Session::start(client, Duration::from_secs(30))).await.unwrap()
}

pub(crate) async fn a_lease_lives_as_long_as_it_is_renewed(store: &mut impl Store) {
    let client = client(store).await;
    // Renewed each third of its time, so at least 4 s are left for a machine that stalls.
    let lease = client.grant(Duration::from_secs(6)).await.unwrap();
    let mut alive = client.keep_alive(lease.id).await.unwrap();
    client.put(Put::new("k", "v").lease(lease.id)).await.unwrap();
    let began = std::time::Instant::now();
    // Renewed for longer than it would live alone.
    while began.elapsed() < Duration::from_secs(lease.ttl as u64) + Duration::from_millis(1500) {
        assert_eq!(in_time(alive.renewed()).await.unwrap(), lease.ttl);
    }
    assert!(client.get_key("k").await.unwrap().is_some());
    let mut watcher = client.watch("k").await.unwrap();
    drop(alive);
    let update = in_time(watcher.next()).await.unwrap();
    assert_eq!(update.events.len(), 1, "the key dies with the lease");
    assert_eq!(client.time_to_live(lease.id, false).await.unwrap().ttl, -1);
    let again = client.keep_alive(lease.id).await.unwrap();
    in_time(again.lost()).await;
}

pub(crate) async fn a_lease_that_is_revoked_is_lost(store: &mut impl Store) {
    let client = client(store).await;
    // It is found to be lost by the next renewal, after a third of this.
    let ttl = Duration::from_secs(9);
    let lease = client.grant_as(0x77, ttl).await.unwrap();
    assert_eq!(lease.id, 0x77);
    assert_eq!(
        client.grant_as(0x77, ttl).await.unwrap_err().fault(),
        Some(Fault::LeaseExist)
    );
    let mut alive = client.keep_alive(0x77).await.unwrap();
    in_time(alive.renewed()).await.unwrap();
    client.revoke(0x77).await.unwrap();
    in_time(alive.lost()).await;
    assert!(alive.is_lost());
    assert!(matches!(alive.renewed().await, Err(Error::LeaseLost(0x77))));
}

pub(crate) async fn a_lock_has_one_holder(store: &mut impl Store) {
    let client = client(store).await;
    let (first, second, third) = (session(&client).await, session(&client).await, session(&client).await);
    let held = in_time(Lock::new(&first, "l").acquire()).await.unwrap();
    assert!(held.check().await.unwrap());
    assert_eq!(held.key(), &format!("l/{:x}", first.lease()));
    assert!(Lock::new(&second, "l").try_acquire().await.unwrap().is_none());

    // One gives up waiting and leaves the queue.
    let (lock, next) = (Lock::new(&second, "l"), Lock::new(&third, "l"));
    {
        let mut waiting = Box::pin(lock.acquire());
        let queued = async { while client.get(Get::prefix("l/").count_only()).await.unwrap().count < 2 {} };
        tokio::select! {
            _ = &mut waiting => panic!("two holders"),
            () = in_time(queued) => {}
        }
    }
    let mut waiting = Box::pin(next.acquire());
    assert!((&mut waiting).now_or_never().is_none());
    let token = held.token();
    let release = async { in_time(held.release()).await.unwrap() };
    let (after, ()) = tokio::join!(in_time(waiting), release);
    let after = after.unwrap();
    assert!(after.token() > token, "fencing tokens grow");
    in_time(async { while client.get(Get::prefix("l/").count_only()).await.unwrap().count > 1 {} }).await;
    third.close().await.unwrap();
    assert!(!after.check().await.unwrap());
    assert!(in_time(Lock::new(&first, "l").try_acquire()).await.unwrap().is_some());
}

pub(crate) async fn a_lost_lock_cannot_write(store: &mut impl Store) {
    let client = client(store).await;
    let (first, second) = (session(&client).await, session(&client).await);
    let held = in_time(Lock::new(&first, "l").acquire()).await.unwrap();
    held.txn(Txn::new().then(Put::new("resource", "first"))).await.unwrap();
    // The holder is not told, as after a long pause: its key is simply gone.
    client.delete(Delete::new(held.key().clone())).await.unwrap();
    let next = in_time(Lock::new(&second, "l").acquire()).await.unwrap();
    next.txn(Txn::new().then(Put::new("resource", "second"))).await.unwrap();
    let late = held
        .txn(Txn::new().then(Put::new("resource", "late")))
        .await
        .unwrap_err();
    assert!(matches!(late, Error::NotHolder(_)), "{late:?}");
    assert_eq!(client.get_key("resource").await.unwrap().unwrap().value, "second");
    held.release().await.unwrap();
    assert!(
        next.check().await.unwrap(),
        "a late release frees nothing of the next holder"
    );
}

pub(crate) async fn leadership_passes_in_order(store: &mut impl Store) {
    let client = client(store).await;
    let (first, second) = (session(&client).await, session(&client).await);
    let (one, two) = (Election::new(&first, "e"), Election::new(&second, "e"));
    assert_eq!(one.leader().await.unwrap(), None);
    let mut observer = two.observe();
    let (seen, leads) = tokio::join!(in_time(observer.next()), in_time(one.campaign("one")));
    let leads = leads.unwrap();
    assert_eq!(seen.unwrap().value, "one");
    leads.proclaim("one again").await.unwrap();
    assert_eq!(in_time(observer.next()).await.unwrap().value, "one again");
    assert_eq!(two.leader().await.unwrap().unwrap().value, "one again");

    let resign = async { leads.clone().resign().await.unwrap() };
    let (next, ()) = tokio::join!(in_time(two.campaign("two")), resign);
    let next = next.unwrap();
    assert_eq!(in_time(observer.next()).await.unwrap().value, "two");
    assert!(next.token() > leads.token());
    assert!(!leads.check().await.unwrap());
    assert!(matches!(leads.proclaim("late").await, Err(Error::NotHolder(_))));
    // A leader whose session ends leads no longer.
    let (third, ()) = tokio::join!(in_time(one.campaign("three")), async { second.close().await.unwrap() });
    assert!(third.unwrap().check().await.unwrap());
}
