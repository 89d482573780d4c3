//! The ports of containers.

use std::collections::BTreeSet;

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::check::one_of;
use crate::text::{tell, tell_number};

pub(crate) const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];

/// The ports of one container.
pub(super) fn validate(path: &Path<'_>, ports: &[Tree], refusals: &mut Refusals) {
    let mut seen = BTreeSet::new();
    for (at, port) in ports.iter().enumerate() {
        let path = path.index(at);
        let name = port.text("name");
        if !name.is_empty() {
            let messages = names::port_name(name);
            let fine = messages.is_empty();
            tell(&path.field("name"), name, messages, refusals);
            if fine && !seen.insert(name) {
                refusals.duplicate(&path.field("name"), name);
            }
        }
        let number = port.int("containerPort");
        if number == 0 {
            refusals.required(&path.field("containerPort"), "");
        } else {
            tell_number(
                &path.field("containerPort"),
                number,
                names::port_number(number),
                refusals,
            );
        }
        let number = port.int("hostPort");
        if number != 0 {
            tell_number(&path.field("hostPort"), number, names::port_number(number), refusals);
        }
        one_of(
            &path.field("protocol"),
            port.text("protocol"),
            PROTOCOLS,
            true,
            refusals,
        );
    }
}

/// No two containers that run together take the same port of the host. `path` is that of the list they stand in.
pub(super) fn no_conflicts<'a>(
    path: &Path<'_>,
    containers: impl Iterator<Item = (usize, &'a Tree)>,
    refusals: &mut Refusals,
) {
    let mut taken = BTreeSet::new();
    for (at, container) in containers {
        let path = path.index(at);
        let path = path.field("ports");
        for (at, port) in container.items("ports").iter().enumerate() {
            let number = port.int("hostPort");
            if number == 0 {
                continue;
            }
            let key = format!("{}/{}/{number}", port.text("protocol"), port.text("hostIP"));
            if taken.contains(&key) {
                refusals.duplicate(&path.index(at).field("hostPort"), &key);
            } else {
                taken.insert(key);
            }
        }
    }
}

/// A pod in the host's network has its ports there. A template may leave them out: the pod gets them when it is made.
pub(super) fn host_network(path: &Path<'_>, spec: &Tree, is_pod: bool, refusals: &mut Refusals) {
    if !spec.flag("hostNetwork") {
        return;
    }
    let path = path.field("containers");
    for (at, container) in spec.items("containers").iter().enumerate() {
        let path = path.index(at);
        let path = path.field("ports");
        for (at, port) in container.items("ports").iter().enumerate() {
            let (host, inside) = (port.int("hostPort"), port.int("containerPort"));
            if (is_pod || host != 0) && host != inside {
                let detail = "must match `containerPort` when `hostNetwork` is true";
                refusals.invalid(&path.index(at).field("hostPort"), host, detail);
            }
        }
    }
}

/// A port by number, or by a name that the container gives to one.
pub(super) fn number_or_name(path: &Path<'_>, port: &Tree, refusals: &mut Refusals) {
    match port {
        Tree::Text(name) => tell(path, name, names::port_name(name), refusals),
        other => {
            let number = other.as_int().unwrap_or_default();
            tell_number(path, number, names::port_number(number), refusals);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, host_network, no_conflicts, validate};
    use crate::pod::testing::{json, words};

    #[test]
    fn ports_have_a_number_a_protocol_and_names_of_their_own() {
        let cases = [
            (r#"[{"containerPort":80,"protocol":"TCP","name":"http"}]"#, ""),
            (r#"[{"protocol":"TCP"}]"#, "ports[0].containerPort: Required value"),
            (
                r#"[{"containerPort":80,"protocol":"tcp"}]"#,
                r#"ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP""#,
            ),
            (
                r#"[{"containerPort":1,"protocol":"TCP","name":"a"},{"containerPort":2,"protocol":"TCP","name":"a"}]"#,
                r#"ports[1].name: Duplicate value: "a""#,
            ),
        ];
        for (ports, told) in cases {
            let mut refusals = Refusals::new();
            validate(&Path::of("ports"), json(ports).as_list().unwrap(), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }

    #[test]
    fn a_port_of_the_host_is_taken_once() {
        let list =
            json(r#"[{"ports":[{"hostPort":80,"protocol":"TCP"}]},{"ports":[{"hostPort":80,"protocol":"TCP"}]}]"#);
        let mut refusals = Refusals::new();
        let items = list.as_list().unwrap();
        no_conflicts(&Path::of("c"), items.iter().enumerate(), &mut refusals);
        assert_eq!(
            words(&refusals),
            r#"c[1].ports[0].hostPort: Duplicate value: "TCP//80""#
        );
    }

    #[test]
    fn in_the_host_s_network_both_ports_are_one() {
        let spec = json(r#"{"hostNetwork":true,"containers":[{"ports":[{"containerPort":80}]}]}"#);
        for (is_pod, count) in [(true, 1), (false, 0)] {
            let mut refusals = Refusals::new();
            host_network(&Path::of("spec"), &spec, is_pod, &mut refusals);
            assert_eq!(refusals.len(), count);
        }
    }
}
