//! Pods take no ports of the node.

use std::collections::BTreeSet;

use apiserver_api::tree::Tree;

use super::{Check, Violation, containers, plural};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::baseline("hostPorts", &[(0, since_0)]);

fn ports(container: &Tree) -> impl Iterator<Item = i64> + '_ {
    let ports = container.items("ports").iter();
    ports.map(|port| port.int("hostPort")).filter(|port| *port != 0)
}

fn since_0(pod: &Pod<'_>) -> Option<Violation> {
    let bad = pod.named(|container| ports(container).next().is_some());
    if bad.is_empty() {
        return None;
    }
    // Sorted as texts.
    let all: BTreeSet<String> = pod.containers().flat_map(ports).map(|port| port.to_string()).collect();
    let (verb, noun) = (
        plural(bad.len(), "uses", "use"),
        plural(all.len(), "hostPort", "hostPorts"),
    );
    let who = containers(&bad);
    let list = all.into_iter().collect::<Vec<_>>().join(", ");
    Some(Violation::new("hostPort", format!("{who} {verb} {noun} {list}")))
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::since_0;

    #[test]
    fn the_node_s_ports_stay_its_own() {
        let pod = r#"{"containers":[{"name":"a","ports":[{"hostPort":90},{"hostPort":0}]}]}"#;
        assert_eq!(
            spec(since_0, pod).as_deref(),
            Some(r#"hostPort (container "a" uses hostPort 90)"#)
        );
        let pod = r#"{"containers":[{"name":"a","ports":[{"hostPort":90}]},{"name":"b","ports":[{"hostPort":120},{"hostPort":90}]}]}"#;
        let words = r#"hostPort (containers "a", "b" use hostPorts 120, 90)"#;
        assert_eq!(spec(since_0, pod).as_deref(), Some(words));
        assert_eq!(
            spec(
                since_0,
                r#"{"containers":[{"name":"a","ports":[{"containerPort":1}]}]}"#
            ),
            None
        );
    }
}
