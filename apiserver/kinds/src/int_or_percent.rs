//! Counts that may be said as a share of a whole: `1` or `25%`.

use apiserver_api::int_or_string::IntOrString;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::check::non_negative;

/// Checks that a value is a number of zero or more, or a share.
pub(crate) fn validate(path: &Path<'_>, value: &Tree, refusals: &mut Refusals) {
    match value {
        Tree::Text(text) => {
            for message in names::percent(text) {
                refusals.invalid(path, value, &message);
            }
        }
        other => non_negative(path, other.as_int().unwrap_or_default(), refusals),
    }
}

/// Checks that a share is not more than the whole.
pub(crate) fn at_most_all(path: &Path<'_>, value: &Tree, refusals: &mut Refusals) {
    if share(value).is_some_and(|share| share > 100) {
        refusals.invalid(path, value, "must not be greater than 100%");
    }
}

/// The number, be it a count or a share; a string that is neither counts as the number that it spells, else as none.
pub(crate) fn number(value: &Tree) -> i64 {
    share(value).unwrap_or_else(|| IntOrString::read(value).map_or(0, |value| value.int_value()))
}

/// The number before a percent sign, where a value is a share. One that is too large for 64 bits is the largest.
fn share(value: &Tree) -> Option<i64> {
    let text = value.as_str().filter(|text| names::percent(text).is_empty())?;
    Some(text.strip_suffix('%')?.parse().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::Tree;

    #[test]
    fn a_count_is_not_negative_and_a_share_not_more_than_all() {
        for (value, refused, number) in [
            (Tree::from(0_i64), 0, 0),
            (Tree::from(-1_i64), 1, -1),
            ("25%".into(), 0, 25),
            ("150%".into(), 1, 150),
            ("99999999999999999999%".into(), 1, i64::MAX),
            ("7".into(), 1, 7),
            ("x".into(), 1, 0),
        ] {
            let mut refusals = Refusals::new();
            let path = Path::of("maxSurge");
            super::validate(&path, &value, &mut refusals);
            super::at_most_all(&path, &value, &mut refusals);
            assert_eq!((refusals.len(), super::number(&value)), (refused, number), "{value:?}");
        }
    }
}
