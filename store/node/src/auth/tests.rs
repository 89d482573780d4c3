//! Tokens and users of one cluster.

use std::time::Duration;

use proto::auth::Permission;
use proto::auth::permission::Type;
use proto::etcd::watch_request::RequestUnion;
use proto::etcd::{
    AuthDisableRequest, AuthEnableRequest, AuthRoleAddRequest, AuthRoleGrantPermissionRequest, AuthStatusRequest,
    AuthUserAddRequest, AuthUserChangePasswordRequest, AuthUserGetRequest, AuthUserGrantRoleRequest,
    AuthUserListRequest, AuthenticateRequest, MemberListRequest, WatchCreateRequest, WatchRequest,
};
use proto::fault::Fault;

use crate::tests::cluster::{Cluster, get, nobody, put, until};
use crate::{Caller, Error, HealthQuery, Member};

async fn user(member: &Member, name: &str, role: &str) {
    let request = AuthUserAddRequest {
        name: name.to_owned(),
        password: format!("{name}-pw"),
        ..Default::default()
    };
    member.user_add(&nobody(), request).await.unwrap();
    let _ = member
        .role_add(&nobody(), AuthRoleAddRequest { name: role.to_owned() })
        .await;
    let request = AuthUserGrantRoleRequest {
        user: name.to_owned(),
        role: role.to_owned(),
    };
    member.user_grant_role(&nobody(), request).await.unwrap();
}

/// Root, and alice who may read and write keys that begin with `a`.
async fn enable(member: &Member) {
    user(member, "root", "root").await;
    user(member, "alice", "letters").await;
    let perm = Permission {
        perm_type: Type::Readwrite.into(),
        key: "a".into(),
        range_end: "b".into(),
    };
    let request = AuthRoleGrantPermissionRequest {
        name: "letters".to_owned(),
        perm: Some(perm),
    };
    member.role_grant_permission(&nobody(), request).await.unwrap();
    member.auth_enable(&nobody(), AuthEnableRequest {}).await.unwrap();
}

async fn login(member: &Member, name: &str) -> Caller {
    let request = AuthenticateRequest {
        name: name.to_owned(),
        password: format!("{name}-pw"),
    };
    let token = member.authenticate(&nobody(), request).await.unwrap().token;
    Caller {
        token: Some(token),
        ..Caller::default()
    }
}

fn fault<T>(result: Result<T, Error>) -> Option<Fault> {
    result.err().and_then(|error| error.fault())
}

#[tokio::test(start_paused = true)]
async fn users_do_what_their_roles_allow_on_every_member() {
    let cluster = Cluster::start(3).await;
    let (a, b) = (cluster.members[0].clone(), cluster.members[1].clone());
    enable(&a).await;
    assert_eq!(fault(b.put(&nobody(), put("a1", "v")).await), Some(Fault::UserEmpty));
    let alice = login(&a, "alice").await;
    for member in &cluster.members {
        member.put(&alice, put("a1", "v")).await.unwrap();
        assert_eq!(member.range(&alice, get("a1")).await.unwrap().count, 1);
        assert_eq!(
            fault(member.put(&alice, put("c", "v")).await),
            Some(Fault::PermissionDenied)
        );
        assert_eq!(
            fault(member.range(&alice, get("c")).await),
            Some(Fault::PermissionDenied)
        );
    }
    assert_eq!(
        fault(b.user_list(&alice, AuthUserListRequest {}).await),
        Some(Fault::PermissionDenied)
    );
    b.user_get(
        &alice,
        AuthUserGetRequest {
            name: "alice".to_owned(),
        },
    )
    .await
    .unwrap();
    b.member_list(&alice, MemberListRequest { linearizable: true })
        .await
        .unwrap();
    let root = login(&b, "root").await;
    assert_eq!(
        a.user_list(&root, AuthUserListRequest {}).await.unwrap().users,
        ["alice", "root"]
    );
    assert!(a.auth_status(&nobody(), AuthStatusRequest {}).await.unwrap().enabled);
    a.auth_disable(&root, AuthDisableRequest {}).await.unwrap();
    a.put(&nobody(), put("c", "v")).await.unwrap();
    let off = a.authenticate(&nobody(), AuthenticateRequest::default()).await;
    assert_eq!(fault(off), Some(Fault::AuthNotEnabled));
}

#[tokio::test(start_paused = true)]
async fn a_token_lives_by_use_and_ends_with_the_password() {
    let cluster = Cluster::start_with(1, |config| config.auth_token_ttl = Duration::from_secs(3)).await;
    let member = &cluster.members[0];
    enable(member).await;
    let (alice, idle) = (login(member, "alice").await, login(member, "root").await);
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        member.range(&alice, get("a")).await.unwrap();
    }
    assert_eq!(
        fault(member.range(&idle, get("a")).await),
        Some(Fault::InvalidAuthToken)
    );
    let root = login(member, "root").await;
    let change = AuthUserChangePasswordRequest {
        name: "alice".to_owned(),
        password: "new".to_owned(),
        ..Default::default()
    };
    member.user_change_password(&root, change).await.unwrap();
    assert_eq!(
        fault(member.range(&alice, get("a")).await),
        Some(Fault::InvalidAuthToken)
    );
    let old = AuthenticateRequest {
        name: "alice".to_owned(),
        password: "alice-pw".to_owned(),
    };
    assert_eq!(
        fault(member.authenticate(&nobody(), old).await),
        Some(Fault::AuthFailed)
    );
    let mut forged = root.token.unwrap();
    forged.replace_range(0..1, if forged.starts_with('B') { "C" } else { "B" });
    let forged = Caller {
        token: Some(forged),
        ..Caller::default()
    };
    assert_eq!(
        fault(member.range(&forged, get("a")).await),
        Some(Fault::InvalidAuthToken)
    );
}

#[tokio::test(start_paused = true)]
async fn a_member_with_authentication_is_healthy() {
    let cluster = Cluster::start(1).await;
    let member = &cluster.members[0];
    enable(member).await;
    for serializable in [false, true] {
        let query = HealthQuery {
            serializable,
            ..HealthQuery::default()
        };
        let health = member.health(&query).await;
        assert!(health.ok, "{}", health.reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificates_name_is_a_user_where_that_is_on() {
    let cluster = Cluster::start_with(1, |config| config.client_cert_auth = true).await;
    let member = &cluster.members[0];
    enable(member).await;
    let alice = Caller {
        common_name: Some("alice".into()),
        ..Caller::default()
    };
    member.put(&alice, put("a", "v")).await.unwrap();
    let gateway = Caller { gateway: true, ..alice };
    assert_eq!(fault(member.put(&gateway, put("a", "v")).await), Some(Fault::UserEmpty));
}

#[tokio::test(start_paused = true)]
async fn watches_are_refused_with_the_whole_status_text() {
    let cluster = Cluster::start(1).await;
    let member = &cluster.members[0];
    enable(member).await;
    let alice = login(member, "alice").await;
    let session = member.watch(&alice).await.unwrap();
    let create = |key: &str, range_end: &str| WatchRequest {
        request_union: Some(RequestUnion::CreateRequest(WatchCreateRequest {
            key: key.to_owned().into(),
            range_end: range_end.to_owned().into(),
            ..WatchCreateRequest::default()
        })),
    };
    session.handle(create("a", "\0")).await;
    let refused = session.next().await.unwrap();
    assert!(refused.created && refused.canceled && refused.watch_id == -1);
    assert_eq!(
        refused.cancel_reason,
        "rpc error: code = PermissionDenied desc = etcdserver: permission denied"
    );
    session.handle(create("a", "")).await;
    assert!(!session.next().await.unwrap().canceled);
}

#[tokio::test(start_paused = true)]
async fn passwords_never_reach_the_log() {
    let cluster = Cluster::start(1).await;
    let member = &cluster.members[0];
    user(member, "root", "root").await;
    until(|| member.reader().state().auth.user("root").is_some()).await;
    let stored = member.reader().state().auth.user("root").unwrap().password.clone();
    assert!(stored.starts_with(b"$2"), "{stored:?}");
}
