//! How well a pod is served when its node runs short (`GetPodQOS`).

use apiserver_api::tree::Tree;

use crate::amounts::{Amounts, amount};

const COUNTED: [&str; 2] = ["cpu", "memory"];

/// The class that the status says, or that the spec makes it: `Guaranteed`, `Burstable` or `BestEffort`.
pub(crate) fn class(pod: &Tree) -> &str {
    match pod.at("status").text("qosClass") {
        "" => computed(pod.at("spec")),
        known => known,
    }
}

fn computed(spec: &Tree) -> &'static str {
    let whole = spec.at("resources");
    let parts: Vec<&Tree> = if whole.is_null() {
        let lists = ["containers", "initContainers"].into_iter();
        lists
            .flat_map(|list| spec.items(list))
            .map(|container| container.at("resources"))
            .collect()
    } else {
        vec![whole]
    };
    let (mut requests, mut limits) = (Amounts::default(), Amounts::default());
    let mut bounded = true;
    for part in parts {
        add(&mut requests, part, "requests");
        // What is said of the whole pod need not say anything of limits.
        let silent = !whole.is_null() && part.entries("limits").is_empty();
        bounded &= add(&mut limits, part, "limits") || silent;
    }
    if requests.is_empty() && limits.is_empty() {
        "BestEffort"
    } else if bounded && requests == limits {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

/// Adds what counts; says whether all that counts was there.
fn add(sum: &mut Amounts, resources: &Tree, half: &str) -> bool {
    let mut all = true;
    for name in COUNTED {
        let given = amount(resources.at(half).at(name));
        if given.sign().is_gt() {
            sum.add(name, &given);
        } else {
            all = false;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::class;
    use crate::double::json;

    #[test]
    fn who_asks_for_what_is_guaranteed_is_served_best() {
        let all = r#"{"cpu":"1","memory":"1Gi"}"#;
        for (resources, expected) in [
            ("{}".to_owned(), "BestEffort"),
            (r#"{"requests":{"cpu":"0"}}"#.to_owned(), "BestEffort"),
            (r#"{"requests":{"cpu":"1"}}"#.to_owned(), "Burstable"),
            (format!(r#"{{"limits":{all},"requests":{all}}}"#), "Guaranteed"),
            (format!(r#"{{"limits":{all},"requests":{{"cpu":"1"}}}}"#), "Burstable"),
        ] {
            let pod = json(&format!(r#"{{"spec":{{"containers":[{{"resources":{resources}}}]}}}}"#));
            assert_eq!(class(&pod), expected);
            let pod = json(&format!(
                r#"{{"spec":{{"containers":[{{}}],"resources":{resources}}}}}"#
            ));
            assert_eq!(class(&pod), expected);
        }
        let pod = json(r#"{"spec":{"containers":[{}]},"status":{"qosClass":"Burstable"}}"#);
        assert_eq!(class(&pod), "Burstable");
    }
}
