//! Schemas that are taken, and what is said of those that are not.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{self, Tree};

use super::{Strictness, unknown_formats, validate};

fn read(text: &str) -> Tree {
    tree::parse(text.as_bytes()).unwrap().tree
}

fn said_with(schema: &str, has_status: bool) -> Vec<String> {
    let validation = read(&format!(r#"{{"openAPIV3Schema":{schema}}}"#));
    let mut refusals = Refusals::new();
    validate(
        &Path::of("v"),
        &validation,
        has_status,
        Strictness::all(),
        &mut refusals,
    );
    refusals
        .iter()
        .map(|one| one.to_string().replacen("v.openAPIV3Schema", "", 1))
        .collect()
}

fn said(schema: &str) -> Vec<String> {
    said_with(schema, false)
}

/// The schema of an object with one property.
fn with(property: &str) -> Vec<String> {
    let said = said(&format!(r#"{{"type":"object","properties":{{"p":{property}}}}}"#));
    said.iter().map(|one| one.replacen(".properties[p]", "", 1)).collect()
}

#[test]
fn every_value_has_a_type_and_lists_have_items() {
    assert!(with(r#"{"type":"array","items":{"type":"string"}}"#).is_empty());
    assert!(with(r#"{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]}"#).is_empty());
    for (schema, expected) in [
        (
            "{}",
            ".type: Required value: must not be empty for specified object fields",
        ),
        (r#"{"type":"array"}"#, ".items: Required value: must be specified"),
        (
            r#"{"type":"array","items":{}}"#,
            ".items.type: Required value: must not be empty for specified array items",
        ),
        (
            r#"{"type":"string","anyOf":[{"type":"string"}]}"#,
            ".anyOf[0].type: Forbidden: must be empty to be structural",
        ),
        (
            r#"{"type":"string","pattern":"("}"#,
            r#".pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): `(`"#,
        ),
        (
            r#"{"type":"object","x-kubernetes-embedded-resource":true}"#,
            ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":{"type":"string"}}"#,
            ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
        ),
    ] {
        // A property is refused where it is judged as part of its parent, too.
        assert!(
            with(schema).iter().any(|one| one == expected),
            "{schema}: {:?}",
            with(schema)
        );
    }
}

#[test]
fn the_root_is_an_object_that_says_nothing_of_metadata() {
    assert!(
        said(
            r#"{"type":"object","properties":{"metadata":{"type":"object","properties":{"name":{"type":"string"}}}}}"#
        )
        .is_empty()
    );
    for (schema, expected) in [
        ("{}", ".type: Required value: must not be empty at the root"),
        (
            r#"{"type":"string"}"#,
            r#".type: Invalid value: "string": must be object at the root"#,
        ),
        (
            r#"{"type":"object","nullable":true}"#,
            ".nullable: Forbidden: nullable cannot be true at the root",
        ),
        (
            r#"{"type":"object","additionalProperties":true}"#,
            ".additionalProperties: Forbidden: must not be used at the root",
        ),
        (
            r#"{"type":"object","properties":{"kind":{"type":"integer"}}}"#,
            r#".properties[kind].type: Invalid value: "integer": must be string"#,
        ),
        (
            r#"{"type":"object","properties":{"metadata":{"type":"object","properties":{"labels":{"type":"object"}}}}}"#,
            ".properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
        ),
        (
            r#"{"type":"object","properties":{"metadata":{"type":"object","default":{}}}}"#,
            ".properties[metadata].default: Forbidden: must not be set in top-level metadata",
        ),
        (
            r#"{"type":"object","allOf":[{"properties":{"a":{"minLength":1}}}]}"#,
            ".properties[a]: Required value: because it is defined in v.openAPIV3Schema.allOf[0].properties[a]",
        ),
    ] {
        assert_eq!(said(schema), [expected], "{schema}");
    }
}

#[test]
fn parts_of_openapi_that_do_not_fit_are_refused() {
    for (schema, expected) in [
        (
            r#"{"type":"object","$schema":"x"}"#,
            r#": Invalid value: "": OpenAPIV3Schema 'schema' is not supported"#,
        ),
        (
            r#"{"type":"object","$ref":"x"}"#,
            ".$ref: Forbidden: $ref is not supported",
        ),
        (r#"{"type":"object","id":"x"}"#, ".id: Forbidden: id is not supported"),
        (
            r#"{"type":"object","additionalItems":true}"#,
            ".additionalItems: Forbidden: additionalItems is not supported",
        ),
        (
            r#"{"type":"object","items":[{"type":"string"}]}"#,
            ".items: Forbidden: items must be a schema object and not an array",
        ),
        (
            r#"{"type":"object","x-kubernetes-preserve-unknown-fields":false}"#,
            ".x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined",
        ),
        (
            r#"{"type":"object","uniqueItems":true}"#,
            ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ),
    ] {
        assert_eq!(said(schema), [expected], "{schema}");
    }
    assert!(
        said(r#"{"type":"a"}"#)
            .iter()
            .any(|one| one.starts_with(r#".type: Unsupported value: "a""#))
    );
}

#[test]
fn rules_have_expressions_messages_and_paths() {
    let rule = |rule: &str| {
        let schema = r#""type":"object","properties":{"a":{"type":"string"}}"#;
        let said = said(&format!(r#"{{{schema},"x-kubernetes-validations":[{rule}]}}"#));
        said.iter()
            .map(|one| one.replacen(".x-kubernetes-validations[0]", "", 1))
            .collect::<Vec<_>>()
    };
    assert!(rule(r#"{"rule":"true","message":"m","fieldPath":".a","reason":"FieldValueInvalid"}"#).is_empty());
    for (given, expected) in [
        ("{}", ".rule: Required value: rule is not specified"),
        (
            r#"{"rule":"a","message":" "}"#,
            r#".message: Invalid value: " ": must be non-empty if specified"#,
        ),
        (
            r#"{"rule":"a","message":"a\nb"}"#,
            r#".message: Invalid value: "a\nb": must not contain line breaks"#,
        ),
        (
            r#"{"rule":"a\nb"}"#,
            ".message: Required value: message must be specified if rule contains line breaks",
        ),
        (
            r#"{"rule":"a","messageExpression":" "}"#,
            ".messageExpression: Required value: messageExpression must be non-empty if specified",
        ),
        (
            r#"{"rule":"a","fieldPath":".x"}"#,
            r#".fieldPath: Invalid value: ".x": must be a valid path"#,
        ),
        (
            r#"{"rule":"a","reason":"x"}"#,
            r#".reason: Unsupported value: "x": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired""#,
        ),
    ] {
        assert_eq!(rule(given), [expected], "{given}");
    }
}

#[test]
fn the_status_is_not_judged_from_the_root() {
    assert!(said_with(r#"{"type":"object","required":["a"]}"#, true).is_empty());
    let said = said_with(r#"{"type":"object","maxProperties":1}"#, true);
    assert!(said[0].starts_with(r#": Invalid value: {"ID":"""#), "{said:?}");
    assert!(
        said[0].ends_with(
            "XValidations] fields are allowed at the root of the schema if the status subresource is enabled"
        )
    );
}

#[test]
fn defaults_fit_their_schemas() {
    assert!(with(r#"{"type":"integer","minimum":1,"default":1}"#).is_empty());
    assert!(
        with(r#"{"type":"object","x-kubernetes-preserve-unknown-fields":true,"default":{"a":{"b":1}}}"#).is_empty()
    );
    for (schema, expected) in [
        (
            r#"{"type":"string","default":1}"#,
            r#".default: Invalid value: "integer":  in body must be of type string: "integer""#,
        ),
        (
            r#"{"type":"string","enum":["a"],"default":"b"}"#,
            r#".default: Unsupported value: "b": supported values: "a""#,
        ),
        (
            r#"{"type":"integer","maximum":3,"default":4}"#,
            ".default: Invalid value: 4:  in body should be less than or equal to 3",
        ),
        (
            r#"{"type":"string","maxLength":1,"default":"ab"}"#,
            ".default: Too long: may not be more than 1 byte",
        ),
        (
            r#"{"type":"object","default":{"a":1}}"#,
            r#".default: Invalid value: {"a":1}: must not have unknown fields"#,
        ),
        (
            r#"{"type":"object","required":["a"],"properties":{"a":{"type":"string"}},"default":{}}"#,
            ".default.a: Required value",
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"string"}},"default":{"a":true}}"#,
            r#".default.a: Invalid value: "boolean": a in body must be of type string: "boolean""#,
        ),
    ] {
        assert_eq!(with(schema), [expected], "{schema}");
    }
    let expected = [".default.apiVersion: Required value", ".default.kind: Required value"];
    assert_eq!(said(r#"{"type":"object","default":{}}"#), expected);
}

#[test]
fn what_old_schemas_have_wrong_may_stay() {
    let old = read(
        r#"{"type":"a","properties":{"b":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"object"}}}}"#,
    );
    let strictness = Strictness::of(&[&old]);
    assert!(!strictness.types && !strictness.structural && !strictness.atomic_sets && strictness.map_keys);
}

#[test]
fn formats_that_nobody_knows_are_found() {
    let schema = read(
        r#"{"format":"x","properties":{"a":{"type":"string","format":"date-time"},"b":{"type":"integer","format":"y"}}}"#,
    );
    assert_eq!(unknown_formats(&schema), ["x", "y"]);
}

/// What is told of rules at a spec with values of several types.
fn of_rules(rules: &str) -> Vec<String> {
    said(&format!(
        r#"{{"type":"object","properties":{{"spec":{{"type":"object","x-kubernetes-validations":{rules},"properties":{{
            "n":{{"type":"integer"}},"s":{{"type":"string","maxLength":10}},"namespace":{{"type":"string","maxLength":5}},
            "l":{{"type":"array","maxItems":10,"items":{{"type":"object","properties":{{"k":{{"type":"string","maxLength":10}}}}}}}},
            "m":{{"type":"object","maxProperties":5,"additionalProperties":{{"type":"integer"}}}}}}}}}}}}"#
    ))
}

#[test]
fn rules_are_compiled_with_the_types_of_their_schemas() {
    for rule in [
        "self.n > 1",
        "self.n + size(self.l) >= oldSelf.n",
        "self.namespace == self.__namespace__",
        "self.l.all(one, one.k.startsWith('a') && has(one.k))",
        "self.m.all(k, self.m[k] > 1)",
        "self.l.map(one, one.k).exists_one(k, k == self.s)",
    ] {
        assert_eq!(of_rules(&format!(r#"[{{"rule":"{rule}"}}]"#)), [""; 0], "{rule}");
    }
}

#[test]
fn rules_that_do_not_compile_are_told_with_all_that_they_say() {
    let at = ".properties[spec].x-kubernetes-validations[0]";
    let shown = |rule: &str, message: &str| {
        format!(
            r#"{{"Rule":"{rule}","Message":"","MessageExpression":"{message}","Reason":null,"FieldPath":"","OptionalOldSelf":null}}"#
        )
    };
    for (rule, message, field, detail) in [
        (
            "self.n + 'a' == 1",
            "",
            "rule",
            "compilation failed: ERROR: <input>:1:8: found no matching overload for '_+_' applied to \
          '(int, string)'\n | self.n + 'a' == 1\n | .......^",
        ),
        (
            "self.x == 1",
            "",
            "rule",
            "compilation failed: ERROR: <input>:1:5: undefined field 'x'\n | self.x == 1\n | ....^",
        ),
        ("self.n", "", "rule", "cel expression must evaluate to a bool"),
        (
            "self.s.find('[') == ''",
            "",
            "rule",
            "program instantiation failed: error parsing regexp: missing closing ]: `[`",
        ),
        (
            "true",
            "string(int('x'))",
            "messageExpression",
            "messageExpression instantiation failed: type conversion error from 'string' to 'int'",
        ),
        (
            "true",
            "self.n",
            "messageExpression",
            "messageExpression must evaluate to a string",
        ),
        (
            "true",
            "y",
            "messageExpression",
            "messageExpression compilation failed: ERROR: <input>:1:1: undeclared reference to 'y' (in \
          container '')\n | y\n | ^",
        ),
    ] {
        let given = format!(r#"[{{"rule":"{rule}","messageExpression":"{message}"}}]"#);
        assert_eq!(
            of_rules(&given),
            [format!(
                "{at}.{field}: Invalid value: {}: {detail}",
                shown(rule, message)
            )],
            "{rule}"
        );
    }
    assert_eq!(
        of_rules(r#"[{"rule":"self.n > 1","optionalOldSelf":true}]"#),
        [format!(
            "{at}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule"
        )]
    );
    assert!(
        of_rules(r#"[{"rule":"oldSelf.optMap(o, o.n == self.n).orValue(true)","optionalOldSelf":true}]"#).is_empty()
    );
}

#[test]
fn of_lists_whose_items_have_no_names_old_values_are_not_found() {
    let item = |list: &str| {
        with(&format!(
            r#"{{"type":"array","maxItems":3,{list}"items":{{"type":"object","required":["k"],"properties":{{"k":{{"type":"string"}}}},
            "x-kubernetes-validations":[{{"rule":"self.k == oldSelf.k"}}]}}}}"#
        ))
    };
    assert!(item(r#""x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"#).is_empty());
    assert_eq!(
        item(""),
        [
            r#".items.x-kubernetes-validations[0].rule: Invalid value: "self.k == oldSelf.k": oldSelf cannot be used on the uncorrelatable portion of the schema within v.openAPIV3Schema.properties[p]"#
        ]
    );
}

#[test]
fn rules_are_bounded_by_what_they_may_cost() {
    let list = |max: &str, rule: &str| {
        with(&format!(
            r#"{{"type":"array",{max}"items":{{"type":"array",{max}"items":{{"type":"integer"}}}},"x-kubernetes-validations":[{{"rule":"{rule}"}}]}}"#
        ))
    };
    let rule = "self.all(x, x.all(y, y > 1))";
    assert!(list(r#""maxItems":100,"#, rule).is_empty());
    let told = list("", rule);
    let hint = "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are \
                declared)";
    assert_eq!(
        told,
        [
            format!(".x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x {hint}"),
            ".x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire \
             OpenAPIv3 schema"
                .to_owned(),
            format!(
                ": Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by \
                 factor of more than 100x {hint}"
            ),
        ]
    );
}

#[test]
fn rules_wait_for_the_schema_around_them_to_be_sound() {
    let schema = r#"{"type":"object","x-kubernetes-validations":[{"rule":"nope"}],"properties":{"p":{"type":"string","nullable":true,
        "uniqueItems":true,"x-kubernetes-validations":[{"rule":"nope"}]},"q":{"type":"string",
        "x-kubernetes-validations":[{"rule":"nope"}]}}}"#;
    let fields: Vec<String> = said(schema)
        .iter()
        .map(|one| one.split(": ").next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        fields,
        [
            ".properties[p].uniqueItems",
            ".properties[q].x-kubernetes-validations[0].rule"
        ]
    );
}

#[test]
fn what_stands_below_a_long_name_in_a_default_is_told_until_it_is_a_book() {
    let name = "n".repeat(1_000_000);
    let items = vec!["1"; 100_000].join(",");
    let property = |item: &str| {
        format!(
            r#"{{"type":"object","additionalProperties":{{"type":"array","items":{{"type":"{item}"}}}},
                "default":{{"{name}":[{items}]}}}}"#
        )
    };
    assert!(with(&property("integer")).is_empty());
    let told = with(&property("string"));
    assert!(told.len() < 10, "{}", told.len());
    let first = format!("{name}[0] in body must be of type string: \"integer\"");
    assert!(told[0].ends_with(&first) && told[0].starts_with(&format!(".default.{name}[0]: ")));
}

#[test]
fn each_of_many_items_of_a_default_lacks_each_of_many_fields() {
    let required: Vec<String> = (0..20_000).map(|at| format!(r#""f{at}""#)).collect();
    let items = vec!["{}"; 50_000].join(",");
    let told = with(&format!(
        r#"{{"type":"array","items":{{"type":"object","required":[{}]}},"default":[{items}]}}"#,
        required.join(",")
    ));
    assert_eq!(told[1], ".default.[0].f1: Required value");
}
