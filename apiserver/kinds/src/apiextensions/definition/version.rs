//! What versions have beside their schemas: subresources, columns, fields to select by, and warnings of their end.

use std::collections::HashSet;

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::schema;

const COLUMN_TYPES: &[&str] = &["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: &[&str] = &[
    "byte",
    "date",
    "date-time",
    "double",
    "float",
    "int32",
    "int64",
    "password",
];
/// The most fields to select by.
const SELECTABLE_MAX: usize = 8;
/// The most bytes of a warning.
const WARNING_MAX: usize = 256;

/// Checks the warning that clients of a deprecated version get.
pub(super) fn validate_warning(path: &Path<'_>, version: &Tree, refusals: &mut Refusals) {
    let Some(warning) = version.at("deprecationWarning").as_str() else {
        return;
    };
    let mut tell = |detail: &str| refusals.invalid(path, warning, detail);
    if !version.flag("deprecated") {
        return tell("can only be set for deprecated versions");
    }
    if warning.len() > WARNING_MAX {
        tell("must be <= 256 characters long");
    }
    if warning.is_empty() {
        tell("must not be an empty string");
    }
    if let Some((at, _)) = warning.char_indices().find(|(_, letter)| letter.is_control()) {
        tell(&format!(
            "must only contain printable UTF-8 characters; non-printable character found at index {at}"
        ));
    }
}

/// Checks the subresources.
pub(super) fn validate_subresources(path: &Path<'_>, subresources: &Tree, refusals: &mut Refusals) {
    let scale = subresources.at("scale");
    if scale.is_null() {
        return;
    }
    for (field, full, parent) in [
        ("specReplicasPath", "scale.specReplicasPath", ".spec."),
        ("statusReplicasPath", "scale.statusReplicasPath", ".status."),
    ] {
        let (given, path) = (scale.text(field), path.field(full));
        if given.is_empty() {
            refusals.required(&path, "");
        } else if !given.starts_with('.') {
            refusals.invalid(&path, given, NO_PATH);
        } else if !given.starts_with(parent) {
            let parent = parent.trim_end_matches('.');
            refusals.invalid(&path, given, &format!("should be a json path under {parent}"));
        }
    }
    let (given, path) = (scale.text("labelSelectorPath"), path.field("scale.labelSelectorPath"));
    if given.is_empty() {
        return;
    }
    if !given.starts_with('.') {
        refusals.invalid(&path, given, NO_PATH);
    } else if !given.starts_with(".spec.") && !given.starts_with(".status.") {
        let detail = "should be a json path under either .spec or .status";
        refusals.invalid(&path, given, detail);
    }
}

const NO_PATH: &str = "must be a simple json path starting with .";

/// Checks the columns of tables.
pub(super) fn validate_columns(path: &Path<'_>, columns: &Tree, refusals: &mut Refusals) {
    for (at, column) in columns.as_list().unwrap_or_default().iter().enumerate() {
        let path = path.index(at);
        if column.text("name").is_empty() {
            refusals.required(&path.field("name"), "");
        }
        let (kind, detail) = (
            column.text("type"),
            format!("must be one of {}", COLUMN_TYPES.join(",")),
        );
        if kind.is_empty() {
            refusals.required(&path.field("type"), &detail);
        } else if !COLUMN_TYPES.contains(&kind) {
            refusals.invalid(&path.field("type"), kind, &detail);
        }
        let format = column.text("format");
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            let detail = format!("must be one of {}", COLUMN_FORMATS.join(","));
            refusals.invalid(&path.field("format"), format, &detail);
        }
        let (given, path) = (column.text("jsonPath"), path.field("JSONPath"));
        if given.is_empty() {
            refusals.required(&path, "");
        } else if !given.starts_with('.') {
            refusals.invalid(&path, given, NO_PATH);
        }
    }
}

/// Checks the fields that selectors may name; `many` lets an update keep more than there may be.
pub(super) fn validate_selectable(
    path: &Path<'_>,
    fields: &[Tree],
    schema: &Tree,
    many: bool,
    refusals: &mut Refusals,
) {
    let mut seen = HashSet::new();
    for (at, field) in fields.iter().enumerate() {
        let path = path.index(at);
        let (given, path) = (field.text("jsonPath"), path.field("jsonPath"));
        if given.is_empty() {
            refusals.required(&path, "");
            continue;
        }
        let found = match schema::find(schema, given, false) {
            Ok(found) => found,
            Err(error) => {
                refusals.invalid(&path, given, &format!("is an invalid path: {error}"));
                continue;
            }
        };
        if given == ".metadata" || given.starts_with(".metadata.") {
            refusals.invalid(&path, given, "must not point to fields in metadata");
        }
        if !matches!(found.text("type"), "string" | "boolean" | "integer") {
            let detail = "must point to a field of type string, boolean or integer. Enum string fields and strings with \
                formats are allowed.";
            refusals.invalid(&path, given, detail);
        }
        if !seen.insert(given) {
            refusals.duplicate(&path, given);
        }
    }
    if seen.len() > SELECTABLE_MAX && !many {
        refusals.too_many(path, seen.len(), SELECTABLE_MAX);
    }
}

/// Whether an update keeps fields that are more than there may be.
pub(super) fn keeps_many(new: &Tree, old: &Tree) -> bool {
    new == old && old.as_list().is_some_and(|fields| fields.len() > SELECTABLE_MAX)
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{self, Tree};

    use super::{validate_columns, validate_selectable, validate_subresources, validate_warning};

    fn said(check: impl Fn(&Path<'_>, &Tree, &mut Refusals), text: &str) -> Vec<String> {
        let tree = tree::parse(text.as_bytes()).unwrap().tree;
        let mut refusals = Refusals::new();
        check(&Path::of("p"), &tree, &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_deprecated_versions_warn_and_in_words_that_print() {
        for (version, expected) in [
            ("{}", None),
            (r#"{"deprecated":true,"deprecationWarning":"w"}"#, None),
            (
                r#"{"deprecationWarning":"w"}"#,
                Some("can only be set for deprecated versions"),
            ),
            (
                r#"{"deprecated":true,"deprecationWarning":""}"#,
                Some("must not be an empty string"),
            ),
            (
                r#"{"deprecated":true,"deprecationWarning":"a\t"}"#,
                Some("must only contain printable UTF-8 characters; non-printable character found at index 1"),
            ),
        ] {
            let said = said(validate_warning, version);
            assert_eq!(said.len(), usize::from(expected.is_some()), "{version}");
            assert!(expected.is_none_or(|expected| said[0].ends_with(expected)), "{said:?}");
        }
    }

    #[test]
    fn replicas_stand_in_the_spec_and_in_the_status() {
        let good = r#"{"scale":{"specReplicasPath":".spec.n","statusReplicasPath":".status.n","labelSelectorPath":".status.s"}}"#;
        assert!(said(validate_subresources, good).is_empty());
        assert_eq!(
            said(
                validate_subresources,
                r#"{"scale":{"specReplicasPath":".x","labelSelectorPath":"x"}}"#
            ),
            [
                r#"p.scale.specReplicasPath: Invalid value: ".x": should be a json path under .spec"#,
                "p.scale.statusReplicasPath: Required value",
                r#"p.scale.labelSelectorPath: Invalid value: "x": must be a simple json path starting with ."#,
            ]
        );
    }

    #[test]
    fn columns_have_a_name_a_type_and_a_path() {
        assert!(said(validate_columns, r#"[{"name":"N","type":"string","jsonPath":".a"}]"#).is_empty());
        assert_eq!(
            said(validate_columns, r#"[{"format":"x"}]"#),
            [
                "p[0].name: Required value",
                "p[0].type: Required value: must be one of boolean,date,integer,number,string",
                r#"p[0].format: Invalid value: "x": must be one of byte,date,date-time,double,float,int32,int64,password"#,
                "p[0].JSONPath: Required value",
            ]
        );
    }

    #[test]
    fn fields_to_select_by_are_plain_and_known() {
        let schema = r#"{"properties":{"metadata":{"properties":{"name":{"type":"string"}}},"a":{"type":"string"},"o":{"type":"object"}}}"#;
        let schema = tree::parse(schema.as_bytes()).unwrap().tree;
        let check = |path: &Path<'_>, fields: &Tree, refusals: &mut Refusals| {
            validate_selectable(path, fields.as_list().unwrap(), &schema, false, refusals);
        };
        assert!(said(check, r#"[{"jsonPath":".a"}]"#).is_empty());
        assert_eq!(
            said(
                check,
                r#"[{},{"jsonPath":".x"},{"jsonPath":".metadata.name"},{"jsonPath":".o"},{"jsonPath":".o"}]"#
            )
            .len(),
            6
        );
    }
}
