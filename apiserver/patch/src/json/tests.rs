//! Operations one by one, with the texts of upstream's library.

use apiserver_api::tree::{Tree, parse};
use proptest::prelude::*;

use super::{Error, MAX_OPERATIONS, apply, unknown_fields};

fn tree(text: &str) -> Tree {
    parse(text.as_bytes()).unwrap().tree
}

const DOCUMENT: &str = r#"{"a":{"b":1,"n":null},"l":[1,2,3],"x/y":{"~":true}}"#;

#[test]
fn operations_do_what_they_say() {
    for (patch, result) in [
        (
            r#"[{"op":"add","path":"/a/c","value":2}]"#,
            r#"{"a":{"b":1,"c":2,"n":null},"l":[1,2,3],"x/y":{"~":true}}"#,
        ),
        (
            r#"[{"op":"add","path":"/l/1","value":9},{"op":"add","path":"/l/-","value":8},{"op":"add","path":"/l/-1","value":7}]"#,
            r#"{"a":{"b":1,"n":null},"l":[1,9,2,3,8,7],"x/y":{"~":true}}"#,
        ),
        (
            r#"[{"op":"remove","path":"/x~1y/~0"},{"op":"remove","path":"/l/-3"}]"#,
            r#"{"a":{"b":1,"n":null},"l":[2,3],"x/y":{}}"#,
        ),
        (
            r#"[{"op":"replace","path":"/l/+1"},{"op":"replace","path":"/a/new","value":[]}]"#,
            r#"{"a":{"b":1,"n":null,"new":[]},"l":[1,null,3],"x/y":{"~":true}}"#,
        ),
        (
            r#"[{"op":"move","from":"/a/b","path":"/l/0"},{"op":"copy","from":"/l","path":"/a/b"}]"#,
            r#"{"a":{"b":[1,1,2,3],"n":null},"l":[1,1,2,3],"x/y":{"~":true}}"#,
        ),
        (
            r#"[{"op":"copy","from":"/a/absent","path":"/l"},{"op":"remove","path":"ignored/x~1y"}]"#,
            r#"{"a":{"b":1,"n":null},"l":null}"#,
        ),
        (
            r#"[{"op":"test","path":"/a/n"},{"op":"test","path":"/a/absent","value":null},{"op":"test","path":"","value":{"x/y":{"~":true},"a":{"n":null,"b":1},"l":[1,2,3]}},{"op":"replace","path":"","value":[1]},{"op":"add","path":"/-","value":2}]"#,
            "[1,2]",
        ),
        ("null", DOCUMENT),
        ("[]", DOCUMENT),
    ] {
        assert_eq!(apply(tree(DOCUMENT), &tree(patch)), Ok(tree(result)), "{patch}");
    }
}

/// Operations that do not apply to [`DOCUMENT`].
const REFUSED: &[(&str, &str)] = &[
    (r#"{"path":"/a"}"#, "Unexpected kind: unknown"),
    (r#"{"op":"nope","path":"/a"}"#, "Unexpected kind: nope"),
    (r"null", "Unexpected kind: unknown"),
    (r#"{"op":"add"}"#, "add operation failed to decode path: missing value"),
    (
        r#"{"op":"add","path":"/z/b","value":1}"#,
        r#"add operation does not apply: doc is missing path: "/z/b": missing value"#,
    ),
    (
        r#"{"op":"add","path":"","value":1}"#,
        r#"add operation does not apply: doc is missing path: "": missing value"#,
    ),
    (
        r#"{"op":"add","path":"/l/x","value":1}"#,
        r#"error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing "x": invalid syntax"#,
    ),
    (
        r#"{"op":"add","path":"/l/5","value":1}"#,
        "error in add for path: '/l/5': Unable to access invalid index: 5: invalid index referenced",
    ),
    (
        r#"{"op":"remove","path":"/a/z"}"#,
        "error in remove for path: '/a/z': Unable to remove nonexistent key: z: missing value",
    ),
    (
        r#"{"op":"remove","path":"/a/b/c"}"#,
        r#"remove operation does not apply: doc is missing path: "/a/b/c": missing value"#,
    ),
    (
        r#"{"op":"replace","path":7}"#,
        "replace operation failed to decode path: json: cannot unmarshal number into Go value of type string",
    ),
    (
        r#"{"op":"replace"}"#,
        "replace operation failed to decode path: operation missing path field: missing value",
    ),
    (
        r#"{"op":"replace","path":"/l/3"}"#,
        "replace operation does not apply: doc is missing key: /l/3: missing value",
    ),
    (
        r#"{"op":"replace","path":"/z/b"}"#,
        "replace operation does not apply: doc is missing path: /z/b: missing value",
    ),
    (
        r#"{"op":"move","path":"/b"}"#,
        "move operation failed to decode from: operation, missing from field: missing value",
    ),
    (
        r#"{"op":"move","from":"/l/9","path":"/b"}"#,
        "error in move for path: '9': Unable to access invalid index: 9: invalid index referenced",
    ),
    (
        r#"{"op":"move","from":"/a/b","path":"/z/b"}"#,
        "move operation does not apply: doc is missing destination path: /z/b: missing value",
    ),
    (
        r#"{"op":"copy","from":"/z/b","path":"/b"}"#,
        "copy operation does not apply: doc is missing from path: /z/b: missing value",
    ),
    (
        r#"{"op":"test","path":"/a/b","value":2}"#,
        "testing value /a/b failed: test failed",
    ),
    (
        r#"{"op":"test","path":"/a/b"}"#,
        "testing value /a/b failed: test failed",
    ),
    (r#"{"op":"test","path":""}"#, "testing value  failed: test failed"),
    (
        r#"{"op":"test","path":"/l/99999999999999999999"}"#,
        r#"error in test for path: '/l/99999999999999999999': strconv.Atoi: parsing "99999999999999999999": value out of range"#,
    ),
];

#[test]
fn refusals_read_as_the_library_s() {
    for (operation, message) in REFUSED {
        let error = apply(tree(DOCUMENT), &tree(&format!("[{operation}]"))).unwrap_err();
        assert_eq!(error, Error::Operation((*message).to_owned()), "{operation}");
    }
}

#[test]
fn what_is_no_patch_is_refused() {
    for (patch, message) in [
        (
            "{}",
            "json: cannot unmarshal object into Go value of type jsonpatch.Patch",
        ),
        (
            "[1]",
            "json: cannot unmarshal number into Go value of type jsonpatch.Operation",
        ),
    ] {
        assert_eq!(
            apply(tree("{}"), &tree(patch)),
            Err(Error::Patch(message.to_owned())),
            "{patch}"
        );
    }
    for (patch, message) in [
        (
            "{}",
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
        ),
        (
            "[1]",
            "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp",
        ),
        (
            r#"[{"op":1}]"#,
            "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string",
        ),
    ] {
        assert_eq!(
            unknown_fields(&tree(patch)),
            Err(Error::Patch(message.to_owned())),
            "{patch}"
        );
    }
    assert_eq!(
        unknown_fields(&tree(
            r#"[{"op":"test","path":"","from":null,"value":{"x":1}},null,{"Op":1}]"#
        )),
        Ok(vec!["json patch unknown field \"[2].Op\"".to_owned()])
    );
}

#[test]
fn patches_have_limits() {
    let many = Tree::List(vec![Tree::Null; MAX_OPERATIONS + 1]);
    assert_eq!(
        apply(Tree::map(), &many).unwrap_err().to_string(),
        "The allowed maximum operations in a JSON patch is 10000, got 10001"
    );
    let text = "x".repeat(1_600_000);
    let patch = tree(r#"[{"op":"copy","from":"/a","path":"/b"},{"op":"copy","from":"/a","path":"/c"}]"#);
    let document = Tree::Map([("a", text)].into_iter().collect());
    assert_eq!(
        apply(document, &patch).unwrap_err().to_string(),
        "Unable to complete the copy, the accumulated size increase of copy is 3200004, exceeding the limit 3145728"
    );
    // Each copy doubles the depth: without a bound the stack would end before the bytes do.
    let mut patch = Vec::new();
    let mut path = "/a".to_owned();
    for _ in 0..16 {
        patch.push(tree(&format!(r#"{{"op":"copy","from":"/a","path":"{path}/a"}}"#)));
        path = path.repeat(2);
    }
    let error = apply(tree(r#"{"a":{}}"#), &Tree::List(patch)).unwrap_err();
    assert!(error.to_string().ends_with("exceeded max depth"), "{error}");
}

#[test]
fn a_large_value_may_be_moved_often_but_not_deeper_each_time() {
    let document = Tree::Map(
        [("x", Tree::List(vec![Tree::Int(1); 400_000])), ("y", Tree::map())]
            .into_iter()
            .collect(),
    );
    let there_and_back = |place: &str| {
        let there = tree(&format!(r#"{{"op":"move","from":"/x","path":"{place}"}}"#));
        let back = tree(&format!(r#"{{"op":"move","from":"{place}","path":"/x"}}"#));
        Tree::List([there, back].into_iter().cycle().take(MAX_OPERATIONS).collect())
    };
    assert_eq!(apply(document.clone(), &there_and_back("/z")).as_ref(), Ok(&document));
    let error = apply(document, &there_and_back("/y/z")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error in move for path: '/y/z': too much is moved to where it is deeper"
    );
}

#[test]
fn small_values_may_be_moved_deeper_as_often_as_there_are_operations() {
    let document = tree(r#"{"x":{"a":[1,{"b":2}]},"y":{}}"#);
    let moves = r#"{"op":"move","from":"/x","path":"/y/z"},{"op":"move","from":"/y/z","path":"/x"}"#;
    let patch = tree(&format!("[{}]", vec![moves; MAX_OPERATIONS / 2].join(",")));
    assert_eq!(apply(document.clone(), &patch), Ok(document));
}

#[test]
fn a_refusal_quotes_the_order_of_types_but_where_operations_went() {
    let schema = apiserver_schema::built_in();
    let pod = schema.named("io.k8s.api.core.v1.Pod").unwrap();
    let document = tree(
        r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"n","labels":{"b":"1"}},"spec":{"volumes":[{"name":"v","emptyDir":{}}],"hostname":"h"}}"#,
    );
    for (patch, shown) in [
        (
            "[]",
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"n","labels":{"b":"1"}},"spec":{"volumes":[{"name":"v","emptyDir":{}}],"hostname":"h"}}"#,
        ),
        (
            r#"[{"op":"add","path":"/metadata/x","value":1},{"op":"copy","from":"/spec/volumes/0","path":"/y"}]"#,
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"b":"1"},"name":"n","x":1},"spec":{"hostname":"h","volumes":[{"name":"v","emptyDir":{}}]},"y":{"name":"v","emptyDir":{}}}"#,
        ),
        (
            r#"[{"op":"replace","path":"/metadata","value":{"a":[1e3,99999999999999999999]}}]"#,
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"a":[1e3,99999999999999999999]},"spec":{"volumes":[{"name":"v","emptyDir":{}}],"hostname":"h"}}"#,
        ),
        (
            r#"[{"op":"test","path":"/spec","value":{"hostname":"h","volumes":[{"emptyDir":{},"name":"v"}]}},{"op":"remove","path":"/metadata"}]"#,
            r#"{"apiVersion":"v1","kind":"Pod","spec":{"hostname":"h","volumes":[{"emptyDir":{},"name":"v"}]}}"#,
        ),
    ] {
        assert_eq!(super::shown(Some((schema, pod)), &document, &tree(patch)), shown);
    }
}

fn any_operation() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        "(/(a|b|l|0|1|-|-1|~0)){0,3}",
        Just("/l/-".to_owned()),
        Just("x".to_owned())
    ];
    let op = prop_oneof!["add", "remove", "replace", "move", "copy", "test"];
    let value = prop_oneof!["[0-9]", Just("null".to_owned()), Just("{\"a\":[1]}".to_owned())];
    (op, path.clone(), path, value).prop_map(|(op, path, from, value)| {
        format!(r#"{{"op":"{op}","path":"{path}","from":"{from}","value":{value}}}"#)
    })
}

proptest! {
    #[test]
    fn no_patch_makes_it_panic(operations in prop::collection::vec(any_operation(), 0..8)) {
        let patch = tree(&format!("[{}]", operations.join(",")));
        let _ = apply(tree(r#"{"a":{"b":1},"l":[1,{"a":2}]}"#), &patch);
    }
}
