//! What nodes may do and what not, with upstream's words.

use std::sync::Arc;

use apiserver_api::fields::Selector;
use apiserver_api::gvk::GroupResource;
use apiserver_api::user::User;
use apiserver_storage::cluster::Cluster;

use super::{Nodes, identity};
use crate::authorize::{Attributes, Authorizer, On, Resource, Verdict};
use crate::fake_cluster::FakeCluster;

static PODS: GroupResource = GroupResource::known("", "pods");
static VOLUMES: GroupResource = GroupResource::known("", "persistentvolumes");

const NONE: &str = "no relationship found between node 'n1' and this object";

/// A pod on `n1` that needs something of each kind, another on `n2` and one on no node.
fn setup() -> (Arc<FakeCluster>, Nodes) {
    let cluster = Arc::new(FakeCluster::default());
    let pod = |name: &str, node: &str| {
        cluster.put(&PODS, &pod(name, node, "running"));
    };
    pod("p1", "n1");
    pod("p2", "n2");
    pod("p3", "");
    for at in 1..=3 {
        let volume = format!(
            r#"{{"metadata":{{"name":"pv{at}"}},"spec":{{"csi":{{"nodeStageSecretRef":{{"namespace":"stage","name":"stage{at}"}},
                "controllerExpandSecretRef":{{"namespace":"stage","name":"expand"}}}},
                "claimRef":{{"namespace":"ns","name":"pvc-p{at}"}}}}}}"#
        );
        cluster.put(&VOLUMES, &volume);
    }
    cluster.put(&VOLUMES, r#"{"metadata":{"name":"free"},"spec":{}}"#);
    for (resource, name, node) in [("volumeattachments", "va1", "n1"), ("volumeattachments", "va2", "n2")] {
        let json = format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"nodeName":"{node}"}}}}"#);
        cluster.put(&GroupResource::known("storage.k8s.io", resource), &json);
    }
    let slices = GroupResource::known("resource.k8s.io", "resourceslices");
    cluster.put(&slices, r#"{"metadata":{"name":"sl1"},"spec":{"nodeName":"n1"}}"#);
    cluster.put(&slices, r#"{"metadata":{"name":"sl2"},"spec":{"allNodes":true}}"#);
    let shared: Arc<dyn Cluster> = Arc::<FakeCluster>::clone(&cluster);
    (cluster, Nodes::new(shared))
}

fn pod(name: &str, node: &str, phase: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"ns"}},"spec":{{"nodeName":"{node}","serviceAccountName":"sa-{name}",
            "containers":[{{"envFrom":[{{"secretRef":{{"name":"secret-{name}"}}}},{{"configMapRef":{{"name":"cm-{name}"}}}}]}}],
            "volumes":[{{"persistentVolumeClaim":{{"claimName":"pvc-{name}"}}}}],
            "resourceClaims":[{{"name":"a","resourceClaimName":"claim-{name}"}}]}},"status":{{"phase":"{phase}"}}}}"#
    )
}

/// Asks for `verb namespace group resource name`; `-` is nothing, `nodeName=x` at the end a selector.
async fn ask_as(nodes: &Nodes, user: &User, asked: &str) -> Verdict {
    let mut words: Vec<&str> = asked
        .split(' ')
        .map(|word| if word == "-" { "" } else { word })
        .collect();
    let mut fields = Vec::new();
    if let Some(node) = words.last().and_then(|last| last.strip_prefix("nodeName=")) {
        fields.extend_from_slice(Selector::one("spec.nodeName", node).terms());
        words.pop();
    }
    let [verb, namespace, group, resource, name] = words[..] else {
        let [verb, path] = words[..] else { unreachable!() };
        let on = On::Path(path);
        return nodes.authorize(&Attributes { user, verb, on }).await;
    };
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let on = On::Resource(Resource {
        namespace,
        group,
        resource,
        subresource,
        name,
        fields: &fields,
        ..Resource::default()
    });
    nodes.authorize(&Attributes { user, verb, on }).await
}

fn node(name: &str) -> User {
    User::new(&format!("system:node:{name}"), ["system:nodes", "system:authenticated"])
}

async fn ask(nodes: &Nodes, asked: &str) -> Verdict {
    ask_as(nodes, &node("n1"), asked).await
}

#[test]
fn a_node_is_known_by_its_name_and_its_group() {
    for (name, group, is) in [
        ("system:node:n1", "system:nodes", Some("n1")),
        ("system:node:", "system:nodes", Some("")),
        ("system:node:n1", "x", None),
        ("jane", "system:nodes", None),
    ] {
        assert_eq!(identity(&User::new(name, [group])), is, "{name}");
    }
}

#[tokio::test]
async fn a_node_may_what_its_pods_need() {
    let (_, nodes) = setup();
    for asked in [
        "get ns - secrets secret-p1",
        "list ns - secrets secret-p1",
        "watch ns - configmaps cm-p1",
        "get ns - persistentvolumeclaims pvc-p1",
        "patch ns - persistentvolumeclaims/status pvc-p1",
        "get - - persistentvolumes pv1",
        "get stage - secrets stage1",
        "get ns resource.k8s.io resourceclaims claim-p1",
        "get ns - serviceaccounts sa-p1",
        "create ns - serviceaccounts/token sa-p1",
        "get - storage.k8s.io volumeattachments va1",
        "get ns - pods p1",
        "watch ns - pods p1",
        "list - - pods - nodeName=n1",
        "create ns - pods -",
        "delete ns - pods p2",
        "patch ns - pods/status p1",
        "create ns - pods/eviction p1",
        "get - - nodes n1",
        "watch - - nodes n1",
        "create - - nodes -",
        "update - - nodes/status n2",
        "update kube-node-lease coordination.k8s.io leases n1",
        "create kube-node-lease coordination.k8s.io leases -",
        "patch - storage.k8s.io csinodes n1",
        "create - storage.k8s.io csinodes -",
        "create - resource.k8s.io resourceslices -",
        "delete - resource.k8s.io resourceslices sl1",
        "deletecollection - resource.k8s.io resourceslices - nodeName=n1",
        "create - certificates.k8s.io certificatesigningrequests -",
        "watch - certificates.k8s.io certificatesigningrequests -",
        "list - - services -",
        "create x events.k8s.io events -",
        "create - authorization.k8s.io subjectaccessreviews -",
        "list - node.k8s.io runtimeclasses -",
    ] {
        assert_eq!(ask(&nodes, asked).await, Verdict::allow(""), "{asked}");
    }
}

/// What is asked, and why it is not allowed.
const REFUSED: &[(&str, &str)] = &[
    ("get ns - secrets secret-p2", NONE),
    ("get ns - secrets secret-p3", NONE),
    ("get zz - secrets secret-p1", NONE),
    ("get ns - secrets -", "No Object name found"),
    ("list - - secrets -", "can only read namespaced object of this type"),
    ("update ns - secrets secret-p1", "can only read resources of this type"),
    ("get ns - secrets/x secret-p1", "cannot read subresource"),
    ("get ns - configmaps cm-p2", NONE),
    ("get ns - configmaps secret-p1", NONE),
    (
        "list ns - persistentvolumeclaims -",
        "can only get individual resources of this type",
    ),
    ("get ns - persistentvolumeclaims/x pvc-p1", "cannot get subresource"),
    (
        "get ns - persistentvolumeclaims/status pvc-p1",
        "can only get/update/patch this type",
    ),
    ("update ns - persistentvolumeclaims/status pvc-p2", NONE),
    ("get - - persistentvolumes pv2", NONE),
    ("get - - persistentvolumes free", NONE),
    ("get - - persistentvolumes gone", NONE),
    ("get stage - secrets stage2", NONE),
    ("get stage - secrets expand", NONE),
    ("get ns resource.k8s.io resourceclaims claim-p2", NONE),
    ("get ns - serviceaccounts sa-p2", NONE),
    ("create ns - serviceaccounts/token sa-p2", NONE),
    (
        "create ns - serviceaccounts/token -",
        "can only create tokens for individual service accounts",
    ),
    (
        "update ns - serviceaccounts sa-p1",
        "can only create tokens for individual service accounts",
    ),
    (
        "create ns - serviceaccounts sa-p1",
        "can only create token subresource of serviceaccount",
    ),
    ("get - storage.k8s.io volumeattachments va2", NONE),
    ("get ns - pods p2", NONE),
    ("get ns - pods p3", NONE),
    ("get ns - pods/log p1", ""),
    (
        "list - - pods -",
        "can only list/watch pods with spec.nodeName field selector",
    ),
    (
        "list - - pods - nodeName=n2",
        "can only list/watch pods with spec.nodeName field selector",
    ),
    ("patch ns - pods p1", ""),
    (
        "get - - nodes n2",
        "node 'n1' cannot read 'n2', only its own Node object",
    ),
    (
        "list - - nodes -",
        "node 'n1' cannot read all nodes, only its own Node object",
    ),
    ("delete - - nodes n1", ""),
    (
        "list kube-node-lease coordination.k8s.io leases -",
        "can only get, create, update, patch, or delete a node lease",
    ),
    (
        "get x coordination.k8s.io leases n1",
        "can only access leases in the \"kube-node-lease\" system namespace",
    ),
    (
        "get kube-node-lease coordination.k8s.io leases n2",
        "can only access node lease with the same name as the requesting node",
    ),
    (
        "list - storage.k8s.io csinodes -",
        "can only get, create, update, patch, or delete a CSINode",
    ),
    (
        "get - storage.k8s.io csinodes/x n1",
        "cannot authorize CSINode subresources",
    ),
    (
        "get - storage.k8s.io csinodes n2",
        "can only access CSINode with the same name as the requesting node",
    ),
    ("get - resource.k8s.io resourceslices sl2", NONE),
    (
        "get - resource.k8s.io resourceslices/x sl1",
        "cannot authorize ResourceSlice subresources",
    ),
    (
        "list - resource.k8s.io resourceslices -",
        "can only list/watch/deletecollection resourceslices with nodeName field selector",
    ),
    (
        "x - resource.k8s.io resourceslices sl1",
        "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, \
         deletecollection",
    ),
    ("update - certificates.k8s.io certificatesigningrequests/approval x", ""),
    ("list - apps deployments -", ""),
    ("get /metrics", ""),
];

#[tokio::test]
async fn a_node_may_not_what_others_need() {
    let (_, nodes) = setup();
    for (asked, reason) in REFUSED {
        assert_eq!(ask(&nodes, asked).await, Verdict::undecided(*reason), "{asked}");
    }
    let nobody = User::new("system:node:", ["system:nodes"]);
    let verdict = ask_as(&nodes, &nobody, "get - - nodes n1").await;
    assert_eq!(verdict, Verdict::undecided("unknown node for user \"system:node:\""));
    let other = User::new("system:node:n1", []);
    assert_eq!(ask_as(&nodes, &other, "get - - nodes n1").await, Verdict::no_opinion());
}

#[tokio::test]
async fn a_node_loses_what_its_pods_needed_when_they_go() {
    let (cluster, nodes) = setup();
    for asked in [
        "get ns - secrets secret-p1",
        "get stage - secrets stage1",
        "get - - persistentvolumes pv1",
    ] {
        assert!(ask(&nodes, asked).await.is_allowed());
    }
    cluster.take(&PODS, "ns", "p1");
    for asked in [
        "get ns - secrets secret-p1",
        "get stage - secrets stage1",
        "get - - persistentvolumes pv1",
        "get ns - pods p1",
    ] {
        assert_eq!(ask(&nodes, asked).await, Verdict::undecided(NONE), "{asked}");
    }
    // The same name on another node.
    cluster.put(&PODS, &pod("p1", "n2", "pending"));
    assert!(!ask(&nodes, "get ns - secrets secret-p1").await.is_allowed());
    assert!(
        ask_as(&nodes, &node("n2"), "get ns - secrets secret-p1")
            .await
            .is_allowed()
    );
}

#[tokio::test]
async fn what_is_known_costs_no_list_however_often_pods_change() {
    let (cluster, nodes) = setup();
    assert!(ask(&nodes, "get ns - secrets secret-p1").await.is_allowed());
    assert!(ask(&nodes, "get stage - secrets stage1").await.is_allowed());
    let lists = cluster.lists();
    for phase in ["a", "b", "c"] {
        cluster.put(&PODS, &pod("p1", "n1", phase));
        assert!(ask(&nodes, "get ns - secrets secret-p1").await.is_allowed());
        assert!(ask(&nodes, "get stage - secrets stage1").await.is_allowed());
        assert!(
            ask(&nodes, "create ns - serviceaccounts/token sa-p1")
                .await
                .is_allowed()
        );
    }
    assert_eq!(cluster.lists(), lists);
    // The pod is another one now, on another node.
    cluster.put(&PODS, &pod("p1", "n2", "pending"));
    assert!(!ask(&nodes, "get ns - secrets secret-p1").await.is_allowed());
    let lists = cluster.lists();
    // A pod that was not there before.
    cluster.put(&PODS, &pod("p4", "n1", "pending"));
    assert!(ask(&nodes, "get ns - secrets secret-p4").await.is_allowed());
    assert_eq!(cluster.lists(), lists + 1);
}

#[tokio::test]
async fn nodes_cannot_be_told_their_rules() {
    let (_, nodes) = setup();
    let rules = nodes.rules(&node("n1"), "ns").await;
    let told = (rules.incomplete, rules.error.as_str());
    assert_eq!(told, (true, "node authorizer does not support user rule resolution"));
    assert!(!nodes.rules(&User::new("jane", []), "ns").await.incomplete);
}
