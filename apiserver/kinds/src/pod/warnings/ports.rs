//! Ports of containers that are the same, or nearly.

use std::collections::BTreeMap;

use apiserver_api::path::Path;
use apiserver_api::tree::Tree;
use apiserver_api::warnings::ENOUGH;

use super::containers;

/// With so many of one number the others are compared, the first ones: not with all, since it is each with each.
const MOST: usize = 200;

/// The warnings of all ports of a spec.
pub(super) fn of(path: &Path<'_>, spec: &Tree) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut known: BTreeMap<(i64, &str), Vec<(String, Host<'_>)>> = BTreeMap::new();
    containers::visit(path, spec, |path, container| {
        let path = path.field("ports");
        for (at, port) in container.items("ports").iter().enumerate() {
            let place = path.index(at).to_string();
            if !port.text("hostIP").is_empty() && port.int("hostPort") == 0 {
                warnings.push(format!("{place}: hostIP set without hostPort: {}", shown(port)));
            }
            let host = (port.text("hostIP"), port.int("hostPort"));
            let key = (port.int("containerPort"), port.text("protocol"));
            let others = known.entry(key).or_default();
            for (other_place, other) in others.iter() {
                if warnings.len() >= ENOUGH {
                    return;
                }
                if let Some(words) = conflict(host, *other) {
                    warnings.push(format!("{place}: {words} port definition with {other_place}"));
                }
            }
            if others.len() < MOST {
                others.push((place, host));
            }
        }
    });
    warnings
}

/// Where a port is on the host: the address and the number.
type Host<'p> = (&'p str, i64);

fn conflict((address, host): Host<'_>, (other_address, other_host): Host<'_>) -> Option<&'static str> {
    if address == other_address && host == other_host {
        Some("duplicate")
    } else if host == 0 || other_host == 0 {
        Some("overlapping")
    } else if host == other_host && address.is_empty() != other_address.is_empty() {
        Some("dangerously ambiguous")
    } else {
        None
    }
}

/// A port as Go prints a struct.
fn shown(port: &Tree) -> String {
    format!(
        "{{Name:{} HostPort:{} ContainerPort:{} Protocol:{} HostIP:{}}}",
        port.text("name"),
        port.int("hostPort"),
        port.int("containerPort"),
        port.text("protocol"),
        port.text("hostIP"),
    )
}

#[cfg(test)]
mod tests {
    use super::{Path, of};
    use crate::pod::testing::json;

    #[test]
    fn a_port_stands_once() {
        let cases = [
            (r#"{"containerPort":80,"protocol":"UDP"}"#, None),
            (r#"{"containerPort":80,"protocol":"TCP"}"#, Some("duplicate")),
            (
                r#"{"containerPort":80,"protocol":"TCP","hostPort":80}"#,
                Some("overlapping"),
            ),
        ];
        for (port, words) in cases {
            let first = r#"{"containerPort":80,"protocol":"TCP"}"#;
            let spec = json(&format!(r#"{{"containers":[{{"ports":[{first},{port}]}}]}}"#));
            let told = words.map(|words| {
                format!("spec.containers[0].ports[1]: {words} port definition with spec.containers[0].ports[0]")
            });
            assert_eq!(of(&Path::of("spec"), &spec).pop(), told);
        }
    }
}
