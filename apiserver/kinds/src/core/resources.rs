//! Names and amounts of resources: which names are known, which are counted in whole numbers, what an amount may be.

use apiserver_api::names::qualified_name;
use apiserver_api::path::Path;
use apiserver_api::quantity::Quantity;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;
use std::cmp::Ordering;

use crate::amounts::{REQUESTS, amount, is_extended, is_huge_page, is_native};
use crate::check::NEGATIVE;

/// So many digits always fit into 64 bits.
const SMALL_DIGITS: usize = 18;

/// What containers may ask for, and what quotas make of it.
const COMPUTE: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];
/// What quotas count.
const COUNTS: &[&str] = &[
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

fn is_huge_pages_of_quota(name: &str) -> bool {
    is_huge_page(name) || name.strip_prefix(REQUESTS).is_some_and(is_huge_page)
}

/// Whether quotas know a resource.
pub(crate) fn is_of_quota(name: &str) -> bool {
    COMPUTE.contains(&name) || COUNTS.contains(&name) || name == "requests.storage" || is_huge_pages_of_quota(name)
}

/// A name of a resource: known, or with a domain.
pub(crate) fn validate_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) -> bool {
    let messages = qualified_name(name);
    let mut fine = messages.is_empty();
    for message in messages {
        refusals.invalid(path, name, &message);
    }
    if fine && !name.contains('/') && !is_of_quota(name) && name != "storage" {
        let detail = "must be a standard resource type or fully qualified";
        refusals.invalid(path, name, detail);
        fine = false;
    }
    fine
}

/// A name of a resource that containers may ask for.
pub(crate) fn validate_container_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    validate_name(path, name, refusals);
    if !name.contains('/') {
        if !["cpu", "memory", "ephemeral-storage"].contains(&name) && !is_huge_page(name) {
            refusals.invalid(path, name, "must be a standard resource for containers");
        }
    } else if !is_native(name) && !is_extended(name) {
        refusals.invalid(path, name, "doesn't follow extended resource name standard");
    }
}

/// A name of a resource that a quota may limit.
pub(crate) fn validate_quota_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    validate_name(path, name, refusals);
    if !name.contains('/') && !is_of_quota(name) {
        refusals.invalid(path, name, "must be a standard resource for quota");
    }
}

/// An amount of a resource: not below zero, and whole where the resource is counted.
pub(crate) fn validate_amount(path: &Path<'_>, name: &str, value: &Tree, refusals: &mut Refusals) {
    let quantity = amount(value);
    let text = quantity.to_string();
    if quantity.sign() == Ordering::Less {
        refusals.invalid(path, &text, NEGATIVE);
    }
    if (COUNTS.contains(&name) || is_extended(name)) && quantity.milli_value() % 1000 != 0 {
        refusals.invalid(path, &text, "must be an integer");
    }
}

/// An amount of storage that must be something.
pub(crate) fn validate_positive(path: &Path<'_>, value: &Tree, refusals: &mut Refusals) {
    let quantity = amount(value);
    if quantity.sign() != Ordering::Greater {
        refusals.invalid(path, &quantity.to_string(), "must be greater than zero");
    }
}

/// An amount of anything, which must not be below zero.
pub(crate) fn validate_basic(path: &Path<'_>, value: &Tree, refusals: &mut Refusals) {
    let value = wrapped(&amount(value));
    if value < 0 {
        refusals.invalid(path, value, "must be a valid resource quantity");
    }
}

/// A whole number in 64 bits: one of many digits that is just too large comes out negative.
fn wrapped(quantity: &Quantity) -> i64 {
    let value = quantity.value();
    let digits = quantity.to_string().bytes().filter(u8::is_ascii_digit).count();
    let mut beyond = quantity.clone();
    beyond.sub(&Quantity::new(i64::MAX, quantity.format()));
    match beyond.value() {
        over if over > 0 && digits > SMALL_DIGITS => i64::MIN.wrapping_add(over - 1),
        _ => value,
    }
}

/// Rounds amounts up to thousandths, finer than which nothing is kept.
pub(crate) fn round(list: Option<&mut Tree>) {
    let Some(list) = list.and_then(Tree::as_map_mut) else {
        return;
    };
    for (_, value) in list.iter_mut() {
        let quantity = amount(value);
        let thousandths = quantity.milli_value();
        let rounded = Quantity::milli(thousandths, quantity.format());
        if rounded != quantity && thousandths != i64::MAX && thousandths != i64::MIN {
            *value = rounded.to_string().into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Path, Refusals, round, validate_amount, validate_basic, validate_container_name, validate_name,
        validate_quota_name,
    };
    use crate::trial::tree;

    fn refused(check: impl Fn(&Path<'_>, &mut Refusals)) -> bool {
        let mut refusals = Refusals::new();
        check(&Path::of("a"), &mut refusals);
        !refusals.is_empty()
    }

    #[test]
    fn names_are_known_or_have_a_domain() {
        for (name, any, container, quota) in [
            ("cpu", true, true, true),
            ("storage", true, false, false),
            ("pods", true, false, true),
            ("hugepages-2Mi", true, true, true),
            ("requests.hugepages-2Mi", true, false, true),
            ("example.com/gpu", true, true, true),
            ("requests.example.com/gpu", true, false, true),
            ("x", false, false, false),
            ("a b", false, false, false),
        ] {
            assert_eq!(refused(|path, out| _ = validate_name(path, name, out)), !any, "{name}");
            assert_eq!(
                refused(|path, out| validate_container_name(path, name, out)),
                !container,
                "{name}"
            );
            assert_eq!(
                refused(|path, out| validate_quota_name(path, name, out)),
                !quota,
                "{name}"
            );
        }
    }

    #[test]
    fn amounts_are_not_below_zero_and_counts_are_whole() {
        for (name, text, fine) in [
            ("cpu", "100m", true),
            ("cpu", "-1", false),
            ("pods", "2", true),
            ("pods", "100m", false),
            ("example.com/gpu", "0.5", false),
        ] {
            let told = refused(|path, out| validate_amount(path, name, &text.into(), out));
            assert_eq!(told, !fine, "{name} {text}");
        }
    }

    #[test]
    fn large_amounts_wrap() {
        for (text, fine) in [
            ("1", true),
            ("-1", false),
            ("12E", true),
            ("9223372036854775807", true),
            ("9223372036854775808", false),
        ] {
            assert_eq!(
                refused(|path, out| validate_basic(path, &text.into(), out)),
                !fine,
                "{text}"
            );
        }
    }

    #[test]
    fn amounts_are_rounded_up_to_thousandths() {
        let mut list = tree(r#"{"a": "0.0001", "b": "1.5Gi", "c": "-0.0001", "d": "1"}"#);
        round(Some(&mut list));
        assert_eq!(list, tree(r#"{"a": "1m", "b": "1.5Gi", "c": "-1m", "d": "1"}"#));
    }
}
