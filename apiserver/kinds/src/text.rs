//! Checks of strings and of metadata that kinds of several groups make.

use apiserver_api::names::{self, Messages};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::go_form::{Holds, Part, part};

/// The most bytes of the name of a driver of volumes or devices.
const DRIVER_MAX: usize = 63;

/// Refuses a string for each thing that is wrong with it.
pub(crate) fn tell(path: &Path<'_>, value: &str, messages: Messages, refusals: &mut Refusals) {
    for message in messages {
        refusals.invalid(path, value, &message);
    }
}

/// A string that must be there and must be right.
pub(crate) fn required(path: &Path<'_>, value: &str, rule: fn(&str) -> Messages, refusals: &mut Refusals) {
    if value.is_empty() {
        refusals.required(path, "");
    } else {
        tell(path, value, rule(value), refusals);
    }
}

/// The name of a driver of volumes or devices: a domain, capitals allowed.
pub(crate) fn driver_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    if name.is_empty() {
        return refusals.required(path, "");
    }
    if name.len() > DRIVER_MAX {
        refusals.too_long(path, DRIVER_MAX);
    }
    tell(path, name, names::dns_subdomain(&name.to_lowercase()), refusals);
}

/// Gives an object the metadata that it had, where a write to the status may not touch it.
pub(crate) fn keep_metadata(object: &mut Tree, old: &Tree) {
    let old = old.at("metadata");
    let metadata = object.child("metadata");
    for field in [
        "annotations",
        "deletionTimestamp",
        "finalizers",
        "generation",
        "labels",
        "ownerReferences",
        "selfLink",
    ] {
        crate::kind::keep(metadata, old, field);
    }
}

/// Writes `null` for a list that is always written and has no items, as it comes back from upstream's store.
pub(crate) fn nothing_for_none(tree: &mut Tree, field: &str) {
    if tree.has(field) && tree.items(field).is_empty() {
        tree.set(field, Tree::Null);
    }
}

/// Takes away what only the server says of an object, where nothing that stores it does.
pub(crate) fn wipe_system_metadata(object: &mut Tree) {
    for field in [
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "selfLink",
        "uid",
    ] {
        if let Some(metadata) = object.get_mut("metadata") {
            metadata.remove(field);
        }
    }
}

/// Metadata as messages show it.
pub(crate) const METADATA: &[Part] = &[
    part("name", "name", Holds::Omitted),
    part("generateName", "generateName", Holds::Omitted),
    part("namespace", "namespace", Holds::Omitted),
    part("selfLink", "selfLink", Holds::Omitted),
    part("uid", "uid", Holds::Omitted),
    part("resourceVersion", "resourceVersion", Holds::Omitted),
    part("generation", "generation", Holds::Omitted),
    part("creationTimestamp", "creationTimestamp", Holds::Omitted),
    part("deletionTimestamp", "deletionTimestamp", Holds::Omitted),
    part(
        "deletionGracePeriodSeconds",
        "deletionGracePeriodSeconds",
        Holds::Omitted,
    ),
    part("labels", "labels", Holds::Omitted),
    part("annotations", "annotations", Holds::Omitted),
    part("ownerReferences", "ownerReferences", Holds::Omittable(OWNER)),
    part("finalizers", "finalizers", Holds::Omitted),
    part("managedFields", "managedFields", Holds::Omittable(MANAGED)),
];
const OWNER: &[Part] = &[
    part("apiVersion", "apiVersion", Holds::Text),
    part("kind", "kind", Holds::Text),
    part("name", "name", Holds::Text),
    part("uid", "uid", Holds::Text),
    part("controller", "controller", Holds::Omitted),
    part("blockOwnerDeletion", "blockOwnerDeletion", Holds::Omitted),
];
const MANAGED: &[Part] = &[
    part("manager", "manager", Holds::Omitted),
    part("operation", "operation", Holds::Omitted),
    part("apiVersion", "apiVersion", Holds::Omitted),
    part("time", "time", Holds::Omitted),
    part("fieldsType", "fieldsType", Holds::Omitted),
    part("fieldsV1", "fieldsV1", Holds::Omitted),
    part("subresource", "subresource", Holds::Omitted),
];

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    use super::{driver_name, keep_metadata, nothing_for_none};

    #[test]
    fn drivers_are_named_by_short_domains() {
        for (name, wrong) in [
            ("d.example.com", 0),
            ("D.example.com", 0),
            ("", 1),
            ("a_b", 1),
            (&"a".repeat(64), 1),
        ] {
            let mut refusals = Refusals::new();
            driver_name(&Path::of("driver"), name, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{name}");
        }
    }

    #[test]
    fn a_list_of_nothing_is_nothing() {
        for (tree, stored) in [
            (r#"{"a":[]}"#, r#"{"a":null}"#),
            (r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            ("{}", "{}"),
        ] {
            let mut tree = parse(tree.as_bytes()).unwrap().tree;
            nothing_for_none(&mut tree, "a");
            assert_eq!(tree, parse(stored.as_bytes()).unwrap().tree);
        }
    }

    #[test]
    fn a_write_to_the_status_keeps_labels() {
        let mut object = parse(br#"{"metadata":{"name":"a","labels":{"b":"c"}}}"#).unwrap().tree;
        let old = parse(br#"{"metadata":{"name":"a","finalizers":["x/y"]}}"#)
            .unwrap()
            .tree;
        keep_metadata(&mut object, &old);
        assert_eq!(object, old);
    }
}
