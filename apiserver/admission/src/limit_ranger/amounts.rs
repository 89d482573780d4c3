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

fn raise(all: &mut Amounts, to: &Amounts) {
    for (name, amount) in to {
        if all.get(name).is_none_or(|known| amount > known) {
            all.insert(name.clone(), amount.clone());
        }
    }
}

/// The `requests` or `limits` of a pod. Containers that run beside the others add up; of those that run before them, each
/// needs its own beside what stays running already; what the pod says itself stands above all.
pub(super) fn of_pod(spec: &Tree, list: &str) -> Amounts {
    let own = |container: &Tree| amounts(container.at("resources").entries(list));
    let mut all = Amounts::new();
    for container in spec.items("containers") {
        add(&mut all, &own(container));
    }
    let (mut staying, mut before) = (Amounts::new(), Amounts::new());
    for container in spec.items("initContainers") {
        let mut needed = own(container);
        if container.text("restartPolicy") == "Always" {
            add(&mut all, &needed);
            add(&mut staying, &needed);
            needed.clone_from(&staying);
        } else {
            add(&mut needed, &staying);
        }
        raise(&mut before, &needed);
    }
    raise(&mut all, &before);
    for (name, value) in spec.at("resources").entries(list).iter() {
        if OF_PODS.contains(&name) {
            all.insert(name.to_owned(), amount(value));
        }
    }
    all
}
