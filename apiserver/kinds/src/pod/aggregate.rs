//! What a pod's containers need together, and what the pod as a whole asks for beside that.

use std::collections::BTreeMap;

use apiserver_api::path::Path;
use apiserver_api::quantity::Quantity;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::containers::is_sidecar;
use super::resources::{self, quantity};
use super::scope::Scope;

type Amounts = BTreeMap<String, Quantity>;

fn add(sum: &mut Amounts, list: &Amounts) {
    for (name, amount) in list {
        match sum.get_mut(name) {
            Some(sum) => sum.add(amount),
            None => drop(sum.insert(name.clone(), amount.clone())),
        }
    }
}

fn raise(most: &mut Amounts, list: &Amounts) {
    for (name, amount) in list {
        if most.get(name).is_none_or(|most| amount > most) {
            most.insert(name.clone(), amount.clone());
        }
    }
}

fn of(container: &Tree, half: &str) -> Amounts {
    let list = container.at("resources").entries(half).iter();
    list.map(|(name, value)| (name.to_owned(), quantity(value))).collect()
}

/// What all containers need together; `half` is `requests` or `limits`. Init containers run one after the other, each
/// beside the sidecars that were started before it.
pub(super) fn of_containers(spec: &Tree, half: &str) -> Amounts {
    let (mut sum, mut sidecars, mut starting) = (Amounts::new(), Amounts::new(), Amounts::new());
    for container in spec.items("containers") {
        add(&mut sum, &of(container, half));
    }
    for container in spec.items("initContainers") {
        let mut needed = of(container, half);
        if is_sidecar(container) {
            add(&mut sum, &needed);
            add(&mut sidecars, &needed);
            needed.clone_from(&sidecars);
        } else {
            add(&mut needed, &sidecars);
        }
        raise(&mut starting, &needed);
    }
    raise(&mut sum, &starting);
    sum
}

/// Fills in what the pod as a whole asks for where it was said in part (`defaultHugePagePodLimits`, `defaultPodRequests`).
pub(super) fn default(spec: &mut Tree) {
    let given = spec.at("resources");
    let (mut limits, mut requests) = (given.entries("limits").clone(), given.entries("requests").clone());
    if limits.is_empty() && requests.is_empty() {
        return;
    }
    for (name, amount) in of_containers(spec, "limits") {
        if resources::is_huge_page(&name) && !requests.contains(&name) && !limits.contains(&name) {
            limits.insert(&name, Tree::from(&amount));
        }
    }
    if !limits.is_empty() {
        let needed = of_containers(spec, "requests").into_iter();
        let needed = needed.filter(|(name, _)| resources::is_pod_level(name) && resources::may_overcommit(name));
        let needed: Vec<_> = needed.map(|(name, amount)| (name, Tree::from(&amount))).collect();
        let limited: Vec<_> = limits
            .iter()
            .map(|(name, amount)| (name.to_owned(), amount.clone()))
            .collect();
        let limited = limited.into_iter().filter(|(name, _)| resources::is_pod_level(name));
        for (name, amount) in needed.into_iter().chain(limited) {
            if !requests.contains(&name) {
                requests.insert(&name, amount);
            }
        }
    }
    let resources = spec.child("resources");
    for (half, list) in [("limits", limits), ("requests", requests)] {
        if !list.is_empty() {
            resources.set(half, list);
        }
    }
}

/// What a pod as a whole asks for covers what its containers ask for, where it says how much that is.
pub(super) fn validate(path: &Path<'_>, scope: &Scope<'_>, refusals: &mut Refusals) {
    validate_half(path, scope, "requests", resources::is_pod_level, refusals);
    validate_half(path, scope, "limits", resources::is_huge_page, refusals);
    let limits = scope.spec.at("resources").entries("limits");
    let containers = path.field("containers");
    for (at, container) in scope.spec.items("containers").iter().enumerate() {
        for (name, own) in of(container, "limits") {
            let Some(limit) = limits.get(&name).map(quantity).filter(|limit| own > *limit) else {
                continue;
            };
            let path = containers.index(at);
            let detail = format!("must be less than or equal to pod limits of {limit}");
            refusals.invalid(&path.key(&name).field("limits"), &own, &detail);
        }
    }
}

fn validate_half(path: &Path<'_>, scope: &Scope<'_>, half: &str, counts: fn(&str) -> bool, refusals: &mut Refusals) {
    let given = scope.spec.at("resources").entries(half);
    let path = path.field(half);
    for (name, needed) in of_containers(scope.spec, half) {
        let given = given.get(&name).map(quantity).filter(|given| needed > *given);
        if let Some(given) = given.filter(|_| counts(&name)) {
            let detail = format!("must be greater than or equal to aggregate container {half} of {needed}");
            refusals.invalid(&path.key(&name), &given, &detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, default, of_containers, validate};
    use crate::pod::scope::Scope;
    use crate::pod::testing::{json, words};

    #[test]
    fn init_containers_run_beside_the_sidecars_before_them() {
        let spec = json(
            r#"{"containers":[{"resources":{"requests":{"cpu":"1"}}}],
                "initContainers":[{"restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}},
                    {"resources":{"requests":{"cpu":"4"}}}]}"#,
        );
        let sum = of_containers(&spec, "requests");
        assert_eq!(sum.get("cpu").map(ToString::to_string).as_deref(), Some("5"));
    }

    #[test]
    fn a_pod_asks_for_what_its_containers_need() {
        let mut spec = json(
            r#"{"containers":[{"resources":{"requests":{"cpu":"1"}}}],"resources":{"limits":{"cpu":"2","memory":"1Gi"}}}"#,
        );
        default(&mut spec);
        assert_eq!(
            spec.at("resources").at("requests"),
            &json(r#"{"cpu":"1","memory":"1Gi"}"#)
        );
        let mut refusals = Refusals::new();
        validate(&Path::of("r"), &Scope::for_tests(&spec), &mut refusals);
        assert_eq!(words(&refusals), "");
    }

    #[test]
    fn what_a_pod_does_not_say_its_containers_may() {
        for (spec, expected) in [
            (
                r#"{"containers":[{"resources":{"requests":{"cpu":"3"}}}],"resources":{"requests":{"cpu":"2"}}}"#,
                r#"r.requests[cpu]: Invalid value: "2": must be greater than or equal to aggregate container requests of 3"#,
            ),
            (
                r#"{"containers":[{"resources":{"requests":{"cpu":"3"}}}],"resources":{"limits":{"cpu":"2"}}}"#,
                "",
            ),
            (
                r#"{"containers":[{"resources":{"limits":{"cpu":"3"}}}],"resources":{"limits":{"cpu":"2"}}}"#,
                r#"r.containers[0][cpu].limits: Invalid value: "3": must be less than or equal to pod limits of 2"#,
            ),
            (
                r#"{"containers":[{"resources":{"limits":{"hugepages-2Mi":"2Mi"}}},{"resources":{"limits":{"hugepages-2Mi":"2Mi"}}}],
                    "resources":{"limits":{"hugepages-2Mi":"2Mi"}}}"#,
                r#"r.limits[hugepages-2Mi]: Invalid value: "2Mi": must be greater than or equal to aggregate container limits of 4Mi"#,
            ),
        ] {
            let mut refusals = Refusals::new();
            validate(&Path::of("r"), &Scope::for_tests(&json(spec)), &mut refusals);
            assert_eq!(words(&refusals), expected);
        }
    }
}
