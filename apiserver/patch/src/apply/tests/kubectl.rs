//! What becomes of objects that kubectl applied on its own side before.

use apiserver_api::tree::Tree;

use super::{by, config, stored, tree, updated};
use crate::apply::{Error, apply, update};

const LAST: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A config map that kubectl made, and noted what it had applied.
fn made_by_kubectl(last: &str) -> Tree {
    let mut created = config(r#"{"x":"1","y":"1"}"#);
    created.child("metadata").child("annotations").set(LAST, last);
    update(&by("kubectl-client-side-apply", "t1"), None, &mut created).unwrap();
    stored(created)
}

#[test]
fn kubectl_does_not_take_over_from_what_was_applied_as_another_kind() {
    let last = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"m"},"data":{"x":"1","y":"1"}}"#;
    let old = made_by_kubectl(last);
    let error = apply(&by("kubectl", "t2"), Some(&old), &config(r#"{"x":"2"}"#), false).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.x"#
    );
}

#[test]
fn kubectl_takes_over_from_its_own_client_side_apply() {
    let last = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"x":"1","y":"1"}}"#;
    let old = made_by_kubectl(last);
    let conflict = apply(&by("other", "t2"), Some(&old), &config(r#"{"x":"2"}"#), false);
    assert!(matches!(conflict, Err(Error::Conflicts(_))));
    let new = apply(&by("kubectl", "t2"), Some(&old), &config(r#"{"x":"2"}"#), false).unwrap();
    assert_eq!(new.at("data"), &tree(r#"{"x":"2","y":"1"}"#));
    assert_eq!(
        new.below(&["metadata", "annotations"]).text(LAST),
        "{\"apiVersion\":\"v1\",\"data\":{\"x\":\"2\"},\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m\"}}\n"
    );
    // What was changed since is another's.
    let changed = updated(Some(&old), "editor", "t2", r#"{"x":"5","y":"1"}"#);
    let error = apply(
        &by("kubectl", "t3"),
        Some(&changed),
        &config(r#"{"x":"2","y":"2"}"#),
        false,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"Apply failed with 1 conflict: conflict with "editor" using v1: .data.x"#
    );
}
