//! No container of Windows is a process of its node.

use super::{Check, Setters, Violation};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::baseline("windowsHostProcess", &[(0, since_0)]);

fn since_0(pod: &Pod<'_>) -> Option<Violation> {
    let setters = Setters {
        pod: pod.security().at("windowsOptions").flag("hostProcess"),
        containers: pod.named(|container| {
            container
                .below(&["securityContext", "windowsOptions"])
                .flag("hostProcess")
        }),
    };
    if setters.is_empty() {
        return None;
    }
    let who = setters.text();
    Some(Violation::new(
        "hostProcess",
        format!("{who} must not set securityContext.windowsOptions.hostProcess=true"),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::since_0;

    #[test]
    fn nobody_is_a_process_of_the_node() {
        let pod = r#"{"securityContext":{"windowsOptions":{"hostProcess":true}},
            "containers":[{"name":"a","securityContext":{"windowsOptions":{"hostProcess":true}}},{"name":"b"}]}"#;
        let words =
            r#"hostProcess (pod and container "a" must not set securityContext.windowsOptions.hostProcess=true)"#;
        assert_eq!(spec(since_0, pod).as_deref(), Some(words));
        assert_eq!(spec(since_0, r#"{"containers":[{"name":"b"}]}"#), None);
    }
}
