//! What a pod asks for as a whole (`PodRequests` and `PodLimits` of `component-helpers/resource`): its containers together,
//! beside what the pod itself says and what its runtime takes.
//!
//! This is the only place where they are added up: rules of pods ([`of_containers`]), quotas, limit ranges and resizes
//! ([`of_pod`]) say by [`Counted`] where they differ.

use std::collections::HashMap;

use apiserver_api::tree::Tree;

use super::containers::is_sidecar;
use crate::amounts::{Amounts, is_pod_level};

/// Which half of what containers say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// What they ask for.
    Requests,
    /// What they may use.
    Limits,
}

impl Half {
    /// The field that has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Limits => "limits",
        }
    }

    /// The half of what a container or a pod says of resources.
    pub fn read(self, resources: &Tree) -> Amounts {
        Amounts::read(resources.entries(self.name()))
    }
}

/// What counts beside the words of the containers (`PodResourcesOptions`).
#[derive(Clone, Copy)]
pub struct Counted {
    /// What the containers have, where that is more: while a pod is resized, it takes what it had and what it will have
    /// (`UseStatusResources`).
    pub running: bool,
    /// The resources of which the pod itself may say how much it gets, whatever its containers say
    /// (`SkipPodLevelResources` where there is none).
    pub whole: fn(&str) -> bool,
    /// What the runtime takes (`ExcludeOverhead` where it does not count).
    pub overhead: bool,
}

impl Counted {
    /// All that a pod's spec says.
    pub const SPEC: Self = Self {
        running: false,
        whole: is_pod_level,
        overhead: true,
    };
}

/// Whether the pod itself says what it asks for (`IsPodLevelResourcesSet`).
pub fn is_whole(pod: &Tree) -> bool {
    let resources = pod.below(&["spec", "resources"]);
    let says = |half: Half| resources.entries(half.name()).keys().any(is_pod_level);
    says(Half::Requests) || says(Half::Limits)
}

/// What a pod asks for or may use.
pub fn of_pod(pod: &Tree, half: Half, counted: Counted) -> Amounts {
    let spec = pod.at("spec");
    let now = counted.running.then(|| Now::of(pod));
    let mut sum = add_up(spec, half, |container| of_container(now.as_ref(), container, half));
    for (name, amount) in half.read(spec.at("resources")).iter() {
        if (counted.whole)(name) {
            sum.set(name, amount.clone());
        }
    }
    if counted.overhead {
        for (name, amount) in Amounts::read(spec.entries("overhead")).iter() {
            // Where there is no limit, the runtime makes none.
            if half == Half::Requests || sum.get(name).is_some_and(|limit| !limit.is_zero()) {
                sum.add(name, amount);
            }
        }
    }
    sum
}

/// What the containers of a spec ask for or may use together, as the spec says it (`AggregateContainerRequests` and
/// `AggregateContainerLimits`).
pub fn of_containers(spec: &Tree, half: Half) -> Amounts {
    add_up(spec, half, |container| half.read(container.at("resources")))
}

/// Adds up containers; `own` says what one that goes on running counts for. Those that start the pod run one after the other,
/// each beside the sidecars that were started before it. Only what one names itself is looked at: the rest is as it was
/// before, so that it takes no longer than the containers are long, however many sidecars they run beside.
fn add_up(spec: &Tree, half: Half, own: impl Fn(&Tree) -> Amounts) -> Amounts {
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
            let mut needed = half.read(container.at("resources"));
            needed.add_known(&sidecars);
            starting.raise(&needed);
        }
    }
    sum.raise(&starting);
    sum
}

/// What one container counts for.
fn of_container(now: Option<&Now<'_>>, container: &Tree, half: Half) -> Amounts {
    let wanted = half.read(container.at("resources"));
    let status = now.and_then(|now| Some((now, now.statuses.get(container.text("name"))?)));
    let Some((now, status)) = status.filter(|(_, status)| status.has("resources")) else {
        return wanted;
    };
    let mut sum = half.read(status.at("resources"));
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
    use apiserver_api::tree::{Map, Tree};

    use super::{Counted, Half, is_whole, of_containers, of_pod};
    use crate::pod::testing::json;

    const RUNNING: Counted = Counted {
        running: true,
        ..Counted::SPEC
    };

    #[test]
    fn init_containers_run_beside_the_sidecars_before_them() {
        let spec = json(
            r#"{"containers":[{"resources":{"requests":{"cpu":"1"}}}],
                "initContainers":[{"restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}},
                    {"resources":{"requests":{"cpu":"4"}}}]}"#,
        );
        assert_eq!(of_containers(&spec, Half::Requests).shown(), "cpu=5");
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
        let sum = of_containers(&spec, Half::Requests);
        let of = |name: &str| sum.get(name).map(ToString::to_string);
        assert_eq!(
            (sum.names().count(), of("e.com/7"), of("e.com/8")),
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
        assert_eq!(of_containers(&spec, Half::Requests).shown(), "a=6,b=-2,c=1");
    }

    #[test]
    fn containers_that_start_a_pod_run_beside_the_sidecars_before_them() {
        let pod = json(
            r#"{"spec":{"containers":[{"resources":{"requests":{"cpu":"1"}}}],
                "initContainers":[{"restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}},
                    {"resources":{"requests":{"cpu":"4","memory":"1Gi"}}}]}}"#,
        );
        assert_eq!(of_pod(&pod, Half::Requests, Counted::SPEC).shown(), "cpu=5,memory=1Gi");
    }

    #[test]
    fn what_the_pod_itself_says_goes_before_and_its_runtime_comes_on_top() {
        let pod = json(
            r#"{"spec":{"containers":[{"resources":{"requests":{"cpu":"1","e.com/x":"1"},"limits":{"memory":"1Gi"}}}],
                "resources":{"requests":{"cpu":"3"}},"overhead":{"cpu":"500m","memory":"1Gi"}}}"#,
        );
        assert!(is_whole(&pod));
        assert_eq!(
            of_pod(&pod, Half::Requests, RUNNING).shown(),
            "cpu=3500m,e.com/x=1,memory=1Gi"
        );
        assert_eq!(of_pod(&pod, Half::Limits, RUNNING).shown(), "memory=2Gi");
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
        assert_eq!(of_pod(&waits, Half::Requests, RUNNING).shown(), "cpu=5");
        assert_eq!(of_pod(&waits, Half::Limits, RUNNING).shown(), "cpu=6");
        let never = pod(r#"{"type":"PodResizePending","reason":"Infeasible"}"#);
        assert_eq!(of_pod(&never, Half::Requests, RUNNING).shown(), "cpu=3");
        assert_eq!(of_pod(&never, Half::Limits, RUNNING).shown(), "cpu=2");
        assert_eq!(of_pod(&never, Half::Requests, Counted::SPEC).shown(), "cpu=5");
    }

    #[test]
    fn amounts_that_sidecars_gave_back_still_count_for_what_started_beside_them() {
        let pod = json(
            r#"{"spec":{"initContainers":[{"restartPolicy":"Always","resources":{"requests":{"a":"2","b":"1"}}},
                {"resources":{"requests":{"a":"1"}}},
                {"restartPolicy":"Always","resources":{"requests":{"a":"-1"}}},
                {"resources":{"requests":{"c":"1"}}}]}}"#,
        );
        assert_eq!(of_pod(&pod, Half::Requests, Counted::SPEC).shown(), "a=3,b=1,c=1");
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
        let all = of_pod(&pod, Half::Requests, Counted::SPEC);
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
        assert_eq!(of_pod(&pod, Half::Requests, RUNNING).shown(), "cpu=60k");
    }

    #[test]
    fn who_counts_less_says_so() {
        let pod = json(
            r#"{"spec":{"containers":[{"resources":{"requests":{"cpu":"1","memory":"1Gi","hugepages-2Mi":"2Mi"}}}],
                "resources":{"requests":{"cpu":"3","hugepages-2Mi":"4Mi"}},"overhead":{"cpu":"500m"}}}"#,
        );
        let all = of_pod(&pod, Half::Requests, Counted::SPEC);
        assert_eq!(all.shown(), "cpu=3500m,hugepages-2Mi=4Mi,memory=1Gi");
        let less = Counted {
            whole: |name| name == "cpu",
            overhead: false,
            ..Counted::SPEC
        };
        let less = of_pod(&pod, Half::Requests, less);
        assert_eq!(less.shown(), "cpu=3,hugepages-2Mi=2Mi,memory=1Gi");
        assert_eq!(
            of_containers(pod.at("spec"), Half::Requests).shown(),
            "cpu=1,hugepages-2Mi=2Mi,memory=1Gi"
        );
    }
}
