//! Stories of several managers on one object.

mod kubectl;
mod many;

use apiserver_api::tree::{Tree, parse};
use apiserver_schema::built_in;
use proptest::prelude::*;

use super::{Compared, Error, Managed, OneVersion, Operation, Scale, Versions, Write, apply, keep_times, update};
use crate::deep;
use crate::fields::{Filter, Set};
use crate::typed::Type;

fn tree(text: &str) -> Tree {
    parse(text.as_bytes()).unwrap().tree
}

fn kind(name: &str) -> Type<'static> {
    let id = built_in().named(name).unwrap();
    Type::object(built_in(), Some(id))
}

fn by<'w>(manager: &'w str, now: &'w str) -> Write<'w> {
    Write {
        kind: kind("io.k8s.api.core.v1.ConfigMap"),
        api_version: "v1",
        kind_name: "ConfigMap",
        manager,
        subresource: "",
        now,
        filters: &[],
        versions: &OneVersion,
    }
}

fn config(data: &str) -> Tree {
    tree(&format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"m"}},"data":{data}}}"#
    ))
}

/// An object as it is stored: with a uid.
fn stored(mut object: Tree) -> Tree {
    object.child("metadata").set("uid", "u");
    object
}

fn applied(old: Option<&Tree>, manager: &str, now: &str, data: &str, force: bool) -> Tree {
    stored(apply(&by(manager, now), old, &config(data), force).unwrap())
}

fn updated(old: Option<&Tree>, manager: &str, now: &str, data: &str) -> Tree {
    let mut new = old.cloned().unwrap_or_else(|| config("null"));
    new.set("data", tree(data));
    update(&by(manager, now), old, &mut new).unwrap();
    stored(new)
}

/// The managers in their order: name, operation, time, fields.
fn managers(object: &Tree) -> Vec<String> {
    let entries = object.at("metadata").items("managedFields").iter();
    entries
        .map(|entry| {
            let fields = Set::from_tree(entry.at("fieldsV1")).unwrap().paths().join(" ");
            let (name, operation, time) = (entry.text("manager"), entry.text("operation"), entry.text("time"));
            format!("{name} {operation} {time}: {fields}")
        })
        .collect()
}

#[test]
fn a_map_without_entries_is_nobody_s() {
    let mut new = tree(
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m","labels":{}},"data":{"a":""},"binaryData":{}}"#,
    );
    update(&by("b", "t"), None, &mut new).unwrap();
    let fields = &new.at("metadata").items("managedFields")[0].at("fieldsV1").to_json();
    assert_eq!(String::from_utf8_lossy(fields), r#"{"f:data":{".":{},"f:a":{}}}"#);
    assert!(new.has("binaryData"), "only what is noted changes");
}

#[test]
fn an_update_owns_what_it_changed() {
    let one = updated(None, "a", "t1", r#"{"x":"1","y":"1"}"#);
    assert_eq!(managers(&one), ["a Update t1: .data .data.x .data.y"]);
    let two = updated(Some(&one), "b", "t2", r#"{"x":"2","y":"1","z":"1"}"#);
    assert_eq!(
        managers(&two),
        ["a Update t1: .data .data.y", "b Update t2: .data.x .data.z"]
    );
    // What goes away belongs to nobody, and going away is no reason for a new time.
    let three = updated(Some(&two), "b", "t3", r#"{"x":"2","y":"1"}"#);
    assert_eq!(managers(&three), ["a Update t1: .data .data.y", "b Update t2: .data.x"]);
    // An update that changes nothing changes nothing.
    assert_eq!(updated(Some(&three), "c", "t4", r#"{"x":"2","y":"1"}"#), three);
}

#[test]
fn an_apply_owns_what_it_says() {
    let one = applied(None, "a", "t1", r#"{"x":"1"}"#, false);
    assert_eq!(managers(&one), ["a Apply t1: .data.x"]);
    // Saying what is so is sharing it; what changed nothing has no time.
    let two = applied(Some(&one), "b", "t2", r#"{"x":"1"}"#, false);
    assert_eq!(managers(&two), ["b Apply : .data.x", "a Apply t1: .data.x"]);
    // What one no longer says stays while another does, and goes with the last.
    let three = applied(Some(&two), "a", "t3", r#"{"y":"1"}"#, false);
    assert_eq!(three.at("data"), &tree(r#"{"x":"1","y":"1"}"#));
    assert_eq!(managers(&three), ["b Apply : .data.x", "a Apply t3: .data.y"]);
    let four = applied(Some(&three), "b", "t4", r#"{"z":"1"}"#, false);
    assert_eq!(four.at("data"), &tree(r#"{"y":"1","z":"1"}"#));
    // Applying nothing is owning nothing.
    let five = applied(Some(&four), "b", "t5", "null", false);
    assert_eq!(five.at("data"), &tree(r#"{"y":"1"}"#));
    assert_eq!(managers(&five), ["a Apply t3: .data.y", "b Apply t5: .data"]);
}

#[test]
fn fields_of_others_need_force() {
    let one = applied(None, "a", "t1", r#"{"x":"1","y":"1"}"#, false);
    let two = updated(Some(&one), "b", "t2", r#"{"x":"2","y":"1","z":"1"}"#);
    let refused = |data| match apply(&by("c", "t3"), Some(&two), &config(data), false) {
        Err(Error::Conflicts(conflicts)) => conflicts,
        other => panic!("{other:?}"),
    };
    let one_conflict = refused(r#"{"y":"3"}"#);
    assert_eq!(
        one_conflict.to_string(),
        r#"Apply failed with 1 conflict: conflict with "a": .data.y"#
    );
    let conflicts = refused(r#"{"x":"3","y":"3","z":"3"}"#);
    assert_eq!(
        conflicts.to_string(),
        "Apply failed with 3 conflicts: conflicts with \"a\":\n- .data.y\nconflicts with \"b\" using v1:\n- .data.x\n- .data.z"
    );
    let causes = conflicts.causes();
    let causes: Vec<(&str, &str)> = causes.iter().map(|cause| (&*cause.field, &*cause.message)).collect();
    assert_eq!(
        causes,
        [
            (".data.y", r#"conflict with "a""#),
            (".data.x", r#"conflict with "b" using v1"#),
            (".data.z", r#"conflict with "b" using v1"#),
        ]
    );
    let three = applied(Some(&two), "c", "t3", r#"{"x":"3","y":"3"}"#, true);
    assert_eq!(
        managers(&three),
        ["c Apply t3: .data.x .data.y", "b Update t2: .data.z"]
    );
}

#[test]
fn what_was_there_before_the_first_apply_has_a_manager() {
    let old = stored(config(r#"{"x":"1","y":"1"}"#));
    let same = applied(Some(&old), "a", "t1", r#"{"x":"1"}"#, false);
    assert_eq!(
        managers(&same),
        [
            "a Apply : .data.x",
            "before-first-apply Update t1: .data .data.x .data.y"
        ]
    );
    let error = apply(&by("a", "t1"), Some(&old), &config(r#"{"x":"2"}"#), false).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.x"#
    );
    // Nobody tracks an object that has no managers, until something is applied.
    assert_eq!(
        managers(&updated(Some(&old), "b", "t1", r#"{"x":"2"}"#)),
        Vec::<String>::new()
    );
}

#[test]
fn a_request_may_set_managed_fields() {
    let old = updated(None, "a", "t1", r#"{"x":"1"}"#);
    let with = |fields: &str, subresource| {
        let mut new = old.clone();
        new.child("metadata").set("managedFields", tree(fields));
        let write = Write {
            subresource,
            ..by("b", "t2")
        };
        update(&write, Some(&old), &mut new).unwrap();
        managers(&new)
    };
    for reset in ["[]", "[{}]", r#"[{"manager":"","fieldsV1":null}]"#] {
        assert_eq!(with(reset, ""), Vec::<String>::new(), "{reset}");
    }
    let own = ["a Update t1: .data .data.x"];
    let other =
        r#"[{"manager":"z","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{}}}]"#;
    assert_eq!(with(other, ""), ["z Apply : .data"]);
    for ignored in ["null", r#"[{"manager":"z"}]"#] {
        assert_eq!(with(ignored, ""), own, "{ignored}");
    }
    assert_eq!(with(other, "status"), own);
    assert_eq!(with("[]", "status"), own);
}

#[test]
fn configurations_are_checked() {
    let refused = |config: Tree| match apply(&by("a", "t"), None, &config, false) {
        Err(Error::Refused(message) | Error::Failed(message)) => message,
        other => panic!("{other:?}"),
    };
    let mut other = config("{}");
    other.set("apiVersion", "apps/v1");
    assert_eq!(refused(other), "invalid object type: apps/v1, Kind=ConfigMap");
    assert_eq!(
        refused(tree(r#"{"apiVersion":"v1"}"#)),
        "invalid object type: /v1, Kind="
    );
    let mut torn = config("{}");
    torn.set("apiVersion", "a/b/c");
    assert_eq!(refused(torn), "invalid object type: /, Kind=");
    // The core group may be written with its slash.
    let mut slashed = config(r#"{"x":"1"}"#);
    slashed.set("apiVersion", "/v1");
    let new = apply(&by("a", "t"), None, &slashed, false).unwrap();
    assert_eq!(new.at("data").text("x"), "1");
    let mut own = config("{}");
    own.child("metadata").set("managedFields", tree("[]"));
    assert_eq!(refused(own), "metadata.managedFields must be nil");
    let mut odd = config(r#"{"a":1}"#);
    odd.child("metadata").set("namespace", "n");
    assert_eq!(
        refused(odd),
        "failed to create typed patch object (n/m; /v1, Kind=ConfigMap): .data.a: expected string, got &value.valueUnstructured{Value:1}"
    );
    let mut broken = stored(config("{}"));
    broken
        .child("metadata")
        .set("managedFields", tree(r#"[{"operation":"Apply"}]"#));
    let error = apply(&by("a", "t"), Some(&broken), &config("{}"), false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to decode managed fields: apiVersion must not be empty"
    );
}

#[test]
fn lists_of_managers_are_read_as_upstream_reads_them() {
    let entry = r#""manager":"m","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1""#;
    for (list, message) in [
        (
            r#"[{"operation":"Get"}]"#.to_owned(),
            "operation must be `Apply` or `Update`",
        ),
        (r#"[{"operation":"Apply"}]"#.to_owned(), "apiVersion must not be empty"),
        (
            r#"[{"operation":"Apply","apiVersion":"v1"}]"#.to_owned(),
            "missing fieldsType in managed fields entry 0",
        ),
        (
            format!(r#"[{{{entry}}},{{"operation":"Apply","apiVersion":"v1","fieldsType":"V2"}}]"#),
            "invalid fieldsType \"V2\" in managed fields entry 1",
        ),
        (
            format!(r#"[{{{entry},"fieldsV1":{{"x":{{}}}}}}]"#),
            "error decoding versioned set from m Update v1: error decoding set: parsing key as path element: key must be 2 characters long:",
        ),
    ] {
        assert_eq!(
            Managed::from_tree(&tree(&list)).unwrap_err().to_string(),
            message,
            "{list}"
        );
    }
    // The later of two counts, and those without fields own the whole object, which is nothing.
    let list = format!(r#"[{{{entry},"fieldsV1":{{"f:a":{{}}}}}},{{{entry},"time":"t"}}]"#);
    let managed = Managed::from_tree(&tree(&list)).unwrap();
    let (manager, entry) = managed.iter().next().unwrap();
    assert_eq!(
        (manager.operation, entry.fields.len(), entry.time.as_deref()),
        (Operation::Update, 0, Some("t"))
    );
    assert_eq!(managed.get(manager), Some(entry));
}

#[test]
fn managers_are_written_in_order() {
    let entry = |manager: &str, operation: &str, version: &str, rest: &str| {
        format!(
            r#"{{"manager":"{manager}","operation":"{operation}","apiVersion":"{version}","fieldsType":"FieldsV1","fieldsV1":{{"f:a":{{}}}}{rest}}}"#
        )
    };
    let sorted = [
        entry("z", "Apply", "v1", ""),
        entry("b", "Apply", "v1", r#","time":"2020-01-01T00:00:00Z""#),
        entry("a", "Apply", "v1", r#","time":"2020-01-02T00:00:00Z""#),
        entry("a", "Update", "v1", ""),
        entry("a", "Update", "v1", r#","subresource":"status""#),
        entry("a", "Update", "v2", ""),
        entry("b", "Update", "v1", ""),
        entry("a", "Update", "v3", r#","time":"2020-01-01T00:00:00Z""#),
    ];
    let expected = tree(&format!("[{}]", sorted.join(",")));
    let mixed: Vec<&str> = [5, 2, 7, 0, 4, 6, 1, 3].map(|at: usize| &*sorted[at]).to_vec();
    let managed = Managed::from_tree(&tree(&format!("[{}]", mixed.join(",")))).unwrap();
    assert_eq!(managed.to_tree(), expected);
    assert_eq!(Managed::default().to_tree(), Tree::Null);
}

#[test]
fn the_oldest_updaters_are_joined() {
    let mut object = updated(None, "first", "t000", r#"{"k":"v"}"#);
    for at in 1..13 {
        let data: Vec<String> = (0..=at).map(|at| format!("\"k{at}\":\"v\"")).collect();
        let (manager, now) = (format!("m{at:02}"), format!("t{at:03}"));
        object = updated(Some(&object), &manager, &now, &format!("{{{}}}", data.join(",")));
    }
    let found = managers(&object);
    assert_eq!(found.len(), 10);
    assert_eq!(
        found[..2],
        [
            "ancient-changes Update t003: .data .data.k0 .data.k1 .data.k2 .data.k3",
            "m04 Update t004: .data.k4"
        ]
    );
}

#[test]
fn what_does_not_count_is_nobody_s() {
    let filters = [("v1", Filter::Without(Set::of(&[&["data", "status"]])))];
    let write = |manager| Write {
        filters: &filters,
        ..by(manager, "t")
    };
    let one = stored(apply(&write("a"), None, &config(r#"{"x":"1","status":"1"}"#), false).unwrap());
    assert_eq!(managers(&one), ["a Apply t: .data.x"]);
    let mut two = one.clone();
    two.child("data").set("status", "2");
    two.child("data").set("y", "2");
    update(&write("b"), Some(&one), &mut two).unwrap();
    assert_eq!(managers(&two), ["a Apply t: .data.x", "b Update t: .data.y"]);
    // Nor does it conflict.
    let three = apply(&write("c"), Some(&two), &config(r#"{"status":"3"}"#), false).unwrap();
    assert_eq!(three.at("data").text("status"), "3");
}

/// Version 2 calls `data` `binaryData`.
struct Renamed;

fn renamed(object: &Tree, from: &str, to: &str) -> Tree {
    let mut object = object.clone();
    let data = object.remove(from);
    object.set(to, data.unwrap_or_default());
    object
}

impl Versions for Renamed {
    fn kind(&self, version: &str) -> Option<Type<'_>> {
        (version == "v2" || version == "v1").then(|| kind("io.k8s.api.core.v1.ConfigMap"))
    }

    fn convert(&self, object: &Tree, version: &str) -> Result<Tree, String> {
        match version {
            "v2" if object.at("data").has("odd") => Err("odd".to_owned()),
            "v2" => Ok(renamed(object, "data", "binaryData")),
            _ => Ok(renamed(object, "binaryData", "data")),
        }
    }
}

#[test]
fn managers_of_other_versions_keep_their_words() {
    let old = |version| {
        let mut old = stored(config(r#"{"x":"1","y":"1"}"#));
        let entry = format!(
            r#"[{{"manager":"a","operation":"Apply","apiVersion":"{version}","fieldsType":"FieldsV1","fieldsV1":{{"f:binaryData":{{"f:x":{{}},"f:y":{{}}}}}}}}]"#
        );
        old.child("metadata").set("managedFields", tree(&entry));
        old
    };
    let write = |manager| Write {
        versions: &Renamed,
        ..by(manager, "t")
    };
    // Another conflicts with what it is called there.
    let error = apply(&write("b"), Some(&old("v2")), &config(r#"{"x":"2"}"#), false).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"Apply failed with 1 conflict: conflict with "a": .binaryData.x"#
    );
    // The manager itself moves to the new version, and what it no longer applies goes.
    let own = stored(apply(&write("a"), Some(&old("v2")), &config(r#"{"x":"1"}"#), false).unwrap());
    assert_eq!(own.at("data"), &tree(r#"{"x":"1"}"#));
    assert_eq!(managers(&own), ["a Apply t: .data.x"]);
    let mut new = old("v2");
    new.child("data").set("x", "3");
    update(&write("b"), Some(&old("v2")), &mut new).unwrap();
    assert_eq!(managers(&new), ["a Apply : .binaryData.y", "b Update t: .data.x"]);
    // Of a version that is no longer served nobody knows the words.
    let gone = apply(&write("b"), Some(&old("v0")), &config(r#"{"x":"2"}"#), false).unwrap();
    assert_eq!(managers(&gone), ["b Apply t: .data.x"]);
    // An object that cannot be converted loses its managers at an update.
    let mut odd = old("v2");
    odd.child("data").set("odd", "1");
    let error = update(&write("b"), Some(&old("v2")), &mut odd).unwrap_err();
    assert_eq!(error.to_string(), "failed to convert new object: odd");
    assert_eq!(odd.below(&["metadata", "managedFields"]), &Tree::Null);
}

#[test]
fn a_write_that_changes_times_only_keeps_the_old_ones() {
    let one = applied(None, "a", "t1", r#"{"x":"1"}"#, false);
    let later = |data: &str| {
        let mut new = one.clone();
        let mut fields = new.below(&["metadata", "managedFields"]).clone();
        fields.as_list_mut().unwrap()[0].set("time", "t2");
        new.child("metadata").set("managedFields", fields);
        new.set("data", tree(data));
        new
    };
    let mut same = later(r#"{"x":"1"}"#);
    assert_eq!(keep_times(&one, &mut same), Compared::Equal);
    assert_eq!(same, one);
    assert_eq!(keep_times(&one, &mut same), Compared::ManagersDiffer);
    let mut other = later(r#"{"x":"2"}"#);
    assert_eq!(keep_times(&one, &mut other), Compared::ObjectsDiffer);
    assert_eq!(managers(&other), ["a Apply t2: .data.x"]);
}

#[test]
fn a_scale_shows_who_set_the_replicas() {
    let scale = Scale {
        api_version: "apps/v1",
        paths: &[("apps/v1", &["spec", "replicas"]), ("v1beta1", &["spec", "count"])],
    };
    let entry = |manager: &str, operation: &str, version: &str, fields: &str| {
        format!(
            r#"{{"manager":"{manager}","operation":"{operation}","apiVersion":"{version}","fieldsType":"FieldsV1","fieldsV1":{fields},"time":"t"}}"#
        )
    };
    let parent = tree(&format!(
        "[{},{},{}]",
        entry("a", "Apply", "apps/v1", r#"{"f:spec":{"f:paused":{},"f:replicas":{}}}"#),
        entry("b", "Update", "v1beta1", r#"{"f:spec":{"f:count":{}}}"#),
        entry("c", "Update", "v0", r#"{"f:spec":{"f:count":{}}}"#),
    ));
    let shown = scale.of_scale(&parent).unwrap();
    assert_eq!(
        shown,
        tree(&format!(
            "[{},{}]",
            entry("a", "Apply", "autoscaling/v1", r#"{"f:spec":{"f:replicas":{}}}"#),
            entry("b", "Update", "autoscaling/v1", r#"{"f:spec":{"f:replicas":{}}}"#),
        ))
    );
    // A scale that says the same leaves the applier as it was; an updater comes back in the object's version.
    let same = Managed::from_tree(&scale.of_parent(&parent, &shown).unwrap()).unwrap();
    let fields: Vec<(&str, Vec<String>)> = same
        .iter()
        .map(|(manager, entry)| (&*manager.name, entry.fields.paths()))
        .collect();
    assert_eq!(
        fields,
        [
            ("a", vec![".spec.paused".to_owned(), ".spec.replicas".to_owned()]),
            ("b", vec![".spec.replicas".to_owned()]),
        ]
    );
    // Whom the scale does not name has lost them.
    let taken = tree(&format!(
        "[{}]",
        entry("s", "Update", "autoscaling/v1", r#"{"f:spec":{"f:replicas":{}}}"#)
    ));
    let after = Managed::from_tree(&scale.of_parent(&parent, &taken).unwrap()).unwrap();
    let fields: Vec<(&str, Option<&str>, Vec<String>)> = after
        .iter()
        .map(|(manager, entry)| (&*manager.name, entry.time.as_deref(), entry.fields.paths()))
        .collect();
    assert_eq!(
        fields,
        [
            ("a", Some("t"), vec![".spec.paused".to_owned()]),
            ("s", None, vec![".spec.replicas".to_owned()]),
        ]
    );
}

/// A write of an object without a schema.
fn free(manager: &str) -> Write<'_> {
    Write {
        kind: Type::Deduced,
        api_version: "x/v1",
        kind_name: "X",
        ..by(manager, "t")
    }
}

fn object(spec: Tree) -> Tree {
    let mut object = tree(r#"{"apiVersion":"x/v1","kind":"X","metadata":{}}"#);
    object.set("spec", spec);
    object
}

#[test]
fn fields_too_deep_to_be_read_again_are_nobody_s() {
    let shallow = apply(&free("a"), None, &object(tree(r#"{"a":1}"#)), false).unwrap();
    assert_eq!(managers(&shallow), ["a Apply t: .spec .spec.a"]);
    deep::with_stack(|| {
        let inner = |end| deep::document("a", end).at("a").clone();
        let created = apply(&free("a"), None, &object(inner("1")), false).unwrap();
        assert_eq!(managers(&created), Vec::<String>::new());
        let old = stored(created);
        let mut new = object(inner("2"));
        update(&free("b"), None, &mut new).unwrap();
        assert!(parse(&new.to_json()).is_ok());
        apply(&free("a"), Some(&old), &object(tree(r#"{"a":1}"#)), true).unwrap();
    });
}

fn any_data() -> impl Strategy<Value = String> {
    prop::collection::btree_map("[abc]", "[12]", 0..4).prop_map(|map| {
        let entries: Vec<String> = map
            .iter()
            .map(|(key, value)| format!("\"{key}\":\"{value}\""))
            .collect();
        format!("{{{}}}", entries.join(","))
    })
}

proptest! {
    #[test]
    fn what_is_applied_by_force_is_there_and_owned(
        steps in prop::collection::vec((0..3_usize, any::<bool>(), any_data()), 1..8),
    ) {
        let mut object: Option<Tree> = None;
        for (at, (manager, is_apply, data)) in steps.iter().enumerate() {
            let (name, now) = (["a", "b", "c"][*manager], format!("t{at}"));
            let new = if *is_apply {
                applied(object.as_ref(), name, &now, data, true)
            } else {
                updated(object.as_ref(), name, &now, data)
            };
            let wanted = tree(data);
            if *is_apply {
                for (key, value) in wanted.as_map().unwrap().iter() {
                    prop_assert_eq!(new.at("data").text(key), value.as_str().unwrap());
                }
            }
            // Nobody owns what is not there.
            let managed = Managed::from_tree(new.below(&["metadata", "managedFields"])).unwrap();
            for (_, entry) in managed.iter() {
                for path in entry.fields.paths() {
                    if let Some(key) = path.strip_prefix(".data.") {
                        prop_assert!(new.at("data").has(key), "{} of {:?}", path, new);
                    }
                }
            }
            object = Some(new);
        }
    }
}
