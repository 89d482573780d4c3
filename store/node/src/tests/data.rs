//! Keys: written, read, forwarded, compacted.

use proto::etcd::{
    AlarmRequest, AlarmType, CompactionRequest, DeleteRangeRequest, RangeRequest, RequestOp, TxnRequest,
    alarm_request::AlarmAction, request_op::Request,
};
use proto::fault::Fault;

use super::cluster::{Cluster, all, get, nobody, put, until, values};
use crate::Error;

#[tokio::test(start_paused = true)]
async fn one_member_writes_and_reads() {
    let cluster = Cluster::start(1).await;
    let member = &cluster.members[0];
    let written = member.put(&nobody(), put("k", "v")).await.unwrap();
    let header = written.header.unwrap();
    assert_eq!(
        (header.cluster_id, header.member_id),
        (member.cluster_id(), member.id())
    );
    assert_eq!(header.revision, 2);
    assert!(header.raft_term > 0);
    let read = member.range(&nobody(), get("k")).await.unwrap();
    assert_eq!(values(&read), ["v"]);
    assert_eq!(read.header.unwrap().revision, 2);
    let delete = DeleteRangeRequest {
        key: "k".into(),
        ..DeleteRangeRequest::default()
    };
    assert_eq!(member.delete_range(&nobody(), delete).await.unwrap().deleted, 1);
    assert!(member.range(&nobody(), get("k")).await.unwrap().kvs.is_empty());
}

#[tokio::test(start_paused = true)]
async fn followers_forward_writes_and_read_their_own() {
    let cluster = Cluster::start(3).await;
    let follower = cluster.follower().await;
    for number in 0..20 {
        follower
            .put(&nobody(), put(&format!("k{number:02}"), "v"))
            .await
            .unwrap();
        let read = RangeRequest {
            serializable: true,
            ..get(&format!("k{number:02}"))
        };
        // What this member acknowledged can be read here even without asking the leader.
        assert_eq!(values(&follower.range(&nobody(), read).await.unwrap()), ["v"]);
    }
    for member in &cluster.members {
        assert_eq!(member.range(&nobody(), all()).await.unwrap().count, 20);
    }
}

#[tokio::test(start_paused = true)]
async fn reads_on_a_follower_share_rounds() {
    let cluster = Cluster::start(3).await;
    let follower = cluster.follower().await;
    follower.put(&nobody(), put("k", "v")).await.unwrap();
    let reads = (0..50).map(|_| {
        let follower = follower.clone();
        async move { values(&follower.range(&nobody(), get("k")).await.unwrap()) }
    });
    for read in futures_util::future::join_all(reads).await {
        assert_eq!(read, ["v"]);
    }
}

#[tokio::test(start_paused = true)]
async fn bad_requests_are_refused_before_they_are_proposed() {
    let cluster = Cluster::start_with(1, |config| config.max_request_bytes = 1000).await;
    let member = &cluster.members[0];
    let fault = |error: Error| error.fault().unwrap();
    assert_eq!(
        fault(member.put(&nobody(), put("", "v")).await.unwrap_err()),
        Fault::EmptyKey
    );
    assert_eq!(
        fault(member.put(&nobody(), put("k", &"v".repeat(2000))).await.unwrap_err()),
        Fault::RequestTooLarge
    );
    assert_eq!(
        fault(member.range(&nobody(), get("")).await.unwrap_err()),
        Fault::EmptyKey
    );
    let future = RangeRequest {
        revision: 100,
        ..get("k")
    };
    assert_eq!(
        fault(member.range(&nobody(), future).await.unwrap_err()),
        Fault::FutureRevision
    );
    let filtered = RangeRequest {
        min_mod_revision: 3,
        ..all()
    };
    assert_eq!(
        member
            .range_stream(&nobody(), filtered)
            .await
            .err()
            .map(|error| error.code()),
        Some(12)
    );
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_only_reads_costs_no_revision() {
    let cluster = Cluster::start(3).await;
    let member = cluster.follower().await;
    member.put(&nobody(), put("k", "v")).await.unwrap();
    let operation = |request| RequestOp { request: Some(request) };
    let read = TxnRequest {
        success: vec![operation(Request::RequestRange(get("k")))],
        ..TxnRequest::default()
    };
    let answer = member.txn(&nobody(), read).await.unwrap();
    assert!(answer.succeeded);
    assert_eq!(answer.header.unwrap().revision, 2);
    let write = TxnRequest {
        success: vec![
            operation(Request::RequestPut(put("a", "1"))),
            operation(Request::RequestPut(put("b", "2"))),
        ],
        ..TxnRequest::default()
    };
    assert_eq!(member.txn(&nobody(), write).await.unwrap().header.unwrap().revision, 3);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_the_range_in_pieces() {
    let cluster = Cluster::start(1).await;
    let member = &cluster.members[0];
    for number in 0..200 {
        member
            .put(&nobody(), put(&format!("k{number:03}"), &"v".repeat(100)))
            .await
            .unwrap();
    }
    let whole = member.range(&nobody(), all()).await.unwrap();
    let mut stream = member.range_stream(&nobody(), all()).await.unwrap();
    let (mut kvs, mut last, mut pieces) = (Vec::new(), None, 0);
    while let Some(piece) = stream.next().await {
        let piece = piece.unwrap().range_response.unwrap();
        kvs.extend(piece.kvs.clone());
        pieces += 1;
        last = Some(piece);
    }
    let last = last.unwrap();
    assert!(pieces > 1);
    assert_eq!(kvs, whole.kvs);
    assert_eq!((last.count, last.more), (whole.count, whole.more));
    assert_eq!(last.header.unwrap().member_id, member.id());
}

#[tokio::test(start_paused = true)]
async fn a_physical_compaction_answers_when_old_versions_are_gone() {
    let cluster = Cluster::start(1).await;
    let member = &cluster.members[0];
    for number in 0..50 {
        member.put(&nobody(), put("k", &number.to_string())).await.unwrap();
    }
    let before = member.reader().state().live_bytes;
    member
        .compact(
            &nobody(),
            CompactionRequest {
                revision: 50,
                physical: true,
            },
        )
        .await
        .unwrap();
    assert!(member.reader().mvcc().live_bytes() < before);
    let old = RangeRequest {
        revision: 10,
        ..get("k")
    };
    assert_eq!(
        member.range(&nobody(), old).await.unwrap_err(),
        Error::Fault(Fault::Compacted)
    );
    let again = member
        .compact(
            &nobody(),
            CompactionRequest {
                revision: 50,
                physical: false,
            },
        )
        .await;
    assert_eq!(again.unwrap_err(), Error::Fault(Fault::Compacted));
    assert_eq!(values(&member.range(&nobody(), get("k")).await.unwrap()), ["49"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_store_raises_the_alarm_and_takes_only_what_frees() {
    let cluster = Cluster::start_with(3, |config| config.quota_backend_bytes = 20_000).await;
    let member = cluster.follower().await;
    let mut refused = None;
    for number in 0..100 {
        if let Err(error) = member
            .put(&nobody(), put(&format!("k{number}"), &"v".repeat(1000)))
            .await
        {
            refused = Some(error);
            break;
        }
    }
    assert_eq!(refused, Some(Error::Fault(Fault::NoSpace)));
    let every = cluster.members.clone();
    until(|| every.iter().all(|member| member.reader().state().alarms.no_space())).await;
    let leader = cluster.leader().await;
    assert_eq!(
        leader.put(&nobody(), put("k", "v")).await.unwrap_err(),
        Error::Fault(Fault::NoSpace)
    );
    let delete = DeleteRangeRequest {
        key: "\0".into(),
        range_end: "\0".into(),
        ..DeleteRangeRequest::default()
    };
    let deleted = leader.delete_range(&nobody(), delete).await.unwrap();
    let revision = deleted.header.unwrap().revision;
    leader
        .compact(
            &nobody(),
            CompactionRequest {
                revision,
                physical: true,
            },
        )
        .await
        .unwrap();
    let list = AlarmRequest::default();
    let alarms = leader.alarm(&nobody(), list).await.unwrap().alarms;
    assert_eq!(alarms.len(), 1);
    let disarm = AlarmRequest {
        action: AlarmAction::Deactivate.into(),
        member_id: alarms[0].member_id,
        alarm: AlarmType::Nospace.into(),
    };
    leader.alarm(&nobody(), disarm).await.unwrap();
    leader.put(&nobody(), put("k", "v")).await.unwrap();
}
