//! Walks over values of built-in types and of none.

use apiserver_api::tree::{MAX_DEPTH, Tree, parse};
use apiserver_schema::built_in;
use proptest::prelude::*;

use super::{Type, compare, extract, leaves, merge, reconciled, remove, validate, with_named_fields, zero};
use crate::deep;
use crate::fields::{Set, same};

fn tree(text: &str) -> Tree {
    parse(text.as_bytes()).unwrap().tree
}

fn set(text: &str) -> Set {
    Set::from_tree(&tree(text)).unwrap()
}

fn kind(name: &str) -> Type<'static> {
    let id = built_in().named(name).unwrap();
    Type::object(built_in(), Some(id))
}

fn pod() -> Type<'static> {
    kind("io.k8s.api.core.v1.Pod")
}

#[test]
fn leaves_are_what_a_value_says() {
    for (value, fields) in [
        // Scalars, and what is one piece.
        (
            r#"{"kind":"Pod","spec":{"nodeName":"n","nodeSelector":{"a":"b"},"tolerations":[{"key":"k"}]}}"#,
            r#"{"f:kind":{},"f:spec":{"f:nodeName":{},"f:nodeSelector":{},"f:tolerations":{}}}"#,
        ),
        // Entries of maps and items of lists are fields themselves, and what leads to them is not.
        (
            r#"{"metadata":{"labels":{"a":"b"},"finalizers":["x/y"]},"spec":{"containers":[{"name":"c","image":"i"}]}}"#,
            r#"{"f:metadata":{"f:labels":{"f:a":{}},"f:finalizers":{"v:\"x/y\"":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:name":{},"f:image":{}}}}}"#,
        ),
        // What says nothing is said.
        (
            r#"{"metadata":{"labels":{},"finalizers":[]},"spec":{"containers":null,"affinity":{}}}"#,
            r#"{"f:metadata":{"f:labels":{}},"f:spec":{"f:containers":{},"f:affinity":{}}}"#,
        ),
        // A key that is left out has its default.
        (
            r#"{"spec":{"containers":[{"name":"c","ports":[{"containerPort":80},{"containerPort":80,"protocol":"UDP"}]}]}}"#,
            r#"{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:name":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}},"k:{\"containerPort\":80,\"protocol\":\"UDP\"}":{".":{},"f:containerPort":{},"f:protocol":{}}}}}}}"#,
        ),
        // Items that cannot be told apart are one field.
        (
            r#"{"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"1"},{"name":"A","value":"2"},{"name":"B"}]}]}}"#,
            r#"{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:name":{},"f:env":{"k:{\"name\":\"A\"}":{},"k:{\"name\":\"B\"}":{".":{},"f:name":{}}}}}}}"#,
        ),
    ] {
        assert_eq!(leaves(pod(), &tree(value)), set(fields), "{value}");
    }
    assert_eq!(
        leaves(
            Type::Deduced,
            &tree(r#"{"spec":{"a":1,"l":[{"name":"x"}],"m":{"b":{}}},"n":null}"#)
        ),
        set(r#"{"f:spec":{".":{},"f:a":{},"f:l":{},"f:m":{".":{},"f:b":{}}},"f:n":{}}"#)
    );
}

#[test]
fn comparisons_tell_what_came_went_and_changed() {
    let pairs = [
        (
            r#"{"metadata":{"labels":{"a":"1","b":"2"}},"spec":{"nodeName":"n"}}"#,
            r#"{"metadata":{"labels":{"a":"3","c":"4"}},"spec":{"nodeName":"n","hostname":"h"}}"#,
            r#"{"f:metadata":{"f:labels":{"f:b":{}}}}"#,
            r#"{"f:metadata":{"f:labels":{"f:a":{}}}}"#,
            r#"{"f:metadata":{"f:labels":{"f:c":{}}},"f:spec":{"f:hostname":{}}}"#,
        ),
        // What is new is new with all that leads to it.
        (
            r#"{"metadata":{}}"#,
            r#"{"metadata":{"labels":{"a":"1"}},"spec":{"nodeSelector":{"x":"y"}}}"#,
            "{}",
            "{}",
            r#"{"f:metadata":{"f:labels":{".":{},"f:a":{}}},"f:spec":{".":{},"f:nodeSelector":{}}}"#,
        ),
        // Empty is not absent, and null is not empty.
        (
            r#"{"metadata":{"labels":{},"annotations":null},"spec":{"containers":[]}}"#,
            r#"{"metadata":{"labels":null},"spec":{"containers":null}}"#,
            r#"{"f:metadata":{"f:annotations":{}}}"#,
            r#"{"f:metadata":{"f:labels":{}},"f:spec":{"f:containers":{}}}"#,
            "{}",
        ),
        // Items by their keys, wherever they stand.
        (
            r#"{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b"}]}}"#,
            r#"{"spec":{"containers":[{"name":"c"},{"name":"a","image":"2"}]}}"#,
            r#"{"f:spec":{"f:containers":{"k:{\"name\":\"b\"}":{".":{},"f:name":{}}}}}"#,
            r#"{"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{"f:image":{}}}}}"#,
            r#"{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:name":{}}}}}"#,
        ),
    ];
    for (earlier, later, removed, modified, added) in pairs {
        let found = compare(pod(), &tree(earlier), &tree(later)).unwrap();
        assert_eq!(found.removed, set(removed), "{later}");
        assert_eq!(found.modified, set(modified), "{later}");
        assert_eq!(found.added, set(added), "{later}");
    }
}

#[test]
fn items_that_cannot_be_told_apart_are_compared_as_one() {
    let env = |items: &str| {
        tree(&format!(
            r#"{{"spec":{{"containers":[{{"name":"c","env":[{items}]}}]}}}}"#
        ))
    };
    let (one, other) = (r#"{"name":"A","value":"1"}"#, r#"{"name":"A","value":"2"}"#);
    let (once, twice) = (env(one), env(&format!("{one},{other}")));
    let turned = env(&format!("{other},{one}"));
    let below = |fields: &str| {
        set(&format!(
            r#"{{"f:spec":{{"f:containers":{{"k:{{\"name\":\"c\"}}":{{"f:env":{{"k:{{\"name\":\"A\"}}":{fields}}}}}}}}}}}"#
        ))
    };
    let found = compare(pod(), &twice, &turned).unwrap();
    assert_eq!((found.modified, found.added.is_empty()), (below("{}"), true));
    let found = compare(pod(), &once, &twice).unwrap();
    assert_eq!(
        (found.added, found.removed),
        (below("{}"), below(r#"{".":{},"f:name":{},"f:value":{}}"#))
    );
    let found = compare(pod(), &twice, &once).unwrap();
    assert_eq!(
        (found.removed, found.added),
        (below("{}"), below(r#"{".":{},"f:name":{},"f:value":{}}"#))
    );
    let account = kind("io.k8s.api.core.v1.ServiceAccount");
    let error = compare(
        account,
        &tree(r#"{"secrets":[{"name":"a"}]}"#),
        &tree(r#"{"secrets":[{"kind":"x"}]}"#),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        r#".secrets: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn't have default values for any key fields)"#
    );
}

#[test]
fn a_value_that_turns_into_another_kind_is_compared_as_both() {
    let found = compare(
        Type::Deduced,
        &tree(r#"{"a":{"x":1},"b":"s"}"#),
        &tree(r#"{"a":"s","b":{"y":1}}"#),
    )
    .unwrap();
    assert_eq!(found.removed, set(r#"{"f:a":{"f:x":{}}}"#));
    assert_eq!(found.modified, set(r#"{"f:a":{},"f:b":{}}"#));
    assert_eq!(found.added, set(r#"{"f:b":{"f:y":{}}}"#));
}

#[test]
fn the_upper_value_is_laid_over_the_lower() {
    for (lower, upper, merged) in [
        (
            r#"{"metadata":{"labels":{"a":"1","b":"2"}},"spec":{"nodeName":"n","nodeSelector":{"a":"b"}}}"#,
            r#"{"metadata":{"labels":{"b":"3"}},"spec":{"nodeSelector":{"c":"d"}}}"#,
            r#"{"metadata":{"labels":{"a":"1","b":"3"}},"spec":{"nodeName":"n","nodeSelector":{"c":"d"}}}"#,
        ),
        // Saying nothing takes nothing away.
        (
            r#"{"metadata":{"labels":{"a":"1"},"finalizers":["x"],"annotations":{}},"spec":{"nodeName":"n"}}"#,
            r#"{"metadata":{"labels":null,"finalizers":[],"annotations":null},"spec":{"nodeName":null}}"#,
            r#"{"metadata":{"labels":{"a":"1"},"finalizers":["x"],"annotations":null},"spec":{"nodeName":null}}"#,
        ),
        // Shared items stand in the upper's order, the lower's own at their places.
        (
            r#"{"metadata":{"finalizers":["a","b","c","d"]}}"#,
            r#"{"metadata":{"finalizers":["d","x","b"]}}"#,
            r#"{"metadata":{"finalizers":["a","c","d","x","b"]}}"#,
        ),
        (
            r#"{"metadata":{"finalizers":["a","b","c"]}}"#,
            r#"{"metadata":{"finalizers":["x","b"]}}"#,
            r#"{"metadata":{"finalizers":["a","x","b","c"]}}"#,
        ),
        (
            r#"{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"}]}}"#,
            r#"{"spec":{"containers":[{"name":"b","image":"2"},{"name":"c"}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"},{"name":"c"}]}}"#,
        ),
        // Of items that cannot be told apart none is merged.
        (
            r#"{"spec":{"containers":[{"name":"a","image":"1"},{"name":"a","tty":true}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","stdin":true}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","stdin":true}]}}"#,
        ),
    ] {
        let found = merge(pod(), &tree(lower), &tree(upper));
        assert_eq!(found, tree(merged), "{upper}");
    }
    let found = merge(
        Type::Deduced,
        &tree(r#"{"a":{"b":1,"c":[1]},"d":1}"#),
        &tree(r#"{"a":{"c":[2]},"d":{"e":1}}"#),
    );
    assert_eq!(found, tree(r#"{"a":{"b":1,"c":[2]},"d":{"e":1}}"#));
}

#[test]
fn fields_are_taken_away() {
    let value = tree(
        r#"{"metadata":{"labels":{"a":"1","b":"2"},"finalizers":["x","y"]},"spec":{"containers":[{"name":"c","image":"i"}],"nodeSelector":{"a":"b"},"nodeName":"n"}}"#,
    );
    for (fields, left) in [
        (
            r#"{"f:metadata":{"f:labels":{"f:a":{}},"f:finalizers":{"v:\"y\"":{}}},"f:spec":{"f:nodeName":{}}}"#,
            r#"{"metadata":{"labels":{"b":"2"},"finalizers":["x"]},"spec":{"containers":[{"name":"c","image":"i"}],"nodeSelector":{"a":"b"}}}"#,
        ),
        // What loses its last part becomes null, as does one piece that would lose a part.
        (
            r#"{"f:metadata":{"f:labels":{"f:a":{},"f:b":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{}},"f:nodeSelector":{"f:a":{}}}}"#,
            r#"{"metadata":{"labels":null,"finalizers":["x","y"]},"spec":{"containers":null,"nodeSelector":null,"nodeName":"n"}}"#,
        ),
        (
            r#"{"f:metadata":{},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{"f:image":{}},"k:{\"name\":\"z\"}":{}},"f:nodeName":{"f:x":{}}}}"#,
            r#"{"spec":{"containers":[{"name":"c"}],"nodeSelector":{"a":"b"},"nodeName":"n"}}"#,
        ),
        (
            "{}",
            r#"{"metadata":{"labels":{"a":"1","b":"2"},"finalizers":["x","y"]},"spec":{"containers":[{"name":"c","image":"i"}],"nodeSelector":{"a":"b"},"nodeName":"n"}}"#,
        ),
    ] {
        let mut found = value.clone();
        remove(pod(), &mut found, &set(fields));
        assert_eq!(found, tree(left), "{fields}");
    }
    let mut all = tree(r#"{"kind":"Pod"}"#);
    remove(pod(), &mut all, &set(r#"{"f:kind":{}}"#));
    assert_eq!(all, Tree::Null);
    let fields = set(
        r#"{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{"f:image":{}}},"f:nodeSelector":{}}}"#,
    );
    assert_eq!(
        extract(pod(), &value, &fields),
        tree(
            r#"{"metadata":{"labels":{"a":"1"}},"spec":{"containers":[{"name":"c","image":"i"}],"nodeSelector":{"a":"b"}}}"#
        )
    );
}

#[test]
fn sets_are_made_to_fit_types() {
    assert_eq!(
        with_named_fields(
            pod(),
            &set(
                r#"{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{"f:resources":{"f:limits":{"f:cpu":{}}}}}},"f:x":{"f:y":{}}}"#
            )
        ),
        set(
            r#"{"f:metadata":{".":{},"f:labels":{".":{},"f:a":{}}},"f:spec":{".":{},"f:containers":{".":{},"k:{\"name\":\"c\"}":{"f:resources":{".":{},"f:limits":{".":{},"f:cpu":{}}}}}},"f:x":{"f:y":{}}}"#
        )
    );
    // What became one piece is owned as a whole.
    assert_eq!(
        reconciled(
            pod(),
            &set(
                r#"{"f:spec":{"f:nodeSelector":{"f:a":{}},"f:tolerations":{".":{},"i:0":{"f:key":{}}},"f:containers":{"k:{\"name\":\"c\"}":{"f:command":{"v:\"x\"":{}},"f:image":{}}}}}"#
            )
        ),
        Some(set(
            r#"{"f:spec":{"f:nodeSelector":{},"f:tolerations":{},"f:containers":{"k:{\"name\":\"c\"}":{"f:command":{},"f:image":{}}}}}"#
        ))
    );
    let fits = set(r#"{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:nodeSelector":{}},"f:unknown":{"f:x":{}}}"#);
    assert_eq!(reconciled(pod(), &fits), None);
    assert_eq!(reconciled(Type::Deduced, &set(r#"{"f:l":{"i:0":{}}}"#)), None);
}

#[test]
fn what_does_not_fit_is_told_as_upstream_does() {
    for (value, message) in [
        (r#"{"spec":{"nope":1}}"#, ".spec.nope: field not declared in schema"),
        (
            r#"{"spec":{"nodeName":1,"priority":"x","hostNetwork":"y"}}"#,
            "errors:\n  .spec.hostNetwork: expected boolean, got &{y}\n  .spec.nodeName: expected string, got &value.valueUnstructured{Value:1}\n  .spec.priority: expected numeric (int or float), got string",
        ),
        (
            r#"{"spec":{"containers":{}}}"#,
            ".spec.containers: expected list, got &{map[]}",
        ),
        (r#"{"spec":[]}"#, ".spec: expected map, got &{[]}"),
        (
            r#"{"spec":{"containers":[{"name":"a"},{"name":"b"},{"name":"a"}]}}"#,
            r#".spec.containers: duplicate entries for key [name="a"]"#,
        ),
        (
            r#"{"metadata":{"finalizers":["x",1,null]}}"#,
            "errors:\n  .metadata.finalizers[=1]: expected string, got &value.valueUnstructured{Value:1}\n  .metadata.finalizers: element 2: associative list without keys has an element that's an explicit null",
        ),
        (
            r#"{"spec":{"containers":[null]}}"#,
            ".spec.containers: element 0: associative list with keys may not have a null element",
        ),
        (
            r#"{"spec":{"containers":["x"]}}"#,
            ".spec.containers: element 0: associative list with keys may not have non-map elements",
        ),
        (
            r#"{"spec":{"tolerations":[{"key":"k"},{"key":1}]}}"#,
            ".spec.tolerations[1].key: expected string, got &value.valueUnstructured{Value:1}",
        ),
        (
            r#"{"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":[]}}}]}}"#,
            r#".spec.containers[name="c"].resources.limits.cpu: expected any scalar, got &{[]}"#,
        ),
    ] {
        let error = validate(pod(), &tree(value)).unwrap_err();
        assert_eq!(error.to_string(), message, "{value}");
    }
    let fine = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"labels":null},"spec":{"containers":[{"image":"i","livenessProbe":{"httpGet":{"port":"x"}}}]}}"#;
    assert_eq!(validate(pod(), &tree(fine)), Ok(()));
    assert_eq!(validate(Type::Deduced, &tree(r#"{"a":[1,null,{"b":{}}]}"#)), Ok(()));
}

#[test]
fn an_object_begins_with_what_go_never_leaves_out() {
    assert_eq!(
        zero(kind("io.k8s.api.apps.v1.Deployment")),
        tree(
            r#"{"metadata":{},"spec":{"selector":null,"strategy":{},"template":{"metadata":{},"spec":{"containers":null}}},"status":{}}"#
        )
    );
    assert_eq!(zero(Type::Deduced), Tree::map());
}

#[test]
fn what_is_wrong_is_told_until_it_would_be_a_book() {
    let name = "n".repeat(1 << 20);
    let wrong: Vec<String> = (0..20_000)
        .map(|at| format!(r#"{{"name":"{at}","value":1}}"#))
        .collect();
    let pod_of = |name: &str| {
        let env = wrong.join(",");
        tree(&format!(
            r#"{{"spec":{{"containers":[{{"name":"{name}","env":[{env}]}}]}}}}"#
        ))
    };
    let few = validate(pod(), &pod_of("n")).unwrap_err();
    assert_eq!(few.0.len(), 20_000);
    let told = validate(pod(), &pod_of(&name)).unwrap_err();
    assert_eq!(told.0.len(), 8);
    assert_eq!(
        told.0[0].path,
        format!(r#".spec.containers[name="{name}"].env[name="0"].value"#)
    );
}

#[test]
fn deep_values_do_not_end_the_stack() {
    deep::with_stack(|| {
        let (one, other) = (deep::document("a", "1"), deep::document("a", "2"));
        let changes = compare(Type::Deduced, &one, &other).unwrap();
        assert_eq!((changes.modified.len(), changes.modified.depth()), (1, MAX_DEPTH - 1));
        assert_eq!(merge(Type::Deduced, &one, &other), other);
        let fields = leaves(Type::Deduced, &one);
        assert_eq!(Set::from_tree(&fields.to_tree()), Ok(fields.clone()));
        assert!(changes.modified.is_within(&fields) && validate(Type::Deduced, &one).is_ok());
        let all = with_named_fields(Type::Deduced, &fields.clone().union(fields.leaves()));
        let mut kept = one.clone();
        remove(Type::Deduced, &mut kept, &changes.modified);
        assert_eq!(
            leaves(Type::Deduced, &kept).len(),
            all.difference(&changes.modified).len()
        );
        assert!(same(&extract(Type::Deduced, &one, &fields), &one));
        assert!(!fields.to_json().is_empty() && !fields.paths().is_empty());
    });
}

fn any_object() -> impl Strategy<Value = Tree> {
    let scalar = prop_oneof![
        Just(Tree::Null),
        (0_i64..3).prop_map(Tree::from),
        "[xy]".prop_map(Tree::from)
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Tree::from),
            prop::collection::vec(("[abc]", inner), 0..4).prop_map(|entries| Tree::Map(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn equal_values_do_not_differ(value in any_object()) {
        prop_assert!(compare(Type::Deduced, &value, &value).unwrap().is_same());
        prop_assert!(same(&merge(Type::Deduced, &value, &value), &value));
    }

    #[test]
    fn what_is_applied_is_there(lower in any_object(), upper in any_object()) {
        let (lower, upper) = (Tree::Map([("o", lower)].into_iter().collect()), Tree::Map([("o", upper)].into_iter().collect()));
        let merged = merge(Type::Deduced, &lower, &upper);
        prop_assert!(same(&merge(Type::Deduced, &merged, &upper), &merged));
        let changes = compare(Type::Deduced, &lower, &upper).unwrap();
        let back = compare(Type::Deduced, &upper, &lower).unwrap();
        prop_assert_eq!(changes.added, back.removed);
        prop_assert_eq!(changes.modified, back.modified);
    }

    #[test]
    fn what_is_taken_away_is_gone(value in any_object()) {
        let value = Tree::Map([("o", value)].into_iter().collect());
        let fields = leaves(Type::Deduced, &value);
        let mut left = value.clone();
        remove(Type::Deduced, &mut left, &fields);
        prop_assert_eq!(left, Tree::Null);
        prop_assert!(same(&extract(Type::Deduced, &value, &fields), &value));
    }
}
