//! Objects as upstream's internal types print in messages: fields under Go's names, in Go's order, what is absent as zero.

use std::borrow::Cow;

use apiserver_api::path::Path;
use apiserver_api::refusal::{Refusal, Refusals, Shown, Why};
use apiserver_api::tree::{Tree, quoted};

/// A field of an internal type.
pub(crate) struct Part {
    go: &'static str,
    json: &'static str,
    holds: Holds,
}

/// What a field holds.
pub(crate) enum Holds {
    /// A string.
    Text,
    /// A number.
    Int,
    /// A truth.
    Bool,
    /// Anything that is `null` where it is absent, and prints as it is where it is not.
    Optional,
    /// A struct.
    Struct(&'static [Part]),
    /// A struct that may be absent.
    Pointer(&'static [Part]),
    /// A list of structs, or `null`.
    List(&'static [Part]),
    /// Anything that Go leaves out where it is absent.
    Omitted,
    /// A list of structs that Go leaves out where there is none.
    Omittable(&'static [Part]),
    /// A label selector, which is of no internal type and leaves out what is empty.
    Selector,
}

/// A field by both its names.
pub(crate) const fn part(go: &'static str, json: &'static str, holds: Holds) -> Part {
    Part { go, json, holds }
}

/// A value that keeps the order of its fields.
enum Value {
    Leaf(String),
    Map(Vec<(Cow<'static, str>, Self)>),
    List(Vec<Self>),
}

/// A struct on one line, as refusals show values.
pub(crate) fn shown(parts: &'static [Part], tree: &Tree) -> Shown {
    let mut text = String::new();
    if tree.is_null() {
        text.push_str("null");
    } else {
        compact(&of(parts, tree), &mut text);
    }
    Shown::raw(text)
}

/// Refuses a struct that stands elsewhere already; `detail` may be empty.
pub(crate) fn duplicate(path: &Path<'_>, parts: &'static [Part], tree: &Tree, detail: &str, refusals: &mut Refusals) {
    let mut message = "Duplicate value: ".to_owned();
    compact(&of(parts, tree), &mut message);
    if !detail.is_empty() {
        message.push_str(": ");
        message.push_str(detail);
    }
    refusals.push(Refusal {
        why: Why::Duplicate,
        field: path.to_string(),
        message,
    });
}

/// A list of structs on one line; `null` where it is empty.
pub(crate) fn shown_list(parts: &'static [Part], items: &[Tree]) -> Shown {
    let mut text = String::new();
    let list = items.iter().map(|item| of(parts, item)).collect();
    if items.is_empty() {
        text.push_str("null");
    } else {
        compact(&Value::List(list), &mut text);
    }
    Shown::raw(text)
}

/// A struct on many lines, each a space further in than what it stands in.
pub(crate) fn pretty(parts: &'static [Part], tree: &Tree) -> String {
    let mut text = String::new();
    indented(&of(parts, tree), 0, &mut text);
    text
}

fn of(parts: &'static [Part], tree: &Tree) -> Value {
    Value::Map(
        parts
            .iter()
            .filter(|part| {
                !(matches!(part.holds, Holds::Omitted | Holds::Omittable(_)) && tree.at(part.json).is_null())
            })
            .map(|part| (part.go.into(), held(&part.holds, tree.at(part.json))))
            .collect(),
    )
}

fn held(holds: &Holds, tree: &Tree) -> Value {
    let leaf = |text: &str| Value::Leaf(text.to_owned());
    match holds {
        Holds::Struct(parts) => of(parts, tree),
        Holds::Pointer(parts) if !tree.is_null() => of(parts, tree),
        Holds::List(parts) | Holds::Omittable(parts) => match tree.as_list() {
            Some(items) if !items.is_empty() => Value::List(items.iter().map(|item| of(parts, item)).collect()),
            _ => leaf("null"),
        },
        Holds::Selector if !tree.is_null() => {
            let fields = ["matchLabels", "matchExpressions"].into_iter();
            let fields = fields.filter(|field| !tree.at(field).is_zero());
            Value::Map(fields.map(|field| (field.into(), plain(tree.at(field)))).collect())
        }
        Holds::Text if tree.is_null() => leaf("\"\""),
        Holds::Int if tree.is_null() => leaf("0"),
        Holds::Bool if tree.is_null() => leaf("false"),
        _ => plain(tree),
    }
}

/// Lists and maps of leaves print as they are; their order is that of JSON.
fn plain(tree: &Tree) -> Value {
    match tree {
        Tree::List(items) if !items.is_empty() => Value::List(items.iter().map(plain).collect()),
        Tree::List(_) => Value::Leaf("null".to_owned()),
        Tree::Map(map) if !map.is_empty() => Value::Map(
            map.iter()
                .map(|(key, value)| (key.to_owned().into(), plain(value)))
                .collect(),
        ),
        other => Value::Leaf(String::from_utf8_lossy(&other.to_json()).into_owned()),
    }
}

fn key(name: &str, out: &mut String) {
    let mut bytes = Vec::new();
    quoted(name, &mut bytes);
    out.push_str(&String::from_utf8_lossy(&bytes));
}

fn compact(value: &Value, out: &mut String) {
    match value {
        Value::Leaf(text) => out.push_str(text),
        Value::Map(fields) => {
            out.push('{');
            for (at, (name, value)) in fields.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                key(name, out);
                out.push(':');
                compact(value, out);
            }
            out.push('}');
        }
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                compact(item, out);
            }
            out.push(']');
        }
    }
}

fn indented(value: &Value, depth: usize, out: &mut String) {
    let line = |depth: usize, at: usize, out: &mut String| {
        out.push_str(if at > 0 { ",\n" } else { "\n" });
        out.extend(std::iter::repeat_n(' ', depth));
    };
    let close = |bracket: char, out: &mut String| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', depth));
        out.push(bracket);
    };
    match value {
        Value::Leaf(text) => out.push_str(text),
        Value::Map(fields) if fields.is_empty() => out.push_str("{}"),
        Value::Map(fields) => {
            out.push('{');
            for (at, (name, value)) in fields.iter().enumerate() {
                line(depth + 1, at, out);
                key(name, out);
                out.push_str(": ");
                indented(value, depth + 1, out);
            }
            close('}', out);
        }
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                line(depth + 1, at, out);
                indented(item, depth + 1, out);
            }
            close(']', out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Holds, Part, Path, Refusals, duplicate, part, pretty, shown};
    use crate::trial::tree;

    const INNER: &[Part] = &[part("Name", "name", Holds::Text)];
    const OUTER: &[Part] = &[
        part("Ref", "ref", Holds::Pointer(INNER)),
        part("Size", "size", Holds::Int),
        part("On", "on", Holds::Bool),
        part("Names", "names", Holds::Optional),
        part("Items", "items", Holds::List(INNER)),
        part("In", "in", Holds::Struct(INNER)),
    ];

    #[test]
    fn what_is_absent_prints_as_zero() {
        let mut refusals = Refusals::new();
        refusals.invalid(&Path::of("a"), shown(OUTER, &tree("{}")), "x");
        let told = &refusals.iter().next().unwrap().message;
        let zero = r#"{"Ref":null,"Size":0,"On":false,"Names":null,"Items":null,"In":{"Name":""}}"#;
        assert_eq!(told, &format!("Invalid value: {zero}: x"));
    }

    #[test]
    fn what_stands_twice_is_shown_with_the_reason() {
        let mut refusals = Refusals::new();
        duplicate(&Path::of("a"), INNER, &tree(r#"{"name": "n"}"#), "x", &mut refusals);
        assert_eq!(refusals.to_string(), r#"a: Duplicate value: {"Name":"n"}: x"#);
    }

    #[test]
    fn lines_are_a_space_further_in() {
        let value = tree(r#"{"ref": {"name": "n"}, "names": ["a"], "items": [{"name": "i"}]}"#);
        let text = pretty(OUTER, &value);
        assert_eq!(
            text,
            "{\n \"Ref\": {\n  \"Name\": \"n\"\n },\n \"Size\": 0,\n \"On\": false,\n \"Names\": [\n  \"a\"\n ],\n \"Items\": [\n  \
             {\n   \"Name\": \"i\"\n  }\n ],\n \"In\": {\n  \"Name\": \"\"\n }\n}"
        );
    }
}
