//! Types that expressions have, and what is told of those that have none.

use crate::{Admission, Environment};

fn admission() -> Environment {
    Environment::admission(Admission {
        params: true,
        authorizer: true,
        patch: false,
    })
}

/// The type of an expression, or its first line of what is wrong, without the place of the file.
fn typed_in(env: &Environment, text: &str) -> String {
    match env.compile(text) {
        Ok(compiled) => compiled.output().to_string(),
        Err(wrong) => {
            let first = wrong.lines().next().unwrap_or_default();
            first.trim_start_matches("ERROR: <input>:").to_owned()
        }
    }
}

fn typed(text: &str) -> String {
    typed_in(&admission(), text)
}

#[track_caller]
fn all(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(typed(text), *expected, "{text}");
    }
}

#[test]
fn operators_have_the_types_of_their_operands() {
    all(&[
        ("1 + 2 * 3", "int"),
        ("1u / 2u", "uint"),
        ("'a' + 'b'", "string"),
        ("b'a' + b'b'", "bytes"),
        ("[1] + [2]", "list(int)"),
        (
            "timestamp('2020-01-01T00:00:00Z') - duration('1h')",
            "google.protobuf.Timestamp",
        ),
        ("1 < 2.0", "bool"),
        ("-1.5", "double"),
        ("!true", "bool"),
        ("true ? 1 : 2", "int"),
        ("1 in [1, 2]", "bool"),
        ("'a' in {'a': 1}", "bool"),
        ("type(1) == int", "bool"),
        ("object.x", "dyn"),
        ("object.x + 1", "int"),
        ("object.x[0].y", "dyn"),
    ]);
}

#[test]
fn operands_that_do_not_fit_are_told_with_their_types() {
    all(&[
        (
            "1 + 'a'",
            "1:3: found no matching overload for '_+_' applied to '(int, string)'",
        ),
        (
            "1 == 'a'",
            "1:3: found no matching overload for '_==_' applied to '(int, string)'",
        ),
        (
            "'a' == null",
            "1:5: found no matching overload for '_==_' applied to '(string, null)'",
        ),
        ("!1", "1:1: found no matching overload for '!_' applied to '(int)'"),
        ("1 && true", "1:1: expected type 'bool' but found 'int'"),
        ("[1, 'a']", "1:5: expected type 'int' but found 'string'"),
        ("{1: 2, 'a': 3}", "1:8: expected type 'int' but found 'string'"),
        ("1.foo", "1:2: type 'int' does not support field selection"),
        (
            "'a'.size(1)",
            "1:9: found no matching overload for 'size' applied to 'string.(int)'",
        ),
        (
            "1.all(x, true)",
            "1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
        ),
        ("nope", "1:1: undeclared reference to 'nope' (in container '')"),
        ("nope(1)", "1:5: undeclared reference to 'nope' (in container '')"),
        (
            "object.nope(1)",
            "1:12: undeclared reference to 'nope' (in container '')",
        ),
        ("Object{}", "1:7: undeclared reference to 'Object' (in container '')"),
        ("int{}", "1:4: 'int' is not a message type"),
        ("object{}", "1:7: 'dyn' is not a type"),
    ]);
}

#[test]
fn the_request_and_the_namespace_have_known_fields() {
    all(&[
        ("request.userInfo.groups", "list(string)"),
        ("request.userInfo.extra['a'][0]", "string"),
        ("request.kind.group == 'apps'", "bool"),
        ("request.options.x", "dyn"),
        ("request.nope", "1:8: undefined field 'nope'"),
        ("request.kind.nope", "1:13: undefined field 'nope'"),
        ("has(request.nope)", "1:4: undefined field 'nope'"),
        ("namespaceObject.metadata.labels['a']", "string"),
        (
            "namespaceObject.status.conditions[0].lastTransitionTime",
            "google.protobuf.Timestamp",
        ),
        ("kubernetes.GroupVersionKind{group: 'a'}.group", "string"),
        (
            "kubernetes.GroupVersionKind{group: 1}",
            "1:34: expected type of field 'group' is 'string' but provided type is 'int'",
        ),
    ]);
}

#[test]
fn what_a_place_does_not_offer_is_undeclared() {
    let bare = Environment::admission(Admission::default());
    for (text, name) in [
        ("params.x", "params"),
        ("authorizer.group('')", "authorizer"),
        ("variables.x", "variables"),
    ] {
        assert_eq!(
            typed_in(&bare, text),
            format!("1:1: undeclared reference to '{name}' (in container '')")
        );
    }
    assert_eq!(typed("authorizer.requestResource.check('get').allowed()"), "bool");
    assert_eq!(
        typed("authorizer.group('').resource('pods').namespace('a').check('get').reason()"),
        "string"
    );
    assert_eq!(
        typed("authorizer.path('/').allowed()"),
        "1:29: found no matching overload for 'allowed' applied to 'kubernetes.authorization.PathCheck.()'"
    );
}

#[test]
fn folds_have_types_through_their_variables() {
    all(&[
        ("[1, 2].all(x, x > 0)", "bool"),
        (
            "[1, 2].exists_one(x, x == 'a')",
            "1:24: found no matching overload for '_==_' applied to '(int, string)'",
        ),
        ("[1, 2].map(x, string(x))", "list(string)"),
        ("[1, 2].map(x, x > 1, x * 2)", "list(int)"),
        (
            "[1, 2].filter(x, x)",
            "1:14: found no matching overload for '_?_:_' applied to '(int, list(int), list(int))'",
        ),
        ("{'a': 1}.map(k, k)", "list(string)"),
        ("{'a': 1}.all(k, v, k == 'a' && v == 1)", "bool"),
        ("['a'].transformMap(i, v, v + string(i))", "map(int, string)"),
        ("{'a': 1}.transformList(k, v, v)", "list(int)"),
        ("{'a': 1}.transformMapEntry(k, v, {v: k})", "map(int, string)"),
        ("object.x.map(x, x.y)", "list(dyn)"),
        ("[3, 1].sortBy(x, -x)", "list(int)"),
        ("[1].all(x, y)", "1:12: undeclared reference to 'y' (in container '')"),
        ("[1].all(x, x) && x", "1:12: expected type 'bool' but found 'int'"),
    ]);
}

#[test]
fn optionals_are_known() {
    all(&[
        ("optional.of(1)", "optional_type(int)"),
        ("object.?a.b.orValue('x')", "dyn"),
        ("[1, 2][?0]", "optional_type(int)"),
        ("{'a': 1}[?'a'].orValue(2)", "int"),
        ("optional.of({'a': 1}).a", "optional_type(int)"),
        ("optional.of(1).optMap(x, x + 1).value()", "int"),
        ("optional.of([1]).optFlatMap(x, x[?0])", "optional_type(int)"),
        ("[?optional.of(1), 2]", "list(int)"),
        ("{?'a': optional.none()}.a", "dyn"),
        ("[?1]", "1:3: expected type 'optional_type(int)' but found 'int'"),
        ("request.?nope", "1:8: undefined field 'nope'"),
    ]);
}

#[test]
fn libraries_of_kubernetes_are_known() {
    all(&[
        ("url('http://a').getQuery()", "map(string, list(string))"),
        (
            "quantity('1Gi').add(quantity('1')).isGreaterThan(quantity('2'))",
            "bool",
        ),
        ("cidr('10.0.0.0/8').containsIP(ip('10.0.0.1'))", "bool"),
        ("ip.isCanonical('1.2.3.4')", "bool"),
        ("string(ip('1.2.3.4'))", "string"),
        ("semver('1.2.3').major()", "int"),
        ("format.dns1123Label().validate('a').hasValue()", "bool"),
        ("format.named('date').value()", "kubernetes.NamedFormat"),
        ("'a1'.find('[0-9]')", "string"),
        ("[1, 2].sum() + [1].indexOf(1)", "int"),
        ("['a'].isSorted()", "bool"),
        ("sets.contains([1], [2])", "bool"),
        ("lists.range(3).slice(0, 1).distinct()", "list(int)"),
        ("'a,b'.split(',').join('-')", "string"),
        ("[[1], [2]].flatten()", "list(int)"),
        ("url('a').foo", "1:9: unexpected failed resolution of 'kubernetes.URL'"),
        (
            "jsonpatch.escapeKey('a')",
            "1:1: undeclared reference to 'jsonpatch' (in container '')",
        ),
        (
            "cel.bind(x, 1, x)",
            "1:1: undeclared reference to 'cel' (in container '')",
        ),
    ]);
}

#[test]
fn literals_that_functions_read_are_checked() {
    all(&[
        ("duration('1h5m')", "google.protobuf.Duration"),
        ("duration('x')", "1:10: invalid duration argument"),
        ("timestamp('x')", "1:11: invalid timestamp argument"),
        ("timestamp(253402300800)", "1:11: invalid timestamp argument"),
        ("object.x.matches('[')", "1:18: invalid matches argument"),
        ("[1, dyn('a')]", "1:8: expected type 'int' but found 'dyn'"),
        ("'%s %d'.format([dyn('a'), dyn(1)])", "string"),
        (
            "'%d'.format(['a'])",
            "1:14: error during formatting: decimal clause can only be used on integers, was given string",
        ),
        ("'%s'.format([])", "1:12: index 0 out of range"),
        (
            "'%y'.format([1])",
            "1:12: could not parse formatting clause: unrecognized formatting clause \"y\"",
        ),
        (
            "'a%%'.format([1])",
            "1:13: too many arguments supplied to string.format (expected 0, got 1)",
        ),
    ]);
}

#[test]
fn patches_make_objects_with_any_fields() {
    let env = Environment::admission(Admission {
        patch: true,
        ..Admission::default()
    });
    for (text, expected) in [
        ("Object{spec: Object.spec{replicas: 1}}", "Object"),
        ("Object{metadata: Object.metadata{labels: {'a': 'b'}}}", "Object"),
        ("[JSONPatch{op: 'add', path: '/a', value: 1}]", "list(JSONPatch)"),
        (
            "[JSONPatch{op: 1}]",
            "1:14: expected type of field 'op' is 'string' but provided type is 'int'",
        ),
        ("'/metadata/' + jsonpatch.escapeKey('a/b')", "string"),
        ("[]", "list(dyn)"),
        ("Other{}", "1:6: undeclared reference to 'Other' (in container '')"),
    ] {
        assert_eq!(typed_in(&env, text), expected, "{text}");
    }
}

#[test]
fn variables_have_the_types_of_their_expressions() {
    let mut env = admission();
    env.declare_variables();
    assert_eq!(typed_in(&env, "variables.a"), "1:10: undefined field 'a'");
    let first = env.compile("['a'].map(x, x)").expect("compiles");
    env.add_variable("a", Some(&first));
    env.add_variable("b", None);
    env.add_variable("c", env.clone().compile("ip('1.2.3.4')").ok().as_ref());
    assert_eq!(typed_in(&env, "variables.a[0]"), "string");
    assert_eq!(typed_in(&env, "variables.b.x"), "dyn");
    assert_eq!(typed_in(&env, "variables.c"), "dyn");
}

#[test]
fn devices_can_bind_names() {
    let env = Environment::device();
    assert_eq!(typed_in(&env, "cel.bind(x, 1, x + 1) == 2"), "bool");
    assert_eq!(
        typed_in(&env, "cel.bind(1, 1, 1)"),
        "1:10: cel.bind() variable names must be simple identifiers"
    );
}

#[test]
fn expressions_that_nest_deep_are_refused_without_harm() {
    for text in [
        format!("{}1{}", "(".repeat(240), ")".repeat(240)),
        format!("{}1{}", "[".repeat(240), "]".repeat(240)),
        vec!["1"; 240].join(" + "),
        vec!["true"; 12_000].join(" && "),
        format!("{}true", "!".repeat(50_001)),
    ] {
        assert!(admission().compile(&text).is_ok(), "{}", &text[..20]);
    }
    for (open, close) in [
        ("[1].all(x, ", ")"),
        ("[1].map(x, ", ")"),
        ("optional.of(1).optMap(x, ", ").value()"),
        ("{1: ", "}"),
        ("true ? true : ", ""),
        ("[1].exists_one(x, !", ")"),
    ] {
        let text = format!("{}true{}", open.repeat(230), close.repeat(230));
        match admission().compile(&text) {
            Ok(compiled) => assert_eq!(
                (compiled.fault(), admission().cost(&compiled) > 0),
                (None, open.contains('1'))
            ),
            Err(wrong) => assert!(wrong.contains("max recursion depth exceeded"), "{open}: {wrong}"),
        }
    }
    let nested = format!("{}1{}", "(".repeat(40_000), ")".repeat(40_000));
    assert_eq!(typed(&nested), "-1:0: expression recursion limit exceeded: 250");
    for text in [
        vec!["1"; 30_000].join("+"),
        vec!["object"; 10_000].join("."),
        format!("object{}", "[0]".repeat(30_000)),
    ] {
        assert_eq!(typed(&text), "-1:0: max recursion depth exceeded", "{}", &text[..20]);
    }
    let long = "a".repeat(100_001);
    assert_eq!(
        typed(&long),
        "-1:0: expression code point size exceeds limit: size: 100001, limit 100000"
    );
}

#[test]
fn what_is_copied_is_told_as_often_as_upstream_copies_it() {
    let wrong = admission()
        .compile("optional.of(nope).optMap(x, x)")
        .expect_err("undeclared");
    assert_eq!(wrong.matches("undeclared reference to 'nope'").count(), 2);
    let wrong = admission().compile("optional.of(duration('x')).optMap(x, x)");
    assert_eq!(wrong.expect_err("no duration").matches("invalid duration").count(), 2);
}

#[test]
fn what_doubles_at_each_step_is_refused_without_harm() {
    let copied = format!("optional.of(1){}.hasValue()", ".optMap(x, x)".repeat(100));
    assert_eq!(
        typed(&copied),
        "-1:0: expression is too large once its macros are expanded"
    );
    let names: Vec<String> = (0..100).map(|one| format!("a{one}")).collect();
    let mut doubled = String::from("true");
    for (one, next) in names.iter().zip(&names[1..]).rev() {
        doubled = format!("cel.bind({next}, {{{one}: {one}}}, {doubled})");
    }
    let wrong = typed_in(&Environment::device(), &format!("cel.bind(a0, {{1: 1}}, {doubled})"));
    assert!(wrong.ends_with(": type has more than 512 parts"), "{wrong}");
}
