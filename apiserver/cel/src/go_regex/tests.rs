//! What Go reads and what it refuses, in its words.

use super::wrong;

#[test]
fn what_go_cannot_read_is_told_in_its_words() {
    for (pattern, expected) in [
        ("", None),
        (r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z]+)*$", None),
        (r"^(?:a|b){1,3}?\d+[[:alpha:]^\]]$", None),
        (r"(?P<n>a)(?i)b(?<m>c)\pL\x{41}\Q(\E", None),
        ("a{,2}{x{01}", None),
        ("a*(?i)*", None),
        ("(a", Some("missing closing ): `(a`")),
        ("a)", Some("unexpected ): `a)`")),
        ("a[b", Some("missing closing ]: `[b`")),
        ("[]a", Some("missing closing ]: `[]a`")),
        ("*a", Some("missing argument to repetition operator: `*`")),
        ("(+?)", Some("missing argument to repetition operator: `+?`")),
        ("a|+", Some("missing argument to repetition operator: `+`")),
        ("a**", Some("invalid nested repetition operator: `**`")),
        ("a{2}?+?", Some("invalid nested repetition operator: `{2}?+?`")),
        ("a\\", Some("trailing backslash at end of expression: ``")),
        (r"\y", Some(r"invalid escape sequence: `\y`")),
        (r"\E", Some(r"invalid escape sequence: `\E`")),
        (r"a\C", Some(r"invalid escape sequence: `\C`")),
        (r"\x{110000}", Some(r"invalid escape sequence: `\x{110000`")),
        (r"\xzz", Some(r"invalid escape sequence: `\xzz`")),
        (r"(a)\1", Some(r"invalid escape sequence: `\1`")),
        ("(?=a)", Some("invalid or unsupported Perl syntax: `(?=`")),
        ("(?i-:a)", Some("invalid or unsupported Perl syntax: `(?i-:`")),
        ("(?<=a)", Some("invalid named capture: `(?<=a)`")),
        ("(?P<a b>c)", Some("invalid named capture: `(?P<a b>`")),
        ("a{1001}", Some("invalid repeat count: `{1001}`")),
        ("a{2,1}", Some("invalid repeat count: `{2,1}`")),
        ("[z-a]", Some("invalid character class range: `z-a`")),
        (r"[\x62-\x61]", Some(r"invalid character class range: `\x62-\x61`")),
        ("[[:x:]]", Some("invalid character class range: `[:x:]`")),
    ] {
        assert_eq!(wrong(pattern).as_deref(), expected, "{pattern}");
    }
}

#[test]
fn classes_of_unicode_have_the_names_that_go_knows() {
    for name in [
        "L",
        "l",
        "{Lu}",
        "{^Greek}",
        "{Letter}",
        "{cased letter}",
        "{Old_Italic}",
        "{Any}",
        "{ASCII}",
    ] {
        assert_eq!(wrong(&format!(r"\p{name}[\P{name}]")), None, "{name}");
    }
    for name in ["X", "", "{}", "{Foo}", "{Basic_Emoji}", "{^}", "{Lx}"] {
        let shown = format!(r"\P{name}");
        assert_eq!(
            wrong(&shown),
            Some(format!("invalid character class range: `{shown}`")),
            "{name}"
        );
    }
    assert_eq!(
        wrong(r"\p{L(x)").as_deref(),
        Some(r"invalid character class range: `\p{L(x)`")
    );
}

#[test]
fn nothing_is_repeated_more_than_a_thousand_times_by_all_repetitions_around_it() {
    for (pattern, refused) in [
        ("(a{1000}){1000}", Some("{1000}")),
        ("(a{10}){101}", Some("{101}")),
        ("(a{10}){100}", None),
        ("(a{10,})(b{99,100}?c){10}", None),
        ("((a{10,}|b){10}x*){11}?", Some("{11}?")),
        ("(a{0}){1000}", None),
        ("((a{0}){40}){40}", Some("{40}")),
        ("((a{40}){0,}){40}", Some("{40}")),
        ("(a{1000}){1}", None),
        ("((a{100})*){100}", Some("{100}")),
    ] {
        let expected = refused.map(|operator| format!("invalid repeat count: `{operator}`"));
        assert_eq!(wrong(pattern), expected, "{pattern}");
    }
}

#[test]
fn what_is_too_deep_or_too_large_is_refused() {
    let deep = |depth: usize, open: &str, inner: &str| format!("{}{inner}{}", open.repeat(depth), ")".repeat(depth));
    for (pattern, fine) in [
        (deep(999, "(", ""), true),
        (deep(1000, "(", ""), false),
        (deep(999, "(", "a"), true),
        (deep(998, "(", "a*"), true),
        (deep(999, "(", "a*"), false),
        (deep(100_000, "(?:", "a"), true),
        // Each is a chain with a part of it that is repeated.
        (deep(499, "(?:", "a").replace(')', ")*b"), true),
        (deep(501, "(?:", "a").replace(')', ")*b"), false),
        // A choice and a group each.
        (deep(499, "(ab|", "c"), true),
        (deep(500, "(ab|", "c"), false),
    ] {
        let expected = (!fine).then(|| format!("expression nests too deeply: `{pattern}`"));
        assert_eq!(wrong(&pattern), expected);
    }
    for (pattern, fine) in [
        (format!("(?:{}){{1000}}", "a*".repeat(1000)), true),
        (format!("(?:{}){{1000}}", "a*".repeat(1200)), false),
        (format!("(?:{}){{1000}}", "a".repeat(3300)), true),
        (format!("(?:{}){{1000}}", "a".repeat(4000)), false),
    ] {
        let expected = (!fine).then(|| format!("expression too large: `{pattern}`"));
        assert_eq!(wrong(&pattern), expected);
    }
}

#[test]
fn a_large_expression_is_read_in_one_go() {
    let size = 1 << 20;
    for (part, missing) in [
        ("[:", Some("]")),
        ("{", None),
        ("(?:", Some(")")),
        ("[[:alpha:]", Some("]")),
        ("\\Qa\\E", None),
        ("[a]", None),
        ("a|", None),
        ("|", None),
        ("a{2}", None),
        ("\\pL", None),
    ] {
        let pattern = part.repeat(size / part.len());
        let expected = missing.map(|closing| format!("missing closing {closing}: `{pattern}`"));
        assert!(wrong(&pattern) == expected, "{part}");
    }
}
