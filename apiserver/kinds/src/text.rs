//! Checks of strings and of metadata that kinds of several groups make.

use apiserver_api::names::{self, Messages};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

/// The most bytes of the name of a driver of volumes or devices.
const DRIVER_MAX: usize = 63;

/// Metadata as messages show it.
pub(crate) const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Refuses a number for each thing that is wrong with it.
pub(crate) fn tell_number(path: &Path<'_>, value: i64, messages: Messages, refusals: &mut Refusals) {
    for message in messages {
        refusals.invalid(path, value, &message);
    }
}

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

/// The fields of an object that must not be empty.
pub(crate) fn required_fields(path: &Path<'_>, object: &Tree, fields: &[&str], refusals: &mut Refusals) {
    for field in fields.iter().filter(|field| object.at(field).is_zero()) {
        refusals.required(&path.field(field), "");
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

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    use super::{driver_name, nothing_for_none};

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
}
