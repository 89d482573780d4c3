//! Pods do not share the node's network, processes and memory.

use super::{Check, Violation};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::baseline("hostNamespaces", &[(0, since_0)]);

fn since_0(pod: &Pod<'_>) -> Option<Violation> {
    let shared = ["hostNetwork", "hostPID", "hostIPC"].into_iter();
    let shared: Vec<String> = shared
        .filter(|field| pod.spec.flag(field))
        .map(|field| format!("{field}=true"))
        .collect();
    if shared.is_empty() {
        return None;
    }
    Some(Violation::new("host namespaces", shared.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::since_0;

    #[test]
    fn nothing_of_the_node_is_shared() {
        let words = "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)";
        let pod = r#"{"hostIPC":true,"hostNetwork":true,"hostPID":true}"#;
        assert_eq!(spec(since_0, pod).as_deref(), Some(words));
        assert_eq!(spec(since_0, r#"{"hostNetwork":false}"#), None);
    }
}
