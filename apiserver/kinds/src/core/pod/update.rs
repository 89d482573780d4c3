//! What of a pod may change: little, since what runs does not follow.

use std::collections::HashSet;

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::validate_pod;
use crate::check::same;
use crate::core::metadata::validate_metadata_update;
use crate::diff;
use crate::internal::{lines, shown, shown_list};
use crate::node_selector::TERM;
use crate::pod::scope::{Mistake, Options};
use crate::pod::{annotations, containers, tolerations};

const MAY_CHANGE: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
                          `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only \
                          additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set \
                          to 1 if it was previously negative)";
/// The type of what a pod is to be.
const SPEC: &str = "io.k8s.api.core.v1.PodSpec";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// Checks a pod that takes the place of `old` (`ValidatePodUpdate`).
pub(super) fn validate(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    let options = Options::new(true, Some(old));
    validate_metadata_update(object, old, refusals);
    validate_pod(object, options, refusals);
    validate_annotations(object, old, options, refusals);
    let path = Path::of("spec");
    let (new_spec, old_spec) = (object.at("spec"), old.at("spec"));
    for list in ["containers", "initContainers"] {
        let path = path.field(list);
        if new_spec.items(list).len() != old_spec.items(list).len() {
            return refusals.forbidden(&path, "pod updates may not add or remove containers");
        }
        for (at, container) in new_spec.items(list).iter().enumerate() {
            let path = path.index(at);
            if container.text("image").is_empty() {
                refusals.required(&path.field("image"), "");
            }
            containers::validate_image_edges(&path, container, refusals);
        }
    }
    if !validate_deadline(&path.field("activeDeadlineSeconds"), new_spec, old_spec, refusals) {
        return;
    }
    validate_tolerations(&path.field("tolerations"), new_spec, old_spec, refusals);
    validate_gates(&path.field("schedulingGates"), new_spec, old_spec, refusals);
    if same(SPEC, new_spec, old_spec) {
        return;
    }
    let mut rest = new_spec.clone();
    take_back(&mut rest, old_spec);
    if !old_spec.items("schedulingGates").is_empty() {
        take_back_nodes(&path, &mut rest, old_spec, refusals);
    }
    if !same(SPEC, &rest, old_spec) {
        let changes = diff::unified(&lines(SPEC, old_spec), &lines(SPEC, &rest));
        refusals.forbidden(&path, &format!("{MAY_CHANGE}\n{changes}"));
    }
}

/// Annotations that say what the pod is stay as they were (`ValidatePodSpecificAnnotationUpdates`).
pub(super) fn validate_annotations(object: &Tree, old: &Tree, options: Options, refusals: &mut Refusals) {
    let path = Path::of("metadata");
    let path = path.field("annotations");
    let (new, before) = (meta::annotations(object), meta::annotations(old));
    let mut tell = |key: &str, what: &str| {
        if key.starts_with(annotations::APPARMOR) {
            refusals.forbidden(&path.key(key), &format!("may not {what} AppArmor annotations"));
        }
        if key == annotations::MIRROR {
            refusals.forbidden(&path.key(key), &format!("may not {what} mirror pod annotation"));
        }
    };
    for (key, value) in before.iter() {
        if new.get(key) != Some(value) {
            tell(key, "remove or update");
        }
    }
    for key in new.keys().filter(|key| !before.contains(key)) {
        tell(key, "add");
    }
    let metadata = meta::metadata(object);
    annotations::validate(
        &path,
        metadata,
        object.at("spec"),
        options.forgives(Mistake::DeletionCost),
        refusals,
    );
}

/// A deadline may be set, and come closer. Says whether the rest should be looked at.
fn validate_deadline(path: &Path<'_>, new: &Tree, old: &Tree, refusals: &mut Refusals) -> bool {
    let field = "activeDeadlineSeconds";
    match (new.at(field).as_int(), old.at(field).as_int()) {
        (Some(new), _) if !(0..=i64::from(i32::MAX)).contains(&new) => {
            refusals.invalid(path, new, "must be between 0 and 2147483647, inclusive");
            false
        }
        (Some(new), Some(old)) if old < new => {
            refusals.invalid(path, new, "must be less than or equal to previous value");
            false
        }
        (None, Some(_)) => {
            let detail = "must not update from a positive integer to nil value";
            refusals.invalid(path, &Tree::Null, detail);
            true
        }
        _ => true,
    }
}

/// Tolerations may be added, and be bounded in time.
fn validate_tolerations(path: &Path<'_>, new: &Tree, old: &Tree, refusals: &mut Refusals) {
    let new = new.items("tolerations");
    let timeless = |toleration: &Tree| {
        let mut toleration = toleration.clone();
        toleration.remove("tolerationSeconds");
        toleration.to_json()
    };
    let kept: HashSet<Vec<u8>> = new.iter().map(timeless).collect();
    if old
        .items("tolerations")
        .iter()
        .any(|old| !kept.contains(&timeless(old)))
    {
        let detail = "existing toleration can not be modified except its tolerationSeconds";
        return refusals.forbidden(path, detail);
    }
    tolerations::validate(path, new, refusals);
}

/// Gates may only go.
fn validate_gates(path: &Path<'_>, new: &Tree, old: &Tree, refusals: &mut Refusals) {
    let gates = old.items("schedulingGates").iter();
    let had: HashSet<&str> = gates.map(|gate| gate.text("name")).collect();
    for (at, gate) in new.items("schedulingGates").iter().enumerate() {
        let name = gate.text("name");
        if !had.contains(name) {
            let detail = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            refusals.forbidden(&path.index(at).field("name"), &detail);
        }
    }
}

fn copy(to: &mut Tree, from: &Tree, field: &str) {
    crate::kind::keep(to, from, field);
}

/// Gives what may change its old value, so that what is left should be as it was.
fn take_back(spec: &mut Tree, old: &Tree) {
    for list in ["containers", "initContainers"] {
        let items = spec.get_mut(list).and_then(Tree::as_list_mut);
        for (new, old) in items.into_iter().flatten().zip(old.items(list)) {
            copy(new, old, "image");
        }
    }
    for field in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        copy(spec, old, field);
    }
    let field = "terminationGracePeriodSeconds";
    if old.int(field) < 0 && spec.at(field).as_int() == Some(1) {
        copy(spec, old, field);
    }
}

/// While gates hold a pod back, what it asks of nodes may become narrower.
fn take_back_nodes(path: &Path<'_>, spec: &mut Tree, old: &Tree, refusals: &mut Refusals) {
    let (new_labels, old_labels) = (spec.entries("nodeSelector"), old.entries("nodeSelector"));
    if old_labels.iter().any(|(key, value)| new_labels.get(key) != Some(value)) {
        let detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
        refusals.invalid(&path.field("nodeSelector"), spec.at("nodeSelector"), detail);
    }
    copy(spec, old, "nodeSelector");
    let before = old.below(&["affinity", "nodeAffinity"]);
    let now = spec.below(&["affinity", "nodeAffinity"]);
    if before == now {
        return;
    }
    let affinity = path.field("affinity");
    validate_narrower(&affinity.field("nodeAffinity"), now, before, refusals);
    let others = ["podAffinity", "podAntiAffinity"];
    let alone = others.iter().all(|other| !spec.at("affinity").has(other));
    if !old.has("affinity") && alone {
        spec.remove("affinity");
    } else {
        copy(spec.child("affinity"), old.at("affinity"), "nodeAffinity");
    }
}

fn validate_narrower(path: &Path<'_>, new: &Tree, old: &Tree, refusals: &mut Refusals) {
    let list = "nodeSelectorTerms";
    let (new_terms, old_terms) = (new.at(REQUIRED).items(list), old.at(REQUIRED).items(list));
    if old_terms.is_empty() {
        return;
    }
    let path = path.field(REQUIRED);
    let path = path.field(list);
    if new_terms.len() != old_terms.len() {
        let detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        return refusals.invalid(&path, shown_list(TERM, new.at(REQUIRED).at(list)), detail);
    }
    for (at, (new, old)) in new_terms.iter().zip(old_terms).enumerate() {
        if !only_adds(new, old) {
            let detail = "only additions are allowed (no mutations or deletions)";
            refusals.invalid(&path.index(at), shown(TERM, new), detail);
        }
    }
}

/// Whether a term begins with what the old one had. What matched nothing matches nothing still.
fn only_adds(new: &Tree, old: &Tree) -> bool {
    let lists = ["matchExpressions", "matchFields"];
    if lists.iter().all(|list| old.items(list).is_empty()) {
        return lists.iter().all(|list| new.items(list).is_empty());
    }
    lists.iter().all(|list| new.items(list).starts_with(old.items(list)))
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::Tree;

    use super::validate;
    use crate::pod::testing::{json, words};

    fn pod(more: &str) -> Tree {
        let mut pod = json(&format!(
            r#"{{"metadata":{{"name":"p","namespace":"n","resourceVersion":"1"}},
                "spec":{{"containers":[{{"name":"c","image":"i:1","imagePullPolicy":"Always"}}]{more}}}}}"#
        ));
        crate::pod::default_pod(&mut pod);
        pod
    }

    #[test]
    fn images_deadlines_and_tolerations_may_change() {
        let gate = r#","schedulingGates":[{"name":"g"}]"#;
        let cases = [
            ("", "", ""),
            ("", r#","activeDeadlineSeconds":5"#, ""),
            (
                r#","activeDeadlineSeconds":5"#,
                r#","activeDeadlineSeconds":6"#,
                "spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value",
            ),
            ("", r#","tolerations":[{"key":"k"}]"#, ""),
            (
                r#","tolerations":[{"key":"k"}]"#,
                "",
                "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
            ),
            (gate, "", ""),
            (
                "",
                gate,
                "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'g'",
            ),
            (gate, r#","nodeSelector":{"a":"b"}"#, ""),
        ];
        for (old, new, told) in cases {
            let mut refusals = Refusals::new();
            validate(&pod(new), &pod(old), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }

    #[test]
    fn nothing_else_may_change() {
        let mut refusals = Refusals::new();
        validate(&pod(r#","hostname":"h""#), &pod(""), &mut refusals);
        let told = words(&refusals);
        assert!(told.starts_with("spec: Forbidden: pod updates may not change fields other than `spec.containers"));
        let changed =
            "- \"Hostname\": \"\",\n+ \"Hostname\": \"h\",\n  \"Subdomain\": \"\",\n  \"SetHostnameAsFQDN\": null,\n";
        assert!(told.contains(changed), "{told}");
        let mut refusals = Refusals::new();
        let more = r#","initContainers":[{"name":"x","image":"i"}]"#;
        validate(&pod(more), &pod(""), &mut refusals);
        assert_eq!(
            words(&refusals),
            "spec.initContainers: Forbidden: pod updates may not add or remove containers"
        );
    }
}
