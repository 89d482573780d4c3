//! Programs give up all of root's abilities, and may keep one: to serve a low port.

use std::collections::BTreeSet;

use super::capabilities_baseline::added;
use super::{Check, Violation, containers, quoted};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::restricted(
    "capabilities_restricted",
    &[(22, since_22), (25, since_25)],
    &["capabilities_baseline"],
);

const ALLOWED: [&str; 1] = ["NET_BIND_SERVICE"];

fn since_22(pod: &Pod<'_>) -> Option<Violation> {
    let keeping = pod.named(|container| {
        let dropped = container.below(&["securityContext", "capabilities"]).items("drop");
        !dropped.iter().any(|one| one.as_str() == Some("ALL"))
    });
    let adding = pod.named(|container| added(container, &ALLOWED).next().is_some());
    let mut details = Vec::new();
    if !keeping.is_empty() {
        let who = containers(&keeping);
        details.push(format!("{who} must set securityContext.capabilities.drop=[\"ALL\"]"));
    }
    if !adding.is_empty() {
        let all: BTreeSet<&str> = pod
            .containers()
            .flat_map(|container| added(container, &ALLOWED))
            .collect();
        let (who, what) = (containers(&adding), quoted(all));
        details.push(format!(
            "{who} must not include {what} in securityContext.capabilities.add"
        ));
    }
    if details.is_empty() {
        return None;
    }
    Some(Violation::new("unrestricted capabilities", details.join("; ")))
}

/// Windows knows no such thing.
fn since_25(pod: &Pod<'_>) -> Option<Violation> {
    if pod.is_windows() { None } else { since_22(pod) }
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::{since_22, since_25};

    #[test]
    fn all_are_dropped_and_one_may_be_added() {
        let pod = r#"{"os":{"name":"windows"},"containers":[{"name":"a"},
            {"name":"b","securityContext":{"capabilities":{"drop":["ALL"],"add":["NET_BIND_SERVICE","CHOWN"]}}}]}"#;
        let words = r#"unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]; container "b" must not include "CHOWN" in securityContext.capabilities.add)"#;
        assert_eq!(spec(since_22, pod).as_deref(), Some(words));
        assert_eq!(spec(since_25, pod), None);
        let fine = r#"{"containers":[{"name":"b","securityContext":{"capabilities":{"drop":["ALL"],"add":["NET_BIND_SERVICE"]}}}]}"#;
        assert_eq!(spec(since_22, fine), None);
    }
}
