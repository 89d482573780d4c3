//! The filter of system calls may not be turned off: by annotations in the first versions, by a field later.

use std::collections::BTreeSet;

use apiserver_api::go::quote;
use apiserver_api::meta;

use super::{Check, Profiles, Violation, plural, quoted};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::baseline("seccompProfile_baseline", &[(0, since_0), (19, since_19)]);

pub(super) const REASON: &str = "seccompProfile";
const OF_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const OF_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";

fn is_right(annotation: &str) -> bool {
    ["docker/default", "runtime/default"].contains(&annotation) || annotation.starts_with("localhost/")
}

fn since_0(pod: &Pod<'_>) -> Option<Violation> {
    let containers = pod
        .containers()
        .map(|container| format!("{OF_CONTAINER}{}", container.text("name")));
    let keys = std::iter::once(OF_POD.to_owned()).chain(containers);
    let bad: BTreeSet<String> = keys
        .filter_map(|key| {
            let value = meta::annotation(pod.object, &key).filter(|value| !is_right(value))?;
            Some(format!("{key}={}", quote(value)))
        })
        .collect();
    if bad.is_empty() {
        return None;
    }
    let word = plural(bad.len(), "annotation", "annotations");
    let list = bad.into_iter().collect::<Vec<_>>().join(", ");
    Some(Violation::new(REASON, format!("forbidden {word} {list}")))
}

fn since_19(pod: &Pod<'_>) -> Option<Violation> {
    forbidden(&Profiles::of(pod, "seccompProfile"))
}

/// What is wrong with profiles that are named.
pub(super) fn forbidden(profiles: &Profiles<'_>) -> Option<Violation> {
    if profiles.setters.is_empty() {
        return None;
    }
    let (who, what) = (profiles.setters.text(), quoted(profiles.types.iter().copied()));
    Some(Violation::new(
        REASON,
        format!("{who} must not set securityContext.seccompProfile.type to {what}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::trial::{object, spec};
    use super::{since_0, since_19};

    #[test]
    fn annotations_counted_first() {
        let pod = r#"{"metadata":{"annotations":{"seccomp.security.alpha.kubernetes.io/pod":"unconfined",
            "container.seccomp.security.alpha.kubernetes.io/a":"x","container.seccomp.security.alpha.kubernetes.io/z":"x"}},
            "spec":{"containers":[{"name":"a"}]}}"#;
        let words = r#"seccompProfile (forbidden annotations container.seccomp.security.alpha.kubernetes.io/a="x", seccomp.security.alpha.kubernetes.io/pod="unconfined")"#;
        assert_eq!(object(since_0, pod).as_deref(), Some(words));
        assert_eq!(object(since_19, pod), None);
        for allowed in ["docker/default", "runtime/default", "localhost/a.json"] {
            let annotation = format!(r#""seccomp.security.alpha.kubernetes.io/pod":"{allowed}""#);
            let pod = format!(r#"{{"metadata":{{"annotations":{{{annotation}}}}}}}"#);
            assert_eq!(object(since_0, &pod), None, "{allowed}");
        }
    }

    #[test]
    fn fields_count_since() {
        let pod = r#"{"securityContext":{"seccompProfile":{"type":"Unconfined"}},
            "containers":[{"name":"a","securityContext":{"seccompProfile":{"type":"Unconfined"}}},{"name":"b"}]}"#;
        let words = r#"seccompProfile (pod and container "a" must not set securityContext.seccompProfile.type to "Unconfined")"#;
        assert_eq!(spec(since_19, pod).as_deref(), Some(words));
        assert_eq!(spec(since_19, r#"{"containers":[{"name":"b"}]}"#), None);
    }
}
