//! Sequences that nobody thought of, over few keys, leases and names, so that they meet.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proto::auth::{Permission, UserAddOptions};
use proto::etcd::compare::TargetUnion;
use proto::etcd::request_op::Request;
use proto::etcd::{
    AlarmRequest, AuthDisableRequest, AuthEnableRequest, AuthRoleAddRequest, AuthRoleDeleteRequest,
    AuthRoleGrantPermissionRequest, AuthRoleRevokePermissionRequest, AuthUserAddRequest, AuthUserChangePasswordRequest,
    AuthUserDeleteRequest, AuthUserGrantRoleRequest, AuthUserRevokeRoleRequest, CompactionRequest, Compare,
    DeleteRangeRequest, LeaseCheckpoint, LeaseCheckpointRequest, LeaseGrantRequest, LeaseRevokeRequest, PutRequest,
    RangeRequest, RequestOp, TxnRequest, WatchCreateRequest,
};
use proto::store::LeaseExpire;
use proto::store::command::Action;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    /// The cluster itself.
    Cluster,
    /// Somebody without a token.
    Nobody,
    /// A user whose token is so many auth revisions old.
    User(&'static str, u64),
}

/// What is asked about rights alone.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    /// The time left of a lease, and maybe its keys.
    Lease(i64, bool),
    /// A user's roles.
    User(&'static str),
    /// A role's permissions.
    Role(&'static str),
    /// Management.
    Manage,
    /// Being known.
    Known,
}

/// One thing done to both.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Entries of one term, applied in one run.
    Run(u64, Vec<(Who, Option<Action>)>),
    /// A range of the committed state.
    Range(Who, RangeRequest),
    /// A transaction that only reads.
    Read(Who, TxnRequest),
    /// A question of rights.
    May(Who, Question),
    /// A watch, which stays until the end.
    Watch(WatchCreateRequest),
    /// All watches are asked for what they heard.
    Poll,
    /// So many steps of the collector.
    Collect(usize),
    /// The machine is opened again.
    Reopen,
}

fn text(from: &'static [&'static str]) -> impl Strategy<Value = Bytes> {
    select(from.to_vec()).prop_map(Bytes::from)
}

fn key() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        30 => text(&["a", "b", "b\0", "c", "d"]),
        1 => text(&["", "\0"]),
    ]
}

/// Nothing, a key that may lie before the first, or the open end.
fn end() -> impl Strategy<Value = Bytes> {
    prop_oneof![4 => Just(Bytes::new()), 3 => text(&["a", "b", "c", "d", "e"]), 1 => text(&["\0"])]
}

fn value() -> impl Strategy<Value = Bytes> {
    text(&["", "x", "y"])
}

fn lease() -> impl Strategy<Value = i64> {
    prop_oneof![6 => 0_i64..4, 1 => any::<i64>()]
}

/// A lease that a put asks for: mostly none.
fn lease_of_put() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(0), 2 => lease()]
}

fn revision() -> impl Strategy<Value = i64> {
    prop_oneof![4 => Just(0), 8 => 1_i64..40, 1 => -2_i64..1, 1 => any::<i64>()]
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 0_i64..6, 4 => 6_i64..40, 1 => any::<i64>()]
}

fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.2)
}

fn bound() -> impl Strategy<Value = i64> {
    prop_oneof![8 => Just(0), 1 => 1_i64..20]
}

fn range() -> impl Strategy<Value = RangeRequest> {
    let keys = (key(), end());
    let cut = (
        prop_oneof![3 => Just(0_i64), 2 => 1_i64..4, 1 => any::<i64>()],
        revision(),
    );
    let sort = (
        prop_oneof![2 => Just(0), 3 => 0_i32..4],
        prop_oneof![2 => Just(0), 3 => 0_i32..6],
    );
    let only = (rarely(), rarely());
    (keys, cut, sort, only, (bound(), bound()), (bound(), bound())).prop_map(
        |(keys, cut, sort, only, of_mod, of_create)| RangeRequest {
            key: keys.0,
            range_end: keys.1,
            limit: cut.0,
            revision: cut.1,
            sort_order: sort.0,
            sort_target: sort.1,
            serializable: false,
            keys_only: only.0,
            count_only: only.1,
            min_mod_revision: of_mod.0,
            max_mod_revision: of_mod.1,
            min_create_revision: of_create.0,
            max_create_revision: of_create.1,
        },
    )
}

fn put() -> impl Strategy<Value = PutRequest> {
    let ignore = prop_oneof![
        8 => Just((false, false)),
        1 => Just((true, false)),
        1 => Just((false, true)),
        1 => Just((true, true)),
    ];
    // What is ignored is left out, mostly.
    (
        key(),
        value(),
        lease_of_put(),
        any::<bool>(),
        ignore,
        prop::bool::weighted(0.9),
    )
        .prop_map(
            |(key, value, lease, prev_kv, (ignore_value, ignore_lease), tidy)| PutRequest {
                key,
                value: if ignore_value && tidy { Bytes::new() } else { value },
                lease: if ignore_lease && tidy { 0 } else { lease },
                prev_kv,
                ignore_value,
                ignore_lease,
            },
        )
}

fn delete() -> impl Strategy<Value = DeleteRangeRequest> {
    (key(), end(), any::<bool>()).prop_map(|(key, range_end, prev_kv)| DeleteRangeRequest {
        key,
        range_end,
        prev_kv,
    })
}

fn compare() -> impl Strategy<Value = Compare> {
    let sent = prop_oneof![
        1 => Just(None),
        3 => number().prop_map(|number| Some(TargetUnion::Version(number))),
        3 => number().prop_map(|number| Some(TargetUnion::CreateRevision(number))),
        3 => number().prop_map(|number| Some(TargetUnion::ModRevision(number))),
        3 => lease().prop_map(|lease| Some(TargetUnion::Lease(lease))),
        3 => value().prop_map(|value| Some(TargetUnion::Value(value))),
    ];
    let result = prop_oneof![12 => 0_i32..4, 1 => 4_i32..6];
    // Mostly the target that the value was sent for.
    (result, key(), end(), sent, prop::option::weighted(0.2, 0_i32..7)).prop_map(
        |(result, key, range_end, target_union, other)| {
            let own = match &target_union {
                None | Some(TargetUnion::Version(_)) => 0,
                Some(TargetUnion::CreateRevision(_)) => 1,
                Some(TargetUnion::ModRevision(_)) => 2,
                Some(TargetUnion::Value(_)) => 3,
                Some(TargetUnion::Lease(_)) => 4,
            };
            Compare {
                result,
                target: other.unwrap_or(own),
                key,
                range_end,
                target_union,
            }
        },
    )
}

fn op(request: Request) -> RequestOp {
    RequestOp { request: Some(request) }
}

fn txn_of(op: BoxedStrategy<RequestOp>) -> impl Strategy<Value = TxnRequest> {
    (vec(compare(), 0..3), vec(op.clone(), 0..4), vec(op, 0..3)).prop_map(|(compare, success, failure)| TxnRequest {
        compare,
        success,
        failure,
    })
}

fn txn() -> impl Strategy<Value = TxnRequest> {
    let plain = prop_oneof![
        10 => range().prop_map(|range| op(Request::RequestRange(range))),
        16 => put().prop_map(|put| op(Request::RequestPut(put))),
        10 => delete().prop_map(|delete| op(Request::RequestDeleteRange(delete))),
        1 => Just(RequestOp::default()),
    ];
    let nested = plain.prop_recursive(3, 12, 3, |inner| {
        txn_of(inner).prop_map(|txn| op(Request::RequestTxn(txn)))
    });
    txn_of(nested.boxed())
}

fn read() -> impl Strategy<Value = TxnRequest> {
    txn_of(range().prop_map(|range| op(Request::RequestRange(range))).boxed())
}

fn lease_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (lease(), prop_oneof![8 => -1_i64..20, 1 => any::<i64>()])
            .prop_map(|(id, ttl)| Action::LeaseGrant(LeaseGrantRequest { id, ttl })),
        1 => lease().prop_map(|id| Action::LeaseRevoke(LeaseRevokeRequest { id })),
        1 => (1_u64..3, vec(lease(), 0..4)).prop_map(|(term, ids)| Action::LeaseExpire(LeaseExpire { term, ids })),
        1 => (lease(), -1_i64..20).prop_map(|(id, remaining_ttl)| {
            let checkpoints = vec![LeaseCheckpoint { id, remaining_ttl }];
            Action::LeaseCheckpoint(LeaseCheckpointRequest { checkpoints })
        }),
    ]
}

/// Lifted more often than raised, else nothing is ever put.
fn alarm_action() -> impl Strategy<Value = Action> {
    let action = prop_oneof![1 => 0_i32..2, 4 => Just(2)];
    (action, 1_u64..3, prop_oneof![1 => 0_i32..4, 2 => 1_i32..3]).prop_map(|(action, member_id, alarm)| {
        Action::Alarm(AlarmRequest {
            action,
            member_id,
            alarm,
        })
    })
}

const USERS: [&str; 4] = ["root", "u", "v", ""];
const ROLES: [&str; 4] = ["root", "r", "s", ""];

fn user() -> impl Strategy<Value = String> {
    select(USERS.to_vec()).prop_map(str::to_owned)
}

fn role() -> impl Strategy<Value = String> {
    select(ROLES.to_vec()).prop_map(str::to_owned)
}

fn permission() -> impl Strategy<Value = Permission> {
    (prop_oneof![9 => 0_i32..3, 1 => Just(3)], key(), end()).prop_map(|(perm_type, key, range_end)| Permission {
        perm_type,
        key,
        range_end,
    })
}

fn auth_action() -> impl Strategy<Value = Action> {
    let hash = || select(vec!["", "aGFzaA==", "!"]).prop_map(str::to_owned);
    let plain = || select(vec!["", "secret"]).prop_map(str::to_owned);
    prop_oneof![
        2 => Just(Action::AuthEnable(AuthEnableRequest {})),
        1 => Just(Action::AuthDisable(AuthDisableRequest {})),
        2 => (user(), plain(), hash(), any::<Option<bool>>()).prop_map(|(name, password, hashed_password, option)| {
            Action::AuthUserAdd(AuthUserAddRequest {
                name,
                password,
                options: option.map(|no_password| UserAddOptions { no_password }),
                hashed_password,
            })
        }),
        1 => user().prop_map(|name| Action::AuthUserDelete(AuthUserDeleteRequest { name })),
        1 => (user(), plain(), hash()).prop_map(|(name, password, hashed_password)| {
            Action::AuthUserChangePassword(AuthUserChangePasswordRequest {
                name,
                password,
                hashed_password,
            })
        }),
        3 => (user(), role())
            .prop_map(|(user, role)| Action::AuthUserGrantRole(AuthUserGrantRoleRequest { user, role })),
        1 => (user(), role())
            .prop_map(|(name, role)| Action::AuthUserRevokeRole(AuthUserRevokeRoleRequest { name, role })),
        2 => role().prop_map(|name| Action::AuthRoleAdd(AuthRoleAddRequest { name })),
        1 => role().prop_map(|role| Action::AuthRoleDelete(AuthRoleDeleteRequest { role })),
        4 => (role(), prop::option::weighted(0.95, permission())).prop_map(|(name, perm)| {
            Action::AuthRoleGrantPermission(AuthRoleGrantPermissionRequest { name, perm })
        }),
        2 => (role(), key(), end()).prop_map(|(role, key, range_end)| {
            Action::AuthRoleRevokePermission(AuthRoleRevokePermissionRequest { role, key, range_end })
        }),
    ]
}

fn action(auth: u32) -> impl Strategy<Value = Option<Action>> {
    let action = prop_oneof![
        12 => put().prop_map(Action::Put),
        5 => delete().prop_map(Action::DeleteRange),
        12 => txn().prop_map(Action::Txn),
        2 => revision().prop_map(|revision| Action::Compact(CompactionRequest { revision, physical: false })),
        6 => lease_action(),
        1 => alarm_action(),
        auth => auth_action(),
    ];
    prop::option::weighted(0.99, action)
}

fn who(users: u32) -> impl Strategy<Value = Who> {
    prop_oneof![
        6 => Just(Who::Cluster),
        1 => Just(Who::Nobody),
        users => (select(USERS.to_vec()), prop_oneof![12 => Just(0_u64), 1 => 1_u64..4])
            .prop_map(|(name, age)| Who::User(name, age)),
    ]
}

fn question() -> impl Strategy<Value = Question> {
    prop_oneof![
        (lease(), any::<bool>()).prop_map(|(id, keys)| Question::Lease(id, keys)),
        select(USERS.to_vec()).prop_map(Question::User),
        select(ROLES.to_vec()).prop_map(Question::Role),
        Just(Question::Manage),
        Just(Question::Known),
    ]
}

fn watch() -> impl Strategy<Value = WatchCreateRequest> {
    let start = prop_oneof![2 => Just(0_i64), 5 => 1_i64..40];
    let filters =
        prop_oneof![4 => Just(Vec::<i32>::new()), 1 => Just(vec![0]), 1 => Just(vec![1]), 1 => Just(vec![0, 1])];
    (text(&["a", "b", "c"]), end(), start, filters, any::<bool>()).prop_map(
        |(key, range_end, start_revision, filters, prev_kv)| WatchCreateRequest {
            key,
            range_end,
            start_revision,
            filters,
            prev_kv,
            ..WatchCreateRequest::default()
        },
    )
}

/// One step; the numbers say how often commands are about users and come from users.
fn step(auth: u32, users: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => (1_u64..3, vec((who(users), action(auth)), 1..5)).prop_map(|(term, commands)| Step::Run(term, commands)),
        6 => (who(users), range()).prop_map(|(who, range)| Step::Range(who, range)),
        3 => (who(users), read()).prop_map(|(who, txn)| Step::Read(who, txn)),
        3 => (who(users), question()).prop_map(|(who, question)| Step::May(who, question)),
        4 => watch().prop_map(Step::Watch),
        4 => Just(Step::Poll),
        4 => (1_usize..6).prop_map(Step::Collect),
        1 => Just(Step::Reopen),
    ]
}

/// A store whose users play no part, mostly.
pub(crate) fn open() -> impl Strategy<Value = Vec<Step>> {
    vec(step(1, 1), 1..40)
}

/// A store with authentication on, and permissions that were granted beforehand.
pub(crate) fn secured() -> impl Strategy<Value = Vec<Step>> {
    let permissions = vec((select(vec!["r", "s"]), permission()), 0..8);
    (permissions, vec(step(6, 30), 1..30)).prop_map(|(permissions, steps)| {
        let mut all = vec![founded()];
        all.extend(
            permissions
                .into_iter()
                .map(|(role, permission)| granted(role, permission)),
        );
        all.extend(steps);
        all
    })
}

fn own(actions: Vec<Action>) -> Step {
    Step::Run(
        1,
        actions.into_iter().map(|action| (Who::Cluster, Some(action))).collect(),
    )
}

fn granted(role: &str, permission: Permission) -> Step {
    own(vec![Action::AuthRoleGrantPermission(AuthRoleGrantPermissionRequest {
        name: role.to_owned(),
        perm: Some(permission),
    })])
}

/// Root, and the users `u` with the role `r` and `v` with both; then authentication is turned on.
fn founded() -> Step {
    let mut actions = Vec::new();
    for name in ["root", "u", "v"] {
        actions.push(Action::AuthUserAdd(AuthUserAddRequest {
            name: name.to_owned(),
            hashed_password: "aGFzaA==".to_owned(),
            ..AuthUserAddRequest::default()
        }));
    }
    for name in ["r", "s"] {
        actions.push(Action::AuthRoleAdd(AuthRoleAddRequest { name: name.to_owned() }));
    }
    for (user, role) in [("root", "root"), ("u", "r"), ("v", "r"), ("v", "s")] {
        actions.push(Action::AuthUserGrantRole(AuthUserGrantRoleRequest {
            user: user.to_owned(),
            role: role.to_owned(),
        }));
    }
    actions.push(Action::AuthEnable(AuthEnableRequest {}));
    own(actions)
}
