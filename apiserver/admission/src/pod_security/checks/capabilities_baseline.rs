//! Programs get no more of root's abilities than container runtimes give them anyway.

use std::collections::BTreeSet;

use apiserver_api::tree::Tree;

use super::{Check, Violation, containers, quoted};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::baseline("capabilities_baseline", &[(0, since_0)]);

const USUAL: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// What a container adds that is not allowed.
pub(super) fn added<'p>(container: &'p Tree, allowed: &'static [&'static str]) -> impl Iterator<Item = &'p str> {
    let added = container
        .below(&["securityContext", "capabilities"])
        .items("add")
        .iter();
    added
        .map(|one| one.as_str().unwrap_or_default())
        .filter(|one| !allowed.contains(one))
}

fn since_0(pod: &Pod<'_>) -> Option<Violation> {
    let bad = pod.named(|container| added(container, &USUAL).next().is_some());
    if bad.is_empty() {
        return None;
    }
    let all: BTreeSet<&str> = pod
        .containers()
        .flat_map(|container| added(container, &USUAL))
        .collect();
    let (who, what) = (containers(&bad), quoted(all));
    Some(Violation::new(
        "non-default capabilities",
        format!("{who} must not include {what} in securityContext.capabilities.add"),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::since_0;

    #[test]
    fn only_usual_ones_may_be_added() {
        let pod = r#"{"containers":[{"name":"a","securityContext":{"capabilities":{"add":["SYS_ADMIN","CHOWN"]}}},
            {"name":"b","securityContext":{"capabilities":{"add":["NET_RAW","SYS_ADMIN"]}}},{"name":"c"}]}"#;
        let words = r#"non-default capabilities (containers "a", "b" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add)"#;
        assert_eq!(spec(since_0, pod).as_deref(), Some(words));
        assert_eq!(spec(since_0, r#"{"containers":[{"name":"c"}]}"#), None);
    }
}
