//! Namespaces: their labels must be right, and who tightens one is told which of its pods do not fit any more.

use std::collections::{BTreeMap, BTreeSet};

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::evaluate::evaluate;
use super::pods::Pod;
use super::policy::{Level, Policy, Standard, policy, says};
use super::settings::Settings;
use crate::plugin::{Operation, Request};

const PODS: GroupResource = GroupResource::known("", "pods");
/// So many pods are looked at.
const CHECKED_MAX: usize = 3000;

pub(super) fn validate(settings: &Settings, request: &Request<'_>, namespace: &Tree) -> Result<(), Status> {
    if !request.subresource.is_empty() {
        return Ok(());
    }
    let (new, mistakes) = policy(meta::labels(namespace), settings.defaults);
    let invalid = || Err(Status::invalid(&request.kind.group_kind(), request.name, &mistakes));
    let exempt = settings.exempts_namespace(request.namespace);
    match (request.operation, request.old) {
        (Operation::Create, _) => {
            if !mistakes.is_empty() {
                return invalid();
            }
            if exempt {
                warn_exempt(settings, request, namespace, new);
            }
        }
        (Operation::Update, Some(before)) => {
            let (old, forgiven) = policy(meta::labels(before), settings.defaults);
            // Labels that were wrong already do not keep other things from being changed.
            if !mistakes.is_empty() && mistakes != forgiven {
                return invalid();
            }
            if !is_tighter(new.enforce, old.enforce) {
                return Ok(());
            }
            if exempt {
                warn_exempt(settings, request, namespace, new);
            } else {
                warn_of_pods(settings, request, meta::name(namespace), new.enforce);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether pods may be refused that were not.
fn is_tighter(new: Standard, old: Standard) -> bool {
    let relaxed = new.version == old.version && new.level <= old.level;
    new != old && new.level != Level::Privileged && !relaxed
}

fn warn_exempt(settings: &Settings, request: &Request<'_>, namespace: &Tree, policy: Policy) {
    if policy.is_privileged() || policy.is_equivalent(settings.defaults) {
        return;
    }
    let modes = [
        ("enforce", policy.enforce),
        ("audit", policy.audit),
        ("warn", policy.warn),
    ];
    let said = modes
        .iter()
        .filter(|(mode, standard)| standard.level != Level::Privileged && says(namespace, mode))
        .map(|(mode, standard)| format!("{mode}={standard}"));
    let said = said.collect::<Vec<_>>().join(", ");
    let name = meta::name(namespace);
    request.warn(format!(
        "namespace \"{name}\" is exempt from Pod Security, and the policy ({said}) will be ignored"
    ));
}

/// Warns of the pods of a namespace that break a level, those that break the same checks together.
fn warn_of_pods(settings: &Settings, request: &Request<'_>, name: &str, standard: Standard) {
    let mut pods = request.cluster.cached_list(&PODS, name);
    pods.retain(|pod| !settings.exempts_runtime(pod.at("spec")));
    let pods = unlike_first(&pods);
    let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for pod in pods.iter().take(CHECKED_MAX) {
        if let Some(reason) = evaluate(standard, &Pod::of(pod)).reason() {
            found.entry(reason).or_default().push(meta::name(pod));
        }
    }
    let total = pods.len();
    if total > CHECKED_MAX {
        request.warn(format!(
            "new PodSecurity enforce level only checked against the first {CHECKED_MAX} of {total} existing pods"
        ));
    }
    if found.is_empty() {
        return;
    }
    request.warn(format!(
        "existing pods in namespace \"{name}\" violate the new PodSecurity enforce level \"{standard}\""
    ));
    let mut texts: Vec<String> = found.iter().map(|(reason, names)| together(reason, names)).collect();
    texts.sort_unstable();
    for text in texts {
        request.warn(text);
    }
}

fn together(reason: &str, names: &[&str]) -> String {
    let first = names.iter().min().copied().unwrap_or_default();
    match names.len() {
        0 | 1 => format!("{first}: {reason}"),
        2 => format!("{first} (and 1 other pod): {reason}"),
        count => format!("{first} (and {} other pods): {reason}", count - 1),
    }
}

/// The pods, of each controller's one before all others, since those are most likely alike.
fn unlike_first(pods: &[Tree]) -> Vec<&Tree> {
    let mut controllers = BTreeSet::new();
    let (mut first, alike): (Vec<&Tree>, Vec<&Tree>) = pods.iter().partition(|pod| {
        let controller = meta::controller(pod).map(|owner| owner.text("uid"));
        controller.is_none_or(|uid| controllers.insert(uid.to_owned()))
    });
    first.extend(alike);
    first
}
