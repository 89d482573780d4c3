//! No program may get more rights than it was started with.

use super::{Check, Violation, containers};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::restricted("allowPrivilegeEscalation", &[(8, since_8), (25, since_25)], &[]);

fn since_8(pod: &Pod<'_>) -> Option<Violation> {
    let bad = pod.named(|container| {
        let allowed = container.below(&["securityContext", "allowPrivilegeEscalation"]);
        allowed.as_bool() != Some(false)
    });
    if bad.is_empty() {
        return None;
    }
    let who = containers(&bad);
    Some(Violation::new(
        "allowPrivilegeEscalation != false",
        format!("{who} must set securityContext.allowPrivilegeEscalation=false"),
    ))
}

/// Windows knows no such thing.
fn since_25(pod: &Pod<'_>) -> Option<Violation> {
    if pod.is_windows() { None } else { since_8(pod) }
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::{since_8, since_25};

    #[test]
    fn each_container_must_say_no() {
        let pod = r#"{"os":{"name":"windows"},"containers":[{"name":"a"},{"name":"b","securityContext":{"allowPrivilegeEscalation":true}},
            {"name":"c","securityContext":{"allowPrivilegeEscalation":false}}]}"#;
        let words = r#"allowPrivilegeEscalation != false (containers "a", "b" must set securityContext.allowPrivilegeEscalation=false)"#;
        assert_eq!(spec(since_8, pod).as_deref(), Some(words));
        assert_eq!(spec(since_25, pod), None);
    }
}
