//! What a whole pod asks for: its containers together, those that run before them, and what it says itself.

use std::collections::BTreeMap;

use apiserver_api::quantity::{Format, Quantity};
use apiserver_api::tree::{Map, Tree};

/// Amounts by the resource's name.
pub(super) type Amounts = BTreeMap<String, Quantity>;

/// The resources of which a pod as a whole can say how much it gets.
const OF_PODS: [&str; 2] = ["cpu", "memory"];

/// An amount of an object that was checked before.
pub(super) fn amount(tree: &Tree) -> Quantity {
    Quantity::read(tree).unwrap_or_else(|_| Quantity::new(0, Format::DecimalSi))
}

/// Amounts of an object.
pub(super) fn amounts(entries: &Map) -> Amounts {
    let entries = entries.iter();
    entries.map(|(name, value)| (name.to_owned(), amount(value))).collect()
}

fn add(all: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        match all.get_mut(name) {
            Some(sum) => sum.add(amount),
            None => drop(all.insert(name.clone(), amount.clone())),
        }
    }
}

fn raise(all: &mut Amounts, name: &str, to: &Quantity) {
    if all.get(name).is_none_or(|known| to > known) {
        all.insert(name.to_owned(), to.clone());
    }
}

/// The `requests` or `limits` of a pod. Containers that run beside the others add up; of those that run before them, each
/// needs its own beside what stays running already; what the pod says itself stands above all. Of those that run before,
/// only what each names itself is looked at: the rest is as it was before.
pub(super) fn of_pod(spec: &Tree, list: &str) -> Amounts {
    let own = |container: &Tree| amounts(container.at("resources").entries(list));
    let mut all = Amounts::new();
    for container in spec.items("containers") {
        add(&mut all, &own(container));
    }
    let (mut staying, mut before) = (Amounts::new(), Amounts::new());
    for container in spec.items("initContainers") {
        let needed = own(container);
        let stays = container.text("restartPolicy") == "Always";
        if stays {
            add(&mut all, &needed);
            add(&mut staying, &needed);
        }
        for (name, mut amount) in needed {
            match staying.get(&name) {
                Some(sum) if stays => amount.clone_from(sum),
                Some(sum) => amount.add(sum),
                None => {}
            }
            raise(&mut before, &name, &amount);
        }
    }
    for (name, amount) in &before {
        raise(&mut all, name, amount);
    }
    for (name, value) in spec.at("resources").entries(list).iter() {
        if OF_PODS.contains(&name) {
            all.insert(name.to_owned(), amount(value));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::of_pod;
    use crate::double::json;

    fn shown(spec: &str, name: &str) -> String {
        of_pod(&json(spec), "requests")[name].to_string()
    }

    #[test]
    fn containers_that_run_before_need_their_own_beside_what_stays() {
        let spec = r#"{"containers":[{"resources":{"requests":{"cpu":"1"}}}],
            "initContainers":[{"restartPolicy":"Always","resources":{"requests":{"cpu":"1","b":"2"}}},
                {"resources":{"requests":{"cpu":"4","memory":"1Gi"}}},
                {"restartPolicy":"Always","resources":{"requests":{"b":"-1"}}}]}"#;
        for (name, amount) in [("cpu", "5"), ("b", "2"), ("memory", "1Gi")] {
            assert_eq!(shown(spec, name), amount);
        }
    }

    #[test]
    fn many_containers_run_before_beside_one_with_many_resources() {
        let names: Vec<String> = (0..50_000).map(|at| format!(r#""r{at}":"1""#)).collect();
        let names = names.join(",");
        let plain = r#"{"resources":{"requests":{"r1":"2"}}}"#;
        let sidecar = r#"{"restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}}"#;
        let spec = format!(
            r#"{{"initContainers":[{{"restartPolicy":"Always","resources":{{"requests":{{{names}}}}}}},{},{}]}}"#,
            vec![plain; 20_000].join(","),
            vec![sidecar; 20_000].join(",")
        );
        let all = of_pod(&json(&spec), "requests");
        let shown = ["r1", "r2", "cpu"].map(|name| all[name].to_string());
        assert_eq!(shown, ["3", "1", "20k"]);
    }
}
