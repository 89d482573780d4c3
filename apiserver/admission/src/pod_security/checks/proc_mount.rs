//! What runtimes hide below `/proc` stays hidden; a pod with users of its own cannot do harm with it.

use std::collections::BTreeSet;

use apiserver_api::tree::Tree;

use super::{Check, Violation, containers, quoted};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::baseline("procMount", &[(0, since_0), (35, since_35)]);

fn unusual(container: &Tree) -> Option<&str> {
    let mount = container.below(&["securityContext", "procMount"]).as_str();
    mount.filter(|mount| *mount != "Default")
}

pub(super) fn since_0(pod: &Pod<'_>) -> Option<Violation> {
    let bad = pod.named(|container| unusual(container).is_some());
    if bad.is_empty() {
        return None;
    }
    let all: BTreeSet<&str> = pod.containers().filter_map(unusual).collect();
    let (who, what) = (containers(&bad), quoted(all));
    Some(Violation::new(
        "procMount",
        format!("{who} must not set securityContext.procMount to {what}"),
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
    fn the_usual_is_hidden() {
        let pod = r#"{"hostUsers":false,"containers":[{"name":"a","securityContext":{"procMount":"Unmasked"}},
            {"name":"b","securityContext":{"procMount":"Default"}},{"name":"c"}]}"#;
        let words = r#"procMount (container "a" must not set securityContext.procMount to "Unmasked")"#;
        assert_eq!(spec(since_0, pod).as_deref(), Some(words));
        assert_eq!(spec(since_35, pod), None);
        assert_eq!(spec(since_35, &pod.replace("false", "true")).as_deref(), Some(words));
    }
}
