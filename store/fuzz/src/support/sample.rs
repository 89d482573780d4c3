//! Commands that bring every record of the store into being.

use bytes::Bytes;
use prost::Message;
use proto::auth::Permission;
use proto::etcd::request_op::Request;
use proto::etcd::{
    AlarmRequest, AuthEnableRequest, AuthRoleAddRequest, AuthRoleGrantPermissionRequest, AuthUserAddRequest,
    AuthUserGrantRoleRequest, CompactionRequest, Compare, DeleteRangeRequest, DowngradeInfo, LeaseCheckpoint,
    LeaseCheckpointRequest, LeaseGrantRequest, Member, MemberPromoteRequest, MemberUpdateRequest, PutRequest,
    RangeRequest, RequestOp, TxnRequest,
};
use proto::store::command::Action;
use proto::store::{ClusterVersion, Command, LeaseExpire, MemberPublish};
use store_machine::{Genesis, own};

/// The cluster of all targets.
pub(crate) const CLUSTER: u64 = 0xc1;
/// Its first member.
pub(crate) const ME: u64 = 1;
/// A lease that lives once [`commands`] were applied.
pub(crate) const LEASE: i64 = 77;
/// A user with rights over some keys.
pub(crate) const ALICE: &str = "alice";

/// The beginning of the cluster.
pub(crate) fn genesis() -> Genesis {
    Genesis {
        cluster_id: CLUSTER,
        members: vec![member(ME, false)],
        cluster_version: None,
    }
}

/// Every key there can be.
pub(crate) fn everything() -> RangeRequest {
    RangeRequest {
        key: Bytes::from_static(b"\0"),
        range_end: Bytes::from_static(b"\0"),
        ..RangeRequest::default()
    }
}

fn member(id: u64, is_learner: bool) -> Member {
    Member {
        id,
        peer_ur_ls: vec![format!("http://127.0.0.{id}:2380")],
        is_learner,
        ..Member::default()
    }
}

pub(crate) fn put(key: &'static str, value: &'static str, lease: i64) -> PutRequest {
    PutRequest {
        key: key.into(),
        value: value.into(),
        lease,
        ..PutRequest::default()
    }
}

fn op(request: Request) -> RequestOp {
    RequestOp { request: Some(request) }
}

/// A transaction with compares and a transaction in it.
pub(crate) fn txn() -> TxnRequest {
    let inner = TxnRequest {
        success: vec![op(Request::RequestRange(everything()))],
        failure: vec![op(Request::RequestPut(put("n", "inner", 0)))],
        ..TxnRequest::default()
    };
    TxnRequest {
        compare: vec![Compare {
            key: "a".into(),
            target: 1,
            target_union: Some(proto::etcd::compare::TargetUnion::CreateRevision(2)),
            ..Compare::default()
        }],
        success: vec![
            op(Request::RequestPut(put("t", "1", 0))),
            op(Request::RequestTxn(inner)),
            op(Request::RequestDeleteRange(delete("b", "c"))),
        ],
        failure: vec![op(Request::RequestPut(put("t", "2", 0)))],
    }
}

/// A transaction that changes nothing.
pub(crate) fn questions() -> TxnRequest {
    let inner = TxnRequest {
        success: vec![op(Request::RequestRange(everything()))],
        ..TxnRequest::default()
    };
    let limited = RangeRequest {
        limit: 2,
        keys_only: true,
        ..everything()
    };
    TxnRequest {
        compare: txn().compare,
        success: vec![
            op(Request::RequestRange(limited.clone())),
            op(Request::RequestTxn(inner.clone())),
        ],
        failure: vec![op(Request::RequestTxn(inner)), op(Request::RequestRange(limited))],
    }
}

fn delete(key: &'static str, range_end: &'static str) -> DeleteRangeRequest {
    DeleteRangeRequest {
        key: key.into(),
        range_end: range_end.into(),
        prev_kv: true,
    }
}

/// Keys, leases and alarms.
fn data() -> Vec<Action> {
    vec![
        Action::Put(put("a", "1", 0)),
        Action::Put(put("a", "2", 0)),
        Action::Put(put("b/1", "x", 0)),
        Action::Put(put("b/2", "y", 0)),
        Action::Put(put("zero\0in", "\0\u{1}", 0)),
        Action::LeaseGrant(LeaseGrantRequest { ttl: 60, id: LEASE }),
        Action::LeaseGrant(LeaseGrantRequest { ttl: 60, id: 78 }),
        Action::Put(put("leased", "v", LEASE)),
        Action::Put(put("short", "v", 78)),
        Action::Txn(txn()),
        Action::LeaseCheckpoint(LeaseCheckpointRequest {
            checkpoints: vec![LeaseCheckpoint {
                id: LEASE,
                remaining_ttl: 30,
            }],
        }),
        Action::LeaseExpire(LeaseExpire { term: 1, ids: vec![78] }),
        Action::Compact(CompactionRequest {
            revision: 4,
            physical: false,
        }),
        Action::DeleteRange(delete("a", "")),
        Action::Put(put("a", "3", 0)),
        Action::Alarm(AlarmRequest {
            action: 1,
            member_id: 9,
            alarm: 1,
        }),
        Action::Alarm(AlarmRequest {
            action: 2,
            member_id: 9,
            alarm: 1,
        }),
    ]
}

/// Members, versions and users.
fn cluster() -> Vec<Action> {
    let password = |name: &str| AuthUserAddRequest {
        name: name.to_owned(),
        hashed_password: "JDJhJDA0JGhhc2g=".to_owned(),
        ..AuthUserAddRequest::default()
    };
    let grant = |user: &str, role: &str| AuthUserGrantRoleRequest {
        user: user.to_owned(),
        role: role.to_owned(),
    };
    vec![
        Action::MemberPublish(MemberPublish {
            id: ME,
            name: "one".to_owned(),
            client_urls: vec!["http://127.0.0.1:2379".to_owned()],
        }),
        Action::MemberAdd(member(2, true)),
        Action::MemberUpdate(MemberUpdateRequest {
            id: 2,
            peer_ur_ls: vec!["http://127.0.0.9:2380".to_owned()],
        }),
        Action::MemberPromote(MemberPromoteRequest { id: 2 }),
        Action::MemberRemove(proto::etcd::MemberRemoveRequest { id: 2 }),
        Action::ClusterVersion(ClusterVersion {
            version: "3.7.0".to_owned(),
        }),
        Action::Downgrade(DowngradeInfo {
            enabled: true,
            target_version: "3.6.0".to_owned(),
        }),
        Action::AuthRoleAdd(AuthRoleAddRequest {
            name: "writer".to_owned(),
        }),
        Action::AuthRoleGrantPermission(AuthRoleGrantPermissionRequest {
            name: "writer".to_owned(),
            perm: Some(Permission {
                perm_type: 2,
                key: "b/".into(),
                range_end: "b0".into(),
            }),
        }),
        Action::AuthUserAdd(password("root")),
        Action::AuthUserAdd(password(ALICE)),
        Action::AuthUserGrantRole(grant("root", "root")),
        Action::AuthUserGrantRole(grant(ALICE, "writer")),
        Action::AuthEnable(AuthEnableRequest {}),
    ]
}

/// All of them, in an order in which none is refused; the last are a user's, of whom one may and one may not.
pub(crate) fn commands() -> Vec<Command> {
    let mut commands: Vec<Command> = data()
        .into_iter()
        .chain(cluster())
        .zip(1_700_000_000_000..)
        .map(|(action, now_ms)| own(now_ms, ME, action))
        .collect();
    for key in ["b/3", "a"] {
        commands.push(Command {
            user: ALICE.to_owned(),
            auth_revision: 100,
            origin: ME,
            id: 5,
            action: Some(Action::Put(put(key, "alice's", 0))),
            ..Command::default()
        });
    }
    commands
}

/// Each of them encoded.
pub(crate) fn encoded() -> Vec<Vec<u8>> {
    commands().iter().map(Message::encode_to_vec).collect()
}
