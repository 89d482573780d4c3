//! What a pod asks for as a whole (`component-helpers/resource`): its containers together, beside what the pod itself says
//! and what its runtime takes.

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
/// were started before it.
fn of_containers(pod: &Tree, half: Half, running: bool) -> Amounts {
    let spec = pod.at("spec");
    let own = |container: &Tree| of_container(pod, container, half, running);
    let (mut sum, mut sidecars, mut starting) = (Amounts::default(), Amounts::default(), Amounts::default());
    for container in spec.items("containers") {
        sum.add_all(&own(container));
    }
    for container in spec.items("initContainers") {
        if is_sidecar(container) {
            let needed = own(container);
            sum.add_all(&needed);
            sidecars.add_all(&needed);
            starting.raise(&sidecars);
        } else {
            let mut needed = read(container.at("resources"), half);
            needed.add_all(&sidecars);
            starting.raise(&needed);
        }
    }
    sum.raise(&starting);
    sum
}

/// What one container counts for.
fn of_container(pod: &Tree, container: &Tree, half: Half, running: bool) -> Amounts {
    let wanted = read(container.at("resources"), half);
    let status = if running {
        status_of(pod, container.text("name"))
    } else {
        None
    };
    let Some(status) = status.filter(|status| status.has("resources")) else {
        return wanted;
    };
    let mut sum = read(status.at("resources"), half);
    if half == Half::Requests {
        sum.raise(&Amounts::read(status.entries("allocatedResources")));
    }
    // What cannot be had on its node is not taken.
    if !is_infeasible(pod) {
        sum.raise(&wanted);
    }
    sum
}

fn status_of<'p>(pod: &'p Tree, name: &str) -> Option<&'p Tree> {
    let lists = ["initContainerStatuses", "containerStatuses"].into_iter();
    let mut all = lists.flat_map(|list| pod.at("status").items(list));
    all.find(|status| status.text("name") == name)
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
}
