//! Objects with many managers and many fields: what they cost grows with both together, not with one times the other.

use apiserver_api::tree::Tree;

use super::{by, config, kind, stored, tree};
use crate::apply::{Error, Managed, Write, apply, update};

/// An entry of managed fields: who, how, and fields of `data`.
fn entry(manager: &str, operation: &str, names: impl Iterator<Item = String>) -> Tree {
    let names = names.map(|name| (format!("f:{name}"), Tree::map()));
    let mut entry = tree(r#"{"apiVersion":"v1","fieldsType":"FieldsV1"}"#);
    entry.set("manager", manager);
    entry.set("operation", operation);
    entry.set(
        "fieldsV1",
        Tree::Map([("f:data", Tree::Map(names.collect()))].into_iter().collect()),
    );
    entry
}

/// That many keys.
fn keys(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|at| format!("k{at:06}"))
}

/// An object with that many keys, which nobody manages yet.
fn wide(count: usize, value: &str) -> Tree {
    let mut object = stored(config("{}"));
    object.set("data", Tree::Map(keys(count).map(|key| (key, value)).collect()));
    object
}

#[test]
fn many_updaters_are_joined_at_once() {
    let large = entry("a", "Update", keys(100_000));
    let others = (0..10_000).map(|at| entry(&format!("m{at:05}"), "Update", std::iter::once(format!("m{at}"))));
    let list: Tree = std::iter::once(large).chain(others).collect();
    let mut managed = Managed::from_tree(&list).unwrap();
    managed.cap(10);
    let sizes: Vec<(&str, usize)> = managed
        .iter()
        .map(|(manager, entry)| (&*manager.name, entry.fields.len()))
        .collect();
    assert_eq!((sizes.len(), sizes[0]), (10, ("ancient-changes", 109_991)));
}

#[test]
fn a_change_of_much_costs_each_of_many_managers_little() {
    let mut old = wide(100_000, "old");
    let others = (0..10_000).map(|at| entry(&format!("m{at:05}"), "Apply", std::iter::once("k099999".to_owned())));
    old.child("metadata").set("managedFields", others.collect::<Tree>());
    let mut new = wide(100_000, "new");
    update(&by("u", "t"), Some(&old), &mut new).unwrap();
    let managed = Managed::from_tree(new.below(&["metadata", "managedFields"])).unwrap();
    let sizes: Vec<(&str, usize)> = managed
        .iter()
        .map(|(manager, entry)| (&*manager.name, entry.fields.len()))
        .collect();
    assert_eq!(sizes, [("u", 100_000)]);
}

#[test]
fn what_many_appliers_keep_is_joined_at_once() {
    let mut old = wide(100_000, "v");
    old.child("data").set("own", "v");
    let own = entry("a", "Apply", std::iter::once("own".to_owned()));
    let large = entry("b", "Apply", keys(100_000));
    let others = (0..10_000).map(|at| entry(&format!("m{at:05}"), "Apply", std::iter::once(format!("m{at}"))));
    let list: Tree = [own, large].into_iter().chain(others).collect();
    old.child("metadata").set("managedFields", list);
    let new = apply(&by("a", "t"), Some(&old), &config(r#"{"k000000":"v"}"#), false).unwrap();
    let left = new.at("data").as_map().unwrap();
    assert_eq!((left.len(), left.contains("own")), (100_000, false));
}

#[test]
fn conflicts_are_told_until_they_would_be_a_book() {
    let write = Write {
        kind: kind("io.k8s.api.core.v1.Pod"),
        kind_name: "Pod",
        ..by("a", "t")
    };
    let pod = |name: &str, value: &str| {
        let env: Vec<String> = (0..6_000)
            .map(|at| format!(r#"{{"name":"{at:05}","value":"{value}"}}"#))
            .collect();
        let env = env.join(",");
        tree(&format!(
            r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":[{{"name":"{name}","env":[{env}]}}]}}}}"#
        ))
    };
    let conflicts = |name: &str| {
        let mut old = stored(pod(name, "old"));
        update(&Write { manager: "b", ..write }, None, &mut old).unwrap();
        match apply(&write, Some(&old), &pod(name, "new"), false) {
            Err(Error::Conflicts(conflicts)) => conflicts,
            other => panic!("{other:?}"),
        }
    };
    let all = conflicts("n");
    assert_eq!((all.causes().len(), all.to_string().lines().count()), (6_000, 6_001));
    let some = conflicts(&"n".repeat(1 << 20));
    assert_eq!((some.causes().len(), some.to_string().lines().count()), (8, 9));
    assert!(some.to_string().starts_with("Apply failed with 6000 conflicts: "));
}
