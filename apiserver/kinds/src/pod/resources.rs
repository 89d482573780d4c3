//! Amounts of resources: what may be asked for, and how much of it.

use std::cmp::Ordering;

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::quantity::Quantity;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Map, Tree};

use super::claims;
use super::scope::{Mistake, Scope};
use crate::amounts::{HUGE_PAGES, amount, is_extended, is_huge_page, is_native, is_pod_level, may_overcommit};
use crate::check::NEGATIVE;
use crate::text::tell;

/// The resources without a domain that are known anywhere: in pods, in quotas, in limits.
const STANDARD: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
];
/// The resources that come in whole numbers only.
const COUNTED: &[&str] = &[
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

/// Amounts finer than a thousandth are rounded away from zero (`SetDefaults_ResourceList`).
pub(crate) fn round(list: &mut Tree) {
    let Some(list) = list.as_map_mut() else {
        return;
    };
    for (_, value) in list.iter_mut() {
        let exact = amount(value);
        let rounded = Quantity::milli(exact.milli_value(), exact.format());
        // What does not fit into thousandths has no finer part that counts.
        let away = if exact.sign() == Ordering::Less {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        if rounded.cmp(&exact) == away {
            *value = Tree::from(&rounded);
        }
    }
}

/// Rounds both halves of what a container asks for.
pub(crate) fn round_both(resources: Option<&mut Tree>) {
    if let Some(resources) = resources {
        for half in ["limits", "requests"] {
            if let Some(list) = resources.get_mut(half) {
                round(list);
            }
        }
    }
}

/// Whether an amount of huge pages is that of whole pages.
pub(super) fn is_whole_pages(name: &str, amount: &Quantity) -> bool {
    let size = name.strip_prefix(HUGE_PAGES).map(Quantity::parse);
    let Some(Ok(size)) = size else {
        return false;
    };
    size.sign() == Ordering::Greater
        && size.milli_value() % 1000 == 0
        && amount.value().checked_rem(size.value()) == Some(0)
}

/// The name of a resource (`validateResourceName`).
pub(crate) fn validate_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    let messages = names::qualified_name(name);
    let standard = STANDARD.contains(&name) || is_huge_page(name) || name.starts_with("requests.hugepages-");
    if messages.is_empty() && !name.contains('/') && !standard {
        refusals.invalid(path, name, "must be a standard resource type or fully qualified");
    }
    tell(path, name, messages, refusals);
}

/// The name of a resource that containers have (`validateContainerResourceName`).
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

/// The name of a resource that pods have as a whole.
fn validate_pod_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    let before = refusals.len();
    validate_name(path, name, refusals);
    if refusals.len() == before && !is_pod_level(name) {
        refusals.not_supported(path, name, &["cpu", HUGE_PAGES, "memory"]);
    }
}

/// An amount of a resource (`ValidateResourceQuantityValue`).
pub(crate) fn validate_amount(path: &Path<'_>, name: &str, amount: &Quantity, refusals: &mut Refusals) {
    if amount.sign() == Ordering::Less {
        refusals.invalid(path, amount, NEGATIVE);
    }
    if (COUNTED.contains(&name) || is_extended(name)) && amount.milli_value() % 1000 != 0 {
        refusals.invalid(path, amount, "must be an integer");
    }
}

/// What a container asks for.
pub(super) fn validate(path: &Path<'_>, resources: &Tree, scope: &Scope<'_>, refusals: &mut Refusals) {
    validate_lists(
        path,
        resources.entries("limits"),
        resources.entries("requests"),
        validate_container_name,
        scope.options.forgives(Mistake::HugePages),
        refusals,
    );
    claims::validate_use(
        &path.field("claims"),
        resources.items("claims"),
        &scope.claims,
        refusals,
    );
}

/// What a pod as a whole asks for.
pub(super) fn validate_pod(path: &Path<'_>, resources: &Tree, scope: &Scope<'_>, refusals: &mut Refusals) {
    validate_lists(
        path,
        resources.entries("limits"),
        resources.entries("requests"),
        validate_pod_name,
        scope.options.forgives(Mistake::HugePages),
        refusals,
    );
    claims::validate_use(
        &path.field("claims"),
        resources.items("claims"),
        &scope.claims,
        refusals,
    );
}

/// What a pod costs beside its containers.
pub(super) fn validate_overhead(path: &Path<'_>, overhead: &Map, scope: &Scope<'_>, refusals: &mut Refusals) {
    let none = Map::new();
    validate_lists(
        path,
        overhead,
        &none,
        validate_container_name,
        scope.options.forgives(Mistake::HugePages),
        refusals,
    );
}

fn validate_lists(
    path: &Path<'_>,
    limits: &Map,
    requests: &Map,
    name_rule: fn(&Path<'_>, &str, &mut Refusals),
    split_pages: bool,
    refusals: &mut Refusals,
) {
    let (limits_path, requests_path) = (path.field("limits"), path.field("requests"));
    for (path, list) in [(limits_path, limits), (requests_path, requests)] {
        for (name, value) in list.iter() {
            let (path, amount) = (path.key(name), amount(value));
            name_rule(&path, name, refusals);
            validate_amount(&path, name, &amount, refusals);
            if is_huge_page(name) && !split_pages && !is_whole_pages(name, &amount) {
                let detail = format!("{amount} is not positive integer multiple of {name}");
                refusals.invalid(&path, &amount, &detail);
            }
        }
    }
    for (name, value) in requests.iter() {
        let request = amount(value);
        match limits.get(name).map(amount) {
            Some(limit) if request != limit && !may_overcommit(name) => {
                let detail = format!("must be equal to {name} limit of {limit}");
                refusals.invalid(&requests_path, &request, &detail);
            }
            Some(limit) if request > limit => {
                let detail = format!("must be less than or equal to {name} limit of {limit}");
                refusals.invalid(&requests_path, &request, &detail);
            }
            None if !may_overcommit(name) => {
                refusals.required(&limits_path, "Limit must be set for non overcommitable resources");
            }
            _ => {}
        }
    }
    let names = || limits.keys().chain(requests.keys());
    if names().any(is_huge_page) && !names().any(|name| ["cpu", "memory"].contains(&name)) {
        refusals.forbidden(path, "HugePages require cpu or memory");
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, Tree, round, validate};
    use crate::pod::scope::Scope;
    use crate::pod::testing::{json, words};

    #[test]
    fn amounts_are_kept_in_thousandths() {
        for (given, kept) in [
            ("1m", "1m"),
            ("100u", "1m"),
            ("1500u", "2m"),
            ("-100u", "-1m"),
            ("9E", "9E"),
        ] {
            let mut list = json(&format!(r#"{{"cpu":"{given}"}}"#));
            round(&mut list);
            assert_eq!(list.text("cpu"), kept);
        }
    }

    #[test]
    fn requests_stay_within_limits_and_huge_pages_are_whole() {
        let cases = [
            (r#"{"limits":{"cpu":"2"},"requests":{"cpu":"1"}}"#, ""),
            (
                r#"{"limits":{"cpu":"1"},"requests":{"cpu":"2"}}"#,
                r#"r.requests: Invalid value: "2": must be less than or equal to cpu limit of 1"#,
            ),
            (
                r#"{"requests":{"example.com/gpu":"1"}}"#,
                "r.limits: Required value: Limit must be set for non overcommitable resources",
            ),
            (
                r#"{"limits":{"hugepages-2Mi":"3Mi","cpu":"1"}}"#,
                r#"r.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi"#,
            ),
            (
                r#"{"limits":{"hugepages-2Mi":"4Mi"}}"#,
                "r: Forbidden: HugePages require cpu or memory",
            ),
            (
                r#"{"limits":{"storage":"1"}}"#,
                r#"r.limits[storage]: Invalid value: "storage": must be a standard resource for containers"#,
            ),
            (
                r#"{"limits":{"cpu":"-1"}}"#,
                r#"r.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0"#,
            ),
            (
                r#"{"limits":{"example.com/gpu":"500m"}}"#,
                r#"r.limits[example.com/gpu]: Invalid value: "500m": must be an integer"#,
            ),
        ];
        for (resources, told) in cases {
            let mut refusals = Refusals::new();
            validate(
                &Path::of("r"),
                &json(resources),
                &Scope::for_tests(&Tree::Null),
                &mut refusals,
            );
            assert_eq!(words(&refusals), told);
        }
    }
}
