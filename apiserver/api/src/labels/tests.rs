//! Label selectors: what upstream reads, selects, prints and refuses.

use proptest::prelude::*;

use super::{Leniency, Operator, Selector, format, validate};
use crate::path::Path;
use crate::refusal::Refusals;
use crate::tree::{Map, Tree, parse};

const NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
    and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
    '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

fn tree(text: &str) -> Tree {
    parse(text.as_bytes()).unwrap().tree
}

#[test]
fn selectors_print_in_normal_form() {
    for (text, printed) in [
        ("", ""),
        ("a", "a"),
        ("!a", "!a"),
        ("a=b", "a=b"),
        ("a==b", "a==b"),
        ("a = b , c!= d", "a=b,c!=d"),
        ("a=", "a="),
        ("z,a", "a,z"),
        ("x in (b,a)", "x in (a,b)"),
        ("x in (a,a)", "x in (a)"),
        ("x in ()", "x in ()"),
        ("x in (,)", "x in ()"),
        ("x in (a,,b)", "x in (,a,b)"),
        ("x notin (a),y", "x notin (a),y"),
        ("in in (in,notin)", "in in (in,notin)"),
        ("notin=in", "notin=in"),
        ("x in (a),in,notin=a", "in,notin=a,x in (a)"),
        ("n>1,n<5", "n>1,n<5"),
        ("example.com/a=b", "example.com/a=b"),
        ("app\0", "app"),
        ("a\0=\0b\0,c", "a=b,c"),
        ("a \0=b", "a"),
        ("a\0\0=b", "a"),
        ("\0=b", ""),
    ] {
        assert_eq!(Selector::parse(text).unwrap().to_string(), printed, "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_in_upstream_s_words() {
    for (text, message) in [
        ("=x", "found '=', expected: !, identifier, or 'end of string'".to_owned()),
        (",", "found ',', expected: !, identifier, or 'end of string'".to_owned()),
        ("a,", "found '', expected: identifier after ','".to_owned()),
        ("a,,b", "found ',', expected: identifier after ','".to_owned()),
        ("!a=b", "found '=', expected: ',' or 'end of string'".to_owned()),
        ("a=b c", "found 'c', expected: ',' or 'end of string'".to_owned()),
        ("a b=c", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt".to_owned()),
        ("parity in even", "unable to parse requirement: found 'even' expected: '('".to_owned()),
        ("!", "unable to parse requirement: found '', expected: identifier".to_owned()),
        ("!!a", "unable to parse requirement: found '!', expected: identifier".to_owned()),
        ("a=(", "unable to parse requirement: found '(', expected: identifier".to_owned()),
        ("a=!=b", "unable to parse requirement: found '!=', expected: identifier".to_owned()),
        ("x in (", "unable to parse requirement: found '', expected: ',', ')' or identifier".to_owned()),
        ("x in (a", "unable to parse requirement: found '', expected: ',' or ')'".to_owned()),
        ("x in (a,", "unable to parse requirement: found '', expected: ',', or identifier".to_owned()),
        ("x in (a=b)", "unable to parse requirement: found '=', expected: ',' or ')'".to_owned()),
        (
            "n>x",
            "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an \
             integer"
                .to_owned(),
        ),
        ("-a=b", format!("unable to parse requirement: <nil>: Invalid value: \"-a\": {NAME}")),
        ("a=-b", format!("unable to parse requirement: values[0][a]: Invalid value: \"-b\": {VALUE}")),
        (
            "a in (-b,-c)",
            format!(
                "unable to parse requirement: [values[0][a]: Invalid value: \"-b\": {VALUE}, values[1][a]: Invalid value: \
                 \"-c\": {VALUE}]"
            ),
        ),
    ] {
        assert_eq!(Selector::parse(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn labels_are_matched_as_upstream_does() {
    let labels: Map = [("a", "1"), ("b", ""), ("n", "5")].into_iter().collect();
    for (text, matches) in [
        ("", true),
        ("a", true),
        ("c", false),
        ("!a", false),
        ("!c", true),
        ("a=1", true),
        ("a==1", true),
        ("a=2", false),
        ("b=", true),
        ("c=", false),
        ("a!=1", false),
        ("a!=2", true),
        ("c!=1", true),
        ("a in (1,2)", true),
        ("a in (2,3)", false),
        ("c in (1)", false),
        ("b in ()", true),
        ("a notin (1,2)", false),
        ("a notin (2)", true),
        ("c notin (2)", true),
        ("n>4", true),
        ("n>5", false),
        ("n<6", true),
        ("b<6", false),
        ("c<6", false),
        ("a=1,n>4,!c", true),
        ("a=1,n>5", false),
    ] {
        assert_eq!(Selector::parse(text).unwrap().matches(&labels), matches, "{text}");
    }
    assert!(!Selector::nothing().matches(&labels) && Selector::everything().matches(&Map::new()));
}

#[test]
fn exact_requirements_are_told_to_indexes() {
    let selector = Selector::parse("a=1,b in (2),c in (3,4),d!=5,e").unwrap();
    let exact: Vec<_> = ["a", "b", "c", "d", "e", "f"]
        .map(|key| selector.required_exact(key))
        .into();
    assert_eq!(exact, [Some("1"), Some("2"), None, None, None, None]);
    let operators: Vec<Operator> = selector
        .requirements()
        .iter()
        .map(super::Requirement::operator)
        .collect();
    assert_eq!(operators[3..], [Operator::NotEquals, Operator::Exists]);
    assert_eq!(selector.requirements()[2].values().collect::<Vec<_>>(), ["3", "4"]);
}

#[test]
fn objects_select_as_queries_do() {
    for (object, text) in [
        ("null", "<none>"),
        ("{}", "<none>"),
        (r#"{"matchLabels":{"b":"2","a":"1"}}"#, "a=1,b=2"),
        (
            r#"{"matchLabels":{"b":"2"},"matchExpressions":[{"key":"a","operator":"In","values":["y","x"]},
            {"key":"c","operator":"NotIn","values":["z"]},{"key":"d","operator":"Exists"},
            {"key":"e","operator":"DoesNotExist"}]}"#,
            "a in (x,y),b=2,c notin (z),d,!e",
        ),
        (r#"{"matchExpressions":[{"key":"a","operator":"Gt"}]}"#, "<error>"),
    ] {
        assert_eq!(format(&tree(object)), text, "{object}");
    }
    assert!(Selector::from_object(&Tree::Null).unwrap().is_nothing());
    assert!(Selector::from_object(&Tree::map()).unwrap().is_everything());
    for (object, message) in [
        (
            r#"{"matchExpressions":[{"key":"a","operator":"Gt"}]}"#,
            r#""Gt" is not a valid label selector operator"#,
        ),
        (
            r#"{"matchExpressions":[{"key":"a","operator":"In"}]}"#,
            "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
        ),
        (
            r#"{"matchExpressions":[{"key":"a","operator":"Exists","values":["x"]}]}"#,
            r#"values: Invalid value: ["x"]: values set must be empty for exists and does not exist"#,
        ),
    ] {
        assert_eq!(Selector::from_object(&tree(object)).unwrap_err().to_string(), message);
    }
}

#[test]
fn objects_are_refused_at_upstream_s_paths() {
    let long = "a".repeat(64);
    let selector = tree(&format!(
        r#"{{"matchLabels":{{"k":"{long}"}},"matchExpressions":[{{}},{{"key":"a","operator":"In"}},
        {{"key":"a/b/c","operator":"Exists","values":["x"]}},{{"key":"k","operator":"NotIn","values":["","-"]}}]}}"#
    ));
    let mut refusals = Refusals::new();
    validate(&Path::of("s"), &selector, Leniency::default(), &mut refusals);
    let texts: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    let expected = [
        format!("s.matchLabels: Invalid value: \"{long}\": must be no more than 63 bytes"),
        "s.matchExpressions[0].operator: Invalid value: \"\": not a valid selector operator".to_owned(),
        "s.matchExpressions[0].key: Invalid value: \"\": name part must be non-empty".to_owned(),
        format!("s.matchExpressions[0].key: Invalid value: \"\": {NAME}"),
        "s.matchExpressions[1].values: Required value: must be specified when `operator` is 'In' or 'NotIn'".to_owned(),
        "s.matchExpressions[2].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            .to_owned(),
        format!(
            "s.matchExpressions[2].key: Invalid value: \"a/b/c\": a valid label key {} with an optional DNS subdomain prefix \
             and '/' (e.g. 'example.com/MyName')",
            &NAME["name part ".len()..]
        ),
        format!("s.matchExpressions[3].values[1]: Invalid value: \"-\": {VALUE}"),
    ];
    assert_eq!(texts, expected);
    let mut refusals = Refusals::new();
    let lenient = Leniency {
        values: true,
        operators: true,
    };
    let odd = tree(r#"{"matchExpressions":[{"key":"k","operator":"Gt","values":["-"]}]}"#);
    validate(&Path::of("s"), &odd, lenient, &mut refusals);
    assert!(refusals.is_empty());
}

proptest! {
    #[test]
    fn no_text_panics_and_what_prints_is_read_again(text in "[ab1=!(),<> \\-/.é]{0,12}|(in|notin|a|=|\\(|\\)|,| ){0,12}") {
        if let Ok(selector) = Selector::parse(&text) {
            prop_assert_eq!(Selector::parse(&selector.to_string()).unwrap(), selector);
        }
    }
}
