//! Laws of sets, and their JSON.

use apiserver_api::tree::{Map, Tree, parse};
use proptest::prelude::*;

use super::{Element, Filter, Matcher, Set, Step, order, same};

fn tree(text: &str) -> Tree {
    parse(text.as_bytes()).unwrap().tree
}

fn set(text: &str) -> Set {
    Set::from_tree(&tree(text)).unwrap()
}

fn json(set: &Set) -> String {
    String::from_utf8(set.to_json()).unwrap()
}

#[test]
fn sets_are_read_and_written_as_upstream_s() {
    for text in [
        "{}",
        r#"{"f:a":{}}"#,
        r#"{"f:a":{".":{},"f:b":{}},"f:c":{}}"#,
        r#"{"f:l":{".":{},"k:{\"name\":\"x\",\"port\":80}":{".":{},"f:name":{}},"k:{\"port\":9}":{},"v:true":{},"v:\"s\"":{}}}"#,
    ] {
        let read = set(text);
        assert_eq!(read.to_tree(), tree(text));
        assert_eq!(Set::from_tree(&tree(&json(&read))), Ok(read), "{text}");
    }
    // The order of elements: names, keys by their values, values, positions; numbers by size.
    let text = r#"{"f:b":{},"f:a":{},"i:2":{},"i:1":{},"k:{\"p\":10}":{},"k:{\"p\":9}":{},"v:10":{},"v:9":{},"v:\"a\"":{},"v:true":{}}"#;
    assert_eq!(
        json(&set(text)),
        r#"{"f:a":{},"f:b":{},"k:{\"p\":9}":{},"k:{\"p\":10}":{},"v:9":{},"v:10":{},"v:\"a\"":{},"v:true":{},"i:1":{},"i:2":{}}"#
    );
    // What is not known is left out, be it all there is; a lone dot is a member.
    assert_eq!(
        set(r#"{"x:y":{},"f:a":{"y:z":{}},"f:b":{".":{}}}"#),
        set(r#"{"f:a":{},"f:b":{}}"#)
    );
    assert_eq!(set("null"), Set::new());
}

#[test]
fn what_is_no_set_is_refused() {
    for (text, message) in [
        ("[]", "expect { or n, but found array"),
        (r#"{"f:a":1}"#, "expect { or n, but found number"),
        (
            r#"{"f":{}}"#,
            "parsing key as path element: key must be 2 characters long:",
        ),
        (r#"{"fa":{}}"#, "parsing key as path element: missing colon: fa"),
        (
            r#"{"v:x":{}}"#,
            "parsing key as path element: invalid character 'x' looking for beginning of value",
        ),
        (r#"{"k:1":{}}"#, "expect { or n, but found number"),
        (
            r#"{"i:x":{}}"#,
            "parsing key as path element: \"x\": invalid digit found in string",
        ),
    ] {
        assert_eq!(Set::from_tree(&tree(text)).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn paths_print_as_upstream_s() {
    let text = r#"{"f:spec":{"f:l":{"k:{\"name\":\"a\\\"\",\"port\":80}":{".":{},"f:x":{}},"v:\"s\"":{},"v:true":{},"i:3":{}},"f:z":{}},"f:b":{}}"#;
    assert_eq!(
        set(text).paths(),
        [
            ".b",
            ".spec.z",
            r#".spec.l[name="a\"",port=80]"#,
            r#".spec.l[="s"]"#,
            ".spec.l[=true]",
            ".spec.l[3]",
            r#".spec.l[name="a\"",port=80].x"#,
        ]
    );
}

#[test]
fn operations_tell_members_from_what_is_below() {
    let a = set(r#"{"f:a":{".":{},"f:b":{"f:c":{}},"f:d":{}},"f:e":{}}"#);
    let b = set(r#"{"f:a":{"f:b":{}},"f:e":{}}"#);
    assert_eq!(
        a.clone().difference(&b),
        set(r#"{"f:a":{".":{},"f:b":{"f:c":{}},"f:d":{}}}"#)
    );
    assert_eq!(a.clone().recursive_difference(&b), set(r#"{"f:a":{".":{},"f:d":{}}}"#));
    assert_eq!(a.intersection(&b), set(r#"{"f:e":{}}"#));
    assert!(a.intersects(&b) && !a.is_within(&b) && set(r#"{"f:e":{}}"#).is_within(&a));
    assert_eq!(a.leaves(), set(r#"{"f:a":{"f:b":{"f:c":{}},"f:d":{}},"f:e":{}}"#));
    assert_eq!((a.len(), a.depth(), Set::new().depth()), (4, 3, 0));
    let path = |names: &[&str]| -> Vec<Element> { names.iter().map(|name| Element::Field((*name).into())).collect() };
    assert!(a.contains(&path(&["a"])) && a.contains(&path(&["a", "b", "c"])));
    assert!(!a.contains(&path(&["a", "b"])) && !a.contains(&path(&["a", "b", "c", "d"])) && !a.contains(&[]));
    assert_eq!(
        Set::of(&[&["a", "b"], &[], &["a"]]),
        set(r#"{"f:a":{".":{},"f:b":{}}}"#)
    );
}

#[test]
fn filters_keep_what_counts() {
    let all = set(
        r#"{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:l":{"k:{\"n\":1}":{".":{},"f:x":{},"f:y":{}}}},"f:status":{}}"#,
    );
    let without = Filter::Without(Set::of(&[&["status"], &["metadata"]]));
    assert_eq!(
        without.apply(all.clone()),
        set(r#"{"f:spec":{"f:l":{"k:{\"n\":1}":{".":{},"f:x":{},"f:y":{}}}}}"#)
    );
    let resize = Matcher::prefix([Step::field("spec"), Step::field("l"), Step::Any, Step::field("x")].into_iter());
    let labels = Matcher::prefix([Step::field("metadata")].into_iter());
    let only = Filter::Only(resize.clone().or(labels));
    assert_eq!(
        only.apply(all.clone()),
        set(r#"{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:l":{"k:{\"n\":1}":{".":{},"f:x":{}}}}}"#)
    );
    let more = resize
        .clone()
        .or(Matcher::prefix([Step::field("spec"), Step::Any].into_iter()));
    assert_eq!(more.filter(all.clone()).len(), 3);
    assert_eq!(resize.or(Matcher::Any).filter(all.clone()), all);
}

#[test]
fn values_have_one_order() {
    let sorted = [
        "1",
        "1.5",
        "2",
        "\"a\"",
        "\"b\"",
        "false",
        "true",
        "[1]",
        "[1,2]",
        r#"{"a":1}"#,
        r#"{"b":0}"#,
        "null",
    ];
    let trees: Vec<Tree> = sorted.iter().map(|text| tree(text)).collect();
    for (at, a) in trees.iter().enumerate() {
        for (other, b) in trees.iter().enumerate() {
            assert_eq!(order(a, b), at.cmp(&other), "{a:?} {b:?}");
        }
    }
    assert!(same(&tree(r#"{"a":[1,{"b":2.0}]}"#), &tree(r#"{"a":[1.0,{"b":2}]}"#)));
    assert!(!same(&tree("[1]"), &tree("[1,1]")) && !same(&tree("null"), &tree("{}")));
}

#[test]
fn integers_that_no_double_holds_stand_beside_the_double_they_are_near_to() {
    // Equal ones are in one line.
    let sorted: [&[&str]; 15] = [
        &["-1e999", "-1e1000"],
        &["-9223372036854775809", "-9223372036854775808.0", "-9223372036854775808"],
        &["-9223372036854775807"],
        &["-9007199254740993"],
        &["-9007199254740992", "-9007199254740992.0"],
        &["-1", "-1.0"],
        &["0", "0.0", "-0.0"],
        &["0.5"],
        &["9007199254740992", "9007199254740992.0", "9007199254740993.0"],
        &["9007199254740993"],
        &["9007199254740995"],
        &["9007199254740996", "9007199254740995.0"],
        &["9223372036854775807"],
        &["9223372036854775807.0", "9223372036854775808"],
        &["1e999", "1e1000"],
    ];
    let places: Vec<(usize, Tree)> = sorted
        .iter()
        .enumerate()
        .flat_map(|(at, texts)| texts.iter().map(move |text| (at, tree(text))))
        .collect();
    for (at, a) in &places {
        for (other, b) in &places {
            assert_eq!(order(a, b), at.cmp(other), "{a:?} {b:?}");
        }
    }
    assert!(same(&tree("9007199254740993"), &tree("9007199254740992.0")));
    assert!(!same(&tree("9007199254740993"), &tree("9007199254740992")));
}

#[test]
fn a_set_of_numbers_near_each_other_has_each_of_them_once() {
    let first = 9_007_199_254_740_992_i64;
    let members = |step: usize| -> Set {
        let numbers = (first..first + 100).flat_map(|number| [number.to_string(), format!("{number}.0")]);
        let mut numbers: Vec<String> = numbers.collect();
        numbers.rotate_left(step);
        let fields = numbers.iter().map(|number| (format!("v:{number}"), Tree::map()));
        Set::from_tree(&Tree::Map(fields.collect())).unwrap()
    };
    let set = members(0);
    // The doubles are even: all but the last are integers that are there, too.
    assert_eq!(set.len(), 101);
    for step in 1..200 {
        assert_eq!(members(step), set);
    }
}

/// An object of that many fields of a set.
fn many(letter: char, count: usize) -> Tree {
    Tree::Map(
        (0..count)
            .map(|at| (format!("f:{letter}{at:06}"), Tree::map()))
            .collect(),
    )
}

#[test]
fn an_element_in_many_spellings_costs_no_more_than_what_is_below_it() {
    let spelling = |at: usize| -> String {
        let blanks = (0..15).rev().map(|bit| if at >> bit & 1 == 0 { '\t' } else { ' ' });
        format!("v:{}1", blanks.collect::<String>())
    };
    let spelled = (0..20_000).map(|at| match at {
        0 => (spelling(at), many('a', 100_000)),
        _ => (
            spelling(at),
            Tree::Map(Map::from_iter([(format!("f:b{at:06}"), Tree::map())])),
        ),
    });
    let read = Set::from_tree(&Tree::Map(spelled.collect())).unwrap();
    assert_eq!((read.iter().count(), read.len()), (1, 119_999));
}

#[test]
fn an_element_in_two_spellings_on_each_level_is_one() {
    let twice =
        r#"{"v:1":{"v:2.0":{"f:a":{}},"v:2":{".":{},"f:b":{}}},"v: 1":{"v:2":{"f:c":{}},"v: 2":{"f:a":{"f:d":{}}}}}"#;
    let once = r#"{"v:1":{"v:2":{".":{},"f:a":{".":{},"f:d":{}},"f:b":{},"f:c":{}}}}"#;
    assert_eq!(set(twice), set(once));
}

#[test]
fn a_small_set_is_found_in_a_large_one_wherever_it_is() {
    let large = Set::from_tree(&many('a', 1000)).unwrap();
    for step in [1, 2, 3, 97, 998, 999] {
        let some = (0..1000).step_by(step).map(|at| (format!("f:a{at:06}"), Tree::map()));
        let small = Set::from_tree(&Tree::Map(some.collect())).unwrap();
        let other = Set::of(&[&["a"], &["a000500x"], &["b"]]).union(small.clone());
        assert_eq!(
            (large.intersection(&other), other.intersection(&large)),
            (small.clone(), small.clone())
        );
        assert_eq!(large.clone().difference(&other).len(), 1000 - small.len());
        assert_eq!(other.clone().difference(&large).len(), 3);
        assert!(small.is_within(&large) && !other.is_within(&large) && large.intersects(&other));
    }
}

#[test]
fn a_list_in_a_path_is_shown_with_its_items() {
    let element = Element::Value(tree(r#"[1,["a",[]],{"b":[true,null]}]"#));
    assert_eq!(element.to_string(), r#"[=[1,["a",[]],b=[true,null]]]"#);
}

fn any_element() -> impl Strategy<Value = Element> {
    prop_oneof![
        "[abc]".prop_map(|name| Element::Field(name.into())),
        (0_i64..3).prop_map(|at| Element::Key([("k".into(), Tree::Int(at))].into())),
        (0_i64..3).prop_map(|at| Element::Value(Tree::Int(at))),
        (0_i64..3).prop_map(Element::Index),
    ]
}

fn any_set() -> impl Strategy<Value = Set> {
    let path = prop::collection::vec(any_element(), 0..4);
    prop::collection::vec(path, 0..12).prop_map(|paths| {
        let mut set = Set::new();
        for path in &paths {
            set.insert(path);
        }
        set
    })
}

/// The members one by one, to hold the operations against sets of texts.
fn members(set: &Set) -> std::collections::BTreeSet<String> {
    set.paths().into_iter().collect()
}

proptest! {
    #[test]
    fn operations_are_those_of_sets(a in any_set(), b in any_set(), c in any_set()) {
        let (left, right) = (members(&a), members(&b));
        prop_assert_eq!(left.len(), a.len());
        prop_assert_eq!(members(&a.clone().union(b.clone())), &left | &right);
        prop_assert_eq!(members(&a.intersection(&b)), &left & &right);
        prop_assert_eq!(members(&a.clone().difference(&b)), &left - &right);
        prop_assert_eq!(a.intersects(&b), !left.is_disjoint(&right));
        prop_assert_eq!(a.is_within(&b), left.is_subset(&right));
        let deep = a.clone().recursive_difference(&b);
        prop_assert!(deep.is_within(&a.clone().difference(&b)));
        prop_assert_eq!(
            a.clone().union(b.clone()).union(c.clone()),
            a.clone().union(b.clone().union(c.clone()))
        );
        prop_assert_eq!(a.clone().union(b.clone()), b.clone().union(a.clone()));
        prop_assert_eq!(a.clone().difference(&b.clone().union(c.clone())), a.difference(&b).difference(&c));
    }

    #[test]
    fn sets_joined_at_once_are_those_joined_one_by_one(sets in prop::collection::vec(any_set(), 0..7)) {
        let one_by_one = sets.iter().cloned().fold(Set::new(), Set::union);
        prop_assert_eq!(Set::joined(sets), one_by_one);
    }

    #[test]
    fn json_brings_a_set_back(a in any_set()) {
        prop_assert_eq!(Set::from_tree(&a.to_tree()), Ok(a.clone()));
        prop_assert_eq!(Set::from_tree(&parse(&a.to_json()).unwrap().tree), Ok(a));
    }
}
