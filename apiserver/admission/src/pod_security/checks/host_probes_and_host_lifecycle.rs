//! Probes and hooks, which the node runs, go to the pod and nowhere else.

use std::collections::BTreeSet;

use apiserver_api::tree::Tree;

use super::{Check, Violation, plural, quoted};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::baseline("hostProbesAndHostLifecycle", &[(34, since_34)]);

const PLACES: [&[&str]; 5] = [
    &["livenessProbe"],
    &["readinessProbe"],
    &["startupProbe"],
    &["lifecycle", "postStart"],
    &["lifecycle", "preStop"],
];

fn hosts(container: &Tree) -> impl Iterator<Item = &str> {
    let actions = PLACES.iter().map(|place| container.below(place));
    let hosts = actions.flat_map(|action| ["httpGet", "tcpSocket"].map(|way| action.at(way).text("host")));
    hosts.filter(|host| !host.is_empty())
}

fn since_34(pod: &Pod<'_>) -> Option<Violation> {
    let bad: BTreeSet<&str> = pod
        .named(|container| hosts(container).next().is_some())
        .into_iter()
        .collect();
    if bad.is_empty() {
        return None;
    }
    let all: BTreeSet<&str> = pod.containers().flat_map(hosts).collect();
    let who = plural(bad.len(), "container", "containers");
    let verb = plural(bad.len(), "uses", "use");
    let noun = plural(all.len(), "probe or lifecycle host", "probe or lifecycle hosts");
    Some(Violation::new(
        "probe or lifecycle host",
        format!("{who} {} {verb} {noun} {}", quoted(bad), quoted(all)),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::since_34;

    #[test]
    fn the_node_is_sent_nowhere_else() {
        let pod = r#"{"containers":[{"name":"a","livenessProbe":{"httpGet":{"host":"10.0.0.1"}},"readinessProbe":{"httpGet":{"path":"/"}},
            "lifecycle":{"preStop":{"tcpSocket":{"host":"b.example"}}}}]}"#;
        let words = r#"probe or lifecycle host (container "a" uses probe or lifecycle hosts "10.0.0.1", "b.example")"#;
        assert_eq!(spec(since_34, pod).as_deref(), Some(words));
        assert_eq!(spec(since_34, r#"{"containers":[{"name":"a"}]}"#), None);
    }
}
