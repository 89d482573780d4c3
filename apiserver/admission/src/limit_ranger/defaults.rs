//! What containers ask for where they say nothing, and the note that a pod gets of it.

use apiserver_api::meta;
use apiserver_api::tree::{Map, Tree};

/// Annotation of a pod: what was set.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// Gives a pod's containers what a limit range says for them, where they do not say it.
pub(super) fn fill(pod: &mut Tree, range: &Tree) {
    let (mut requests, mut limits) = (Map::new(), Map::new());
    for item in range.at("spec").items("limits") {
        if item.text("type") == "Container" {
            extend(&mut requests, item.entries("defaultRequest"));
            extend(&mut limits, item.entries("default"));
        }
    }
    let mut set = Vec::new();
    let spec = pod.child("spec");
    for (list, words) in [("containers", "container"), ("initContainers", "init container")] {
        for container in spec.get_mut(list).and_then(Tree::as_list_mut).into_iter().flatten() {
            let requested = merge(container, "requests", &requests);
            let limited = merge(container, "limits", &limits);
            for (names, what) in [(requested, "request"), (limited, "limit")] {
                if !names.is_empty() {
                    let name = container.text("name");
                    set.push(format!("{} {what} for {words} {name}", names.join(", ")));
                }
            }
        }
    }
    if !set.is_empty() {
        let note = format!("LimitRanger plugin set: {}", set.join("; "));
        meta::set_annotation(pod, ANNOTATION, &note);
    }
}

fn extend(all: &mut Map, more: &Map) {
    for (name, amount) in more.iter() {
        all.insert(name, amount.clone());
    }
}

/// Adds the amounts that a list does not have; returns their names in order.
fn merge<'d>(container: &mut Tree, list: &str, defaults: &'d Map) -> Vec<&'d str> {
    let said = container.at("resources").entries(list);
    let missing: Vec<&str> = defaults.keys().filter(|name| !said.contains(name)).collect();
    for name in &missing {
        if let Some(amount) = defaults.get(name) {
            container.child("resources").child(list).set(name, amount.clone());
        }
    }
    missing
}
