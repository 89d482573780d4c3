//! Watch streams of one member.

use std::time::Duration;

use proto::etcd::watch_create_request::FilterType;
use proto::etcd::watch_request::RequestUnion;
use proto::etcd::{
    CompactionRequest, DeleteRangeRequest, WatchCancelRequest, WatchCreateRequest, WatchProgressRequest, WatchRequest,
    WatchResponse,
};
use proto::fault::Fault;

use crate::tests::cluster::{Cluster, nobody, put, until};
use crate::{Caller, Error, Member, WatchSession};

fn create(key: &str) -> WatchCreateRequest {
    WatchCreateRequest {
        key: key.to_owned().into(),
        ..WatchCreateRequest::default()
    }
}

fn everything() -> WatchCreateRequest {
    WatchCreateRequest {
        range_end: "\0".into(),
        ..create("\0")
    }
}

async fn ask(session: &WatchSession, request: RequestUnion) {
    session
        .handle(WatchRequest {
            request_union: Some(request),
        })
        .await;
}

async fn open(session: &WatchSession, request: WatchCreateRequest) -> WatchResponse {
    ask(session, RequestUnion::CreateRequest(request)).await;
    session.next().await.unwrap()
}

fn keys(response: &WatchResponse) -> Vec<String> {
    let key = |event: &proto::Encoded<proto::mvcc::Event>| event.decode().unwrap().kv.unwrap().key;
    response
        .events
        .iter()
        .map(|event| String::from_utf8(key(event).to_vec()).unwrap())
        .collect()
}

fn revision(response: &WatchResponse) -> i64 {
    response.header.as_ref().unwrap().revision
}

async fn write(member: &Member, key: &str) {
    member.put(&nobody(), put(key, "v")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn events_follow_created_and_end_with_cancelled() {
    let cluster = Cluster::start(1).await;
    let member = &cluster.members[0];
    let session = member.watch(&nobody()).await.unwrap();
    let created = open(&session, create("k")).await;
    assert!(created.created && !created.canceled && created.watch_id == 0 && revision(&created) == 1);
    let second = open(&session, everything()).await;
    assert_eq!(second.watch_id, 1);
    write(member, "k").await;
    let (one, two) = (session.next().await.unwrap(), session.next().await.unwrap());
    assert_eq!((keys(&one), keys(&two)), (vec!["k".to_owned()], vec!["k".to_owned()]));
    assert_ne!(one.watch_id, two.watch_id);
    assert_eq!((revision(&one), revision(&two)), (2, 2));
    ask(
        &session,
        RequestUnion::CancelRequest(WatchCancelRequest { watch_id: 9 }),
    )
    .await;
    ask(
        &session,
        RequestUnion::CancelRequest(WatchCancelRequest { watch_id: 0 }),
    )
    .await;
    let cancelled = session.next().await.unwrap();
    assert!(cancelled.canceled && cancelled.watch_id == 0);
    write(member, "k").await;
    assert_eq!(session.next().await.unwrap().watch_id, 1);
    assert_eq!(session.watches(), 1);
}

#[tokio::test(start_paused = true)]
async fn bad_watches_are_created_and_cancelled_at_once() {
    let cluster = Cluster::start(1).await;
    let member = &cluster.members[0];
    let session = member.watch(&nobody()).await.unwrap();
    let refused = |response: WatchResponse| {
        assert!(response.created && response.canceled && response.watch_id == -1);
        response.cancel_reason
    };
    let named = WatchCreateRequest {
        watch_id: 5,
        ..create("k")
    };
    assert_eq!(open(&session, named.clone()).await.watch_id, 5);
    assert_eq!(
        refused(open(&session, named).await),
        "mvcc: duplicate watch ID provided on the WatchStream"
    );
    let empty = WatchCreateRequest {
        range_end: "a".into(),
        ..create("b")
    };
    assert_eq!(refused(open(&session, empty).await), "mvcc: watcher range is empty");
    let negative = WatchCreateRequest {
        start_revision: -1,
        ..create("k")
    };
    assert_eq!(refused(open(&session, negative).await), Fault::Compacted.text());
}

#[tokio::test(start_paused = true)]
async fn the_past_is_told_first_and_what_was_compacted_is_refused() {
    let cluster = Cluster::start_with(1, |config| config.watch_ring_bytes = 0).await;
    let member = &cluster.members[0];
    for number in 0..10 {
        write(member, &format!("k{number}")).await;
    }
    member
        .compact(
            &nobody(),
            CompactionRequest {
                revision: 5,
                physical: false,
            },
        )
        .await
        .unwrap();
    let session = member.watch(&nobody()).await.unwrap();
    let old = open(
        &session,
        WatchCreateRequest {
            start_revision: 4,
            ..everything()
        },
    )
    .await;
    assert!(old.created);
    let cancelled = session.next().await.unwrap();
    assert!(cancelled.canceled);
    assert_eq!((cancelled.compact_revision, revision(&cancelled)), (5, 0));
    open(
        &session,
        WatchCreateRequest {
            start_revision: 5,
            ..everything()
        },
    )
    .await;
    let mut seen = Vec::new();
    while seen.len() < 7 {
        seen.extend(keys(&session.next().await.unwrap()));
    }
    assert_eq!(seen, ["k3", "k4", "k5", "k6", "k7", "k8", "k9"]);
    let future = open(
        &session,
        WatchCreateRequest {
            start_revision: 13,
            ..everything()
        },
    )
    .await;
    write(member, "twelve").await;
    let first = session.next().await.unwrap();
    assert_ne!(first.watch_id, future.watch_id);
    write(member, "thirteen").await;
    let both = [session.next().await.unwrap(), session.next().await.unwrap()];
    assert!(both.iter().all(|response| keys(response) == ["thirteen"]));
}

#[tokio::test(start_paused = true)]
async fn filters_previous_values_and_fragments() {
    let cluster = Cluster::start_with(1, |config| config.max_request_bytes = 600).await;
    let member = &cluster.members[0];
    write(member, "k").await;
    let session = member.watch(&nobody()).await.unwrap();
    let deletes = WatchCreateRequest {
        filters: vec![FilterType::Noput.into()],
        prev_kv: true,
        ..create("k")
    };
    open(&session, deletes).await;
    member.put(&nobody(), put("k", "second")).await.unwrap();
    member
        .delete_range(
            &nobody(),
            DeleteRangeRequest {
                key: "k".into(),
                ..DeleteRangeRequest::default()
            },
        )
        .await
        .unwrap();
    let told = session.next().await.unwrap();
    let event = told.events[0].decode().unwrap();
    assert_eq!((told.events.len(), event.prev_kv.unwrap().value), (1, "second".into()));

    let fragments = member.watch(&nobody()).await.unwrap();
    open(
        &fragments,
        WatchCreateRequest {
            fragment: true,
            ..everything()
        },
    )
    .await;
    for number in 0..8 {
        member
            .put(&nobody(), put(&format!("f{number}"), &"v".repeat(200)))
            .await
            .unwrap();
    }
    let delete = DeleteRangeRequest {
        key: "f".into(),
        range_end: "g".into(),
        ..DeleteRangeRequest::default()
    };
    member.delete_range(&nobody(), delete).await.unwrap();
    let (mut events, mut fragmented) = (0, 0);
    while events < 16 {
        let response = fragments.next().await.unwrap();
        events += response.events.len();
        fragmented += usize::from(response.fragment);
    }
    assert!(fragmented > 0);
}

#[tokio::test(start_paused = true)]
async fn progress_is_told_on_demand_and_now_and_then() {
    let cluster = Cluster::start_with(1, |config| {
        config.watch_progress_notify_interval = Duration::from_secs(60);
    })
    .await;
    let member = &cluster.members[0];
    let session = member.watch(&nobody()).await.unwrap();
    open(&session, create("other")).await;
    open(
        &session,
        WatchCreateRequest {
            progress_notify: true,
            ..create("quiet")
        },
    )
    .await;
    write(member, "k").await;
    ask(&session, RequestUnion::ProgressRequest(WatchProgressRequest {})).await;
    let manual = session.next().await.unwrap();
    assert_eq!((manual.watch_id, revision(&manual), manual.events.len()), (-1, 2, 0));
    let started = tokio::time::Instant::now();
    let tick = session.next().await.unwrap();
    assert_eq!((tick.watch_id, revision(&tick), tick.events.len()), (1, 2, 0));
    assert!(started.elapsed() >= Duration::from_secs(60), "{:?}", started.elapsed());
    let empty = member.watch(&nobody()).await.unwrap();
    ask(&empty, RequestUnion::ProgressRequest(WatchProgressRequest {})).await;
    assert!(
        tokio::time::timeout(Duration::from_secs(5), empty.next())
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn every_member_tells_the_same_events_in_order() {
    let cluster = Cluster::start(3).await;
    let mut sessions = Vec::new();
    for member in &cluster.members {
        let session = member.watch(&nobody()).await.unwrap();
        open(
            &session,
            WatchCreateRequest {
                start_revision: 1,
                ..everything()
            },
        )
        .await;
        sessions.push(session);
    }
    let leader = cluster.leader().await;
    for number in 0..50 {
        write(&leader, &format!("k{number:02}")).await;
    }
    for session in sessions {
        let mut seen = Vec::new();
        while seen.len() < 50 {
            seen.extend(keys(&session.next().await.unwrap()));
        }
        assert!(seen.is_sorted());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_wants_a_leader_ends_without_one() {
    let cluster = Cluster::start(3).await;
    let alone = cluster.follower().await;
    let wants = alone
        .watch(&Caller {
            require_leader: true,
            ..Caller::default()
        })
        .await
        .unwrap();
    let patient = alone.watch(&nobody()).await.unwrap();
    open(&wants, everything()).await;
    open(&patient, everything()).await;
    cluster.isolate(alone.id(), true);
    assert_eq!(wants.next().await.unwrap_err(), Error::Fault(Fault::NoLeader));
    until(|| !alone.has_leader()).await;
    cluster.isolate(alone.id(), false);
    write(&cluster.leader().await, "k").await;
    assert_eq!(keys(&patient.next().await.unwrap()), ["k"]);
    alone.shutdown().await;
    assert_eq!(patient.next().await.unwrap_err(), Error::Fault(Fault::Stopped));
}
