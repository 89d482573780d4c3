//! Programs do not run as root; in a pod with users of its own they may, since its root is nobody outside.

use super::{Check, Setters, Violation, containers};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::restricted("runAsNonRoot", &[(0, since_0), (35, since_35)], &[]);

const REASON: &str = "runAsNonRoot != true";

fn since_0(pod: &Pod<'_>) -> Option<Violation> {
    let of_pod = pod.security().at("runAsNonRoot").as_bool();
    let own = |container: &apiserver_api::tree::Tree| container.below(&["securityContext", "runAsNonRoot"]).as_bool();
    let setters = Setters {
        pod: of_pod == Some(false),
        containers: pod.named(|container| own(container) == Some(false)),
    };
    if !setters.is_empty() {
        let who = setters.text();
        return Some(Violation::new(
            REASON,
            format!("{who} must not set securityContext.runAsNonRoot=false"),
        ));
    }
    let silent = pod.named(|container| own(container).is_none() && of_pod != Some(true));
    if silent.is_empty() {
        return None;
    }
    let who = containers(&silent);
    Some(Violation::new(
        REASON,
        format!("pod or {who} must set securityContext.runAsNonRoot=true"),
    ))
}

fn since_35(pod: &Pod<'_>) -> Option<Violation> {
    if pod.has_own_users() { None } else { since_0(pod) }
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::{since_0, since_35};

    #[test]
    fn somebody_must_say_that_nobody_is_root() {
        let silent =
            r#"{"hostUsers":false,"containers":[{"name":"a"},{"name":"b","securityContext":{"runAsNonRoot":true}}]}"#;
        let words = r#"runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)"#;
        assert_eq!(spec(since_0, silent).as_deref(), Some(words));
        assert_eq!(spec(since_35, silent), None);
        let said = r#"{"securityContext":{"runAsNonRoot":false},"containers":[{"name":"a","securityContext":{"runAsNonRoot":false}}]}"#;
        let words = r#"runAsNonRoot != true (pod and container "a" must not set securityContext.runAsNonRoot=false)"#;
        assert_eq!(spec(since_35, said).as_deref(), Some(words));
        let fine = r#"{"securityContext":{"runAsNonRoot":true},"containers":[{"name":"a"}]}"#;
        assert_eq!(spec(since_35, fine), None);
    }
}
