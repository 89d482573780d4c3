//! JSON merge patch (RFC 7396): an object says what to set, and `null` what to remove.

use std::collections::BTreeSet;

use apiserver_api::tree::{Map, Tree, quoted};
use apiserver_schema::{Schema, Shape, TypeId};
use thiserror::Error;

use crate::json::child;
use crate::large::too_large;
use crate::literal;

/// Why a patch is none, in upstream's words; all are bad requests.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// It is neither an object nor a list.
    #[error("Invalid JSON Patch")]
    Patch,
    /// It is no object, and the request asked for its fields to be checked.
    #[error("error decoding patch: json: cannot unmarshal {0} into Go value of type map[string]interface {{}}")]
    NoObject(&'static str),
    /// It has a number that no double holds, and the request asked for its fields to be checked.
    #[error("error decoding patch: json: cannot unmarshal number {0} into Go value of type float64")]
    TooLarge(String),
}

/// The document that comes of a patch. `checked` says whether the request wants unknown fields to be found
/// (`fieldValidation` other than `Ignore`), in which case upstream reads a patch with more care.
///
/// # Errors
/// The patch is no object, or has a number that no double holds. Where nothing is checked such numbers are taken, and
/// lists too: the document becomes the list.
pub fn apply(document: Tree, patch: &Tree, checked: bool) -> Result<Tree, Error> {
    if let (true, Tree::Map(_), Some(number)) = (checked, patch, too_large(patch)) {
        return Err(Error::TooLarge(number.literal().to_owned()));
    }
    match (patch, document) {
        (Tree::Null, _) => Err(Error::Patch),
        (Tree::Map(patch), Tree::Map(mut document)) => {
            merge(&mut document, patch);
            Ok(Tree::Map(document))
        }
        (Tree::Map(_), _) => Ok(pruned(patch)),
        (other, _) if checked => Err(Error::NoObject(other.type_name())),
        (Tree::List(_), _) => Ok(pruned(patch)),
        _ => Err(Error::Patch),
    }
}

/// The document that comes of a patch which applies, as upstream's refusals quote it: objects that the patch reaches into have
/// their keys in order, all others the order in which Go declares the fields of the object's type. Without a type all keys
/// are in order.
pub fn shown(of: Option<(&Schema, TypeId)>, document: &Tree, patch: &Tree) -> String {
    let mut out = Vec::new();
    let shape = of.map(|(schema, id)| (schema, Shape::Struct(id)));
    let of = shape.as_ref().map(|(schema, shape)| (*schema, shape));
    match (document, patch) {
        (Tree::Map(document), Tree::Map(patch)) => write(document, of, patch, &mut out),
        (document, patch) => {
            if let Ok(merged) = apply(document.clone(), patch, false) {
                literal::write(&merged, &mut out);
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn write(document: &Map, of: Option<(&Schema, &Shape)>, patch: &Map, out: &mut Vec<u8>) {
    let gone = |key: &str| patch.get(key).is_some_and(Tree::is_null);
    let keys: BTreeSet<&str> = document.keys().chain(patch.keys()).filter(|key| !gone(key)).collect();
    out.push(b'{');
    for (at, key) in keys.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        quoted(key, out);
        out.push(b':');
        let of = of.and_then(|of| child(of, key));
        match (document.get(key), patch.get(key), of) {
            (Some(Tree::Map(old)), Some(Tree::Map(patch)), of) => write(old, of, patch, out),
            (old, Some(value), _) => literal::write(&merged(old, value), out),
            (Some(value), None, Some((schema, shape))) => schema.write_declared(shape, value, out),
            (value, None, _) => value.unwrap_or(&Tree::Null).write_json(out),
        }
    }
    out.push(b'}');
}

/// What a value of a patch becomes that is not laid over an object.
fn merged(old: Option<&Tree>, value: &Tree) -> Tree {
    match old {
        // Upstream keeps the nulls in a list that takes the place of an object; a typed reader drops them later.
        Some(Tree::Map(_)) => value.clone(),
        _ => pruned(value),
    }
}

fn merge(document: &mut Map, patch: &Map) {
    // Entries go and come all at once: one by one, each would move all behind it.
    let (mut gone, mut added) = (false, Vec::new());
    for (key, value) in patch.iter() {
        match (value, document.get_mut(key)) {
            (Tree::Null, old) => gone |= old.is_some(),
            (Tree::Map(patch), Some(Tree::Map(old))) => merge(old, patch),
            (_, Some(old)) => *old = merged(Some(old), value),
            (_, None) => added.push((key.into(), merged(None, value))),
        }
    }
    if gone {
        document.retain(|key, _| !patch.get(key).is_some_and(Tree::is_null));
    }
    if !added.is_empty() {
        document.absorb(added, |_, _| {});
    }
}

/// A copy of what a patch sets, without the nulls of its objects; a list's own nulls stay.
fn pruned(value: &Tree) -> Tree {
    match value {
        Tree::Map(map) => Tree::Map(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, pruned(value)))
                .collect(),
        ),
        Tree::List(items) => Tree::List(items.iter().map(pruned).collect()),
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::{Tree, parse};
    use proptest::prelude::*;

    use super::{Error, apply};
    use crate::deep;

    fn tree(text: &str) -> Tree {
        parse(text.as_bytes()).unwrap().tree
    }

    #[test]
    fn the_examples_of_the_rfc() {
        for (document, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r"{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (
                r#"{"a":{"b":"c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            (r"[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            (r"{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            assert_eq!(
                apply(tree(document), &tree(patch), false),
                Ok(tree(result)),
                "{document} {patch}"
            );
        }
    }

    #[test]
    fn nulls_in_lists_follow_upstream() {
        for (document, patch, result) in [
            (r"{}", r#"{"a":[null,{"b":null}]}"#, r#"{"a":[null,{}]}"#),
            (r#"{"a":[1]}"#, r#"{"a":[{"b":null}]}"#, r#"{"a":[{}]}"#),
            (r#"{"a":{}}"#, r#"{"a":[{"b":null}]}"#, r#"{"a":[{"b":null}]}"#),
            (r#"{"a":null}"#, r#"{"a":{"b":null}}"#, r#"{"a":{}}"#),
        ] {
            assert_eq!(
                apply(tree(document), &tree(patch), true),
                Ok(tree(result)),
                "{document} {patch}"
            );
        }
    }

    #[test]
    fn what_is_no_patch_is_refused() {
        for (patch, checked, message) in [
            ("null", true, "Invalid JSON Patch"),
            ("1", false, "Invalid JSON Patch"),
            (
                "[]",
                true,
                "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
            ),
            (
                "\"x\"",
                true,
                "error decoding patch: json: cannot unmarshal string into Go value of type map[string]interface {}",
            ),
        ] {
            let error = apply(tree("{}"), &tree(patch), checked).unwrap_err();
            assert_eq!(error.to_string(), message, "{patch}");
        }
        let large = tree(r#"{"a":[-1e400]}"#);
        assert_eq!(
            apply(tree("{}"), &large, true).unwrap_err().to_string(),
            "error decoding patch: json: cannot unmarshal number -1e400 into Go value of type float64"
        );
        assert_eq!(apply(tree("{}"), &large, false), Ok(large));
        assert_eq!(apply(tree("{}"), &tree("null"), false), Err(Error::Patch));
    }

    #[test]
    fn a_refusal_quotes_the_order_of_types_but_where_the_patch_reaches() {
        let schema = apiserver_schema::built_in();
        let pod = schema.named("io.k8s.api.core.v1.Pod").unwrap();
        let document = tree(
            r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"n","labels":{"b":"1"}},"spec":{"volumes":[{"name":"v","emptyDir":{}}],"hostname":"h"}}"#,
        );
        for (patch, shown) in [
            (
                r#"{"metadata":{"name":"m"}}"#,
                r#"{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"b":"1"},"name":"m"},"spec":{"volumes":[{"name":"v","emptyDir":{}}],"hostname":"h"}}"#,
            ),
            (
                r#"{"metadata":null,"spec":{"a":{"b":[1e3,10.0]},"volumes":null}}"#,
                r#"{"apiVersion":"v1","kind":"Pod","spec":{"a":{"b":[1e3,10.0]},"hostname":"h"}}"#,
            ),
            (
                r#"{"kind":null,"spec":{"volumes":[{"name":"w","emptyDir":null}]}}"#,
                r#"{"apiVersion":"v1","metadata":{"name":"n","labels":{"b":"1"}},"spec":{"hostname":"h","volumes":[{"name":"w"}]}}"#,
            ),
        ] {
            assert_eq!(super::shown(Some((schema, pod)), &document, &tree(patch)), shown);
        }
    }

    #[test]
    fn deep_patches_do_not_end_the_stack() {
        deep::with_stack(|| {
            let deep = |end| deep::document("a", end);
            assert_eq!(apply(deep("{}"), &deep(r#"{"b":1}"#), true), Ok(deep(r#"{"b":1}"#)));
            assert_eq!(apply(Tree::map(), &deep(r#"{"b":null}"#), true), Ok(deep("{}")));
        });
    }

    fn any_tree() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            Just(Tree::Null),
            any::<bool>().prop_map(Tree::from),
            (0_i64..3).prop_map(Tree::from)
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Tree::from),
                prop::collection::vec(("[abc]", inner), 0..4)
                    .prop_map(|entries| Tree::Map(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn twice_is_once(document in any_tree(), patch in any_tree()) {
            if let Ok(once) = apply(document, &patch, false) {
                prop_assert_eq!(apply(once.clone(), &patch, false), Ok(once));
            }
        }
    }
}
