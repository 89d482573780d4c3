//! Texts that can be read, and what is told of those that cannot.

use super::*;

fn issues(text: &str) -> String {
    let source = Source::new(text);
    match parse(&source, Macros::default()) {
        Ok(_) => String::new(),
        Err(issues) => source.print(&issues),
    }
}

/// What is told of each place: `line:column: message`.
fn told(text: &str) -> Vec<String> {
    let issues = issues(text);
    let places = issues.lines().filter_map(|line| line.strip_prefix("ERROR: <input>:"));
    places.map(str::to_owned).collect()
}

#[test]
fn what_can_be_read_has_no_issues() {
    for text in [
        r#"a.b[0].c(1, 2u, -3.5, 0x1f) == .d ? 'x' : "y""#,
        "!!a && --b < 3 || c in [1, 2,]",
        "{'a': 1, ?'b': c.?d, } == {}",
        "x.Y{z: 1, ?w: v}",
        "has(a.b) && a.all(x, x.exists(y, y == x))",
        r"r'\' + '''a'b''' + b'\xff'",
        "1 // a remark\n + 2",
        "[?a, b][?0]",
    ] {
        assert_eq!(issues(text), "", "{text}");
    }
}

#[test]
fn each_issue_shows_its_line_and_a_mark() {
    assert_eq!(
        issues("A b_!"),
        "ERROR: <input>:1:3: Syntax error: mismatched input 'b_' expecting <EOF>\n | A b_!\n | ..^"
    );
    assert_eq!(
        issues("1 +\n  a b"),
        "ERROR: <input>:2:5: Syntax error: extraneous input 'b' expecting <EOF>\n |   a b\n | ....^"
    );
}

#[test]
fn what_does_not_fit_is_told_with_what_would() {
    const WORDS: &str = "'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER";
    for (text, expected) in [
        (
            "",
            &["1:0: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', WORDS}"][..],
        ),
        (
            "size(",
            &["1:6: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', ')', '.', '-', '!', WORDS}"],
        ),
        ("a b", &["1:3: Syntax error: extraneous input 'b' expecting <EOF>"]),
        ("a.", &["1:3: Syntax error: no viable alternative at input '.'"]),
        ("a.1", &["1:2: Syntax error: extraneous input '.1' expecting <EOF>"]),
        ("(a", &["1:3: Syntax error: missing ')' at '<EOF>'"]),
        ("a)", &["1:2: Syntax error: extraneous input ')' expecting <EOF>"]),
        (
            "[1, 2",
            &["1:6: Syntax error: mismatched input '<EOF>' expecting {']', ','}"],
        ),
        ("{1 2}", &["1:4: Syntax error: missing ':' at '2'"]),
        ("f(a b)", &["1:5: Syntax error: extraneous input 'b' expecting ')'"]),
        ("a ? b", &["1:6: Syntax error: mismatched input '<EOF>' expecting ':'"]),
        (
            "1 + * 2",
            &["1:5: Syntax error: extraneous input '*' expecting {'[', '{', '(', '.', '-', '!', WORDS}"],
        ),
        (
            "a[]",
            &["1:3: Syntax error: mismatched input ']' expecting {'[', '{', '(', '.', '-', '!', '?', WORDS}"],
        ),
        (
            "'a",
            &[
                "1:1: Syntax error: token recognition error at: ''a'",
                "1:3: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', WORDS}",
            ],
        ),
        (
            "a $ b",
            &[
                "1:3: Syntax error: token recognition error at: '$'",
                "1:5: Syntax error: extraneous input 'b' expecting <EOF>",
            ],
        ),
        ("a &", &["1:3: Syntax error: token recognition error at: '&'"]),
        (
            "T{1: 2}",
            &["1:3: Syntax error: mismatched input '1' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}"],
        ),
        (
            "a.true",
            &["1:3: Syntax error: mismatched input 'true' expecting IDENTIFIER"],
        ),
        (
            "{a: 1",
            &["1:6: Syntax error: mismatched input '<EOF>' expecting {'}', ','}"],
        ),
    ] {
        let expected: Vec<String> = expected.iter().map(|one| one.replace("WORDS", WORDS)).collect();
        assert_eq!(told(text), expected, "{text}");
    }
}

#[test]
fn what_is_read_may_still_be_wrong() {
    for (text, expected) in [
        ("9223372036854775808", "1:1: invalid int literal"),
        ("18446744073709551616u", "1:1: invalid uint literal"),
        ("1e999", "1:1: invalid double literal"),
        (r"'\ud800'", "1:1: invalid unicode code point"),
        ("has(a)", "1:5: invalid argument to has() macro"),
        ("a.all(1, true)", "1:7: argument must be a simple name"),
        ("a.map(b.c, d)", "1:8: argument is not an identifier"),
        ("a.all(x, x, true)", "1:10: duplicate variable name: x"),
        ("a.`b`", "1:3: unsupported syntax: '`'"),
        ("package", "1:1: reserved identifier: package"),
    ] {
        assert_eq!(told(text), [expected], "{text}");
    }
}
