//! Resources of a pod that runs: how much it has may change, what it has may not.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Map, Tree};

use super::ephemeral::{keep_the_rest, refuse};
use super::{count_generation, validate_pod};
use crate::check::same;
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, StatusRules, keep};
use crate::pod::annotations::MIRROR;
use crate::pod::containers::is_sidecar;
use crate::pod::qos;
use crate::pod::scope::Options;

const LISTS: [&str; 2] = ["containers", "initContainers"];
const HALVES: [&str; 2] = ["requests", "limits"];
const RESOURCES: [&str; 2] = ["cpu", "memory"];
const CONTAINER: &str = "io.k8s.api.core.v1.Container";
const REQUIREMENTS: &str = "io.k8s.api.core.v1.ResourceRequirements";
const ONLY_AMOUNTS: &str = "only cpu and memory resources are mutable";

pub(super) struct Resize;

impl StatusRules for Resize {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        let (new, before) = (object.at("spec"), old.at("spec"));
        if LISTS
            .iter()
            .any(|list| new.items(list).len() != before.items(list).len())
        {
            // What is wrong with that is told when it is checked.
            return;
        }
        let mut spec = before.clone();
        keep(&mut spec, new, "resources");
        for list in LISTS {
            let (wanted, had) = (new.items(list), before.items(list));
            if wanted
                .iter()
                .zip(had)
                .any(|(new, old)| new.text("name") != old.text("name"))
            {
                keep(&mut spec, new, list);
                continue;
            }
            let items = spec.get_mut(list).and_then(Tree::as_list_mut);
            for (container, new) in items.into_iter().flatten().zip(wanted) {
                keep(container, new, "resources");
                keep(container, new, "resizePolicy");
            }
        }
        keep_the_rest(object, old, spec);
        crate::pod::drop_disabled(object, Some(old));
        count_generation(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        validate_pod(object, Options::new(true, Some(old)), refusals);
        if meta::annotations(old).contains(MIRROR) {
            return refuse(refusals, "static pods cannot be resized");
        }
        let (new_spec, old_spec) = (object.at("spec"), old.at("spec"));
        if old_spec.at("os").text("name") == "windows" {
            return refuse(refusals, "windows pods cannot be resized");
        }
        let path = Path::of("spec");
        let class = old.at("status").text("qosClass");
        let class = if class.is_empty() { qos::class(old_spec) } else { class };
        if qos::class(new_spec) != class {
            let detail = "Pod QOS Class may not change as a result of resizing";
            refusals.invalid(&path, object.at("status").text("qosClass"), detail);
        }
        if !is_supported(old) {
            refusals.forbidden(&path, "Pod running on node without support for resize");
        }
        let whole = has_amounts(old_spec) || has_amounts(new_spec);
        if whole {
            validate_whole(&path, new_spec.at("resources"), old_spec.at("resources"), refusals);
        }
        let claims = "nodeAllocatableResourceClaimStatuses";
        if !old.at("status").items(claims).is_empty() {
            refusals.forbidden(&path, "pods with node allocatable resource claims cannot be resized");
        }
        if !in_order(&path, new_spec, old_spec, refusals) {
            return;
        }
        validate_containers(&path, new_spec, old_spec, refusals);
        if refusals.is_empty() && !whole && new_spec.has("resources") != old_spec.has("resources") {
            refusals.forbidden(&path, ONLY_AMOUNTS);
        }
    }

    fn only(&self) -> &'static [&'static [&'static str]] {
        &[
            &["spec", "containers", "*", "resources"],
            &["spec", "containers", "*", "resizePolicy"],
            &["spec", "initContainers", "*", "resources"],
            &["spec", "initContainers", "*", "resizePolicy"],
        ]
    }
}

/// A node that cannot resize does not report what containers have.
fn is_supported(pod: &Tree) -> bool {
    let mut statuses = pod.at("status").items("containerStatuses").iter();
    let running = statuses.find(|status| status.at("state").has("running"));
    running.is_none_or(|status| status.has("resources"))
}

/// Whether a pod as a whole asks for something.
fn has_amounts(spec: &Tree) -> bool {
    let resources = spec.at("resources");
    HALVES.iter().any(|half| !resources.entries(half).is_empty())
}

/// What the pod as a whole asks for.
fn validate_whole(spec: &Path<'_>, new: &Tree, old: &Tree, refusals: &mut Refusals) {
    let path = spec.field("resources");
    if new.is_null() && !old.is_null() {
        return refusals.forbidden(&path, "pod-level resources cannot be removed");
    }
    validate_kept(&path, "pod-level resource", new, old, refusals);
    if !same(REQUIREMENTS, &without_amounts(new), &without_amounts(old)) {
        refusals.forbidden(spec, "only cpu and memory resources are mutable at pod-level");
    }
}

fn in_order(path: &Path<'_>, new: &Tree, old: &Tree, refusals: &mut Refusals) -> bool {
    let mut fine = true;
    for list in LISTS {
        let path = path.field(list);
        let (new, old) = (new.items(list), old.items(list));
        if new.len() != old.len() {
            refusals.forbidden(&path, &format!("{list} may not be added or removed on resize"));
            fine = false;
            continue;
        }
        for (at, _) in new
            .iter()
            .zip(old)
            .enumerate()
            .filter(|(_, (new, old))| new.text("name") != old.text("name"))
        {
            let detail = format!("{list} may not be renamed or reordered on resize");
            refusals.forbidden(&path.index(at).field("name"), &detail);
            fine = false;
        }
    }
    fine
}

/// What containers ask for: first that nothing is gone, then that nothing else has changed.
fn validate_containers(spec: &Path<'_>, new: &Tree, old: &Tree, refusals: &mut Refusals) {
    let pairs = |list: &'static str| new.items(list).iter().zip(old.items(list)).enumerate();
    for list in ["initContainers", "containers"] {
        let path = spec.field(list);
        for (at, (new, old)) in pairs(list) {
            let (new, old) = (new.at("resources"), old.at("resources"));
            validate_kept(&path.index(at).field("resources"), "resource", new, old, refusals);
        }
    }
    for (_, (new, old)) in pairs("containers") {
        if !same_but_amounts(new, old) {
            refusals.forbidden(spec, ONLY_AMOUNTS);
        }
    }
    let path = spec.field("initContainers");
    for (at, (new, old)) in pairs("initContainers") {
        let path = path.index(at);
        if !same_but_amounts(new, old) {
            let detail = "only cpu and memory resources for init or sidecar containers are mutable";
            refusals.forbidden(&path, detail);
        }
        if is_sidecar(new) || same(CONTAINER, new, old) {
            continue;
        }
        let policies = new.items("resizePolicy").iter();
        for _ in policies.filter(|policy| policy.text("restartPolicy") == "RestartContainer") {
            let detail = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized";
            refusals.forbidden(&path, detail);
        }
    }
}

/// What was asked for is asked for still, in another amount.
fn validate_kept(path: &Path<'_>, what: &str, new: &Tree, old: &Tree, refusals: &mut Refusals) {
    for half in HALVES {
        let (new, old) = (new.entries(half), old.entries(half));
        if old.keys().any(|name| !new.contains(name)) {
            refusals.forbidden(&path.field(half), &format!("{what} {half} cannot be removed"));
        }
    }
}

/// Whether two containers differ only in the amounts that may change.
fn same_but_amounts(new: &Tree, old: &Tree) -> bool {
    let without = |container: &Tree| {
        let mut rest = container.clone();
        rest.set("resources", without_amounts(container.at("resources")));
        rest
    };
    same(CONTAINER, &without(new), &without(old))
}

/// Resources but for the amounts that may change.
fn without_amounts(resources: &Tree) -> Tree {
    let mut rest = Tree::map();
    for (field, value) in resources.as_map().into_iter().flat_map(Map::iter) {
        let mut value = value.clone();
        if let (true, Tree::Map(list)) = (HALVES.contains(&field), &mut value) {
            list.retain(|name, _| !RESOURCES.contains(&name));
        }
        rest.set(field, value);
    }
    rest
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_api::tree::Tree;

    use super::super::POD;
    use crate::kind::Asked;
    use crate::pod::testing::json;

    /// What is said of a resize of a pod's spec, which has one container where nothing else is given.
    fn said(old: &str, new: &str, annotations: &str) -> Vec<String> {
        let pod = |spec: &str| {
            let mut pod = json(&format!(
                r#"{{"metadata":{{"name":"p","namespace":"n","resourceVersion":"1","generation":1,
                    "annotations":{annotations}}},"spec":{spec}}}"#
            ));
            let spec = pod.child("spec");
            spec.set_default("containers", json(r#"[{"name":"c","image":"i"}]"#));
            POD.rules.default(&mut pod);
            pod
        };
        let user = Tree::Null;
        let now = Time::parse("2026-01-01T00:00:00Z").unwrap();
        let asked = Asked { now, user: &user };
        let result = POD.update_part("resize", &asked, &mut pod(new), &pod(old));
        let status = result.err().map(|status| status.to_tree()).unwrap_or_default();
        let causes = status.at("details").items("causes").iter();
        causes
            .map(|cause| format!("{}: {}", cause.text("field"), cause.text("message")))
            .collect()
    }

    fn containers(resources: &str, name: &str) -> String {
        format!(r#"{{"containers":[{{"name":"{name}","image":"i","resources":{resources}}}]}}"#)
    }

    #[test]
    fn amounts_of_what_a_container_has_may_change() {
        let one = r#"{"requests":{"cpu":"1"}}"#;
        for (new, name, told) in [
            (r#"{"requests":{"cpu":"2"}}"#, "c", &[][..]),
            (
                r#"{"requests":{"memory":"1Gi"}}"#,
                "c",
                &["spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed"],
            ),
            (
                "{}",
                "c",
                &[
                    "spec: Invalid value: \"\": Pod QOS Class may not change as a result of resizing",
                    "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
                ],
            ),
            (
                r#"{"requests":{"cpu":"1","ephemeral-storage":"1"}}"#,
                "c",
                &["spec: Forbidden: only cpu and memory resources are mutable"],
            ),
            (
                one,
                "d",
                &["spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize"],
            ),
        ] {
            assert_eq!(
                said(&containers(one, "c"), &containers(new, name), "{}"),
                told,
                "{new} {name}"
            );
        }
    }

    #[test]
    fn init_containers_are_told_by_themselves_and_what_is_gone_comes_first() {
        let init = |name: &str, requests: &str, more: &str| {
            format!(
                r#"{{"initContainers":[{{"name":"{name}","image":"i","resources":{{"requests":{requests}}}{more}}}],
                    "containers":[{{"name":"c","image":"i","resources":{{"requests":{requests}}}}}]}}"#
            )
        };
        let restart = r#","resizePolicy":[{"resourceName":"cpu","restartPolicy":"RestartContainer"}]"#;
        let sidecar = format!(r#"{restart},"restartPolicy":"Always""#);
        let (one, two) = (r#"{"cpu":"1"}"#, r#"{"cpu":"2"}"#);
        let other = r#"{"ephemeral-storage":"1"}"#;
        for (old, new, told) in [
            (init("i", one, ""), init("i", two, ""), &[][..]),
            (init("i", one, &sidecar), init("i", two, &sidecar), &[]),
            (
                init("i", one, ""),
                init("j", one, ""),
                &["spec.initContainers[0].name: Forbidden: initContainers may not be renamed or reordered on resize"],
            ),
            (
                init("i", one, restart),
                init("i", two, restart),
                &[
                    "spec.initContainers[0]: Forbidden: non-sidecar init containers with a resize policy of \
                    RestartContainer cannot be resized",
                ],
            ),
            (
                init("i", one, ""),
                init("i", other, ""),
                &[
                    "spec.initContainers[0].resources.requests: Forbidden: resource requests cannot be removed",
                    "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
                    "spec: Forbidden: only cpu and memory resources are mutable",
                    "spec.initContainers[0]: Forbidden: only cpu and memory resources for init or sidecar containers \
                     are mutable",
                ],
            ),
        ] {
            let said = said(&old, &new, "{}");
            let said: Vec<&String> = said.iter().filter(|one| !one.contains("QOS")).collect();
            assert_eq!(said, told, "{new}");
        }
    }

    #[test]
    fn a_pod_as_a_whole_keeps_what_it_asks_for() {
        let whole = |resources: &str| format!(r#"{{"resources":{resources}}}"#);
        let one = r#"{"requests":{"cpu":"1","hugepages-2Mi":"4Mi"},"limits":{"hugepages-2Mi":"4Mi"}}"#;
        for (old, new, told) in [
            (one, one.replace("\"1\"", "\"2\""), &[][..]),
            (
                one,
                one.replace("4Mi", "6Mi"),
                &["spec: Forbidden: only cpu and memory resources are mutable at pod-level"],
            ),
            (
                r#"{"requests":{"cpu":"1","memory":"1Gi"}}"#,
                r#"{"requests":{"cpu":"1"}}"#.to_owned(),
                &["spec.resources.requests: Forbidden: pod-level resource requests cannot be removed"],
            ),
        ] {
            assert_eq!(said(&whole(old), &whole(&new), "{}"), told, "{new}");
        }
        let gone = said(&whole(one), "{}", "{}");
        let told = "spec.resources: Forbidden: pod-level resources cannot be removed";
        assert!(gone.iter().any(|one| one == told), "{gone:?}");
    }

    #[test]
    fn mirrors_and_pods_of_windows_stay_as_they_are() {
        let mirror = r#"{"kubernetes.io/config.mirror":"x"}"#;
        for (spec, annotations, told) in [
            (
                r#"{"nodeName":"n"}"#,
                mirror,
                "[]: Forbidden: static pods cannot be resized",
            ),
            (
                r#"{"os":{"name":"windows"}}"#,
                "{}",
                "[]: Forbidden: windows pods cannot be resized",
            ),
        ] {
            assert_eq!(said(spec, spec, annotations), [told]);
        }
    }
}
