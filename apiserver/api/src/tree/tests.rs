//! Trees against `serde_json`, and messages against Go's.

use proptest::prelude::*;
use serde_json::Value;

use super::{MAX_DUPLICATES, Map, Number, Order, Tree, parse, rank};

fn tree(text: &str) -> Tree {
    parse(text.as_bytes()).unwrap().tree
}

fn refusal(text: &str) -> String {
    parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_is_absent_reads_as_empty() {
    let pod = tree(r#"{"spec":{"replicas":3,"paused":true,"containers":[{"name":"a"}],"x":null}}"#);
    let spec = pod.at("spec");
    assert_eq!(
        (
            spec.int("replicas"),
            spec.flag("paused"),
            spec.items("containers").len()
        ),
        (3, true, 1)
    );
    assert_eq!(
        (
            spec.int("paused"),
            spec.flag("y"),
            spec.text("x"),
            spec.entries("replicas").len()
        ),
        (0, false, "", 0)
    );
    assert!(!spec.has("x") && spec.get("x").is_some());
    assert_eq!(pod.below(&["spec", "nothing", "there"]), &Tree::Null);
}

#[test]
fn what_is_written_is_read_again() {
    let mut pod = Tree::Null;
    pod.child("metadata").child("labels").set("b", "2");
    pod.child("metadata").child("labels").set("a", "1");
    assert!(pod.child("metadata").set_default("name", "n"));
    assert!(!pod.child("metadata").set_default("name", "m"));
    pod.set("list", ["x", "y"].into_iter().collect::<Tree>());
    assert_eq!(
        String::from_utf8(pod.to_json()).unwrap(),
        r#"{"list":["x","y"],"metadata":{"labels":{"a":"1","b":"2"},"name":"n"}}"#
    );
    assert_eq!(pod.child("metadata").remove("name"), Some("n".into()));
    let twice: Map = [("k", 1), ("a", 2), ("k", 3)].into_iter().collect();
    assert_eq!(Tree::Map(twice).to_json(), br#"{"a":2,"k":3}"#);
}

#[test]
fn syntax_errors_read_as_upstream_s() {
    for (text, message) in [
        ("", "unexpected end of JSON input"),
        ("{", "unexpected end of JSON input"),
        ("{\"a\":1", "unexpected end of JSON input"),
        ("x", "invalid character 'x' looking for beginning of value"),
        ("{a", "invalid character 'a' looking for beginning of object key string"),
        (
            "{\"a\":1,}",
            "invalid character '}' looking for beginning of object key string",
        ),
        ("{\"a\" 1}", "invalid character '1' after object key"),
        ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("{} x", "invalid character 'x' after top-level value"),
        ("\"\n\"", r"invalid character '\n' in string literal"),
        ("\"\\x\"", "invalid character 'x' in string escape code"),
        (
            "\"\\u00g0\"",
            r"invalid character 'g' in \u hexadecimal character escape",
        ),
        ("-x", "invalid character 'x' in numeric literal"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("1ex", "invalid character 'x' in exponent of numeric literal"),
        ("01", "invalid character '1' after top-level value"),
        ("trux", "invalid character 'x' in literal true (expecting 'e')"),
        ("nul'", r"invalid character '\'' in literal null (expecting 'l')"),
        ("\u{e9}", "invalid character 'Ã' looking for beginning of value"),
        ("\0", r"invalid character '\x00' looking for beginning of value"),
    ] {
        assert_eq!(refusal(text), message, "{text:?}");
    }
    assert_eq!(refusal(&"[".repeat(2_000_000)), "exceeded max depth");
    assert!(parse("[".repeat(1_000).as_bytes()).is_err_and(|error| error.to_string().starts_with("unexpected")));
}

#[test]
fn numbers_are_written_as_go_writes_them() {
    for (text, written) in [
        ("1", "1"),
        ("-0", "0"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "9223372036854776000"),
        ("1.0", "1"),
        ("1.50", "1.5"),
        ("1e3", "1000"),
        ("1e21", "1e+21"),
        ("1.5E-7", "1.5e-7"),
        ("0.000001", "0.000001"),
        ("1e999", "1e999"),
    ] {
        assert_eq!(String::from_utf8(tree(text).to_json()).unwrap(), written, "{text}");
    }
    assert_eq!(tree("1.0"), tree("1.00"));
    assert_eq!(Number::from(0.25).literal(), "0.25");
}

#[test]
fn strings_are_written_as_go_writes_them() {
    let text = "<a href=\"x\">&amp;\u{2028}\u{2029}\u{7f}\u{1}\u{8}é\\";
    let written = String::from_utf8(Tree::from(text).to_json()).unwrap();
    assert_eq!(
        written,
        "\"\\u003ca href=\\\"x\\\"\\u003e\\u0026amp;\\u2028\\u2029\u{7f}\\u0001\\bé\\\\\""
    );
    assert_eq!(tree(&written), Tree::from(text));
    assert_eq!(
        tree(r#""\ud83d\ude00 \ud83d \ud83dA \udc00""#),
        Tree::from("😀 \u{fffd} \u{fffd}A \u{fffd}")
    );
    assert_eq!(parse(b"\"a\xffb\"").unwrap().tree, Tree::from("a\u{fffd}b"));
}

#[test]
fn a_key_that_stands_twice_is_told_and_the_last_counts() {
    let read = parse(
        br#"{"m":{"name":"d","name":"e","labels":{"x":"1","x":"2"}},"l":[{"a":1,"a":2}],"d":{"a":1},"d":{"b":2},"d":{}}"#,
    )
    .unwrap();
    assert_eq!(read.duplicates, ["m.name", "m.labels.x", "l[0].a", "d"]);
    assert_eq!(
        read.tree.to_json(),
        br#"{"d":{"a":1,"b":2},"l":[{"a":2}],"m":{"labels":{"x":"2"},"name":"e"}}"#
    );
}

#[test]
fn findings_are_put_in_the_order_of_the_document() {
    let document = br#"{"z":{"y":1,"b":2},"a":[{"k":1},{"k":2}]}"#;
    let mut found = ["a[1].k", "absent", "z.b", "a", "z"];
    rank(document, &mut found, |path| path);
    assert_eq!(found, ["z", "z.b", "a", "a[1].k", "absent"]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // serde_json is a bit off in the last digit of longer fractions.
        any::<i32>().prop_map(|sixteenths| Value::from(f64::from(sixteenths) / 16.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(".*", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_survives(value in any_json()) {
        let read = parse(value.to_string().as_bytes()).unwrap();
        let pretty = parse(serde_json::to_string_pretty(&value).unwrap().as_bytes()).unwrap();
        prop_assert_eq!(&read, &pretty);
        prop_assert!(read.duplicates.is_empty());
        let again: Value = serde_json::from_slice(&read.tree.to_json()).unwrap();
        let same = parse(again.to_string().as_bytes()).unwrap().tree;
        // Whole numbers are written without a fraction, so they come back as integers.
        prop_assert_eq!(same.to_json(), read.tree.to_json());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let ours = parse(&bytes);
        let theirs: Result<Value, _> = serde_json::from_slice(&bytes);
        if theirs.is_ok() {
            prop_assert!(ours.is_ok());
        }
    }
}

#[test]
fn people_read_json_on_many_lines() {
    let tree = parse(br#"{"a":[1,{"b":{}}],"c":[]}"#).unwrap().tree;
    let text = "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n  \"c\": []\n}";
    assert_eq!(String::from_utf8(tree.to_pretty_json(Order::SORTED)).unwrap(), text);
}

#[test]
fn letters_that_only_pages_need_escaped_can_stand_for_themselves() {
    for text in [
        "<a href=\"b\">&amp;</a>\u{2028}\u{2029}",
        r"\u003c \\u003e \",
        "\n\u{1}\u{7f}",
        "",
    ] {
        let json = Tree::from_iter([text, "x"]).to_json();
        let mut bared = Vec::new();
        super::bare(&json, &mut bared);
        assert_eq!(parse(&bared).unwrap().tree.to_json(), json);
        assert!(bared.len() <= json.len());
        assert!(!String::from_utf8(bared).unwrap().contains("u0026"));
    }
    let mut bared = Vec::new();
    super::bare(&Tree::from("<\u{2028}\\u003c>").to_json(), &mut bared);
    assert_eq!(bared, "\"<\u{2028}\\\\u003c>\"".as_bytes());
}

/// What takes minutes where each of so many is held against all others, so that the test is ended.
fn at_once(document: &str) -> super::Parsed {
    parse(document.as_bytes()).unwrap()
}

#[test]
fn objects_under_one_key_become_one_however_many_they_are() {
    let text = r#"{"a":{"x":1,"y":{"p":1}},"a":{"y":{"q":2},"w":1},"a":{"x":null,"z":3,"v":4,"u":5}}"#;
    let parsed = at_once(text);
    let one = r#"{"a":{"u":5,"v":4,"w":1,"x":null,"y":{"p":1,"q":2},"z":3}}"#;
    assert_eq!(parsed.tree.to_json(), one.as_bytes());
    assert_eq!(parsed.duplicates, ["a"]);
    let text = r#"{"a":{"x":1},"a":{"y":1},"a":2,"a":{"z":3},"a":{"w":4}}"#;
    assert_eq!(at_once(text).tree.to_json(), br#"{"a":{"w":4,"z":3}}"#);
    let many: Vec<String> = (0..50_000)
        .map(|at| format!(r#""a":{{"{:05}":1}}"#, at * 7919 % 50_000))
        .collect();
    let parsed = at_once(&format!("{{{}}}", many.join(",")));
    assert_eq!(parsed.tree.entries("a").len(), 50_000);
}

#[test]
fn a_long_key_is_not_read_again_for_each_key_below_it() {
    let key = "k".repeat(1_000_000);
    let below: Vec<String> = (0..100_000).map(|at| format!(r#""{at}":1"#)).collect();
    let below = below.join(",");
    let document = format!(r#"{{"{key}":{{{below},"7":1,"7":2}}}}"#);
    let parsed = at_once(&document);
    let path = |last: &str| format!("{key}.{last}");
    assert!(parsed.duplicates == [path("7")]);
    let mut found = [path("99999"), path("70000"), path("none")];
    rank(document.as_bytes(), &mut found, |path| path);
    assert!(found == [path("70000"), path("99999"), path("none")]);
}

#[test]
fn keys_that_are_named_come_first_in_their_order_and_the_others_sorted() {
    static BELOW: Order = Order(&[("z", Order::SORTED)]);
    static ORDER: Order = Order(&[("kind", Order::SORTED), ("x", Order::SORTED), ("list", &BELOW)]);
    let tree = tree(r#"{"a":1,"kind":{"c":1,"b":2},"list":[{"a":1,"z":2},{}],"o":{"b":1,"a":2}}"#);
    let text = r#"{"kind":{"b":2,"c":1},"list":[{"z":2,"a":1},{}],"a":1,"o":{"a":2,"b":1}}"#;
    let mut out = Vec::new();
    tree.write_json_in(&ORDER, &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), text);
    let pretty = tree.to_pretty_json(&ORDER);
    let packed: String = String::from_utf8(pretty).unwrap().split_whitespace().collect();
    assert_eq!(packed, text);
}

#[test]
fn a_long_key_is_not_told_with_each_key_that_stands_twice_below_it() {
    let key = "\u{7f}".repeat(1_000_000);
    let below: Vec<String> = (0..100).map(|at| format!(r#""{at}":1,"{at}":2"#)).collect();
    let parsed = at_once(&format!(r#"{{"a":1,"a":2,"{key}":{{{}}}}}"#, below.join(",")));
    assert_eq!(parsed.duplicates.len(), 2);
    assert_eq!(parsed.duplicates[0], "a");
    assert!(parsed.duplicates[1] == format!("{key}.0"));
    let below: Vec<String> = (0..200).map(|at| format!(r#""{at}":1,"{at}":2"#)).collect();
    let parsed = at_once(&format!("{{{}}}", below.join(",")));
    assert_eq!(parsed.duplicates.len(), MAX_DUPLICATES);
}

#[test]
fn what_is_nested_deep_is_not_indented_by_its_depth() {
    let mut tree: Tree = (0..100_000_i64).collect();
    for _ in 0..300 {
        tree = Tree::Map(Map::sorted(vec![("a".into(), tree)]));
    }
    let pretty = tree.to_pretty_json(Order::SORTED);
    assert!(pretty.len() < 15_000_000, "{}", pretty.len());
    assert_eq!(parse(&pretty).unwrap().tree, tree);
    let deep = String::from_utf8(pretty).unwrap();
    let widths: Vec<usize> = deep.lines().map(|line| line.len() - line.trim_start().len()).collect();
    assert_eq!(widths[..3], [0, 2, 4]);
    assert_eq!(widths[63..67], [126, 128, 128, 128]);
}
