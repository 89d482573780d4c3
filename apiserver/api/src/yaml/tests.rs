//! YAML: what Go's package reads, refuses and writes.

use std::fmt::Write;

use proptest::prelude::*;

use super::{ALIASED_MAX, parse, strict_error, to_yaml};
use crate::tree::MAX_DUPLICATES;
use crate::tree::{self, Tree};

fn read(text: &str) -> String {
    String::from_utf8(parse(text.as_bytes()).unwrap().tree.to_json()).unwrap()
}

fn refusal(text: &str) -> String {
    parse(text.as_bytes()).unwrap_err().to_string()
}

fn json(text: &str) -> Tree {
    tree::parse(text.as_bytes()).unwrap().tree
}

#[test]
fn scalars_mean_what_they_meant_in_yaml_1_1() {
    for (text, expected) in [
        ("", "null"),
        ("~", "null"),
        ("Null", "null"),
        ("y", "true"),
        ("Yes", "true"),
        ("ON", "true"),
        ("n", "false"),
        ("off", "false"),
        ("yEs", r#""yEs""#),
        ("'yes'", r#""yes""#),
        ("12", "12"),
        ("+12", "12"),
        ("-0", "0"),
        ("1_000", "1000"),
        ("0777", "511"),
        ("0o17", "15"),
        ("0x1F", "31"),
        ("-0x1F", "-31"),
        ("0b101", "5"),
        ("09", "9"),
        ("1.5", "1.5"),
        ("1.0", "1"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1e400", r#""1e400""#),
        (".", r#"".""#),
        ("1.2.3", r#""1.2.3""#),
        ("9223372036854775807", "9223372036854775807"),
        ("18446744073709551615", "18446744073709552000"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("99999999999999999999", "100000000000000000000"),
        ("1:30", r#""1:30""#),
        ("2026-01-01", r#""2026-01-01""#),
        ("2026-01-01T00:00:00Z", r#""2026-01-01T00:00:00Z""#),
        ("!!str 12", r#""12""#),
        ("!!int '12'", "12"),
        ("!!float 1", "1"),
        ("!!bool 'yes'", "true"),
        ("!!binary YWI=", r#""ab""#),
        ("!mine 12", r#""12""#),
        ("! '12'", "12"),
        ("<<", r#""\u003c\u003c""#),
        ("\"a\\u0041\\x41\\n\"", r#""aAA\n""#),
        ("|\n  a\n  b\n", r#""a\nb\n""#),
        (">-\n  a\n  b\n", r#""a b""#),
        ("\u{feff}a", r#""a""#),
        ("😀", "\"😀\""),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn documents_become_json() {
    for (text, expected) in [
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  k: v\n",
            r#"{"apiVersion":"v1","data":{"k":"v"},"kind":"ConfigMap","metadata":{"name":"yaml"}}"#,
        ),
        ("data: {y: '1'}", r#"{"data":{"true":"1"}}"#),
        (
            "{1: a, 1.5: b, 2e7: c, no: d, 2026-01-01: e}",
            r#"{"1":"a","1.5":"b","2026-01-01":"e","2e+07":"c","false":"d"}"#,
        ),
        (
            "- a\n- - b\n  - c: 1\n    d:\n- {}\n",
            r#"["a",["b",{"c":1,"d":null}],{}]"#,
        ),
        ("a: 1\n---\nb: 2\n", r#"{"a":1}"#),
        ("---\n# nothing\n...\n", "null"),
        ("a: &x [1]\nb: *x\n", r#"{"a":[1],"b":[1]}"#),
        ("a: &x k\n*x : 1\n", r#"{"a":"k","k":1}"#),
        (
            "a: &x {p: 1, q: 2}\nb: {p: 0, <<: *x, q: 3}\n",
            r#"{"a":{"p":1,"q":2},"b":{"p":1,"q":3}}"#,
        ),
        ("b: {<<: [{p: 1}, {p: 2, q: 2}]}\n", r#"{"b":{"p":1,"q":2}}"#),
        ("'<<': {a: 1}\n", r#"{"\u003c\u003c":{"a":1}}"#),
        (
            r#"{"a": 1e3, "b": [0.5, 100000000000000000000]}"#,
            r#"{"a":1000,"b":[0.5,100000000000000000000]}"#,
        ),
        ("{\"a\":\"\\u0000\",\n\t\"b\" : [ ]}\n", r#"{"a":"\u0000","b":[]}"#),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn documents_are_yaml_1_1() {
    for (text, expected) in [
        // What YAML 1.2 refuses: lines that go on at the parent's column, tabs behind a colon, words glued to commas.
        ("spec: {\n  a: 1\n}\nb: 2\n", r#"{"b":2,"spec":{"a":1}}"#),
        (
            "m:\n  a: [\n  1\n  ]\n  b: \"x\n  y\"\n",
            r#"{"m":{"a":[1],"b":"x y"}}"#,
        ),
        ("a:\tb\n", r#"{"a":"b"}"#),
        ("a: {b:c}\n", r#"{"a":{"b:c":null}}"#),
        ("a: [b :c, \"d\",]\n", r#"{"a":["b :c","d"]}"#),
        ("[a: 1, ? b]", r#"[{"a":1},{"b":null}]"#),
        ("? a\n? b\n: - c\n", r#"{"a":null,"b":["c"]}"#),
        (
            "%TAG !e! tag:yaml.org,2002:\n---\na: !e!str 1\nb: !<tag:yaml.org,2002:str> 2\nc: !!%73tr 3\n",
            r#"{"a":"1","b":"2","c":"3"}"#,
        ),
        (
            "a: |2-\n   x\n\n  y\n\nb: >+\n  x\n  y\n\n   z\n  w\n\n\nc: |\n\n\n  x",
            r#"{"a":" x\n\ny","b":"x y\n\n z\nw\n\n\n","c":"\n\nx"}"#,
        ),
        (
            "a: \"x \\\n   \\ty\\u00e9\\U0001F600\n\n\n  z\"\nb: 'it''s\n  so'\nc: x\n  y # no\n",
            "{\"a\":\"x \\tyé😀\\n\\nz\",\"b\":\"it's so\",\"c\":\"x y\"}",
        ),
        ("a\u{85}b\u{2028}c", "\"a b\\u2028c\""),
        // After the document only one more token is looked at.
        ("[1] ]", "[1]"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn keys_that_stand_twice_are_told() {
    for (text, expected, duplicates) in [
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yd}\ndata: {k: v, k: w}\n",
            r#"{"apiVersion":"v1","data":{"k":"w"},"kind":"ConfigMap","metadata":{"name":"yd"}}"#,
            vec![r#"line 4: key "k" already set in map"#],
        ),
        (
            "a:\n  b: 1\n  b: 2\na:\n  c: 3\n",
            r#"{"a":{"c":3}}"#,
            vec![
                r#"line 3: key "b" already set in map"#,
                r#"line 5: key "a" already set in map"#,
            ],
        ),
        ("1: a\n1: b\n", r#"{"1":"b"}"#, vec!["line 2: key 1 already set in map"]),
        (
            r#"{"a": 1, "a": 2}"#,
            r#"{"a":2}"#,
            vec![r#"line 1: key "a" already set in map"#],
        ),
    ] {
        let parsed = parse(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(parsed.tree.to_json()).unwrap(), expected);
        assert_eq!(parsed.duplicates, duplicates);
    }
    let duplicates = [
        r#"line 4: key "k" already set in map"#.to_owned(),
        "line 5: x".to_owned(),
    ];
    assert_eq!(
        strict_error(&duplicates),
        "yaml: unmarshal errors:\n  line 4: key \"k\" already set in map\n  line 5: x"
    );
}

#[test]
fn of_many_keys_that_stand_twice_some_are_told() {
    let parsed = parse("a: 1\n".repeat(10_000).as_bytes()).unwrap();
    assert_eq!(parsed.duplicates.len(), MAX_DUPLICATES);
    assert_eq!(parsed.duplicates[99], r#"line 101: key "a" already set in map"#);
    // Keys that are long, by an alias.
    let key = "k".repeat(100_000);
    let text = format!("a: &a\n  ? {key}\n  : 1\nb:\n{}", "  <<: *a\n".repeat(20));
    let parsed = parse(text.as_bytes()).unwrap();
    assert_eq!(parsed.duplicates.len(), 2);
    assert!(parsed.duplicates[1].starts_with("line 7: key \"kkk"));
}

#[test]
fn the_scanner_and_the_parser_refuse_in_go_s_words() {
    for (text, message) in [
        ("a: 'b' c\n", "yaml: did not find expected key"),
        ("\t{}", "yaml: found character that cannot start any token"),
        ("- \ta\n", "yaml: found character that cannot start any token"),
        ("a: @x\n", "yaml: found character that cannot start any token"),
        ("{a: 'b': c}\n", "yaml: did not find expected ',' or '}'"),
        ("[a}", "yaml: did not find expected ',' or ']'"),
        ("root:\n- 1\n[", "yaml: line 4: could not find expected ':'"),
        ("...\na", "yaml: did not find expected node content"),
        ("a:\n  - b\n c", "yaml: line 2: did not find expected key"),
        ("a: - b", "yaml: block sequence entries are not allowed in this context"),
        ("a: ? b", "yaml: mapping keys are not allowed in this context"),
        ("k: |0\n", "yaml: found an indentation indicator equal to 0"),
        ("k: |x\n", "yaml: did not find expected comment or line break"),
        (
            "k: |\n\tx\n",
            "yaml: line 2: found a tab character where an indentation space is expected",
        ),
        (
            "k:\n  a\n\tb\n",
            "yaml: line 3: found a tab character that violates indentation",
        ),
        ("a: \"b", "yaml: found unexpected end of stream"),
        ("a: 'b\n--- '", "yaml: line 2: found unexpected document indicator"),
        (r#""a\/b": c"#, "yaml: found unknown escape character"),
        (r#""\xg0""#, "yaml: did not find expected hexdecimal number"),
        (r#""\ud800""#, "yaml: found invalid Unicode character escape code"),
        (
            "a: & b\n",
            "yaml: did not find expected alphabetic or numeric character",
        ),
        ("%x: a\n", "yaml: found unexpected non-alphabetical character"),
        ("%YAML 2.0\n---\n", "yaml: found incompatible YAML document"),
        ("%YAML 1.1\na\n", "yaml: line 1: did not find expected <document start>"),
        ("x: 1\ny: !e!int 1", "yaml: line 1: found undefined tag handle"),
        ("!<a b", "yaml: did not find the expected '>'"),
    ] {
        assert_eq!(refusal(text), message, "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_in_go_s_words() {
    for (text, message) in [
        ("a: [", "yaml: line 1: did not find expected node content"),
        ("a: [\n", "yaml: line 1: did not find expected node content"),
        ("a: b: c", "yaml: mapping values are not allowed in this context"),
        (
            "x: 1\na: b: c\n",
            "yaml: line 2: mapping values are not allowed in this context",
        ),
        (
            "a: 1\n b: 2\n",
            "yaml: line 2: mapping values are not allowed in this context",
        ),
        ("a:\n  b: 1\n c: 2\n", "yaml: line 2: did not find expected key"),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: broken\n data: {a: b}\n",
            "yaml: line 4: did not find expected key",
        ),
        ("- a\nb\n", "yaml: line 3: could not find expected ':'"),
        ("a: *x", "yaml: unknown anchor 'x' referenced"),
        ("a: &x [*x]", "yaml: anchor 'x' value contains itself"),
        ("a: &x-1 {b: *x-1 }", "yaml: anchor 'x-1' value contains itself"),
        (
            "{{ .Values.x }}: 1",
            r#"yaml: invalid map key: map[interface {}]interface {}{".Values.x":interface {}(nil)}"#,
        ),
        ("? [a, 1]\n: b", r#"yaml: invalid map key: []interface {}{"a", 1}"#),
        (
            "{<<: 1}",
            "yaml: map merge requires map or sequence of maps as the value",
        ),
        ("!!int x", "yaml: cannot decode !!str `x` as a !!int"),
        ("!!binary x", "yaml: !!binary value contains invalid base64 data"),
        (".nan", "json: unsupported value: NaN"),
        ("-.inf", "json: unsupported value: -Inf"),
        ("a: +.inf", "json: unsupported value: +Inf"),
        ("~: 1", "unsupported map key of type: %!s(<nil>), key: <nil>"),
        ("a\u{1}", "yaml: control characters are not allowed"),
    ] {
        assert_eq!(refusal(text), message, "{text}");
    }
    for (bytes, message) in [
        (b"a\xff".as_slice(), "yaml: invalid leading UTF-8 octet"),
        (b"a\xc3x", "yaml: invalid trailing UTF-8 octet"),
        (b"a\xc3", "yaml: incomplete UTF-8 octet sequence"),
    ] {
        assert_eq!(parse(bytes).unwrap_err().to_string(), message);
    }
}

#[test]
fn small_documents_stay_small() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for at in 1..30 {
        let alias = format!("*a{}", at - 1);
        let list = [alias.as_str(); 10].join(",");
        writeln!(bomb, "a{at}: &a{at} [{list}]").unwrap();
    }
    assert_eq!(refusal(&bomb), "yaml: document contains excessive aliasing");
    let long = "x".repeat(ALIASED_MAX / 10);
    assert_eq!(
        refusal(&format!("a: &a {long}\nb: [{}]\n", ["*a"; 20].join(","))),
        "yaml: document contains excessive aliasing"
    );
    let depth = "yaml: exceeded max depth of 1000";
    assert_eq!(refusal(&"[".repeat(100_000)), depth);
    assert_eq!(refusal(&"- ".repeat(1001)), depth);
    let nested = "- ".repeat(600);
    assert_eq!(refusal(&format!("- &a\n  {nested}x\n- {nested}*a\n")), depth);
    assert!(parse("- ".repeat(1000).as_bytes()).is_ok());
}

#[test]
fn trees_are_written_as_go_writes_them() {
    for (tree, expected) in [
        (
            r#"{"apiVersion":"v1","data":{"k":"0"},"metadata":{"creationTimestamp":"2026-01-01T00:00:00Z","labels":{"n":"0","parity":"even"},
            "managedFields":[{"fieldsV1":{"f:data":{".":{},"f:k":{}}},"operation":"Update"}],"name":"c0"}}"#,
            "apiVersion: v1\ndata:\n  k: \"0\"\nmetadata:\n  creationTimestamp: \"2026-01-01T00:00:00Z\"\n  labels:\n    \"n\": \
             \"0\"\n    parity: even\n  managedFields:\n  - fieldsV1:\n      f:data:\n        .: {}\n        f:k: {}\n    \
             operation: Update\n  name: c0\n",
        ),
        (
            r#"{"a":[],"b":{},"c":null,"d":true,"e":1,"f":1.5,"g":"","h":1e3}"#,
            "a: []\nb: {}\nc: null\nd: true\ne: 1\nf: 1.5\ng: \"\"\nh: 1000\n",
        ),
        (
            r#"[1,[2,[3]],{"a":[{"b":1,"c":2}]}]"#,
            "- 1\n- - 2\n  - - 3\n- a:\n  - b: 1\n    c: 2\n",
        ),
        (r#""x""#, "x\n"),
        ("null", "null\n"),
        ("{}", "{}\n"),
        (
            r#"{"a":"x\ny\n","b":"x\ny","c":"x\n\n","d":"\n","e":" x\ny","f":"x \ny","g":"\tx\ny"}"#,
            "a: |\n  x\n  y\nb: |-\n  x\n  y\nc: |+\n  x\n\nd: |2+\n\ne: |2-\n   x\n  y\nf: \"x \\ny\"\ng: \"\\tx\\ny\"\n",
        ),
        (
            r##"{"a":"- x","b":"a: b","c":"a:b","d":"#x","e":"a #x","f":"a#x","g":"'x'","h":"x'y","i":" x","j":"x ","k":"*x","l":"it's: so","m":"-x","n":"-","o":"?x","p":"---","q":"%"}"##,
            "a: '- x'\nb: 'a: b'\nc: a:b\nd: '#x'\ne: 'a #x'\nf: a#x\ng: '''x'''\nh: x'y\ni: ' x'\nj: 'x '\nk: '*x'\nl: 'it''s: so'\nm: -x\n\"n\": '-'\no: ?x\np: '---'\nq: '%'\n",
        ),
        (
            r#"{"a":"12","b":"1e3","c":"0x1","d":"true","e":"null","f":"~","g":"1:30","h":"1_0","i":".5","j":"1.2.3","k":"<<","l":"=","m":"2026-01-01"}"#,
            "a: \"12\"\nb: \"1e3\"\nc: \"0x1\"\nd: \"true\"\ne: \"null\"\nf: \"~\"\ng: \"1:30\"\nh: \"1_0\"\ni: \".5\"\nj: 1.2.3\nk: <<\nl: =\nm: \"2026-01-01\"\n",
        ),
        (
            r#"{"a":"é","b":"😀","c":"a\rb","d":"\u0085","e":"\u00a0","f":"\ufeff","g":"\u0000\u001b","h":"a\tb","i":"\"\\\t"}"#,
            "a: é\nb: \"\\U0001F600\"\nc: \"a\\rb\"\nd: \"\\N\"\ne: \u{a0}\nf: \"\\uFEFF\"\ng: \"\\0\\e\"\nh: \"a\\tb\"\ni: \"\\\"\\\\\\t\"\n",
        ),
        (
            r#"{"a10":1,"a2":1,"a02":1,"B":1,"b":1,"1":1,"true":1,"y":1,"a.b":1,"a b":1,"a":1}"#,
            "\"1\": 1\nB: 1\na: 1\na b: 1\na.b: 1\na2: 1\na02: 1\na10: 1\nb: 1\n\"true\": 1\n\"y\": 1\n",
        ),
        (
            r#"{"big":18446744073709551615,"bigger":100000000000000000000,"small":0.00001,"million":1234567.5,"minus":-5}"#,
            "big: 1.8446744073709552e+19\nbigger: 1e+20\nmillion: 1.2345675e+06\nminus: -5\nsmall: 1e-05\n",
        ),
    ] {
        assert_eq!(to_yaml(&json(tree)), expected, "{tree}");
    }
}

#[test]
fn long_lines_are_folded() {
    let words = ["word"; 30].join(" ");
    let folded = to_yaml(&json(&format!(r#"{{"m":"{words}","n":[{{"o":"{words}"}}]}}"#)));
    let (first, second) = (["word"; 16].join(" "), ["word"; 14].join(" "));
    assert_eq!(
        folded,
        format!("m: {first}\n  {second}\n\"n\":\n- o: {first}\n    {second}\n")
    );
    let quoted = to_yaml(&json(&format!(r#"{{"m":"a: {words}","n":"\t{words}"}}"#)));
    assert_eq!(read(&quoted), format!(r#"{{"m":"a: {words}","n":"\t{words}"}}"#));
    assert_eq!(quoted.lines().count(), 4);
    let key = "k".repeat(129);
    assert_eq!(
        to_yaml(&json(&format!(r#"{{"{key}":{{"a":1}},"x\ny":2}}"#))),
        format!("? {key}\n: a: 1\n? |-\n  x\n  y\n: 2\n")
    );
}

fn trees() -> impl Strategy<Value = Tree> {
    let text = "[ -~éä\n\t:#'\"\\\\\u{85}\u{2028}😀]{0,12}|[a-z]{0,8}|[0-9.:+-]{0,6}|(word |x  ){0,30}";
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        any::<i64>().prop_map(Tree::from),
        text.prop_map(|text: String| Tree::from(text)),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Tree::from),
            prop::collection::vec((text, inner), 0..5).prop_map(|entries| Tree::Map(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(tree in trees()) {
        let text = to_yaml(&tree);
        let parsed = parse(text.as_bytes());
        prop_assert_eq!(parsed.map(|parsed| parsed.tree), Ok(tree.clone()), "{}", text);
        // And where it stands so deep that it is written on one line.
        let deep = (0..66).fold(tree, |inner, _| Tree::from_iter([inner]));
        let text = to_yaml(&deep);
        let parsed = parse(text.as_bytes());
        prop_assert_eq!(parsed.map(|parsed| parsed.tree), Ok(deep), "{}", text);
    }

    #[test]
    fn no_text_panics(text in "[-a-c0 \n\t:,\\[\\]{}&*!|>'\"%@#?<~.é]{0,40}|(- |a: |\n|  |\\{|\\[|\\]|\\}|&x |\\*x |<<: |!!str |\\|\n|\"|'|# ){0,30}") {
        if let Ok(parsed) = parse(text.as_bytes()) {
            // Whatever was read can be written.
            to_yaml(&parsed.tree);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn sorting_loses_no_key(keys in prop::collection::btree_set("[a0-2.]{0,4}", 0..20)) {
        let tree: Tree = Tree::Map(keys.iter().map(|key| (key.as_str(), 1)).collect());
        prop_assert_eq!(to_yaml(&tree).lines().count(), keys.len().max(1));
    }
}

#[test]
fn a_prefix_of_tags_is_not_copied_for_each_tag() {
    let long = "p".repeat(1_500_000);
    let items = "!a!b 1,".repeat(150_000);
    let parsed = parse(format!("%TAG !a! {long}\n---\n[{items}!a!b 2]").as_bytes()).unwrap();
    let items = parsed.tree.as_list().unwrap();
    assert_eq!((items.len(), items[150_000].as_str()), (150_001, Some("2")));
    // Those that mean something are found, however they are put together.
    assert_eq!(read("%TAG !a! tag:yaml.org,2002:f\n---\n!a!loat 1"), "1");
    assert_eq!(read("%TAG !a! tag:yaml.org,2002:bin\n---\n!a!ary aGk="), r#""hi""#);
    assert_eq!(read(&format!("!!{} 1", "x".repeat(100))), r#""1""#);
}

#[test]
fn a_key_that_is_deep_is_put_into_words_once() {
    let key = format!("? {}~{}\n: 1\n", "[".repeat(900), "]".repeat(900));
    let words = format!(
        "{}interface {{}}(nil){}",
        "[]interface {}{".repeat(900),
        "}".repeat(900)
    );
    let message = refusal(&format!("? [1, {{a: b}}]\n: 1\n{}", key.repeat(100)));
    assert_eq!(
        message,
        r#"yaml: invalid map key: []interface {}{1, map[interface {}]interface {}{"a":"b"}}"#
    );
    assert!(refusal(&key.repeat(100)) == format!("yaml: invalid map key: {words}"));
}

fn below(key: &str, tree: Tree) -> Tree {
    Tree::Map(std::iter::once((key, tree)).collect())
}

#[test]
fn what_is_nested_deep_stands_on_one_line() {
    let long = "k".repeat(200);
    let inner = json(&format!(
        r#"{{"a":[1,-2.5,null,true,"x","","<<","a: b","é\n\u0001\u007f😀",[],{{}}],"yes":{{"{long}":{{"n":[[0]]}}}}}}"#
    ));
    for depth in [62, 63, 64, 65, 700] {
        let mut tree = Tree::from_iter([inner.clone(), inner.clone()]);
        for at in 0..depth {
            tree = if at % 2 == 0 {
                below("key", tree)
            } else {
                Tree::from_iter([tree])
            };
        }
        let text = to_yaml(&tree);
        assert!(text.len() < 20_000, "{text}");
        assert_eq!(parse(text.as_bytes()).map(|parsed| parsed.tree), Ok(tree), "{text}");
    }
    let mut tree = json(r#"{"b":[1,"x"],"a":{}}"#);
    for _ in 0..65 {
        tree = below("k", tree);
    }
    let last = format!("\n{}k: {{\"a\": {{}}, \"b\": [1, \"x\"]}}\n", " ".repeat(128));
    assert!(to_yaml(&tree).ends_with(&last));
}
