//! Decisions by roles and bindings.

use std::sync::Arc;

use apiserver_api::user::User;
use apiserver_storage::cluster::Cluster;

use super::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Rbac};
use crate::authorize::{Attributes, Authorizer, Decision, On, Resource, Verdict};
use crate::fake_cluster::FakeCluster;

fn setup() -> (Arc<FakeCluster>, Rbac) {
    let cluster = Arc::new(FakeCluster::default());
    cluster.put(
        &ROLES,
        r#"{"metadata":{"name":"r","namespace":"acc"},"rules":[
            {"apiGroups":[""],"resources":["configmaps","pods/log"],"verbs":["get","list","create"]},
            {"apiGroups":[""],"resourceNames":["one"],"resources":["secrets"],"verbs":["get"]}]}"#,
    );
    cluster.put(
        &ROLE_BINDINGS,
        r#"{"metadata":{"name":"b","namespace":"acc"},"roleRef":{"kind":"Role","name":"r"},"subjects":[
            {"kind":"User","name":"jane"},{"kind":"ServiceAccount","name":"s","namespace":"acc"}]}"#,
    );
    cluster.put(
        &CLUSTER_ROLES,
        r#"{"metadata":{"name":"system:discovery"},"rules":[
            {"nonResourceURLs":["/healthz","/api/*"],"verbs":["get"]}]}"#,
    );
    cluster.put(
        &CLUSTER_ROLES,
        r#"{"metadata":{"name":"nodes"},"rules":[{"apiGroups":[""],"resources":["nodes"],"verbs":["*"]}]}"#,
    );
    cluster.put(
        &CLUSTER_ROLE_BINDINGS,
        r#"{"metadata":{"name":"system:discovery"},"roleRef":{"kind":"ClusterRole","name":"system:discovery"},
            "subjects":[{"kind":"Group","name":"system:authenticated"}]}"#,
    );
    cluster.put(
        &ROLE_BINDINGS,
        r#"{"metadata":{"name":"n","namespace":"acc"},"roleRef":{"kind":"ClusterRole","name":"nodes"},
            "subjects":[{"kind":"Group","name":"ops"}]}"#,
    );
    let shared: Arc<dyn Cluster> = Arc::<FakeCluster>::clone(&cluster);
    (cluster, Rbac::new(shared))
}

/// What is said of `verb namespace group resource name` or of `verb path`; `-` is nothing.
async fn ask(rbac: &Rbac, user: &User, asked: &str) -> Verdict {
    let words: Vec<&str> = asked
        .split(' ')
        .map(|word| if word == "-" { "" } else { word })
        .collect();
    let (verb, on) = match words[..] {
        [verb, namespace, group, resource, name] => {
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            let on = Resource {
                namespace,
                group,
                resource,
                subresource,
                name,
                ..Resource::default()
            };
            (verb, On::Resource(on))
        }
        [verb, path] => (verb, On::Path(path)),
        _ => unreachable!(),
    };
    rbac.authorize(&Attributes { user, verb, on }).await
}

#[tokio::test]
async fn bindings_allow_what_their_roles_say() {
    let (_, rbac) = setup();
    let jane = User::new("jane", ["system:authenticated"]);
    let account = User::new("system:serviceaccount:acc:s", ["system:serviceaccounts"]);
    let ops = User::new("x", ["ops"]);
    let by_role = r#"RBAC: allowed by RoleBinding "b/acc" of Role "r" to User "jane""#;
    for (user, asked, reason) in [
        (&jane, "get acc - configmaps x", by_role),
        (&jane, "list acc - configmaps -", by_role),
        (&jane, "get acc - pods/log x", by_role),
        (&jane, "get acc - secrets one", by_role),
        (
            &account,
            "list acc - configmaps -",
            r#"RBAC: allowed by RoleBinding "b/acc" of Role "r" to ServiceAccount "s/acc""#,
        ),
        (
            &jane,
            "get /healthz",
            "RBAC: allowed by ClusterRoleBinding \"system:discovery\" of ClusterRole \"system:discovery\" to Group \
             \"system:authenticated\"",
        ),
        (
            &ops,
            "delete acc - nodes x",
            r#"RBAC: allowed by RoleBinding "n/acc" of ClusterRole "nodes" to Group "ops""#,
        ),
    ] {
        assert_eq!(ask(&rbac, user, asked).await, Verdict::allow(reason), "{asked}");
    }
    for (user, asked) in [
        (&jane, "delete acc - configmaps x"),
        (&jane, "get zz - configmaps x"),
        (&jane, "get - - configmaps x"),
        (&jane, "get acc - secrets two"),
        (&jane, "list acc - secrets -"),
        (&jane, "get acc - pods x"),
        (&jane, "get acc apps configmaps x"),
        (&jane, "get /metrics"),
        (&ops, "get - - nodes x"),
        (&User::new("system:serviceaccount:zz:s", []), "get acc - configmaps x"),
        (&User::default(), "get /healthz"),
    ] {
        assert_eq!(ask(&rbac, user, asked).await, Verdict::no_opinion(), "{asked}");
    }
}

#[tokio::test]
async fn roles_that_are_not_there_are_told_only_where_nothing_else_allows() {
    let (cluster, rbac) = setup();
    for (name, kind, role) in [
        ("a", "Role", "x"),
        ("d", "ClusterRole", "y"),
        ("e", "ClusterRole", "y"),
        ("f", "z", "y"),
    ] {
        cluster.put(
            &ROLE_BINDINGS,
            &format!(
                r#"{{"metadata":{{"name":"{name}","namespace":"acc"}},"roleRef":{{"kind":"{kind}","name":"{role}"}},
                    "subjects":[{{"kind":"User","name":"jane"}}]}}"#
            ),
        );
    }
    let jane = User::new("jane", []);
    let verdict = ask(&rbac, &jane, "get acc - pods x").await;
    let reason = "RBAC: [role.rbac.authorization.k8s.io \"x\" not found, clusterrole.rbac.authorization.k8s.io \"y\" not \
                  found, unsupported role reference kind: \"z\"]";
    assert_eq!(
        (verdict.decision, verdict.reason.as_str()),
        (Decision::NoOpinion, reason)
    );
    assert!(ask(&rbac, &jane, "get acc - configmaps x").await.is_allowed());
    cluster.take(&ROLE_BINDINGS, "acc", "d");
    cluster.take(&ROLE_BINDINGS, "acc", "e");
    cluster.take(&ROLE_BINDINGS, "acc", "f");
    let verdict = ask(&rbac, &jane, "get acc - pods x").await;
    assert_eq!(verdict.reason, r#"RBAC: role.rbac.authorization.k8s.io "x" not found"#);
    assert_eq!(
        rbac.rules(&jane, "acc").await.error,
        r#"role.rbac.authorization.k8s.io "x" not found"#
    );
    // A binding of the cluster finds no role of a namespace, nor one of the cluster under the other kind.
    cluster.put(
        &CLUSTER_ROLE_BINDINGS,
        r#"{"metadata":{"name":"wrong"},"roleRef":{"kind":"Role","name":"nodes"},
            "subjects":[{"kind":"User","name":"bob"}]}"#,
    );
    let verdict = ask(&rbac, &User::new("bob", []), "get - - nodes x").await;
    let reason = r#"RBAC: role.rbac.authorization.k8s.io "nodes" not found"#;
    assert_eq!(verdict, Verdict::undecided(reason));
}

#[tokio::test]
async fn a_change_counts_at_once_and_nothing_is_read_again_without_one() {
    let (cluster, rbac) = setup();
    let jane = User::new("jane", []);
    assert!(ask(&rbac, &jane, "get acc - configmaps x").await.is_allowed());
    let lists = cluster.lists();
    for _ in 0..100 {
        assert!(ask(&rbac, &jane, "get acc - configmaps x").await.is_allowed());
    }
    assert_eq!(cluster.lists(), lists);
    cluster.take(&ROLE_BINDINGS, "acc", "b");
    assert!(!ask(&rbac, &jane, "get acc - configmaps x").await.is_allowed());
    assert_eq!(cluster.lists(), lists + 1);
    assert!(!ask(&rbac, &jane, "get - - nodes x").await.is_allowed());
    cluster.put(
        &CLUSTER_ROLE_BINDINGS,
        r#"{"metadata":{"name":"j"},"roleRef":{"kind":"ClusterRole","name":"nodes"},
            "subjects":[{"kind":"User","name":"jane"}]}"#,
    );
    assert!(ask(&rbac, &jane, "get - - nodes x").await.is_allowed());
    cluster.take(&CLUSTER_ROLES, "", "nodes");
    assert!(!ask(&rbac, &jane, "get - - nodes x").await.is_allowed());
}

#[tokio::test]
async fn rules_are_those_of_all_bindings_the_cluster_s_first() {
    let (_, rbac) = setup();
    let rules = rbac.rules(&User::new("jane", ["system:authenticated"]), "acc").await;
    let resources: Vec<_> = rules.resources.iter().map(|rule| rule.resources.join(",")).collect();
    assert_eq!(
        (resources.join(" ").as_str(), rules.incomplete),
        ("configmaps,pods/log secrets", false)
    );
    assert_eq!(
        (rules.resources[1].names.as_slice(), rules.paths.len()),
        (&["one".into()][..], 1)
    );
    assert_eq!(rules.paths[0].paths, ["/healthz", "/api/*"]);
    let elsewhere = rbac.rules(&User::new("jane", ["system:authenticated"]), "zz").await;
    assert_eq!((elsewhere.resources.len(), elsewhere.paths.len()), (0, 1));
}
