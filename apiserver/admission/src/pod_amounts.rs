//! What a pod asks for as a whole (`component-helpers/resource`): its containers together, beside what the pod itself says
//! and what its runtime takes.

use std::collections::HashMap;

use apiserver_api::tree::Tree;

use crate::amounts::{Amounts, HUGE_PAGES};

/// Which half of what containers say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    /// What they ask for.
    Requests,
    /// What they may use.
    Limits,
}

impl Half {
    const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Limits => "limits",
        }
    }
}

/// Whether a container runs beside the others from the start on.
fn is_sidecar(container: &Tree) -> bool {
    container.text("restartPolicy") == "Always"
}

fn read(resources: &Tree, half: Half) -> Amounts {
    Amounts::read(resources.entries(half.name()))
}

/// Whether pods as a whole can ask for a resource.
fn is_of_pods(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with(HUGE_PAGES)
}

fn says(pod: &Tree, half: Half) -> bool {
    let list = pod.below(&["spec", "resources"]).entries(half.name());
    list.keys().any(is_of_pods)
}

/// Whether the pod itself says what it asks for (`IsPodLevelResourcesSet`).
pub(crate) fn is_whole(pod: &Tree) -> bool {
    says(pod, Half::Requests) || says(pod, Half::Limits)
}

/// What a pod asks for or may use. With `running`, what its containers have counts where it is more: while a pod is resized,
/// it takes what it had and what it will have.
pub(crate) fn of_pod(pod: &Tree, half: Half, running: bool) -> Amounts {
    let spec = pod.at("spec");
    let mut sum = of_containers(pod, half, running);
    for (name, amount) in read(spec.at("resources"), half).iter() {
        if is_of_pods(name) {
            sum.set(name, amount.clone());
        }
    }
    for (name, amount) in Amounts::read(spec.entries("overhead")).iter() {
        // Where there is no limit, the runtime makes none.
        if half == Half::Requests || sum.get(name).is_some_and(|limit| !limit.is_zero()) {
            sum.add(name, amount);
        }
    }
    sum
}

/// What the containers ask for together. Those that start the pod run one after the other, each beside the sidecars that
/// were started before it. Only what one names itself is looked at: the rest is as it was before.
fn of_containers(pod: &Tree, half: Half, running: bool) -> Amounts {
    let spec = pod.at("spec");
    let now = running.then(|| Now::of(pod));
    let own = |container: &Tree| of_container(now.as_ref(), container, half);
    let (mut sum, mut sidecars, mut starting) = (Amounts::default(), Amounts::default(), Amounts::default());
    for container in spec.items("containers") {
        sum.add_all(&own(container));
    }
    for container in spec.items("initContainers") {
        if is_sidecar(container) {
            let needed = own(container);
            sum.add_all(&needed);
            sidecars.add_all(&needed);
            for name in needed.names() {
                starting.raise_one(name, sidecars.get(name));
            }
        } else {
            let mut needed = read(container.at("resources"), half);
            needed.add_known(&sidecars);
            starting.raise(&needed);
        }
    }
    sum.raise(&starting);
    sum
}

/// What one container counts for.
fn of_container(now: Option<&Now<'_>>, container: &Tree, half: Half) -> Amounts {
    let wanted = read(container.at("resources"), half);
    let status = now.and_then(|now| Some((now, now.statuses.get(container.text("name"))?)));
    let Some((now, status)) = status.filter(|(_, status)| status.has("resources")) else {
        return wanted;
    };
    let mut sum = read(status.at("resources"), half);
    if half == Half::Requests {
        sum.raise(&Amounts::read(status.entries("allocatedResources")));
    }
    // What cannot be had on its node is not taken.
    if !now.infeasible {
        sum.raise(&wanted);
    }
    sum
}

/// What is known of a pod that runs.
struct Now<'p> {
    /// The statuses of its containers by their names; of those with one name the first counts.
    statuses: HashMap<&'p str, &'p Tree>,
    infeasible: bool,
}

impl<'p> Now<'p> {
    fn of(pod: &'p Tree) -> Self {
        let mut statuses = HashMap::new();
        let lists = ["initContainerStatuses", "containerStatuses"].into_iter();
        for status in lists.flat_map(|list| pod.at("status").items(list)) {
            statuses.entry(status.text("name")).or_insert(status);
        }
        let infeasible = is_infeasible(pod);
        Self { statuses, infeasible }
    }
}

/// Whether the node said that it will never have what the pod should get.
fn is_infeasible(pod: &Tree) -> bool {
    let mut conditions = pod.at("status").items("conditions").iter();
    conditions
        .find(|one| one.text("type") == "PodResizePending")
        .is_some_and(|one| one.text("reason") == "Infeasible")
}

#[cfg(test)]
mod tests {
    use super::{Half, is_whole, of_pod};
    use crate::double::json;

    #[test]
    fn containers_that_start_a_pod_run_beside_the_sidecars_before_them() {
        let pod = json(
            r#"{"spec":{"containers":[{"resources":{"requests":{"cpu":"1"}}}],
                "initContainers":[{"restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}},
                    {"resources":{"requests":{"cpu":"4","memory":"1Gi"}}}]}}"#,
        );
        assert_eq!(of_pod(&pod, Half::Requests, false).shown(), "cpu=5,memory=1Gi");
    }

    #[test]
    fn what_the_pod_itself_says_goes_before_and_its_runtime_comes_on_top() {
        let pod = json(
            r#"{"spec":{"containers":[{"resources":{"requests":{"cpu":"1","e.com/x":"1"},"limits":{"memory":"1Gi"}}}],
                "resources":{"requests":{"cpu":"3"}},"overhead":{"cpu":"500m","memory":"1Gi"}}}"#,
        );
        assert!(is_whole(&pod));
        assert_eq!(
            of_pod(&pod, Half::Requests, true).shown(),
            "cpu=3500m,e.com/x=1,memory=1Gi"
        );
        assert_eq!(of_pod(&pod, Half::Limits, true).shown(), "memory=2Gi");
    }

    #[test]
    fn a_pod_that_is_resized_takes_what_it_had_and_what_it_will_have() {
        let pod = |conditions: &str| {
            json(&format!(
                r#"{{"spec":{{"containers":[{{"name":"c","resources":{{"requests":{{"cpu":"5"}},"limits":{{"cpu":"6"}}}}}}]}},
                    "status":{{"conditions":[{conditions}],"containerStatuses":[{{"name":"c",
                        "allocatedResources":{{"cpu":"3"}},"resources":{{"requests":{{"cpu":"2"}},"limits":{{"cpu":"2"}}}}}}]}}}}"#
            ))
        };
        let waits = pod("");
        assert_eq!(of_pod(&waits, Half::Requests, true).shown(), "cpu=5");
        assert_eq!(of_pod(&waits, Half::Limits, true).shown(), "cpu=6");
        let never = pod(r#"{"type":"PodResizePending","reason":"Infeasible"}"#);
        assert_eq!(of_pod(&never, Half::Requests, true).shown(), "cpu=3");
        assert_eq!(of_pod(&never, Half::Limits, true).shown(), "cpu=2");
        assert_eq!(of_pod(&never, Half::Requests, false).shown(), "cpu=5");
    }

    #[test]
    fn amounts_that_sidecars_gave_back_still_count_for_what_started_beside_them() {
        let pod = json(
            r#"{"spec":{"initContainers":[{"restartPolicy":"Always","resources":{"requests":{"a":"2","b":"1"}}},
                {"resources":{"requests":{"a":"1"}}},
                {"restartPolicy":"Always","resources":{"requests":{"a":"-1"}}},
                {"resources":{"requests":{"c":"1"}}}]}}"#,
        );
        assert_eq!(of_pod(&pod, Half::Requests, false).shown(), "a=3,b=1,c=1");
    }

    #[test]
    fn many_containers_start_beside_a_sidecar_with_many_resources() {
        let names: Vec<String> = (0..50_000).map(|at| format!(r#""r{at}":"1""#)).collect();
        let names = names.join(",");
        let plain = r#"{"resources":{"requests":{"r1":"2"}}}"#;
        let sidecar = r#"{"restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}}"#;
        let pod = json(&format!(
            r#"{{"spec":{{"initContainers":[{{"restartPolicy":"Always","resources":{{"requests":{{{names}}}}}}},{},{}]}}}}"#,
            vec![plain; 20_000].join(","),
            vec![sidecar; 20_000].join(",")
        ));
        let all = of_pod(&pod, Half::Requests, false);
        let shown = |name: &str| all.get(name).map(ToString::to_string);
        assert_eq!(
            [shown("r1"), shown("r2"), shown("cpu")],
            ["3", "1", "20k"].map(|amount| Some(amount.to_owned()))
        );
    }

    #[test]
    fn statuses_and_conditions_of_many_containers_are_looked_through_once() {
        let each = |list: &dyn Fn(usize) -> String| (0..30_000).map(list).collect::<Vec<_>>().join(",");
        let containers = each(&|at| format!(r#"{{"name":"c{at}","resources":{{"requests":{{"cpu":"1"}}}}}}"#));
        let statuses = each(&|at| format!(r#"{{"name":"c{at}","resources":{{"requests":{{"cpu":"2"}}}}}}"#));
        let conditions = each(&|_| r#"{"type":"x"}"#.to_owned());
        let pod = json(&format!(
            r#"{{"spec":{{"containers":[{containers}]}},
                "status":{{"conditions":[{conditions}],"containerStatuses":[{statuses},{{"name":"c1"}}]}}}}"#
        ));
        assert_eq!(of_pod(&pod, Half::Requests, true).shown(), "cpu=60k");
    }
}
