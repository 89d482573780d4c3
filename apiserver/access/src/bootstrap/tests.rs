//! What the bootstrap policy is, and how it comes into a cluster.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::tree::{Tree, parse};
use apiserver_api::user::User;
use apiserver_storage::cluster::Cluster;
use base::clock::{Clock, ManualClock, SystemClock};
use sha2::{Digest, Sha256};

use super::{Done, ensure, node_rules, objects};
use crate::authorize::{Attributes, Authorizer, On, Resource};
use crate::fake_cluster::FakeCluster;
use crate::rbac::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Rbac};

const ALL: usize = 133;

fn tree(json: &str) -> Tree {
    parse(json.as_bytes()).unwrap().tree
}

fn of(resource: &GroupResource) -> Vec<Tree> {
    let objects = objects().into_iter().filter(|(of, _)| *of == resource);
    objects.map(|(_, object)| object).collect()
}

#[test]
fn the_policy_is_upstream_s() {
    // Counts and digests were taken when every object was held against what upstream publishes.
    for (resource, count, digest) in [
        (&CLUSTER_ROLES, 69, "475194dfb016dc6b"),
        (&CLUSTER_ROLE_BINDINGS, 50, "51639780db467246"),
        (&ROLES, 7, "4c116e840f3ec7ed"),
        (&ROLE_BINDINGS, 7, "4eae6b22c4a8a706"),
    ] {
        let mut objects = of(resource);
        objects.sort_by_key(|object| (meta::namespace(object).to_owned(), meta::name(object).to_owned()));
        let bytes: Vec<u8> = objects.iter().flat_map(Tree::to_json).collect();
        let mut hex = String::new();
        for byte in Sha256::digest(&bytes) {
            write!(hex, "{byte:02x}").unwrap();
        }
        assert_eq!((objects.len(), &hex[..16]), (count, digest), "{resource}");
    }
    assert_eq!((objects().len(), node_rules().len()), (ALL, 25));
}

#[test]
fn no_object_stands_twice_and_every_binding_binds_a_role_that_is_there() {
    let names = |resource| -> BTreeSet<String> {
        let named = |object: &Tree| format!("{}/{}", meta::namespace(object), meta::name(object));
        of(resource).iter().map(named).collect()
    };
    let (cluster_roles, roles) = (names(&CLUSTER_ROLES), names(&ROLES));
    assert_eq!(
        (cluster_roles.len(), names(&CLUSTER_ROLE_BINDINGS).len(), roles.len()),
        (69, 50, 7)
    );
    for binding in of(&CLUSTER_ROLE_BINDINGS) {
        assert!(cluster_roles.contains(&format!("/{}", binding.at("roleRef").text("name"))));
    }
    for binding in of(&ROLE_BINDINGS) {
        let role = format!("{}/{}", meta::namespace(&binding), binding.at("roleRef").text("name"));
        assert!(roles.contains(&role));
    }
}

#[tokio::test]
async fn a_new_cluster_gets_all_and_a_second_start_nothing() {
    let cluster = FakeCluster::default();
    let clock = SystemClock::new();
    let done = ensure(&cluster, &clock).await.unwrap();
    let created = Done {
        created: ALL,
        ..Done::default()
    };
    assert_eq!(done, created);
    let writes = cluster.writes();
    assert_eq!(writes.len(), ALL + 2);
    assert!(writes.contains(&"create namespaces /kube-public".to_owned()));
    assert_eq!(ensure(&cluster, &clock).await.unwrap(), Done::default());
    assert_eq!(cluster.writes(), [""; 0]);
}

#[tokio::test]
async fn what_somebody_took_away_comes_back_and_what_they_added_stays() {
    let cluster = FakeCluster::default();
    let clock = SystemClock::new();
    ensure(&cluster, &clock).await.unwrap();
    cluster.put(
        &CLUSTER_ROLES,
        r#"{"metadata":{"name":"system:kube-dns"},"rules":[{"apiGroups":["x"],"resources":["y"],"verbs":["z"]}]}"#,
    );
    cluster.put(
        &CLUSTER_ROLE_BINDINGS,
        r#"{"metadata":{"name":"system:node"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole",
            "name":"system:node"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"system:nodes"}]}"#,
    );
    cluster.put(
        &CLUSTER_ROLE_BINDINGS,
        r#"{"metadata":{"name":"system:kube-dns"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole",
            "name":"view"}}"#,
    );
    cluster.put(
        &CLUSTER_ROLES,
        r#"{"metadata":{"name":"system:heapster","annotations":{"rbac.authorization.kubernetes.io/autoupdate":"false"}}}"#,
    );
    cluster.take(&ROLES, "kube-system", "system:controller:token-cleaner");
    cluster.writes();
    let done = ensure(&cluster, &clock).await.unwrap();
    let expected = Done {
        created: 1,
        updated: 2,
        recreated: 1,
        protected: 1,
        failed: 0,
    };
    assert_eq!((done, cluster.writes().len()), (expected, 5));
    let dns = cluster.cached(&CLUSTER_ROLES, "", "system:kube-dns").unwrap();
    assert_eq!(
        (
            dns.items("rules").len(),
            dns.items("rules")[0].items("apiGroups")[0].as_str()
        ),
        (5, Some("x"))
    );
    let node = cluster.cached(&CLUSTER_ROLE_BINDINGS, "", "system:node").unwrap();
    assert_eq!(node.items("subjects").len(), 1);
    let dns = cluster.cached(&CLUSTER_ROLE_BINDINGS, "", "system:kube-dns").unwrap();
    assert_eq!(dns.at("roleRef").text("name"), "system:kube-dns");
}

/// What a future gives that waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn another_apiserver_may_be_faster() {
    let clock = ManualClock::new(0);
    for write in ["create", "update", "gone"] {
        let cluster = FakeCluster::default();
        let mut object = objects().remove(0).1;
        if write != "create" {
            object.set("rules", Tree::Null);
            cluster.put(&CLUSTER_ROLES, std::str::from_utf8(&object.to_json()).unwrap());
        }
        cluster.before_write(move |cluster| {
            if write == "gone" {
                cluster.take(&CLUSTER_ROLES, "", "cluster-admin");
            } else {
                meta::set_label(&mut object, "other", "wrote");
                cluster.put(&CLUSTER_ROLES, std::str::from_utf8(&object.to_json()).unwrap());
            }
        });
        at_once(ensure(&cluster, &clock)).unwrap();
        let admin = cluster.cached(&CLUSTER_ROLES, "", "cluster-admin").unwrap();
        assert_eq!(admin.items("rules").len(), 2);
        assert_eq!(meta::label(&admin, "other").is_some(), write != "gone");
    }
}

#[tokio::test]
async fn older_clusters_keep_what_they_changed() {
    let (cluster, clock) = (FakeCluster::default(), SystemClock::new());
    cluster.put(
        &CLUSTER_ROLES,
        r#"{"metadata":{"name":"edit","uid":"1"},"rules":[{"apiGroups":["own"],"resources":["things"],"verbs":["get"]}]}"#,
    );
    cluster.put(
        &CLUSTER_ROLE_BINDINGS,
        r#"{"metadata":{"name":"system:discovery","labels":{"a":"b"}},"roleRef":{"apiGroup":"rbac.authorization.k8s.io",
            "kind":"ClusterRole","name":"system:discovery"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"Group",
            "name":"known"}]}"#,
    );
    ensure(&cluster, &clock).await.unwrap();
    let edit = cluster.cached(&CLUSTER_ROLES, "", "system:aggregate-to-edit").unwrap();
    assert_eq!(
        edit.items("rules")[0],
        tree(r#"{"apiGroups":["own"],"resources":["things"],"verbs":["get"]}"#)
    );
    assert!(edit.items("rules").len() > 15 && meta::uid(&edit) != "1");
    let info = cluster
        .cached(&CLUSTER_ROLE_BINDINGS, "", "system:public-info-viewer")
        .unwrap();
    let names: Vec<&str> = info
        .items("subjects")
        .iter()
        .map(|subject| subject.text("name"))
        .collect();
    assert_eq!(names, ["known", "system:authenticated", "system:unauthenticated"]);
    assert_eq!(
        (meta::label(&info, "a"), info.at("roleRef").text("name")),
        (Some("b"), "system:public-info-viewer")
    );
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_waited_for_half_a_minute() {
    let (cluster, clock) = (Arc::new(FakeCluster::default()), ManualClock::new(0));
    cluster.set_broken(true);
    let tasks = base::task::Tasks::new();
    let start = |clock: &ManualClock| {
        let (cluster, clock) = (Arc::clone(&cluster), clock.clone());
        tasks.spawn_value("ensure", async move {
            ensure(&*cluster, &clock).await.map_err(|error| error.to_string())
        })
    };
    let waiting = start(&clock);
    while !waiting.is_finished() {
        clock.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    let told = waiting.await.unwrap().unwrap_err();
    let text = "unable to initialize roles: timed out waiting for the condition: Internal error occurred: etcdserver: no leader";
    assert_eq!(told, text);
    assert!(clock.monotonic() >= Duration::from_secs(30));
    let waiting = start(&clock);
    tokio::task::yield_now().await;
    cluster.set_broken(false);
    while !waiting.is_finished() {
        clock.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    assert_eq!(waiting.await.unwrap().unwrap().created, ALL);
}

/// User, verb, namespace, group, resource, and whether it is allowed.
const WORK: &[(&str, &str, &str, &str, &str, bool)] = &[
    ("system:kube-scheduler", "create", "n", "", "pods/binding", true),
    ("system:kube-scheduler", "create", "n", "", "secrets", false),
    (
        "system:kube-controller-manager",
        "list",
        "",
        "apps",
        "deployments",
        true,
    ),
    (
        "system:kube-controller-manager",
        "update",
        "n",
        "apps",
        "deployments",
        false,
    ),
    (
        "system:serviceaccount:kube-system:deployment-controller",
        "update",
        "n",
        "apps",
        "deployments",
        true,
    ),
    (
        "system:serviceaccount:kube-system:generic-garbage-collector",
        "delete",
        "n",
        "x",
        "y",
        true,
    ),
    (
        "system:serviceaccount:default:deployment-controller",
        "update",
        "n",
        "apps",
        "deployments",
        false,
    ),
    (
        "jane",
        "create",
        "",
        "authorization.k8s.io",
        "selfsubjectaccessreviews",
        true,
    ),
    (
        "system:anonymous",
        "create",
        "",
        "authorization.k8s.io",
        "selfsubjectaccessreviews",
        false,
    ),
    (
        "system:kube-scheduler",
        "update",
        "kube-system",
        "coordination.k8s.io",
        "leases",
        true,
    ),
    (
        "system:kube-scheduler",
        "update",
        "default",
        "coordination.k8s.io",
        "leases",
        false,
    ),
];

/// User, path, and whether it may be read.
const PATHS: &[(&str, &str, bool)] = &[
    ("system:anonymous", "/version", true),
    ("system:anonymous", "/healthz", true),
    ("system:anonymous", "/api", false),
    ("system:anonymous", "/.well-known/openid-configuration", false),
    ("jane", "/openapi/v3", true),
    ("jane", "/metrics", false),
];

#[tokio::test]
async fn the_policy_lets_everyone_do_their_work() {
    let cluster = Arc::new(FakeCluster::default());
    ensure(&*cluster, &SystemClock::new()).await.unwrap();
    let shared: Arc<dyn Cluster> = Arc::<FakeCluster>::clone(&cluster);
    let rbac = Rbac::new(shared);
    let user = |name: &str| {
        let known = if name == "system:anonymous" {
            "system:unauthenticated"
        } else {
            "system:authenticated"
        };
        User::new(name, [known])
    };
    for (name, verb, namespace, group, resource, allowed) in WORK {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let on = On::Resource(Resource {
            namespace,
            group,
            resource,
            subresource,
            ..Resource::default()
        });
        let user = &user(name);
        let asked = Attributes { user, verb, on };
        assert_eq!(rbac.authorize(&asked).await.is_allowed(), *allowed, "{asked:?}");
    }
    for (name, path, allowed) in PATHS {
        let (user, verb, on) = (&user(name), "get", On::Path(path));
        let verdict = rbac.authorize(&Attributes { user, verb, on }).await;
        assert_eq!(verdict.is_allowed(), *allowed, "{path}");
    }
}
