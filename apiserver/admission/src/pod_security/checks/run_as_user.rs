//! Programs are not told to run as root; in a pod with users of its own they may be.

use super::{Check, Setters, Violation};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::restricted("runAsUser", &[(23, since_23), (35, since_35)], &[]);

fn since_23(pod: &Pod<'_>) -> Option<Violation> {
    let setters = Setters {
        pod: pod.security().at("runAsUser").as_int() == Some(0),
        containers: pod.named(|container| container.below(&["securityContext", "runAsUser"]).as_int() == Some(0)),
    };
    if setters.is_empty() {
        return None;
    }
    Some(Violation::new(
        "runAsUser=0",
        format!("{} must not set runAsUser=0", setters.text()),
    ))
}

fn since_35(pod: &Pod<'_>) -> Option<Violation> {
    if pod.has_own_users() { None } else { since_23(pod) }
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::{since_23, since_35};

    #[test]
    fn nobody_is_told_to_be_root() {
        let pod = r#"{"hostUsers":false,"securityContext":{"runAsUser":0},"containers":[{"name":"a","securityContext":{"runAsUser":0}},
            {"name":"b","securityContext":{"runAsUser":1}},{"name":"c"}]}"#;
        let words = r#"runAsUser=0 (pod and container "a" must not set runAsUser=0)"#;
        assert_eq!(spec(since_23, pod).as_deref(), Some(words));
        assert_eq!(spec(since_35, pod), None);
        assert_eq!(spec(since_35, r#"{"containers":[{"name":"c"}]}"#), None);
    }
}
