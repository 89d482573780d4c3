//! What tables show of pods.

use std::collections::HashMap;

use apiserver_api::meta;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use compact_str::{ToCompactString, format_compact};

use crate::column::{AGE, Ago, Cell, Column, NAME, Words};
use crate::pod::containers::is_sidecar;

const SPEC: &str = "io.k8s.api.core.v1.PodSpec";
const STATUS: &str = "io.k8s.api.core.v1.PodStatus";
const NONE: &str = "<none>";

const TEXT: Column = Column {
    name: "",
    kind: "string",
    format: "",
    words: Words::Text(""),
    priority: 0,
    cell: Cell::Is(|_| Tree::Null),
};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Ready",
        words: Words::Text("The aggregate readiness state of this pod for accepting traffic."),
        cell: Cell::Is(|pod| {
            let seen = Seen::new(pod);
            format!("{}/{}", seen.ready, seen.containers).into()
        }),
        ..TEXT
    },
    Column {
        name: "Status",
        words: Words::Text("The aggregate status of the containers in this pod."),
        cell: Cell::Is(|pod| Seen::new(pod).reason.into()),
        ..TEXT
    },
    Column {
        name: "Restarts",
        words: Words::Text(
            "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
        ),
        cell: Cell::Ages(|pod| Seen::new(pod).restarts.shown()),
        ..TEXT
    },
    AGE,
    Column {
        name: "IP",
        words: Words::Of(STATUS, "podIP"),
        priority: 1,
        cell: Cell::Is(|pod| {
            let first = pod.at("status").items("podIPs").first();
            or_none(first.map_or("", |first| first.text("ip")))
        }),
        ..TEXT
    },
    Column {
        name: "Node",
        words: Words::Of(SPEC, "nodeName"),
        priority: 1,
        cell: Cell::Is(|pod| or_none(pod.at("spec").text("nodeName"))),
        ..TEXT
    },
    Column {
        name: "Nominated Node",
        words: Words::Of(STATUS, "nominatedNodeName"),
        priority: 1,
        cell: Cell::Is(|pod| or_none(pod.at("status").text("nominatedNodeName"))),
        ..TEXT
    },
    Column {
        name: "Readiness Gates",
        words: Words::Of(SPEC, "readinessGates"),
        priority: 1,
        cell: Cell::Is(|pod| gates(pod).into()),
        ..TEXT
    },
];

fn or_none(text: &str) -> Tree {
    if text.is_empty() { NONE.into() } else { text.into() }
}

fn gates(pod: &Tree) -> String {
    let gates = pod.at("spec").items("readinessGates");
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let open = gates
        .iter()
        .filter(|gate| is_true(pod, gate.text("conditionType")))
        .count();
    format!("{open}/{}", gates.len())
}

fn is_true(pod: &Tree, condition: &str) -> bool {
    let conditions = pod.at("status").items("conditions").iter();
    let mut named = conditions.filter(|one| one.text("type") == condition);
    named.next().is_some_and(|one| one.text("status") == "True")
}

/// How often containers were started again, and when the last one ended.
#[derive(Clone, Default)]
struct Restarts {
    count: i64,
    last: Option<Time>,
}

impl Restarts {
    fn add(&mut self, status: &Tree) {
        self.count += status.int("restartCount");
        let ended = status.below(&["lastState", "terminated"]).text("finishedAt");
        if let Ok(moment) = Time::parse(ended)
            && self.last.is_none_or(|last| last < moment)
        {
            self.last = Some(moment);
        }
    }

    fn shown(&self) -> Ago {
        match self.last {
            Some(moment) if self.count != 0 => Ago::Since {
                before: format_compact!("{} (", self.count),
                moment,
                after: " ago)",
            },
            _ => Ago::Never(self.count.to_compact_string()),
        }
    }
}

/// What the statuses of a pod's containers come to.
struct Seen {
    ready: usize,
    containers: usize,
    reason: String,
    restarts: Restarts,
}

impl Seen {
    fn new(pod: &Tree) -> Self {
        let (spec, status) = (pod.at("spec"), pod.at("status"));
        let init = spec.items("initContainers");
        let sidecars = init.iter().filter(|container| is_sidecar(container)).count();
        let mut seen = Self {
            ready: 0,
            containers: spec.items("containers").len() + sidecars,
            reason: begin(status),
            restarts: Restarts::default(),
        };
        let sidecars = seen.initialize(init, status);
        if let Some(sidecars) = sidecars.done(pod) {
            seen.restarts = sidecars;
            seen.run(pod);
        }
        if meta::is_deleting(pod) {
            if status.text("reason") == "NodeLost" {
                "Unknown".clone_into(&mut seen.reason);
            } else if !["Failed", "Succeeded"].contains(&status.text("phase")) {
                "Terminating".clone_into(&mut seen.reason);
            }
        }
        seen
    }

    /// Looks at init containers up to the one that is not done.
    fn initialize(&mut self, init: &[Tree], status: &Tree) -> Initialized {
        let mut sidecars = Restarts::default();
        let named = init.iter().rev();
        let named: HashMap<&str, &Tree> = named.map(|container| (container.text("name"), container)).collect();
        for (at, one) in status.items("initContainerStatuses").iter().enumerate() {
            self.restarts.add(one);
            let sidecar = named
                .get(one.text("name"))
                .is_some_and(|container| is_sidecar(container));
            if sidecar {
                sidecars.add(one);
            }
            let (ended, waiting) = (one.below(&["state", "terminated"]), one.below(&["state", "waiting"]));
            let why = waiting.text("reason");
            if !ended.is_null() && ended.int("exitCode") == 0 {
                continue;
            }
            if sidecar && one.flag("started") {
                self.ready += usize::from(one.flag("ready"));
                continue;
            }
            self.reason = if !ended.is_null() {
                format!("Init:{}", end(ended))
            } else if !why.is_empty() && why != "PodInitializing" {
                format!("Init:{why}")
            } else {
                format!("Init:{at}/{}", init.len())
            };
            return Initialized { whole: false, sidecars };
        }
        Initialized { whole: true, sidecars }
    }

    fn run(&mut self, pod: &Tree) {
        let mut running = false;
        for one in pod.at("status").items("containerStatuses").iter().rev() {
            self.restarts.add(one);
            let (ended, waiting) = (one.below(&["state", "terminated"]), one.below(&["state", "waiting"]));
            if !waiting.text("reason").is_empty() {
                waiting.text("reason").clone_into(&mut self.reason);
            } else if !ended.is_null() {
                self.reason = end(ended);
            } else if one.flag("ready") && one.at("state").has("running") {
                running = true;
                self.ready += 1;
            }
        }
        if self.reason == "Completed" && running {
            let word = if is_true(pod, "Ready") { "Running" } else { "NotReady" };
            word.clone_into(&mut self.reason);
        }
    }
}

/// What was seen of the init containers.
struct Initialized {
    whole: bool,
    sidecars: Restarts,
}

impl Initialized {
    /// The restarts that count from here on, where the regular containers do.
    fn done(self, pod: &Tree) -> Option<Restarts> {
        let done = self.whole || is_true(pod, "Initialized");
        done.then_some(self.sidecars)
    }
}

fn begin(status: &Tree) -> String {
    let held = |one: &Tree| one.text("type") == "PodScheduled" && one.text("reason") == "SchedulingGated";
    if status.items("conditions").iter().any(held) {
        return "SchedulingGated".to_owned();
    }
    let why = status.text("reason");
    if why.is_empty() { status.text("phase") } else { why }.to_owned()
}

/// How a container ended.
fn end(ended: &Tree) -> String {
    match (ended.text("reason"), ended.int("signal")) {
        ("", 0) => format!("ExitCode:{}", ended.int("exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;

    use super::COLUMNS;
    use crate::pod::testing::json;

    #[test]
    fn a_table_shows_how_a_pod_is() {
        let cases = [
            (
                r#"{"spec":{"containers":[{}]},"status":{"phase":"Pending"}}"#,
                "0/1 Pending 0",
            ),
            (
                r#"{"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Running","containerStatuses":[{"name":"c",
                    "ready":true,"restartCount":2,"state":{"running":{}},
                    "lastState":{"terminated":{"finishedAt":"2026-01-01T00:00:00Z"}}}]}}"#,
                "1/1 Running 2 (60m ago)",
            ),
            (
                r#"{"spec":{"containers":[{}],"initContainers":[{"name":"i"}]},"status":{"phase":"Pending",
                    "initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":3}}}]}}"#,
                "0/1 Init:ExitCode:3 0",
            ),
            (
                r#"{"spec":{"containers":[{}]},"status":{"phase":"Running","containerStatuses":[
                    {"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}}"#,
                "0/1 CrashLoopBackOff 0",
            ),
            (
                r#"{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"},"spec":{"containers":[{}]},
                    "status":{"phase":"Running"}}"#,
                "0/1 Terminating 0",
            ),
            (
                r#"{"spec":{"containers":[{}]},"status":{"phase":"Pending","conditions":[{"type":"PodScheduled",
                    "reason":"SchedulingGated"}]}}"#,
                "0/1 SchedulingGated 0",
            ),
        ];
        let now = Time::parse("2026-01-01T01:00:00Z").unwrap();
        for (pod, told) in cases {
            let pod = json(pod);
            let cells: Vec<_> = COLUMNS[1..4]
                .iter()
                .map(|column| column.cell.shown(&pod, now))
                .collect();
            let texts: Vec<_> = cells.iter().filter_map(|cell| cell.as_str()).collect();
            assert_eq!(texts.join(" "), told);
        }
    }
}
