//! Who may act as whom.

use apiserver_access::authorize::{Attributes, Authorizer, On, Resource, Rules, Verdict};
use apiserver_api::tree::{Map, Tree};
use apiserver_api::user::User;
use async_trait::async_trait;

use super::Impersonation;

/// Allows what is listed: `verb group/resource/subresource namespace/name`.
struct Allows(&'static [&'static str]);

fn spelled(asked: &Attributes<'_>) -> String {
    match &asked.on {
        On::Path(path) => format!("{} {path}", asked.verb),
        On::Resource(on) => format!(
            "{} {}/{}/{} {}/{}",
            asked.verb, on.group, on.resource, on.subresource, on.namespace, on.name
        ),
    }
}

#[async_trait]
impl Authorizer for Allows {
    async fn authorize(&self, asked: &Attributes<'_>) -> Verdict {
        if self.0.contains(&spelled(asked).as_str()) {
            Verdict::allow("")
        } else {
            Verdict::no_opinion()
        }
    }

    async fn rules(&self, _: &User, _: &str) -> Rules {
        Rules::default()
    }
}

/// What comes of acting so while a pod is read.
async fn act(who: &User, wanted: &User, allows: &'static [&'static str]) -> Result<String, String> {
    let state = Impersonation::default();
    again(&state, who, wanted, allows).await
}

async fn again(
    state: &Impersonation,
    who: &User,
    wanted: &User,
    allows: &'static [&'static str],
) -> Result<String, String> {
    let on = On::Resource(Resource {
        namespace: "a",
        resource: "pods",
        name: "p",
        ..Resource::default()
    });
    let asked = Attributes {
        user: who,
        verb: "get",
        on,
    };
    let user = state.user(&Allows(allows), wanted, &asked).await;
    let json = |user: User| String::from_utf8(user.to_tree().to_json()).unwrap();
    user.map(json).map_err(|status| status.message)
}

fn with_extra(user: &str, groups: &[&str], key: &str, values: &[&str]) -> User {
    let mut extra = Map::new();
    extra.insert(key, values.iter().copied().collect::<Tree>());
    User {
        extra,
        ..User::new(user, groups.iter().copied())
    }
}

#[tokio::test]
async fn each_part_of_a_user_must_be_allowed() {
    let jane = User::new("jane", []);
    let bob = User {
        uid: "7".into(),
        ..with_extra("bob", &["g"], "acme.io/x", &["y"])
    };
    let all: &[&str] = &[
        "impersonate-on:user-info:get /pods/ a/p",
        "impersonate:user-info authentication.k8s.io/users/ /bob",
        "impersonate:user-info authentication.k8s.io/uids/ /7",
        "impersonate:user-info authentication.k8s.io/groups/ /g",
        "impersonate:user-info authentication.k8s.io/userextras/acme.io/x /y",
    ];
    assert_eq!(
        act(&jane, &bob, all).await.unwrap(),
        r#"{"extra":{"acme.io/x":["y"]},"groups":["g","system:authenticated"],"uid":"7","username":"bob"}"#
    );
    let cannot = |what: &str| format!("User \"jane\" cannot {what}");
    for (left, told) in [
        (
            0,
            cannot(r#"impersonate-on:user-info:get resource "pods" in API group "" in the namespace "a""#),
        ),
        (
            3,
            cannot(
                r#"impersonate:user-info resource "groups" in API group "authentication.k8s.io" at the cluster scope"#,
            ),
        ),
        (
            4,
            cannot(
                r#"impersonate:user-info resource "userextras/acme.io/x" in API group "authentication.k8s.io" at the cluster scope"#,
            ),
        ),
    ] {
        let refused = act(&jane, &bob, &all[..left]).await.unwrap_err();
        assert!(refused.ends_with(&told), "{refused}");
    }
}

#[tokio::test]
async fn the_way_that_there_was_before_still_is_one() {
    let (jane, bob) = (User::new("jane", []), User::new("bob", ["system:masters"]));
    let allows = &["impersonate /users/ /bob", "impersonate /groups/ /system:masters"];
    let groups = r#"{"groups":["system:masters","system:authenticated"],"username":"bob"}"#;
    let state = Impersonation::default();
    assert_eq!(again(&state, &jane, &bob, allows).await.unwrap(), groups);
    // It is tried first from now on, so that its refusal is the one that is told.
    let refused = again(&state, &jane, &bob, &[]).await.unwrap_err();
    let told = r#"users "bob" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope"#;
    assert_eq!(refused, told);
}

#[tokio::test]
async fn the_way_with_constraints_gives_no_masters() {
    let (jane, bob) = (User::new("jane", []), User::new("bob", ["system:masters"]));
    let allows = &[
        "impersonate-on:user-info:get /pods/ a/p",
        "impersonate:user-info authentication.k8s.io/users/ /bob",
        "impersonate:user-info authentication.k8s.io/groups/ /system:masters",
    ];
    let refused = act(&jane, &bob, allows).await.unwrap_err();
    assert!(
        refused.ends_with("at the cluster scope: impersonating the system:masters group is not allowed"),
        "{refused}"
    );
    let odd = with_extra("bob", &[], "scopes", &["x"]);
    let refused = act(&jane, &odd, &allows[..2]).await.unwrap_err();
    let why = r#"extra.key: Invalid value: "scopes": must be a domain-prefixed path (such as "acme.io/foo")"#;
    assert!(refused.ends_with(why), "{refused}");
}

#[tokio::test]
async fn service_accounts_and_nodes_have_groups_of_their_own() {
    let jane = User::new("jane", []);
    let account = User::new("system:serviceaccount:n:s", []);
    let allows = &[
        "impersonate-on:serviceaccount:get /pods/ a/p",
        "impersonate:serviceaccount authentication.k8s.io/serviceaccounts/ n/s",
    ];
    assert_eq!(
        act(&jane, &account, allows).await.unwrap(),
        r#"{"groups":["system:serviceaccounts","system:serviceaccounts:n","system:authenticated"],"username":"system:serviceaccount:n:s"}"#
    );
    let node = User::new("system:node:n1", []);
    let allows = &[
        "impersonate-on:arbitrary-node:get /pods/ a/p",
        "impersonate:arbitrary-node authentication.k8s.io/nodes/ /n1",
    ];
    assert_eq!(
        act(&jane, &node, allows).await.unwrap(),
        r#"{"groups":["system:nodes","system:authenticated"],"username":"system:node:n1"}"#
    );
    let nobody = User::new("system:anonymous", []);
    assert_eq!(
        act(&jane, &nobody, &["impersonate /users/ /system:anonymous"])
            .await
            .unwrap(),
        r#"{"groups":["system:unauthenticated"],"username":"system:anonymous"}"#
    );
}

#[tokio::test]
async fn a_pod_may_be_its_own_node_and_no_other() {
    let allows: &[&str] = &[
        "impersonate-on:associated-node:get /pods/ a/p",
        "impersonate:associated-node authentication.k8s.io/nodes/ /*",
    ];
    let key = "authentication.kubernetes.io/node-name";
    let pod = with_extra("system:serviceaccount:n:s", &[], key, &["n1"]);
    assert!(act(&pod, &User::new("system:node:n1", []), allows).await.is_ok());
    for (who, node) in [
        (pod.clone(), "system:node:n2"),
        (
            with_extra("system:serviceaccount:n:s", &[], key, &["n1", "n2"]),
            "system:node:n1",
        ),
        (with_extra("jane", &[], key, &["n1"]), "system:node:n1"),
    ] {
        let refused = act(&who, &User::new(node, []), allows).await.unwrap_err();
        assert!(refused.contains("impersonate-on:arbitrary-node:get"), "{refused}");
    }
}

#[tokio::test]
async fn many_groups_are_asked_for_at_once() {
    let (jane, bob) = (User::new("jane", []), User::new("bob", ["a", "b", "c", "d"]));
    let allows = &[
        "impersonate-on:user-info:get /pods/ a/p",
        "impersonate:user-info authentication.k8s.io/users/ /bob",
        "impersonate:user-info authentication.k8s.io/groups/ /*",
    ];
    assert!(act(&jane, &bob, allows).await.is_ok());
    let few = User::new("bob", ["a"]);
    assert!(act(&jane, &few, allows).await.is_err());
}
