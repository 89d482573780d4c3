//! Resources of a pod that runs: how much it has may change, what it has may not.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

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
const RESOURCES: [&str; 2] = ["cpu", "memory"];

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
        if !in_order(&path, new_spec, old_spec, refusals) {
            return;
        }
        for list in LISTS {
            let path_of = path.field(list);
            let pairs = new_spec.items(list).iter().zip(old_spec.items(list));
            for (at, (new, old)) in pairs.enumerate() {
                let container = path_of.index(at);
                validate_kept(&container.field("resources"), new, old, refusals);
                if !same_but_amounts(new, old) {
                    refusals.forbidden(&path, only_amounts(list, old));
                }
            }
        }
        let resources = path.field("resources");
        if old_spec.has("resources") {
            validate_kept(&resources, new_spec, old_spec, refusals);
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
            let detail = "containers may not be renamed or reordered on resize";
            refusals.forbidden(&path.index(at).field("name"), detail);
            fine = false;
        }
    }
    fine
}

/// What was asked for is asked for still, in another amount.
fn validate_kept(path: &Path<'_>, new: &Tree, old: &Tree, refusals: &mut Refusals) {
    for (half, detail) in [
        ("requests", "resource requests cannot be removed"),
        ("limits", "resource limits cannot be removed"),
    ] {
        let (new, old) = (new.at("resources").entries(half), old.at("resources").entries(half));
        if old.keys().any(|name| !new.contains(name)) {
            refusals.forbidden(&path.field(half), detail);
        }
    }
}

/// Whether two containers differ only in the amounts that may change.
fn same_but_amounts(new: &Tree, old: &Tree) -> bool {
    let without = |container: &Tree| {
        let mut rest = container.clone();
        for half in ["requests", "limits"] {
            if let Some(Tree::Map(list)) = rest.child("resources").get_mut(half) {
                list.retain(|name, _| !RESOURCES.contains(&name));
            }
        }
        rest
    };
    same("io.k8s.api.core.v1.Container", &without(new), &without(old))
}

fn only_amounts(list: &str, container: &Tree) -> &'static str {
    if list == "containers" {
        "only cpu and memory resources are mutable"
    } else if is_sidecar(container) {
        "only cpu and memory resources for sidecar containers are mutable"
    } else {
        "only cpu and memory resources for init containers are mutable"
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_api::tree::Tree;

    use super::super::POD;
    use crate::kind::Asked;
    use crate::pod::testing::json;

    fn pod(resources: &str, name: &str) -> Tree {
        let mut pod = json(&format!(
            r#"{{"metadata":{{"name":"p","namespace":"n","resourceVersion":"1","generation":1}},"spec":
                {{"containers":[{{"name":"{name}","image":"i","resources":{resources}}}]}}}}"#
        ));
        POD.rules.default(&mut pod);
        pod
    }

    #[test]
    fn amounts_of_what_a_container_has_may_change() {
        let user = Tree::Null;
        let now = Time::parse("2026-01-01T00:00:00Z").unwrap();
        let asked = Asked { now, user: &user };
        let one = r#"{"requests":{"cpu":"1"}}"#;
        for (new, name, told) in [
            (r#"{"requests":{"cpu":"2"}}"#, "c", ""),
            (
                r#"{"requests":{"memory":"1Gi"}}"#,
                "c",
                "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
            ),
            (
                "{}",
                "c",
                "spec: Invalid value: \"\": Pod QOS Class may not change as a result of resizing",
            ),
            (
                one,
                "d",
                "spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize",
            ),
        ] {
            let result = POD.update_part("resize", &asked, &mut pod(new, name), &pod(one, "c"));
            let message = result.err().map(|status| status.to_tree().text("message").to_owned());
            assert!(message.unwrap_or_default().contains(told), "{new} {name}");
        }
    }
}
