//! Values in messages as upstream's own types print them, and checks that say what a rule for names said.

use apiserver_api::names::Messages;
use apiserver_api::path::Path;
use apiserver_api::refusal::{Refusals, Shown};
use apiserver_api::tree::{Tree, quoted};

/// Tells all that a rule found wrong with a string.
pub(crate) fn tell(path: &Path<'_>, value: &str, messages: Messages, refusals: &mut Refusals) {
    for message in messages {
        refusals.invalid(path, value, &message);
    }
}

/// The same of a number.
pub(crate) fn tell_number(path: &Path<'_>, value: i64, messages: Messages, refusals: &mut Refusals) {
    for message in messages {
        refusals.invalid(path, value, &message);
    }
}

/// A string that must be there, and must follow a rule.
pub(crate) fn required_name(path: &Path<'_>, value: &str, rule: fn(&str) -> Messages, refusals: &mut Refusals) {
    if value.is_empty() {
        refusals.required(path, "");
    } else {
        tell(path, value, rule(value), refusals);
    }
}

/// The fields of this that must not be empty.
pub(crate) fn required(path: &Path<'_>, object: &Tree, fields: &[&str], refusals: &mut Refusals) {
    for field in fields {
        if object.at(field).is_zero() {
            refusals.required(&path.field(field), "");
        }
    }
}

/// A struct of upstream's internal types, which have no names in JSON: their fields in the order of the type, each with how
/// it prints.
pub(crate) fn go_struct(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// A field that is a pointer or a list: `null` where it is absent.
pub(crate) fn go_value(value: &Tree) -> String {
    match value {
        Tree::Text(text) => go_text(text),
        other => String::from_utf8_lossy(&other.to_json()).into_owned(),
    }
}

/// A field that is a string.
pub(crate) fn go_text(text: &str) -> String {
    let mut json = Vec::new();
    quoted(text, &mut json);
    String::from_utf8_lossy(&json).into_owned()
}

/// Text that is JSON already.
pub(crate) fn raw(json: String) -> Shown {
    Shown::raw(json)
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, Tree, go_struct, go_text, go_value, required_name};
    use apiserver_api::names::dns_label;

    #[test]
    fn internal_types_print_by_the_names_of_their_fields() {
        let shown = go_struct(&[("Name", go_text("x")), ("Other", go_value(&Tree::Null))]);
        assert_eq!(shown, r#"{"Name":"x","Other":null}"#);
    }

    #[test]
    fn a_name_must_be_there_and_follow_its_rule() {
        for (name, message) in [("", "Required value"), ("A", "Invalid value: \"A\"")] {
            let mut refusals = Refusals::new();
            required_name(&Path::of("name"), name, dns_label, &mut refusals);
            assert!(refusals.iter().all(|one| one.message.starts_with(message)));
            assert_eq!(refusals.len(), 1);
        }
    }
}
