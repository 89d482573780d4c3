//! Commands nobody thought of: few keys and ids, so that they meet, and numbers from everywhere.

use bytes::Bytes;
use proptest::prelude::*;
use proto::auth::{Permission, UserAddOptions};
use proto::etcd::compare::TargetUnion;
use proto::etcd::request_op::Request;
use proto::etcd::*;
use proto::store::command::Action;
use proto::store::{ClusterVersion, Command, LeaseExpire, MemberPublish};

use crate::OWN;

pub(super) fn key() -> impl Strategy<Value = Bytes> {
    prop::sample::select(vec!["a", "b", "b\0", "c", "d"]).prop_map(Bytes::from)
}

fn odd_key() -> impl Strategy<Value = Bytes> {
    prop_oneof![9 => key(), 1 => prop::sample::select(vec!["", "\0", "\0\u{1}"]).prop_map(Bytes::from)]
}

pub(super) fn range_end() -> impl Strategy<Value = Bytes> {
    prop_oneof![3 => Just(Bytes::new()), 2 => key(), 1 => Just(Bytes::from_static(&[0]))]
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![12 => -1_i64..12, 1 => any::<i64>()]
}

pub(super) fn lease() -> impl Strategy<Value = i64> {
    prop_oneof![6 => 0_i64..4, 1 => any::<i64>()]
}

fn member() -> impl Strategy<Value = u64> {
    prop_oneof![9 => 0_u64..6, 1 => any::<u64>()]
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["root", "u", "r", "", "\u{e9}"]).prop_map(str::to_owned)
}

fn range() -> impl Strategy<Value = RangeRequest> {
    (
        odd_key(),
        range_end(),
        number(),
        number(),
        0_i32..4,
        0_i32..6,
        any::<(bool, bool)>(),
        number(),
    )
        .prop_map(
            |(key, range_end, limit, revision, sort_order, sort_target, (keys_only, count_only), min_mod_revision)| {
                RangeRequest {
                    key,
                    range_end,
                    limit,
                    revision,
                    sort_order,
                    sort_target,
                    keys_only,
                    count_only,
                    min_mod_revision,
                    ..RangeRequest::default()
                }
            },
        )
}

fn put() -> impl Strategy<Value = PutRequest> {
    let flag = || prop::bool::weighted(0.2);
    (
        odd_key(),
        prop::collection::vec(any::<u8>(), 0..4),
        lease(),
        flag(),
        flag(),
        flag(),
    )
        .prop_map(|(key, value, lease, prev_kv, ignore_value, ignore_lease)| PutRequest {
            key,
            value: value.into(),
            lease,
            prev_kv,
            ignore_value,
            ignore_lease,
        })
}

fn delete() -> impl Strategy<Value = DeleteRangeRequest> {
    (odd_key(), range_end(), any::<bool>()).prop_map(|(key, range_end, prev_kv)| DeleteRangeRequest {
        key,
        range_end,
        prev_kv,
    })
}

fn compare() -> impl Strategy<Value = Compare> {
    let union = prop_oneof![
        Just(None),
        number().prop_map(|number| Some(TargetUnion::Version(number))),
        number().prop_map(|number| Some(TargetUnion::CreateRevision(number))),
        number().prop_map(|number| Some(TargetUnion::ModRevision(number))),
        lease().prop_map(|lease| Some(TargetUnion::Lease(lease))),
        any::<u8>().prop_map(|byte| Some(TargetUnion::Value(vec![byte].into()))),
    ];
    (0_i32..6, 0_i32..7, odd_key(), range_end(), union).prop_map(|(result, target, key, range_end, target_union)| {
        Compare {
            result,
            target,
            key,
            range_end,
            target_union,
        }
    })
}

/// One operation of a transaction, no transaction itself.
pub(super) fn plain_op() -> impl Strategy<Value = Request> {
    prop_oneof![
        range().prop_map(Request::RequestRange),
        put().prop_map(Request::RequestPut),
        delete().prop_map(Request::RequestDeleteRange),
    ]
}

pub(super) fn txn() -> impl Strategy<Value = TxnRequest> {
    let leaf =
        prop_oneof![20 => plain_op().prop_map(|op| RequestOp { request: Some(op) }), 1 => Just(RequestOp::default())];
    let op = leaf.prop_recursive(3, 16, 4, |op| {
        let branch = || prop::collection::vec(op.clone(), 0..3);
        (prop::collection::vec(compare(), 0..2), branch(), branch()).prop_map(|(compare, success, failure)| RequestOp {
            request: Some(Request::RequestTxn(TxnRequest {
                compare,
                success,
                failure,
            })),
        })
    });
    let branch = || prop::collection::vec(op.clone(), 0..4);
    (prop::collection::vec(compare(), 0..3), branch(), branch()).prop_map(|(compare, success, failure)| TxnRequest {
        compare,
        success,
        failure,
    })
}

fn lease_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        (lease(), number()).prop_map(|(id, ttl)| Action::LeaseGrant(LeaseGrantRequest { id, ttl })),
        lease().prop_map(|id| Action::LeaseRevoke(LeaseRevokeRequest { id })),
        (0_u64..3, prop::collection::vec(lease(), 0..4))
            .prop_map(|(term, ids)| Action::LeaseExpire(LeaseExpire { term, ids })),
        (lease(), number()).prop_map(|(id, remaining_ttl)| {
            let checkpoints = vec![LeaseCheckpoint { id, remaining_ttl }];
            Action::LeaseCheckpoint(LeaseCheckpointRequest { checkpoints })
        }),
    ]
}

fn cluster_action() -> impl Strategy<Value = Action> {
    let urls = || prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned), 0..3);
    prop_oneof![
        (member(), urls(), any::<bool>()).prop_map(|(id, peer_ur_ls, is_learner)| {
            Action::MemberAdd(Member {
                id,
                peer_ur_ls,
                is_learner,
                ..Member::default()
            })
        }),
        member().prop_map(|id| Action::MemberRemove(MemberRemoveRequest { id })),
        (member(), urls()).prop_map(|(id, peer_ur_ls)| Action::MemberUpdate(MemberUpdateRequest { id, peer_ur_ls })),
        member().prop_map(|id| Action::MemberPromote(MemberPromoteRequest { id })),
        (member(), name(), urls()).prop_map(|(id, name, client_urls)| Action::MemberPublish(MemberPublish {
            id,
            name,
            client_urls
        })),
        (0_i32..4, member(), prop_oneof![4 => Just(1), 1 => 0_i32..5]).prop_map(|(action, member_id, alarm)| {
            Action::Alarm(AlarmRequest {
                action,
                member_id,
                alarm,
            })
        }),
        // Disarmed more often than raised, else nothing is ever put.
        member().prop_map(|member_id| Action::Alarm(AlarmRequest {
            action: 2,
            member_id,
            alarm: 1
        })),
        prop::sample::select(vec!["3.7", "3.6.0", "x"]).prop_map(|version| Action::ClusterVersion(ClusterVersion {
            version: version.to_owned()
        })),
        (any::<bool>(), prop::sample::select(vec!["3.6", "3.5", ""])).prop_map(|(enabled, target)| {
            Action::Downgrade(DowngradeInfo {
                enabled,
                target_version: target.to_owned(),
            })
        }),
    ]
}

fn auth_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::AuthEnable(AuthEnableRequest {})),
        Just(Action::AuthDisable(AuthDisableRequest {})),
        (
            name(),
            prop::sample::select(vec!["", "aGFzaA==", "!"]),
            any::<Option<bool>>()
        )
            .prop_map(|(name, hash, option)| {
                Action::AuthUserAdd(AuthUserAddRequest {
                    name,
                    password: String::new(),
                    options: option.map(|no_password| UserAddOptions { no_password }),
                    hashed_password: hash.to_owned(),
                })
            }),
        name().prop_map(|name| Action::AuthUserDelete(AuthUserDeleteRequest { name })),
        (name(), name()).prop_map(|(name, password)| {
            let hashed_password = String::new();
            Action::AuthUserChangePassword(AuthUserChangePasswordRequest {
                name,
                password,
                hashed_password,
            })
        }),
        (name(), name()).prop_map(|(user, role)| Action::AuthUserGrantRole(AuthUserGrantRoleRequest { user, role })),
        (name(), name()).prop_map(|(name, role)| Action::AuthUserRevokeRole(AuthUserRevokeRoleRequest { name, role })),
        name().prop_map(|name| Action::AuthRoleAdd(AuthRoleAddRequest { name })),
        name().prop_map(|role| Action::AuthRoleDelete(AuthRoleDeleteRequest { role })),
        (name(), prop::option::weighted(0.9, (0_i32..4, odd_key(), range_end()))).prop_map(|(name, perm)| {
            let perm = perm.map(|(perm_type, key, range_end)| Permission {
                perm_type,
                key,
                range_end,
            });
            Action::AuthRoleGrantPermission(AuthRoleGrantPermissionRequest { name, perm })
        }),
        (name(), odd_key(), range_end()).prop_map(|(role, key, range_end)| {
            Action::AuthRoleRevokePermission(AuthRoleRevokePermissionRequest { role, key, range_end })
        }),
    ]
}

pub(super) fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => put().prop_map(Action::Put),
        2 => delete().prop_map(Action::DeleteRange),
        4 => txn().prop_map(Action::Txn),
        1 => number().prop_map(|revision| Action::Compact(CompactionRequest { revision, physical: false })),
        4 => lease_action(),
        2 => cluster_action(),
        3 => auth_action(),
    ]
}

/// Mostly the cluster's own, so that authentication does not stop everything once it is on.
pub(super) fn command() -> impl Strategy<Value = Command> {
    let caller = prop_oneof![
        5 => Just((String::new(), OWN)),
        1 => (name(), prop_oneof![Just(OWN - 1), 0_u64..10]),
        1 => Just((String::new(), 0)),
    ];
    (any::<u64>(), caller, prop::option::weighted(0.98, action())).prop_map(
        |(now_ms, (user, auth_revision), action)| Command {
            now_ms,
            user,
            auth_revision,
            origin: 1,
            id: 0,
            action,
        },
    )
}
