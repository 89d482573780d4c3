//! Checks that many kinds make.

use apiserver_api::meta::FIELD_IS_IMMUTABLE;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

/// Why a number below zero is refused.
pub(crate) const NEGATIVE: &str = "must be greater than or equal to 0";

/// A number that counts or measures.
pub(crate) fn non_negative(path: &Path<'_>, value: i64, refusals: &mut Refusals) {
    if value < 0 {
        refusals.invalid(path, value, NEGATIVE);
    }
}

/// A field that keeps the value with which the object was made.
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

/// Generation: one more where any of these fields changed.
pub(crate) fn count_generation(object: &mut Tree, old: &Tree, fields: &[&str]) {
    if fields.iter().any(|field| object.at(field) != old.at(field)) {
        let generation = apiserver_api::meta::generation(old);
        apiserver_api::meta::set_generation(object, generation + 1);
    }
}
