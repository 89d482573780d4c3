//! How well a pod is served when its node runs short.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use apiserver_api::quantity::Quantity;
use apiserver_api::tree::{Map, Tree};

use crate::amounts::amount;

const COUNTED: [&str; 2] = ["cpu", "memory"];

/// The class of a spec: `Guaranteed`, `Burstable` or `BestEffort` (`ComputePodQOS`).
pub fn class(spec: &Tree) -> &'static str {
    let (mut requests, mut limits) = (BTreeMap::new(), BTreeMap::new());
    let mut guaranteed = true;
    let whole = spec.at("resources");
    if whole.is_null() {
        for container in ["containers", "initContainers"]
            .into_iter()
            .flat_map(|list| spec.items(list))
        {
            let resources = container.at("resources");
            add(&mut requests, resources.entries("requests"));
            guaranteed &= add(&mut limits, resources.entries("limits"));
        }
    } else {
        add(&mut requests, whole.entries("requests"));
        let bound = add(&mut limits, whole.entries("limits"));
        guaranteed = bound || whole.entries("limits").is_empty();
    }
    if requests.is_empty() && limits.is_empty() {
        "BestEffort"
    } else if guaranteed && requests == limits {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

/// Adds what counts of a list; says whether all that counts was there.
fn add(sum: &mut BTreeMap<&'static str, Quantity>, list: &Map) -> bool {
    let mut all = true;
    for name in COUNTED {
        let amount = list.get(name).map(amount);
        match amount.filter(|amount| amount.sign() == Ordering::Greater) {
            None => all = false,
            Some(amount) => match sum.get_mut(name) {
                Some(sum) => sum.add(&amount),
                None => drop(sum.insert(name, amount)),
            },
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::class;
    use crate::pod::testing::json;

    #[test]
    fn who_asks_for_what_is_guaranteed_is_served_best() {
        let all = r#"{"cpu":"1","memory":"1Gi"}"#;
        for (resources, expected) in [
            ("{}".to_owned(), "BestEffort"),
            (r#"{"requests":{"cpu":"1"}}"#.to_owned(), "Burstable"),
            (format!(r#"{{"limits":{all},"requests":{all}}}"#), "Guaranteed"),
            (format!(r#"{{"limits":{all},"requests":{{"cpu":"1"}}}}"#), "Burstable"),
        ] {
            let spec = json(&format!(r#"{{"containers":[{{"resources":{resources}}}]}}"#));
            assert_eq!(class(&spec), expected);
            let spec = json(&format!(r#"{{"containers":[{{}}],"resources":{resources}}}"#));
            assert_eq!(class(&spec), expected);
        }
    }
}
