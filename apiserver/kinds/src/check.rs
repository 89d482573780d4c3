//! Checks that many kinds make.

use apiserver_api::meta::{self, FIELD_IS_IMMUTABLE};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;
use apiserver_schema::built_in;

use crate::internal::{shown, shown_field};
use crate::kind::Kind;

/// Why a number below zero is refused.
pub(crate) const NEGATIVE: &str = "must be greater than or equal to 0";

/// A number that counts or measures.
pub(crate) fn non_negative(path: &Path<'_>, value: i64, refusals: &mut Refusals) {
    if value < 0 {
        refusals.invalid(path, value, NEGATIVE);
    }
}

/// Whether two values of a type mean the same.
pub(crate) fn same(of: &str, one: &Tree, other: &Tree) -> bool {
    same_at(of, &[], one, other)
}

/// Whether two values of a type mean the same at a path of fields.
pub(crate) fn same_at(of: &str, path: &[&str], one: &Tree, other: &Tree) -> bool {
    let schema = built_in();
    schema.named(of).is_some_and(|id| schema.same(id, path, one, other))
}

/// Fields of a struct, which stands at a path and is of a type, that keep the values with which the object was made.
pub(crate) fn immutable_fields(
    path: &Path<'_>,
    of: &str,
    fields: &[&str],
    new: &Tree,
    old: &Tree,
    refusals: &mut Refusals,
) {
    for field in fields.iter().filter(|field| !same_at(of, &[field], new, old)) {
        refusals.invalid(&path.field(field), shown_field(of, field, new), FIELD_IS_IMMUTABLE);
    }
}

/// A struct that keeps the value with which the object was made; `of` is its type.
pub(crate) fn immutable_struct(path: &Path<'_>, of: &str, new: &Tree, old: &Tree, refusals: &mut Refusals) {
    if new.is_null() != old.is_null() || !same(of, new, old) {
        refusals.invalid(path, shown(of, new), FIELD_IS_IMMUTABLE);
    }
}

/// A plain field that keeps the value with which the object was made.
pub(crate) fn immutable(path: &Path<'_>, new: &Tree, old: &Tree, refusals: &mut Refusals) {
    if new != old {
        refusals.invalid(path, new, FIELD_IS_IMMUTABLE);
    }
}

/// A string that is one of few; `required` says that it must be there.
pub(crate) fn one_of(path: &Path<'_>, value: &str, known: &[&str], required: bool, refusals: &mut Refusals) {
    if value.is_empty() && required {
        refusals.required(path, "");
    } else if !value.is_empty() && !known.contains(&value) {
        refusals.not_supported(path, value, known);
    }
}

/// Generation: one more, which wraps as Go's does, where a field means something else than it did.
pub(crate) fn count_generation(kind: &Kind, object: &mut Tree, old: &Tree, field: &str) {
    if !kind.same(&[field], object, old) {
        meta::set_generation(object, meta::generation(old).wrapping_add(1));
    }
}

/// Generation: one more where a field is not just what it was, be it that an empty list came where there was none. Upstream
/// compares few kinds like that.
pub(crate) fn count_generation_strictly(object: &mut Tree, old: &Tree, field: &str) {
    if object.at(field) != old.at(field) {
        meta::set_generation(object, meta::generation(old).wrapping_add(1));
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::meta;

    use super::count_generation;
    use crate::trial::object;

    #[test]
    fn the_last_generation_is_followed_as_go_counts() {
        let kind = crate::find("apps", "replicasets").unwrap();
        let set = |replicas: i64| {
            format!(
                r#"{{"metadata":{{"generation":{}}},"spec":{{"replicas":{replicas},"selector":{{"matchLabels":{{"a":"b"}}}},
                "template":{{"metadata":{{"labels":{{"a":"b"}}}},"spec":{{"containers":[{{"name":"c","image":"i"}}]}}}}}}}}"#,
                i64::MAX
            )
        };
        let (old, mut new) = (object(kind, &set(1)), object(kind, &set(2)));
        assert_eq!(meta::generation(&old), i64::MAX);
        count_generation(kind, &mut new, &old, "spec");
        assert_eq!(meta::generation(&new), i64::MIN);
    }
}
