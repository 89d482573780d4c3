//! No container is the node's root.

use super::{Check, Violation, containers};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::baseline("privileged", &[(0, since_0)]);

fn since_0(pod: &Pod<'_>) -> Option<Violation> {
    let bad = pod.named(|container| container.at("securityContext").flag("privileged"));
    if bad.is_empty() {
        return None;
    }
    let who = containers(&bad);
    Some(Violation::new(
        "privileged",
        format!("{who} must not set securityContext.privileged=true"),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::since_0;

    #[test]
    fn nobody_is_the_node_s_root() {
        let pod = r#"{"ephemeralContainers":[{"name":"a","securityContext":{"privileged":true}}]}"#;
        let words = r#"privileged (container "a" must not set securityContext.privileged=true)"#;
        assert_eq!(spec(since_0, pod).as_deref(), Some(words));
        assert_eq!(spec(since_0, r#"{"containers":[{"name":"a"}]}"#), None);
    }
}
