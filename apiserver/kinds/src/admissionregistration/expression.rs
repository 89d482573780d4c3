//! Conditions and variables of policies and webhooks.

use std::collections::HashSet;

use apiserver_api::names::qualified_name;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;
use apiserver_cel::Type;
use apiserver_cel::names::is_reserved;

use super::compile::{Expression, Expressions, check};

/// The most conditions of a webhook or a policy.
const CONDITIONS_MAX: usize = 64;
/// Checks the conditions under which requests are looked at.
pub(super) fn validate_conditions(
    path: &Path<'_>,
    conditions: &[Tree],
    expressions: &Expressions,
    refusals: &mut Refusals,
) {
    let environment = expressions.conditions();
    if conditions.len() > CONDITIONS_MAX {
        refusals.too_many(path, conditions.len(), CONDITIONS_MAX);
    }
    let mut seen = HashSet::new();
    for (at, condition) in conditions.iter().enumerate() {
        let path = path.index(at);
        let (text, text_path) = (condition.text("expression").trim(), path.field("expression"));
        if text.is_empty() {
            refusals.required(&text_path, "");
        } else {
            check(
                &environment,
                &Expression::new(&text_path, text),
                &[Type::Bool],
                refusals,
            );
        }
        let (name, name_path) = (condition.text("name"), path.field("name"));
        if name.is_empty() {
            refusals.required(&name_path, "");
            continue;
        }
        for message in qualified_name(name) {
            refusals.invalid(&name_path, name, &message);
        }
        if !seen.insert(name) {
            refusals.duplicate(&name_path, name);
        }
    }
}

/// Checks the variables of a policy, which other expressions may name then.
pub(super) fn validate_variables(
    path: &Path<'_>,
    variables: &[Tree],
    expressions: &mut Expressions,
    refusals: &mut Refusals,
) {
    for (at, variable) in variables.iter().enumerate() {
        let path = path.index(at);
        let name = variable.text("name");
        if name.trim().is_empty() {
            refusals.required(&path.field("name"), "name is not specified");
        } else if !is_identifier(name) {
            refusals.invalid(&path.field("name"), name, "must be a valid CEL identifier");
        }
        let (text, text_path) = (variable.text("expression"), path.field("expression"));
        if text.trim().is_empty() {
            refusals.required(&text_path, "expression is not specified");
        } else {
            expressions.add_variable(name, &Expression::new(&text_path, text), refusals);
        }
    }
}

fn is_identifier(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.starts_with(|first: char| first.is_ascii_digit()) && name.bytes().all(word) && !is_reserved(name)
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{self, Tree};

    use super::{Expressions, validate_conditions, validate_variables};

    fn list(text: &str) -> Vec<Tree> {
        let list = tree::parse(text.as_bytes()).unwrap().tree;
        list.as_list().unwrap().to_vec()
    }

    fn conditions(text: &str) -> Vec<String> {
        let mut refusals = Refusals::new();
        validate_conditions(&Path::of("l"), &list(text), &Expressions::default(), &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    fn variables(text: &str) -> Vec<String> {
        let mut refusals = Refusals::new();
        let variables = list(text);
        let mut spec = Tree::map();
        spec.set("variables", variables.clone());
        let mut expressions = Expressions::of_policy(&spec);
        validate_variables(&Path::of("l"), &variables, &mut expressions, &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn conditions_have_names_of_their_own_and_expressions() {
        assert!(conditions(r#"[{"name":"a","expression":"true"}]"#).is_empty());
        assert_eq!(
            conditions(r#"[{"expression":" "},{"name":"a","expression":"true"},{"name":"a","expression":"true"}]"#),
            [
                "l[0].expression: Required value",
                "l[0].name: Required value",
                r#"l[2].name: Duplicate value: "a""#,
            ]
        );
        let many = format!("[{}]", vec![r#"{"name":"","expression":"true"}"#; 65].join(","));
        assert_eq!(conditions(&many)[0], "l: Too many: 65: must have at most 64 items");
        assert!(conditions(r#"[{"name":" ","expression":"true"}]"#)[0].contains("name part must consist of"));
    }

    #[test]
    fn variables_have_identifiers_and_expressions() {
        assert!(variables(r#"[{"name":"_a1","expression":"true"}]"#).is_empty());
        assert_eq!(
            variables(r#"[{},{"name":"1a","expression":"1"},{"name":"in","expression":"1"}]"#),
            [
                "l[0].name: Required value: name is not specified",
                "l[0].expression: Required value: expression is not specified",
                r#"l[1].name: Invalid value: "1a": must be a valid CEL identifier"#,
                r#"l[2].name: Invalid value: "in": must be a valid CEL identifier"#,
            ]
        );
    }

    #[test]
    fn conditions_are_compiled_without_what_stands_around_them() {
        assert_eq!(
            conditions(
                r#"[{"name":"a","expression":" size( "},{"name":"b","expression":"object.x"},{"name":"c","expression":"variables.x"}]"#
            ),
            [
                "l[0].expression: Invalid value: \"size(\": compilation failed: ERROR: <input>:1:6: Syntax error: mismatched \
                 input '<EOF>' expecting {'[', '{', '(', ')', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, \
                 NUM_UINT, STRING, BYTES, IDENTIFIER}\n | size(\n | .....^",
                "l[1].expression: Invalid value: \"object.x\": must evaluate to bool but got dyn",
                "l[2].expression: Invalid value: \"variables.x\": compilation failed: ERROR: <input>:1:1: undeclared \
                 reference to 'variables' (in container '')\n | variables.x\n | ^",
            ]
        );
    }

    #[test]
    fn what_no_program_can_be_made_of_is_refused() {
        assert_eq!(
            conditions(r#"[{"name":"a","expression":"matches(object.name, '[')"}]"#),
            [
                "l[0].expression: Internal error: program instantiation failed: error parsing regexp: missing closing ]: `[`"
            ]
        );
        assert_eq!(
            variables(r#"[{"name":"a","expression":"int('x')"},{"name":"b","expression":"variables.a.b"}]"#),
            [
                "l[0].expression: Internal error: program instantiation failed: type conversion error from 'string' to 'int'"
            ]
        );
    }

    #[test]
    fn variables_may_name_those_before_them() {
        let given = r#"[{"name":"a","expression":"[1]"},{"name":"b","expression":"variables.a[0] + 1"}]"#;
        assert!(variables(given).is_empty());
        let given = r#"[{"name":"b","expression":" variables.a"},{"name":"a","expression":"1"}]"#;
        assert_eq!(
            variables(given),
            [
                "l[0].expression: Invalid value: \" variables.a\": compilation failed: ERROR: <input>:1:11: undefined field \
                 'a'\n |  variables.a\n | ..........^"
            ]
        );
    }
}
