//! What stands around the expressions of policies and webhooks: conditions and variables. The expressions themselves are
//! not compiled here.

use apiserver_api::names::qualified_name;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

/// The most conditions of a webhook or a policy.
const CONDITIONS_MAX: usize = 64;
/// Words of the language that name nothing else.
const RESERVED: &[&str] = &[
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Checks the conditions under which requests are looked at.
pub(super) fn validate_conditions(path: &Path<'_>, conditions: &[Tree], refusals: &mut Refusals) {
    if conditions.len() > CONDITIONS_MAX {
        refusals.too_many(path, conditions.len(), CONDITIONS_MAX);
    }
    for (at, condition) in conditions.iter().enumerate() {
        let path = path.index(at);
        if condition.text("expression").trim().is_empty() {
            refusals.required(&path.field("expression"), "");
        }
        let (name, name_path) = (condition.text("name"), path.field("name"));
        if name.is_empty() {
            refusals.required(&name_path, "");
            continue;
        }
        for message in qualified_name(name) {
            refusals.invalid(&name_path, name, &message);
        }
        if conditions[..at].iter().any(|before| before.text("name") == name) {
            refusals.duplicate(&name_path, name);
        }
    }
}

/// Checks the variables of a policy.
pub(super) fn validate_variables(path: &Path<'_>, variables: &[Tree], refusals: &mut Refusals) {
    for (at, variable) in variables.iter().enumerate() {
        let path = path.index(at);
        let name = variable.text("name");
        if name.trim().is_empty() {
            refusals.required(&path.field("name"), "name is not specified");
        } else if !is_identifier(name) {
            refusals.invalid(&path.field("name"), name, "must be a valid CEL identifier");
        }
        if variable.text("expression").trim().is_empty() {
            refusals.required(&path.field("expression"), "expression is not specified");
        }
    }
}

fn is_identifier(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.starts_with(|first: char| first.is_ascii_digit()) && name.bytes().all(word) && !RESERVED.contains(&name)
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{self, Tree};

    use super::{validate_conditions, validate_variables};

    fn said(check: fn(&Path<'_>, &[Tree], &mut Refusals), list: &str) -> Vec<String> {
        let list = tree::parse(list.as_bytes()).unwrap().tree;
        let mut refusals = Refusals::new();
        check(&Path::of("l"), list.as_list().unwrap(), &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn conditions_have_names_of_their_own_and_expressions() {
        assert!(said(validate_conditions, r#"[{"name":"a","expression":"true"}]"#).is_empty());
        assert_eq!(
            said(
                validate_conditions,
                r#"[{"expression":" "},{"name":"a","expression":"1"},{"name":"a","expression":"1"}]"#
            ),
            [
                "l[0].expression: Required value",
                "l[0].name: Required value",
                r#"l[2].name: Duplicate value: "a""#,
            ]
        );
        let many = format!("[{}]", vec![r#"{"name":"","expression":"1"}"#; 65].join(","));
        assert_eq!(
            said(validate_conditions, &many)[0],
            "l: Too many: 65: must have at most 64 items"
        );
        assert!(
            said(validate_conditions, r#"[{"name":" ","expression":"true"}]"#)[0].contains("name part must consist of")
        );
    }

    #[test]
    fn variables_have_identifiers_and_expressions() {
        assert!(said(validate_variables, r#"[{"name":"_a1","expression":"true"}]"#).is_empty());
        assert_eq!(
            said(
                validate_variables,
                r#"[{},{"name":"1a","expression":"1"},{"name":"in","expression":"1"}]"#
            ),
            [
                "l[0].name: Required value: name is not specified",
                "l[0].expression: Required value: expression is not specified",
                r#"l[1].name: Invalid value: "1a": must be a valid CEL identifier"#,
                r#"l[2].name: Invalid value: "in": must be a valid CEL identifier"#,
            ]
        );
    }
}
