//! A filter of system calls must be named.

use super::seccomp_profile_baseline::{REASON, forbidden};
use super::{Check, Profiles, Violation, containers};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::restricted(
    "seccompProfile_restricted",
    &[(19, since_19), (25, since_25)],
    &["seccompProfile_baseline"],
);

fn since_19(pod: &Pod<'_>) -> Option<Violation> {
    let profiles = Profiles::of(pod, "seccompProfile");
    let said = forbidden(&profiles);
    if said.is_some() || profiles.pod_is_right {
        return said;
    }
    let silent = pod.named(|container| !container.at("securityContext").has("seccompProfile"));
    if silent.is_empty() {
        return None;
    }
    let who = containers(&silent);
    Some(Violation::new(
        REASON,
        format!("pod or {who} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\""),
    ))
}

/// Windows knows no such thing.
fn since_25(pod: &Pod<'_>) -> Option<Violation> {
    if pod.is_windows() { None } else { since_19(pod) }
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::{since_19, since_25};

    #[test]
    fn somebody_must_name_a_profile() {
        let pod = r#"{"os":{"name":"windows"},"containers":[{"name":"a"},{"name":"b","securityContext":{"seccompProfile":{"type":"Localhost"}}}]}"#;
        let words = r#"seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")"#;
        assert_eq!(spec(since_19, pod).as_deref(), Some(words));
        assert_eq!(spec(since_25, pod), None);
        let fine = r#"{"securityContext":{"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"a"}]}"#;
        assert_eq!(spec(since_25, fine), None);
        let bad = r#"{"securityContext":{"seccompProfile":{"type":"Unconfined"}},"containers":[{"name":"a"}]}"#;
        let words = r#"seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")"#;
        assert_eq!(spec(since_25, bad).as_deref(), Some(words));
    }
}
