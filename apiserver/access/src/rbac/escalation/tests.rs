//! Who may give which rights.

use std::sync::Arc;

use apiserver_api::gvk::GroupResource;
use apiserver_api::status::Status;
use apiserver_api::tree::{Tree, parse};
use apiserver_api::user::User;
use apiserver_storage::cluster::Cluster;

use super::super::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Rbac};
use super::{Write, check};
use crate::fake_cluster::FakeCluster;

fn tree(json: &str) -> Tree {
    parse(json.as_bytes()).unwrap().tree
}

/// A cluster in which jane may read pods in `n`, writes roles there, and binds the role `open` there.
fn setup() -> (Arc<FakeCluster>, Rbac) {
    let cluster = Arc::new(FakeCluster::default());
    let role = |name: &str, rules: &str| {
        cluster.put(
            &CLUSTER_ROLES,
            &format!(r#"{{"metadata":{{"name":"{name}"}},"rules":[{rules}]}}"#),
        );
    };
    role(
        "reader",
        r#"{"apiGroups":[""],"resources":["pods"],"verbs":["get","list"]}"#,
    );
    role(
        "admin",
        r#"{"apiGroups":["*"],"resources":["*"],"verbs":["*"]},{"nonResourceURLs":["*"],"verbs":["*"]}"#,
    );
    role("open", r#"{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}"#);
    role(
        "binder",
        r#"{"apiGroups":["rbac.authorization.k8s.io"],"resources":["clusterroles"],"resourceNames":["open"],"verbs":["bind"]}"#,
    );
    role(
        "escalator",
        r#"{"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles"],"verbs":["escalate"]}"#,
    );
    let bind = |name: &str, user: &str, namespace: &str| {
        let kind = if namespace.is_empty() {
            &CLUSTER_ROLE_BINDINGS
        } else {
            &ROLE_BINDINGS
        };
        let json = format!(
            r#"{{"metadata":{{"name":"{name}-{user}","namespace":"{namespace}"}},
                "roleRef":{{"kind":"ClusterRole","name":"{name}"}},"subjects":[{{"kind":"User","name":"{user}"}}]}}"#
        );
        cluster.put(kind, &json);
    };
    bind("reader", "jane", "n");
    bind("binder", "jane", "n");
    bind("admin", "root", "");
    bind("escalator", "eve", "n");
    let shared: Arc<dyn Cluster> = Arc::<FakeCluster>::clone(&cluster);
    (cluster, Rbac::new(shared))
}

async fn write(
    rbac: &Rbac,
    user: &User,
    resource: &GroupResource,
    namespace: &str,
    object: &str,
    old: Option<&str>,
) -> Result<(), Status> {
    let (object, old) = (tree(object), old.map(tree));
    let write = Write {
        user,
        namespace,
        name: "",
        object: &object,
        old: old.as_ref(),
    };
    check(rbac, rbac, resource, &write).await
}

fn jane() -> User {
    User::new("jane", ["dev", "system:authenticated"])
}

const READ: &str = r#"{"metadata":{"name":"x"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}"#;
const MORE: &str = r#"{"metadata":{"name":"x"},"rules":[
    {"apiGroups":["","apps"],"resources":["pods","secrets"],"verbs":["get","delete"]},
    {"nonResourceURLs":["/b","/a"],"verbs":["get"]}]}"#;

#[tokio::test]
async fn a_role_gives_no_more_than_its_writer_has() {
    let (_, rbac) = setup();
    write(&rbac, &jane(), &ROLES, "n", READ, None).await.unwrap();
    let status = write(&rbac, &jane(), &ROLES, "n", MORE, None).await.unwrap_err();
    let told = r#"roles.rbac.authorization.k8s.io "x" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:
{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}
{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}
{APIGroups:["apps"], Resources:["pods"], Verbs:["get" "delete"]}
{APIGroups:["apps"], Resources:["secrets"], Verbs:["get" "delete"]}
{NonResourceURLs:["/a"], Verbs:["get"]}
{NonResourceURLs:["/b"], Verbs:["get"]}"#;
    assert_eq!((status.code, status.message.as_str()), (403, told));
    // What jane has in one namespace she has not everywhere.
    let status = write(&rbac, &jane(), &CLUSTER_ROLES, "", READ, None).await.unwrap_err();
    let told = r#"clusterroles.rbac.authorization.k8s.io "x" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:
{APIGroups:[""], Resources:["pods"], Verbs:["get"]}"#;
    assert_eq!(status.message, told);
    let status = write(&rbac, &User::new("x", []), &ROLES, "n", READ, None)
        .await
        .unwrap_err();
    assert!(status.message.contains(r#"user "x" (groups=[]) is"#), "{status}");
}

#[tokio::test]
async fn masters_and_those_who_may_escalate_give_what_they_like() {
    let (_, rbac) = setup();
    for (user, resource, namespace, may) in [
        (&User::new("m", ["system:masters"]), &CLUSTER_ROLES, "", true),
        (&User::new("root", []), &CLUSTER_ROLES, "", true),
        (&User::new("eve", []), &ROLES, "n", true),
        (&User::new("eve", []), &ROLES, "m", false),
        (&User::new("eve", []), &CLUSTER_ROLES, "", false),
    ] {
        let told = write(&rbac, user, resource, namespace, MORE, None).await;
        assert_eq!(told.is_ok(), may, "{} {namespace}", user.name);
    }
    let pods = GroupResource::known("", "pods");
    write(&rbac, &User::default(), &pods, "n", "{}", None).await.unwrap();
}

#[tokio::test]
async fn only_who_has_everything_lets_a_role_gather_others() {
    let (_, rbac) = setup();
    let gathering =
        r#"{"metadata":{"name":"x"},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"a":"b"}}]}}"#;
    let (plain, jane) = (r#"{"metadata":{"name":"x"}}"#, jane());
    let told = "clusterroles.rbac.authorization.k8s.io \"x\" is forbidden: must have cluster-admin privileges to use the \
                aggregationRule";
    for (object, old) in [(gathering, None), (gathering, Some(plain)), (plain, Some(gathering))] {
        let status = write(&rbac, &jane, &CLUSTER_ROLES, "", object, old).await.unwrap_err();
        assert_eq!(status.message, told);
        write(&rbac, &User::new("root", []), &CLUSTER_ROLES, "", object, old)
            .await
            .unwrap();
    }
    write(&rbac, &jane, &CLUSTER_ROLES, "", plain, None).await.unwrap();
}

fn binding(kind: &str, role: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"b"}},"roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"{kind}","name":"{role}"}}}}"#
    )
}

#[tokio::test]
async fn a_binding_gives_no_more_than_its_writer_has_or_may_bind() {
    let (cluster, rbac) = setup();
    for (resource, namespace, kind, role, told) in [
        (&ROLE_BINDINGS, "n", "ClusterRole", "reader", ""),
        (&ROLE_BINDINGS, "n", "ClusterRole", "open", ""),
        (
            &ROLE_BINDINGS,
            "n",
            "ClusterRole",
            "escalator",
            r#"rolebindings.rbac.authorization.k8s.io "b" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:
{APIGroups:["rbac.authorization.k8s.io"], Resources:["roles"], Verbs:["escalate"]}"#,
        ),
        (
            &CLUSTER_ROLE_BINDINGS,
            "",
            "ClusterRole",
            "open",
            r#"clusterrolebindings.rbac.authorization.k8s.io "b" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:
{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}"#,
        ),
        (
            &ROLE_BINDINGS,
            "n",
            "ClusterRole",
            "gone",
            r#"clusterroles.rbac.authorization.k8s.io "gone" not found"#,
        ),
        (
            &ROLE_BINDINGS,
            "n",
            "Role",
            "gone",
            r#"roles.rbac.authorization.k8s.io "gone" not found"#,
        ),
        (
            &ROLE_BINDINGS,
            "n",
            "Group",
            "x",
            r#"unsupported role reference kind: "Group""#,
        ),
        (&CLUSTER_ROLE_BINDINGS, "", "Role", "x", "Namespace parameter required."),
        (&ROLE_BINDINGS, "n", "Role", "", "Name parameter required."),
        (
            &CLUSTER_ROLE_BINDINGS,
            "",
            "ClusterRole",
            "",
            "Name parameter required.",
        ),
    ] {
        let answer = write(&rbac, &jane(), resource, namespace, &binding(kind, role), None).await;
        assert_eq!(
            answer.err().map_or(String::new(), |status| status.message),
            told,
            "{role}"
        );
    }
    // A role of the namespace, which is there from the moment it is stored.
    cluster.put(&ROLES, r#"{"metadata":{"name":"local","namespace":"n"},"rules":[]}"#);
    write(&rbac, &jane(), &ROLE_BINDINGS, "n", &binding("Role", "local"), None)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_could_not_be_found_out_is_told_with_what_is_missing() {
    let (cluster, rbac) = setup();
    let dangling = |name: &str, kind: &str| {
        let json = format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"n"}},"roleRef":{{"kind":"{kind}","name":"{name}"}},
                "subjects":[{{"kind":"Group","name":"dev"}}]}}"#
        );
        cluster.put(&ROLE_BINDINGS, &json);
    };
    dangling("p", "ClusterRole");
    let status = write(&rbac, &jane(), &ROLES, "n", MORE, None).await.unwrap_err();
    let tail = r#"Verbs:["get"]}; resolution errors: [clusterroles.rbac.authorization.k8s.io "p" not found]"#;
    assert!(status.message.ends_with(tail), "{status}");
    dangling("q", "Role");
    let status = write(&rbac, &jane(), &ROLES, "n", MORE, None).await.unwrap_err();
    let tail = "; resolution errors: [[clusterroles.rbac.authorization.k8s.io \"p\" not found, \
                roles.rbac.authorization.k8s.io \"q\" not found]]";
    assert!(status.message.ends_with(tail), "{status}");
    write(&rbac, &jane(), &ROLES, "n", READ, None).await.unwrap();
}

#[tokio::test]
async fn a_role_may_go_whoever_takes_its_finalizers() {
    let (_, rbac) = setup();
    let nobody = User::new("system:serviceaccount:kube-system:generic-garbage-collector", []);
    let held = MORE.replace(
        r#""name":"x""#,
        r#""name":"x","finalizers":["foregroundDeletion"],"managedFields":[{"manager":"m"}],"ownerReferences":[{"uid":"1"}]"#,
    );
    write(&rbac, &nobody, &ROLES, "n", MORE, Some(&held)).await.unwrap();
    let other = held.replace("delete", "patch");
    write(&rbac, &nobody, &ROLES, "n", MORE, Some(&other))
        .await
        .unwrap_err();
    let object = binding("ClusterRole", "admin");
    let labelled = object.replace(r#""name":"b""#, r#""name":"b","labels":{"a":"b"}"#);
    write(&rbac, &nobody, &ROLE_BINDINGS, "n", &object, Some(&object))
        .await
        .unwrap();
    write(&rbac, &nobody, &ROLE_BINDINGS, "n", &object, Some(&labelled))
        .await
        .unwrap_err();
}

#[tokio::test]
async fn rules_that_stand_for_too_much_are_refused() {
    let (_, rbac) = setup();
    let many = |of: &str| {
        (0..200)
            .map(|at| format!(r#""{of}{at}""#))
            .collect::<Vec<String>>()
            .join(",")
    };
    let object = format!(
        r#"{{"metadata":{{"name":"x"}},"rules":[{{"apiGroups":[{}],"resources":[{}],"verbs":[{}]}}]}}"#,
        many("g"),
        many("r"),
        many("v")
    );
    let status = write(&rbac, &jane(), &ROLES, "n", &object, None).await.unwrap_err();
    assert!(
        status.message.ends_with("more than are compared with others"),
        "{status}"
    );
    write(&rbac, &User::new("root", []), &ROLES, "n", &object, None)
        .await
        .unwrap();
}
