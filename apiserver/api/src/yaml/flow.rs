//! Documents that are JSON: mostly they read the same as YAML, and much faster.

use crate::tree::{self, Tree};

/// Keys that are longer end YAML's search for a colon.
const KEY_MAX: usize = 512;

/// The object that a document is, if it is JSON of which YAML surely makes the same: plain ASCII without tabs, numbers that
/// are whole, no half of a surrogate pair, and no key that means something to YAML or stands twice.
pub(super) fn read(document: &[u8]) -> Option<Tree> {
    let first = document.iter().find(|byte| !matches!(byte, b' ' | b'\n'));
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n');
    if first != Some(&b'{') || !document.iter().all(is_plain) || has_surrogates(document) {
        return None;
    }
    let parsed = tree::parse(document).ok()?;
    (parsed.duplicates.is_empty() && is_same(&parsed.tree)).then_some(parsed.tree)
}

fn has_surrogates(document: &[u8]) -> bool {
    document
        .windows(3)
        .any(|window| matches!(window, [b'\\', b'u', b'd' | b'D']))
}

fn is_same(tree: &Tree) -> bool {
    match tree {
        Tree::Number(_) => false,
        Tree::Null | Tree::Bool(_) | Tree::Int(_) | Tree::Text(_) => true,
        Tree::List(items) => items.iter().all(is_same),
        Tree::Map(map) => map
            .iter()
            .all(|(key, value)| key != "<<" && key.len() <= KEY_MAX && is_same(value)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::read;
    use crate::yaml::read::load;

    #[test]
    fn json_that_yaml_reads_otherwise_is_left_to_it() {
        for document in [
            "a: 1",
            r#"{"a":1.0}"#,
            r#"{"a":1e3}"#,
            r#"{"<<":{"a":1}}"#,
            r#"{"a":1,"a":2}"#,
            "{\"a\":\t1}",
            r#"{"a":"é"}"#,
            r#"{"a":"\ud83d\ude00"}"#,
            r#"{"a":12345678901234567890}"#,
            r#"{"a":1} x"#,
            "[1]",
        ] {
            assert_eq!(read(document.as_bytes()), None, "{document}");
        }
        let pretty = "{\n  \"a\": [\n    1,\n    null\n  ],\n\"b\": {}\n}\n";
        assert_eq!(
            read(pretty.as_bytes()),
            load(pretty.as_bytes()).ok().map(|read| read.tree)
        );
        assert!(read(pretty.as_bytes()).is_some());
    }

    fn values() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "[ -~]{0,12}".prop_map(Into::into),
            "[<>&:#{}\\[\\],'\"\\\\/yn0-9\n\r\t\u{8}\u{c}\u{1}~ -]{0,6}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let key = "[ -~]{0,6}";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::btree_map(key, inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_read_here_is_what_yaml_reads(value in prop::collection::btree_map("[ -~]{0,6}", values(), 0..4), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            if let Some(tree) = read(text.as_bytes()) {
                let slow = load(text.as_bytes()).unwrap();
                prop_assert_eq!(slow.duplicates.len(), 0);
                prop_assert_eq!(tree, slow.tree);
            }
        }
    }
}
