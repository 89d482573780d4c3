//! Pods: how many there are, and how much they ask for and may use.

use std::collections::{BTreeMap, BTreeSet};

use apiserver_api::meta;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use apiserver_kinds::amounts::{Amounts, REQUESTS, count, is_extended, is_huge_page, is_native};
use apiserver_kinds::pod_sum::{Counted, Half, is_whole, of_pod};

use super::devices::BY_CLASS;
use super::evaluate::{Around, Evaluator};
use super::scope::Scope;
use crate::plugin::Operation;
use crate::pod_class;

const COUNT: &str = "count/pods";
const PODS: &str = "pods";
/// What quotas call the resources of the nodes: asked for, asked for again, and to be used at most.
const COMPUTE: [(&str, &str, &str); 3] = [
    ("cpu", "requests.cpu", "limits.cpu"),
    ("memory", "requests.memory", "limits.memory"),
    (
        "ephemeral-storage",
        "requests.ephemeral-storage",
        "limits.ephemeral-storage",
    ),
];
/// What each container must say where it is limited; upstream regrets it and adds none.
const DEMANDED: [&str; 6] = [
    "cpu",
    "memory",
    "requests.cpu",
    "requests.memory",
    "limits.cpu",
    "limits.memory",
];
const SECOND: i128 = 1_000_000_000;
/// A pod that is resized is charged for what it has, too.
const COUNTED: Counted = Counted {
    running: true,
    ..Counted::SPEC
};

/// Pods.
pub(super) struct Pods;

impl Evaluator for Pods {
    fn handles(&self, operation: Operation, subresource: &str, object: &Tree, old: Option<&Tree>) -> bool {
        match (subresource, operation) {
            ("", Operation::Create) | ("resize", Operation::Update) => true,
            // A pod may come to belong to another quota.
            ("", Operation::Update) => old.is_some_and(|old| is_terminating(old) != is_terminating(object)),
            _ => false,
        }
    }

    fn uses(&self, _around: &Around<'_>, resource: &str) -> bool {
        let compute = COMPUTE.iter();
        let mut compute = compute.flat_map(|(plain, requests, limits)| [*plain, *requests, *limits]);
        let pages = resource.strip_prefix(REQUESTS).unwrap_or(resource);
        resource == COUNT
            || resource == PODS
            || compute.any(|name| name == resource)
            || is_huge_page(pages)
            || is_of_quota(resource)
    }

    fn is_of(&self, scope: &Scope, object: &Tree) -> Result<bool, String> {
        Ok(match scope.name.as_str() {
            "Terminating" => is_terminating(object),
            "NotTerminating" => !is_terminating(object),
            "BestEffort" => pod_class::class(object) == "BestEffort",
            "NotBestEffort" => pod_class::class(object) != "BestEffort",
            "PriorityClass" => match object.at("spec").text("priorityClassName") {
                class if scope.asks_for_any() => !class.is_empty(),
                "" => scope.means(&[])?,
                class => scope.means(&[class])?,
            },
            "CrossNamespacePodAffinity" => looks_into_other_namespaces(object),
            _ => false,
        })
    }

    fn demands(&self, limited: &[&str], object: &Tree) -> Result<(), String> {
        if is_whole(object) {
            return Ok(());
        }
        let demanded = limited.iter().filter(|name| DEMANDED.contains(*name));
        let demanded: BTreeSet<&str> = demanded.copied().collect();
        let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let lists = ["containers", "initContainers"].into_iter();
        for container in lists.flat_map(|list| object.at("spec").items(list)) {
            let resources = container.at("resources");
            let said = names(&Half::Requests.read(resources), &Half::Limits.read(resources));
            for name in demanded.iter().filter(|name| said.get(name).is_none()) {
                missing.entry(name).or_default().insert(container.text("name"));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let told = missing.into_iter().map(|(name, containers)| {
            let containers: Vec<&str> = containers.into_iter().collect();
            format!("{name} for: {}", containers.join(","))
        });
        Err(format!("must specify {}", told.collect::<Vec<_>>().join("; ")))
    }

    fn usage(&self, around: &Around<'_>, object: &Tree) -> Amounts {
        usage(object, around.now)
    }
}

/// Whether a resource of a quota is one that nodes were given, as containers ask for it (`isExtendedResourceNameForQuota`).
pub(super) fn is_of_quota(resource: &str) -> bool {
    let asked = resource.strip_prefix(REQUESTS);
    asked.is_some_and(|asked| !is_native(resource) || asked.starts_with(BY_CLASS))
}

/// How much a pod uses. One that has ended, or should have, is only counted as an object.
pub(super) fn usage(pod: &Tree, now: Time) -> Amounts {
    let mut used = Amounts::default();
    used.set(COUNT, count(1));
    if is_there(pod, now) {
        let sum = |half| of_pod(pod, half, COUNTED);
        used.add_all(&names(&sum(Half::Requests), &sum(Half::Limits)));
    }
    used
}

/// What quotas call what is asked for and may be used (`podComputeUsageHelper`).
fn names(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut used = Amounts::default();
    used.set(PODS, count(1));
    for (plain, asked, most) in COMPUTE {
        if let Some(amount) = requests.get(plain) {
            used.set(plain, amount.clone());
            used.set(asked, amount.clone());
        }
        if let Some(amount) = limits.get(plain) {
            used.set(most, amount.clone());
        }
    }
    for (name, amount) in requests.iter() {
        let pages = is_huge_page(name);
        if pages {
            used.set(name, amount.clone());
        }
        if pages || is_extended(name) || name.starts_with(BY_CLASS) {
            used.set(&format!("{REQUESTS}{name}"), amount.clone());
        }
    }
    used
}

/// Whether a pod takes up resources (`QuotaV1Pod`): one whose node is lost does not for ever.
fn is_there(pod: &Tree, now: Time) -> bool {
    if matches!(pod.at("status").text("phase"), "Failed" | "Succeeded") {
        return false;
    }
    let deleted = meta::deletion_timestamp(pod).and_then(|time| Time::parse(time).ok());
    let (Some(deleted), Some(grace)) = (deleted, meta::deletion_grace_period_seconds(pod)) else {
        return true;
    };
    now.unix_nanos() <= deleted.unix_nanos() + i128::from(grace) * SECOND
}

/// Whether a pod ends after a time by itself.
fn is_terminating(pod: &Tree) -> bool {
    let deadline = pod.at("spec").at("activeDeadlineSeconds").as_int();
    deadline.is_some_and(|seconds| seconds >= 0)
}

/// Whether a pod wants to be near to pods of other namespaces, or far from them.
fn looks_into_other_namespaces(pod: &Tree) -> bool {
    let looks = |term: &Tree| !term.items("namespaces").is_empty() || term.has("namespaceSelector");
    let affinity = pod.at("spec").at("affinity");
    ["podAffinity", "podAntiAffinity"].into_iter().any(|kind| {
        let kind = affinity.at(kind);
        kind.items("requiredDuringSchedulingIgnoredDuringExecution")
            .iter()
            .any(looks)
            || kind
                .items("preferredDuringSchedulingIgnoredDuringExecution")
                .iter()
                .any(|one| looks(one.at("podAffinityTerm")))
    })
}
