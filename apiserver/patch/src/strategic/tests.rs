//! Directives one by one, on built-in types.

use apiserver_api::tree::{Tree, parse};
use apiserver_schema::{TypeId, built_in};
use proptest::prelude::*;

use super::{Answer, Error, apply};
use crate::deep;
use crate::go::Plain;

fn tree(text: &str) -> Tree {
    parse(text.as_bytes()).unwrap().tree
}

fn kind(name: &str) -> TypeId {
    built_in().named(name).unwrap()
}

fn pod() -> TypeId {
    kind("io.k8s.api.core.v1.Pod")
}

fn patched(object: &str, patch: &str) -> Result<Tree, Error> {
    apply(tree(object), &mut tree(patch), built_in(), Some(pod()))
}

fn check(cases: &[(&str, &str, &str)]) {
    for (object, patch, result) in cases {
        assert_eq!(patched(object, patch), Ok(tree(result)), "{patch}");
    }
}

#[test]
fn objects_are_merged() {
    check(&[
        (
            r#"{"metadata":{"labels":{"a":"1","b":"2"}},"spec":{"nodeName":"n"}}"#,
            r#"{"metadata":{"labels":{"a":null,"c":"3"}},"spec":{"hostname":"h","nodeName":null}}"#,
            r#"{"metadata":{"labels":{"b":"2","c":"3"}},"spec":{"hostname":"h"}}"#,
        ),
        // What was not there takes the patch's value without nulls and directives.
        (
            r#"{"metadata":{}}"#,
            r#"{"metadata":{"labels":{"a":null,"b":"2"},"annotations":{"$patch":"replace"}},"spec":{"tolerations":[{"$patch":"replace"},{"key":null}]}}"#,
            r#"{"metadata":{"labels":{"b":"2"}},"spec":{"tolerations":[{}]}}"#,
        ),
        // So does what was of another type.
        (
            r#"{"metadata":{"labels":"x","annotations":{"a":"b"}}}"#,
            r#"{"metadata":{"labels":{"a":null},"annotations":7}}"#,
            r#"{"metadata":{"labels":{},"annotations":7}}"#,
        ),
        (
            r#"{"metadata":{"labels":{"a":"1"},"annotations":{"a":"1"}},"spec":{"nodeSelector":{"x":"y"}}}"#,
            r#"{"metadata":{"labels":{"$patch":"replace","b":"2"},"annotations":{"$patch":"delete","c":"3"}},"spec":{"nodeSelector":{"z":null}}}"#,
            r#"{"metadata":{"labels":{"b":"2"},"annotations":{}},"spec":{"nodeSelector":{"x":"y"}}}"#,
        ),
        (r#"{"kind":"Pod"}"#, "null", r#"{"kind":"Pod"}"#),
        (
            r#"{"kind":"Pod"}"#,
            r#"{"$patch":"replace","x":{"$patch":"delete"}}"#,
            r#"{"x":{"$patch":"delete"}}"#,
        ),
    ]);
}

#[test]
fn lists_of_objects_are_merged_by_key() {
    let object = r#"{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"},{"name":"c"}],"tolerations":[{"key":"k"}]}}"#;
    for (patch, containers) in [
        (
            r#"[{"name":"b","image":"2"},{"name":"d","args":null}]"#,
            r#"[{"name":"a","image":"1"},{"name":"b","image":"2"},{"name":"d","args":null},{"name":"c"}]"#,
        ),
        // The patch's items stand as the patch has them.
        (
            r#"[{"name":"c","image":"3"},{"name":"a","image":null}]"#,
            r#"[{"name":"b","image":"1"},{"name":"c","image":"3"},{"name":"a"}]"#,
        ),
        (
            r#"[{"name":"a","$patch":"delete"},{"name":"z","$patch":"delete"}]"#,
            r#"[{"name":"b","image":"1"},{"name":"c"}]"#,
        ),
        (
            r#"[{"name":"x"},{"$patch":"replace"},{"name":"y"}]"#,
            r#"[{"name":"x"},{"name":"y"}]"#,
        ),
        (
            "[]",
            r#"[{"name":"a","image":"1"},{"name":"b","image":"1"},{"name":"c"}]"#,
        ),
        // An item that comes twice is merged twice.
        (
            r#"[{"name":"n","image":"1"},{"name":"n","tty":true}]"#,
            r#"[{"name":"n","image":"1","tty":true},{"name":"a","image":"1"},{"name":"b","image":"1"},{"name":"c"}]"#,
        ),
    ] {
        let found = patched(object, &format!(r#"{{"spec":{{"containers":{patch}}}}}"#)).unwrap();
        let expected = tree(containers);
        let names = |list: &Tree| -> Vec<String> {
            let items = list.as_list().unwrap().iter();
            items.map(|item| item.text("name").to_owned()).collect()
        };
        let containers = found.below(&["spec", "containers"]);
        assert_eq!(containers, &expected, "{patch}: {:?}", names(containers));
    }
    // What has no merge key is replaced.
    check(&[(
        object,
        r#"{"spec":{"containers":[],"tolerations":[]}}"#,
        r#"{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"},{"name":"c"}],"tolerations":[]}}"#,
    )]);
}

#[test]
fn lists_of_scalars_are_merged_by_value() {
    check(&[
        (
            r#"{"metadata":{"finalizers":["a","b","c"]}}"#,
            r#"{"metadata":{"finalizers":["x","b"]}}"#,
            r#"{"metadata":{"finalizers":["x","a","b","c"]}}"#,
        ),
        (
            r#"{"metadata":{"finalizers":["a","b","a"]}}"#,
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["a","z"]}}"#,
            r#"{"metadata":{"finalizers":["b"]}}"#,
        ),
        (
            r#"{"metadata":{"finalizers":["a","b"]}}"#,
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"],"finalizers":["c"]}}"#,
            r#"{"metadata":{"finalizers":["c","b"]}}"#,
        ),
        (
            r#"{"metadata":{}}"#,
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}}"#,
            r#"{"metadata":{}}"#,
        ),
        (
            r#"{"metadata":{"finalizers":["a"]}}"#,
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":null}}"#,
            r#"{"metadata":{}}"#,
        ),
        (
            r#"{"metadata":{"finalizers":["a"]},"spec":{"containers":[{"name":"c","args":["x","y"]}]}}"#,
            r#"{"spec":{"containers":[{"name":"c","$deleteFromPrimitiveList/args":["x"]}]}}"#,
            r#"{"metadata":{"finalizers":["a"]},"spec":{"containers":[{"name":"c","args":["y"]}]}}"#,
        ),
    ]);
}

#[test]
fn an_order_may_be_set() {
    let object = r#"{"metadata":{"finalizers":["a","b","c","d"]},"spec":{"containers":[{"name":"a"},{"name":"b"},{"name":"c"}]}}"#;
    for (patch, finalizers, names) in [
        (
            r#"{"metadata":{"$setElementOrder/finalizers":["c","a"]},"spec":{"$setElementOrder/containers":[{"name":"c"},{"name":"a"}]}}"#,
            r#"["b","c","a","d"]"#,
            "bca",
        ),
        (
            r#"{"metadata":{"$setElementOrder/finalizers":["x","b"],"finalizers":["x"]},"spec":{"$setElementOrder/containers":[{"name":"x"},{"name":"b"}],"containers":[{"name":"x"},{"name":"a","$patch":"delete"}]}}"#,
            r#"["x","a","b","c","d"]"#,
            "xbc",
        ),
        (
            r#"{"spec":{"$setElementOrder/containers":[{"name":"c"}],"containers":[{"name":"c","$patch":"delete"},{"name":"c","image":"i"}]}}"#,
            r#"["a","b","c","d"]"#,
            "abc",
        ),
    ] {
        let found = patched(object, patch).unwrap();
        assert_eq!(found.below(&["metadata", "finalizers"]), &tree(finalizers), "{patch}");
        let containers = found.at("spec").items("containers").iter();
        let found: String = containers.map(|container| container.text("name")).collect();
        assert_eq!(found, names, "{patch}");
    }
    check(&[
        // A list that is not there yet, and none at all.
        (
            r#"{"metadata":{}}"#,
            r#"{"metadata":{"$setElementOrder/finalizers":["b","a"],"finalizers":["b","a"],"$setElementOrder/ownerReferences":[{"uid":"u"}]}}"#,
            r#"{"metadata":{"finalizers":["b","a"]}}"#,
        ),
        // Where lists are replaced the order is that of the patch.
        (
            r#"{"spec":{"containers":[{"name":"c","args":["x","y"]}]}}"#,
            r#"{"spec":{"containers":[{"name":"c","$setElementOrder/args":["y","z"],"args":["y","z"]}]}}"#,
            r#"{"spec":{"containers":[{"name":"c","args":["y","z"]}]}}"#,
        ),
    ]);
}

#[test]
fn keys_that_are_not_retained_go() {
    let object = r#"{"spec":{"volumes":[{"name":"v","emptyDir":{}}],"nodeName":"n"}}"#;
    check(&[(
        object,
        r#"{"spec":{"$retainKeys":["volumes","hostname"],"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/"},"emptyDir":null}]}}"#,
        r#"{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/"}}]}}"#,
    )]);
    for patch in [
        r#"{"spec":{"$retainKeys":["hostname"],"nodeName":"m"}}"#,
        r#"{"spec":{"$retainKeys":{"a":1}}}"#,
    ] {
        assert_eq!(patched(object, patch), Err(Error::RetainKeys), "{patch}");
    }
}

/// What the patches of [`REFUSED`] are for.
const OBJECT: &str = r#"{"metadata":{"labels":{"m":{"a":"b"}},"finalizers":["a"]},"spec":{"containers":[{"name":"a","command":[["x"]]}],"tolerations":[{"key":"k"}],"nope":{"a":1}}}"#;

/// Patches that do not apply, with upstream's answer.
const REFUSED: &[(&str, Answer, &str)] = &[
    (
        r#"{"metadata":{"$patch":"bogus","a":[1,null]}}"#,
        Answer::Internal,
        "unknown patch type: bogus in map: map[$patch:bogus a:[1 <nil>]]",
    ),
    (
        r#"{"spec":{"containers":[{"$patch":7}]}}"#,
        Answer::Internal,
        "unknown patch type: %!s(int64=7) in map: map[$patch:7]",
    ),
    (
        r#"{"spec":{"containers":[{"$patch":"merge"}]}}"#,
        Answer::Internal,
        "merging lists cannot yet be specified in the patch",
    ),
    (
        r#"{"spec":{"containers":[{"image":"i"}]}}"#,
        Answer::Internal,
        "map: map[image:i] does not contain declared merge key: name",
    ),
    (
        r#"{"spec":{"containers":["x"]}}"#,
        Answer::Internal,
        "list element types are not identical: [[map[command:[[x]] name:a]] [x]]",
    ),
    (
        r#"{"metadata":{"finalizers":[["x"]]}}"#,
        Answer::Internal,
        "list element types are not identical: [[a] [[x]]]",
    ),
    (
        r#"{"spec":{"containers":[{"name":"a","$deleteFromPrimitiveList/command":["x"]}]}}"#,
        Answer::Unprocessable,
        "lists of lists are not supported",
    ),
    (
        r#"{"metadata":{"$deleteFromPrimitiveList":["x"]}}"#,
        Answer::BadRequest,
        "invalid patch format of primitive list",
    ),
    (
        r#"{"metadata":{"$setElementOrder":["x"]}}"#,
        Answer::BadRequest,
        "invalid patch format of setElementOrder list",
    ),
    (
        r#"{"metadata":{"$setElementOrder/finalizers":"x"}}"#,
        Answer::Internal,
        "expected a []interface {}, but received a string",
    ),
    (
        r#"{"metadata":{"$setElementOrder/finalizers":["x"],"finalizers":null}}"#,
        Answer::Internal,
        "expected a []interface {}, but received a %!s(<nil>)",
    ),
    (
        r#"{"metadata":{"$setElementOrder/finalizers":["x"],"finalizers":["y"]}}"#,
        Answer::Internal,
        "The order in patch list:\n[y]\n doesn't match $setElementOrder list:\n[x]\n",
    ),
    (
        r#"{"spec":{"$setElementOrder/containers":[{"name":"a"},{}],"containers":[{"name":"z"}]}}"#,
        Answer::Internal,
        "map: map[] does not contain declared merge key: name",
    ),
    // Where upstream breaks down.
    (
        r#"{"spec":{"$setElementOrder/tolerations":[{"key":"k"}]}}"#,
        Answer::BadRequest,
        "invalid patch format of setElementOrder list",
    ),
    (
        r#"{"spec":{"$deleteFromPrimitiveList/tolerations":[{"key":"k"}]}}"#,
        Answer::Internal,
        "cannot merge lists without merge key for struct",
    ),
    (
        r#"{"spec":{"nope":{"b":1}}}"#,
        Answer::Internal,
        "unable to find api field in struct PodSpec for the json field \"nope\"",
    ),
    (
        r#"{"metadata":{"labels":{"m":{"c":"d"}}}}"#,
        Answer::Internal,
        "merging an object in json but data type is not struct, instead is: map",
    ),
    (
        r#"{"metadata":{"$setElementOrder/name":["x"]}}"#,
        Answer::Internal,
        "expected slice or array type, but got: struct",
    ),
    (
        "[]",
        Answer::BadRequest,
        "json: cannot unmarshal array into Go value of type map[string]interface {}",
    ),
];

#[test]
fn refusals_read_as_upstream_s() {
    for (patch, answer, message) in REFUSED {
        let error = patched(OBJECT, patch).unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.answer()),
            (*message, *answer),
            "{patch}"
        );
    }
    assert_eq!(
        apply(Tree::map(), &mut Tree::map(), built_in(), None),
        Err(Error::Unsupported)
    );
}

#[test]
fn a_patch_is_left_as_upstream_quotes_it() {
    let mut patch = tree(
        r#"{"$retainKeys":["metadata","spec"],"metadata":{"$setElementOrder/finalizers":["a"],"finalizers":["a"],"labels":{"x":null,"y":1}},"spec":{"containers":[{"name":"c","$retainKeys":["name"]}]}}"#,
    );
    let object = tree(r#"{"metadata":{"finalizers":["a"]},"spec":{"containers":[{"name":"c","image":"i"}]}}"#);
    apply(object, &mut patch, built_in(), Some(pod())).unwrap();
    assert_eq!(
        Plain(&patch).to_string(),
        "map[metadata:map[labels:map[y:1]] spec:map[containers:[map[name:c]]]]"
    );
}

#[test]
fn equal_numbers_are_one_item_however_they_are_written() {
    check(&[
        (
            r#"{"metadata":{"finalizers":[1.5,-0.0]}}"#,
            r#"{"metadata":{"finalizers":[15e-1,0.0]}}"#,
            r#"{"metadata":{"finalizers":[1.5,-0.0]}}"#,
        ),
        (
            r#"{"spec":{"containers":[{"name":{"a":[1.5,null]}},{"name":"z"}]}}"#,
            r#"{"spec":{"$setElementOrder/containers":[{"name":"z"},{"name":{"a":[1.50,null]}}]}}"#,
            r#"{"spec":{"containers":[{"name":"z"},{"name":{"a":[1.5,null]}}]}}"#,
        ),
    ]);
}

#[test]
fn numbers_and_lists_are_told_apart_as_fast_as_texts() {
    let numbers = |of: &dyn Fn(usize) -> String| (0..50_000).map(of).collect::<Vec<_>>().join(",");
    let items = numbers(&|at| format!("{at}.5"));
    let patch = format!(r#"{{"metadata":{{"$setElementOrder/finalizers":[{items}],"finalizers":[{items}]}}}}"#);
    let result = patched(r#"{"metadata":{}}"#, &patch).unwrap();
    assert_eq!(result.at("metadata").items("finalizers").len(), 50_000);
    let items = numbers(&|at| format!(r#"{{"name":[{at}]}}"#));
    let result = patched(
        r#"{"spec":{"containers":[]}}"#,
        &format!(r#"{{"spec":{{"containers":[{items}]}}}}"#),
    );
    assert_eq!(result.unwrap().at("spec").items("containers").len(), 50_000);
}

#[test]
fn deep_patches_do_not_end_the_stack() {
    deep::with_stack(|| {
        let kind = kind("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps");
        let (old, new) = (r#"{"format":"y"}"#, r#"{"type":"x"}"#);
        let (old, new) = (deep::document("not", old), deep::document("not", new));
        let merged = apply(old, &mut new.clone(), built_in(), Some(kind)).unwrap();
        assert_eq!(merged, deep::document("not", r#"{"format":"y","type":"x"}"#));
        assert_eq!(apply(Tree::map(), &mut new.clone(), built_in(), Some(kind)), Ok(new));
    });
}

fn any_patch() -> impl Strategy<Value = Tree> {
    let scalar = prop_oneof![
        Just(Tree::Null),
        (0_i64..3).prop_map(Tree::from),
        "(a|b|replace|delete|merge)".prop_map(Tree::from),
    ];
    let name = "(metadata|spec|labels|finalizers|containers|env|name|volumes|\\$patch|\\$retainKeys|\\$setElementOrder/(containers|finalizers|env)|\\$deleteFromPrimitiveList/finalizers)";
    scalar.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::from),
            prop::collection::vec((name, inner), 0..5).prop_map(|entries| Tree::Map(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_patch_makes_it_panic(object in any_patch(), mut patch in any_patch()) {
        let _ = apply(object, &mut patch, built_in(), Some(pod()));
    }
}
