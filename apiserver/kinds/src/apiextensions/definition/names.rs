//! The names of a defined kind.

use apiserver_api::names::{Messages, dns_1035_label};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

/// Names that a definition must have.
pub(super) fn validate_required(path: &Path<'_>, names: &Tree, refusals: &mut Refusals) {
    for field in ["plural", "singular", "kind", "listKind"] {
        if names.text(field).is_empty() {
            refusals.required(&path.field(field), "");
        }
    }
}

/// Checks the names that there are.
pub(super) fn validate(path: &Path<'_>, names: &Tree, refusals: &mut Refusals) {
    for field in ["plural", "singular"] {
        tell(
            &path.field(field),
            names.text(field),
            dns_1035_label(names.text(field)),
            "",
            refusals,
        );
    }
    for field in ["kind", "listKind"] {
        let messages = dns_1035_label(&names.text(field).to_lowercase());
        let head = "may have mixed case, but should otherwise match: ";
        tell(&path.field(field), names.text(field), messages, head, refusals);
    }
    validate_labels(&path.field("shortNames"), names.items("shortNames"), refusals);
    let (kind, list) = (names.text("kind"), names.text("listKind"));
    if !kind.is_empty() && kind == list {
        refusals.invalid(&path.field("listKind"), list, "kind and listKind may not be the same");
    }
    validate_labels(&path.field("categories"), names.items("categories"), refusals);
}

/// Tells all that is wrong with a name that is there at once.
fn tell(path: &Path<'_>, name: &str, messages: Messages, head: &str, refusals: &mut Refusals) {
    if !name.is_empty() && !messages.is_empty() {
        refusals.invalid(path, name, &format!("{head}{}", messages.join(",")));
    }
}

fn validate_labels(path: &Path<'_>, labels: &[Tree], refusals: &mut Refusals) {
    for (at, label) in labels.iter().enumerate() {
        let label = label.as_str().unwrap_or_default();
        let messages = dns_1035_label(label);
        if !messages.is_empty() {
            refusals.invalid(&path.index(at), label, &messages.join(","));
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree;

    use super::{validate, validate_required};

    #[test]
    fn names_are_labels_and_kinds_may_have_capitals() {
        for (names, fields) in [
            (
                r#"{"plural":"as","singular":"a","kind":"A","listKind":"AList","shortNames":["b"],"categories":["all"]}"#,
                &[][..],
            ),
            (
                r#"{"plural":"As","singular":"-","kind":"1","listKind":"1","shortNames":[""],"categories":["A"]}"#,
                &[
                    "plural",
                    "singular",
                    "kind",
                    "listKind",
                    "shortNames[0]",
                    "listKind",
                    "categories[0]",
                ],
            ),
        ] {
            let names = tree::parse(names.as_bytes()).unwrap().tree;
            let mut refusals = Refusals::new();
            validate(&Path::root(), &names, &mut refusals);
            let said: Vec<_> = refusals.iter().map(|one| one.field.as_str()).collect();
            assert_eq!(said, fields);
        }
        let mut refusals = Refusals::new();
        validate_required(&Path::root(), &tree::Tree::Null, &mut refusals);
        assert_eq!(refusals.len(), 4);
    }
}
