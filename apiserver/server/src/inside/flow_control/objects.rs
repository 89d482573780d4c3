//! The objects themselves, as upstream's `apis/flowcontrol/bootstrap` has them.

use apiserver_api::meta;
use apiserver_api::tree::Tree;
use apiserver_api::user::{AUTHENTICATED, MASTERS, UNAUTHENTICATED};

use crate::inside::objects::{KUBE_SYSTEM, object, texts, tree};

/// The annotation that says whether the apiserver keeps an object up to date.
pub(super) const AUTO_UPDATE: &str = "apf.kubernetes.io/autoupdate-spec";

const API_VERSION: &str = "flowcontrol.apiserver.k8s.io/v1";
const CONTROLLER_MANAGER: &str = "system:kube-controller-manager";
const SCHEDULER: &str = "system:kube-scheduler";
const NODES: &str = "system:nodes";
const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
const BY_USER: &str = "ByUser";
const BY_NAMESPACE: &str = "ByNamespace";

fn named(kind: &str, name: &str, spec: Tree) -> Tree {
    let mut object = object(API_VERSION, kind, "", name);
    meta::set_annotation(&mut object, AUTO_UPDATE, "true");
    object.set("spec", spec);
    object
}

/// How the requests of a level wait: so many queues, so many of which a flow has.
#[derive(Clone, Copy)]
struct Queues {
    count: i64,
    hand: i64,
}

fn limited(name: &str, shares: i64, lendable: i64, queues: Option<Queues>) -> Tree {
    let response = match queues {
        None => tree([("type", "Reject".into())]),
        Some(Queues { count, hand }) => tree([
            (
                "queuing",
                tree([
                    ("handSize", hand.into()),
                    ("queueLengthLimit", 50.into()),
                    ("queues", count.into()),
                ]),
            ),
            ("type", "Queue".into()),
        ]),
    };
    let limited = tree([
        ("lendablePercent", lendable.into()),
        ("limitResponse", response),
        ("nominalConcurrencyShares", shares.into()),
    ]);
    let spec = tree([("limited", limited), ("type", "Limited".into())]);
    named("PriorityLevelConfiguration", name, spec)
}

pub(super) fn mandatory_levels() -> Vec<Tree> {
    let exempt = tree([("lendablePercent", 0.into()), ("nominalConcurrencyShares", 0.into())]);
    let spec = tree([("exempt", exempt), ("type", "Exempt".into())]);
    vec![
        limited("catch-all", 5, 0, None),
        named("PriorityLevelConfiguration", "exempt", spec),
    ]
}

pub(super) fn suggested_levels() -> Vec<Tree> {
    let queues = |count, hand| Some(Queues { count, hand });
    vec![
        limited("system", 30, 33, queues(64, 6)),
        limited("node-high", 40, 25, queues(64, 6)),
        limited("leader-election", 10, 0, queues(16, 4)),
        limited("workload-high", 40, 50, queues(128, 6)),
        limited("workload-low", 100, 90, queues(128, 6)),
        limited("global-default", 20, 50, queues(128, 6)),
    ]
}

/// A schema: its name, its level, its place, and what tells its flows apart, if anything.
fn schema(name: &str, level: &str, precedence: i64, distinguisher: &str, rule: Tree) -> Tree {
    let mut spec = tree([
        ("matchingPrecedence", precedence.into()),
        ("priorityLevelConfiguration", tree([("name", level.into())])),
        ("rules", vec![rule].into()),
    ]);
    if !distinguisher.is_empty() {
        spec.set("distinguisherMethod", tree([("type", distinguisher.into())]));
    }
    named("FlowSchema", name, spec)
}

fn groups(names: &[&str]) -> Vec<Tree> {
    let group = |name: &&str| tree([("group", tree([("name", (*name).into())])), ("kind", "Group".into())]);
    names.iter().map(group).collect()
}

fn users(names: &[&str]) -> Vec<Tree> {
    let user = |name: &&str| tree([("kind", "User".into()), ("user", tree([("name", (*name).into())]))]);
    names.iter().map(user).collect()
}

/// All service accounts of the system.
fn system_accounts() -> Vec<Tree> {
    let account = tree([("name", "*".into()), ("namespace", KUBE_SYSTEM.into())]);
    vec![tree([("kind", "ServiceAccount".into()), ("serviceAccount", account)])]
}

fn resources(verbs: &[&str], group: &str, resources: &[&str], cluster_scope: bool) -> Tree {
    let mut rule = tree([
        ("apiGroups", texts([group])),
        ("namespaces", texts(["*"])),
        ("resources", texts(resources.iter().copied())),
        ("verbs", texts(verbs.iter().copied())),
    ]);
    if cluster_scope {
        rule.set("clusterScope", true);
    }
    rule
}

fn urls(verb: &str, urls: &[&str]) -> Tree {
    let rule = tree([
        ("nonResourceURLs", texts(urls.iter().copied())),
        ("verbs", texts([verb])),
    ]);
    vec![rule].into()
}

/// Whatever these ask for.
fn everything(subjects: Vec<Tree>) -> Tree {
    tree([
        ("nonResourceRules", urls("*", &["*"])),
        ("resourceRules", vec![resources(&["*"], "*", &["*"], true)].into()),
        ("subjects", subjects.into()),
    ])
}

/// These resources, if these ask for them.
fn only(subjects: Vec<Tree>, rules: Vec<Tree>) -> Tree {
    tree([("resourceRules", rules.into()), ("subjects", subjects.into())])
}

fn everybody() -> Vec<Tree> {
    groups(&[UNAUTHENTICATED, AUTHENTICATED])
}

pub(super) fn mandatory_schemas() -> Vec<Tree> {
    vec![
        schema("exempt", "exempt", 1, "", everything(groups(&[MASTERS]))),
        schema("catch-all", "catch-all", 10_000, BY_USER, everything(everybody())),
    ]
}

pub(super) fn suggested_schemas() -> Vec<Tree> {
    let leases = |verbs: &[&str]| resources(verbs, "coordination.k8s.io", &["leases"], false);
    let nodes = resources(&["*"], "", &["nodes", "nodes/status"], true);
    let probes = tree([
        ("nonResourceRules", urls("get", &["/healthz", "/readyz", "/livez"])),
        ("subjects", everybody().into()),
    ]);
    let mut electing = users(&[CONTROLLER_MANAGER, SCHEDULER]);
    electing.extend(system_accounts());
    let election = only(electing, vec![leases(&["get", "create", "update"])]);
    let node_high = only(groups(&[NODES]), vec![nodes, leases(&["*"])]);
    let high = "workload-high";
    vec![
        schema("system-nodes", "system", 500, BY_USER, everything(groups(&[NODES]))),
        schema("system-node-high", "node-high", 400, BY_USER, node_high),
        schema("probes", "exempt", 2, "", probes),
        schema("system-leader-election", "leader-election", 100, BY_USER, election),
        schema(
            "kube-controller-manager",
            high,
            800,
            BY_NAMESPACE,
            everything(users(&[CONTROLLER_MANAGER])),
        ),
        schema(
            "kube-scheduler",
            high,
            800,
            BY_NAMESPACE,
            everything(users(&[SCHEDULER])),
        ),
        schema(
            "kube-system-service-accounts",
            high,
            900,
            BY_NAMESPACE,
            everything(system_accounts()),
        ),
        schema(
            "service-accounts",
            "workload-low",
            9000,
            BY_USER,
            everything(groups(&[SERVICE_ACCOUNTS])),
        ),
        schema(
            "global-default",
            "global-default",
            9900,
            BY_USER,
            everything(everybody()),
        ),
    ]
}
