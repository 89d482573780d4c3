//! What a pod's containers need together, and what the pod as a whole asks for beside that.

use std::collections::BTreeMap;

use apiserver_api::path::Path;
use apiserver_api::quantity::Quantity;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Text, Tree};

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
        let (mut needed, is_sidecar) = (of(container, half), is_sidecar(container));
        if is_sidecar {
            add(&mut sum, &needed);
            add(&mut sidecars, &needed);
        }
        // Of what a container does not name no more is needed than before it: the sidecars count since they were started.
        for (name, amount) in &mut needed {
            match sidecars.get(name) {
                Some(beside) if is_sidecar => amount.clone_from(beside),
                Some(beside) => amount.add(beside),
                None => {}
            }
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
    let written = |(name, amount): (String, Quantity)| (Text::from(name), Tree::from(&amount));
    let pages = of_containers(spec, "limits").into_iter();
    let pages = pages.filter(|(name, _)| resources::is_huge_page(name) && !requests.contains(name));
    limits.absorb(pages.map(written), |_, _| {});
    if !limits.is_empty() {
        let needed = of_containers(spec, "requests").into_iter();
        let needed = needed.filter(|(name, _)| resources::is_pod_level(name) && resources::may_overcommit(name));
        requests.absorb(needed.map(written), |_, _| {});
        let limited = limits.iter().filter(|(name, _)| resources::is_pod_level(name));
        requests.absorb(
            limited.map(|(name, amount)| (Text::from(name), amount.clone())),
            |_, _| {},
        );
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
    let (limits, mut details) = (of(scope.spec, "limits"), BTreeMap::new());
    let containers = path.field("containers");
    for (at, container) in scope.spec.items("containers").iter().enumerate() {
        for (name, own) in of(container, "limits") {
            let Some(limit) = limits.get(&name).filter(|limit| own > **limit) else {
                continue;
            };
            let path = containers.index(at);
            let path = path.key(&name);
            // A limit may have a million digits: it is written once, however many containers are beyond it.
            let detail = details
                .entry(name.clone())
                .or_insert_with(|| format!("must be less than or equal to pod limits of {limit}"));
            refusals.invalid(&path.field("limits"), &own, detail);
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
    use apiserver_api::tree::Map;

    use super::{Path, Refusals, Tree, default, of_containers, validate};
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
    fn what_a_sidecar_needs_is_not_counted_anew_for_each_container_after_it() {
        let amounts: Map = (0..20_000).map(|at| (format!("e.com/{at}"), "1")).collect();
        let mut sidecar = json(r#"{"restartPolicy":"Always"}"#);
        sidecar.child("resources").set("requests", amounts);
        let mut starting = vec![sidecar];
        starting.resize(20_000, json(r#"{"resources":{"requests":{"e.com/7":"2"}}}"#));
        let mut spec = Tree::map();
        spec.set("initContainers", starting);
        let sum = of_containers(&spec, "requests");
        let of = |name: &str| sum.get(name).map(ToString::to_string);
        assert_eq!(
            (sum.len(), of("e.com/7"), of("e.com/8")),
            (20_000, Some("3".to_owned()), Some("1".to_owned()))
        );
    }

    #[test]
    fn a_sidecar_counts_with_all_that_were_started_before_it() {
        let one = |restart: &str, requests: &str| {
            format!(r#"{{"restartPolicy":"{restart}","resources":{{"requests":{requests}}}}}"#)
        };
        let list = [
            one("Always", r#"{"a":"1","b":"-2"}"#),
            one("", r#"{"a":"5"}"#),
            one("Always", r#"{"a":"3","b":"-1"}"#),
            one("", r#"{"a":"1","c":"1"}"#),
        ];
        let spec = json(&format!(r#"{{"initContainers":[{}]}}"#, list.join(",")));
        let sum = of_containers(&spec, "requests").into_iter();
        let sum: Vec<String> = sum.map(|(name, amount)| format!("{name}={amount}")).collect();
        assert_eq!(sum, ["a=6", "b=-2", "c=1"]);
    }

    #[test]
    fn a_hundred_thousand_huge_pages_find_their_places_at_once() {
        let pages = |kind: &str| -> Map { (0..100_000).map(|at| (format!("hugepages-{kind}{at}"), "1")).collect() };
        let (mut spec, mut container) = (Tree::map(), Tree::map());
        container.child("resources").set("limits", pages("a"));
        spec.set("containers", vec![container]);
        spec.child("resources").set("requests", pages("z"));
        spec.child("resources").set("limits", pages("z"));
        default(&mut spec);
        let resources = spec.at("resources");
        for half in ["limits", "requests"] {
            assert_eq!(resources.entries(half).len(), 200_000, "{half}");
        }
    }

    #[test]
    fn a_limit_of_many_digits_is_not_written_for_each_container() {
        let mut spec = Tree::map();
        spec.child("resources")
            .child("limits")
            .set("a", format!("-{}", "9".repeat(300_000)));
        let container = json(r#"{"resources":{"limits":{"a":"1"}}}"#);
        spec.set("containers", vec![container; 20_000]);
        let mut refusals = Refusals::new();
        validate(&Path::of("r"), &Scope::for_tests(&spec), &mut refusals);
        assert_eq!(refusals.len(), 20_000);
        assert!((10..100).contains(&refusals.iter().count()));
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
