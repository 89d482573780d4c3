//! What a pod as a whole asks for beside what its containers need together.

use std::collections::BTreeMap;

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Text, Tree};

use super::scope::Scope;
use super::sum::{Half, of_containers};
use crate::amounts::{amount, is_huge_page, is_pod_level, may_overcommit};

/// Fills in what the pod as a whole asks for where it was said in part (`defaultHugePagePodLimits`, `defaultPodRequests`).
pub(super) fn default(spec: &mut Tree) {
    let given = spec.at("resources");
    let (mut limits, mut requests) = (given.entries("limits").clone(), given.entries("requests").clone());
    if limits.is_empty() && requests.is_empty() {
        return;
    }
    let written = |(name, amount)| (Text::from(name), Tree::from(amount));
    let pages = of_containers(spec, Half::Limits);
    let pages = pages
        .iter()
        .filter(|(name, _)| is_huge_page(name) && !requests.contains(name));
    limits.absorb(pages.map(written), |_, _| {});
    if !limits.is_empty() {
        let needed = of_containers(spec, Half::Requests);
        let needed = needed
            .iter()
            .filter(|(name, _)| is_pod_level(name) && may_overcommit(name));
        requests.absorb(needed.map(written), |_, _| {});
        let limited = limits.iter().filter(|(name, _)| is_pod_level(name));
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
    validate_half(path, scope, Half::Requests, is_pod_level, refusals);
    validate_half(path, scope, Half::Limits, is_huge_page, refusals);
    let (limits, mut details) = (Half::Limits.read(scope.spec.at("resources")), BTreeMap::new());
    let containers = path.field("containers");
    for (at, container) in scope.spec.items("containers").iter().enumerate() {
        for (name, own) in Half::Limits.read(container.at("resources")).iter() {
            let Some(limit) = limits.get(name).filter(|limit| own > *limit) else {
                continue;
            };
            let path = containers.index(at);
            let path = path.key(name);
            // A limit may have a million digits: it is written once, however many containers are beyond it.
            let detail = details
                .entry(name.to_owned())
                .or_insert_with(|| format!("must be less than or equal to pod limits of {limit}"));
            refusals.invalid(&path.field("limits"), own, detail);
        }
    }
}

fn validate_half(path: &Path<'_>, scope: &Scope<'_>, half: Half, counts: fn(&str) -> bool, refusals: &mut Refusals) {
    let given = scope.spec.at("resources").entries(half.name());
    let path = path.field(half.name());
    for (name, needed) in of_containers(scope.spec, half).iter() {
        let given = given.get(name).map(amount).filter(|given| needed > given);
        if let Some(given) = given.filter(|_| counts(name)) {
            let detail = format!(
                "must be greater than or equal to aggregate container {} of {needed}",
                half.name()
            );
            refusals.invalid(&path.key(name), &given, &detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::Map;

    use super::{Path, Refusals, Tree, default, validate};
    use crate::pod::scope::Scope;
    use crate::pod::testing::{json, words};

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
