//! Settings of the kernel are changed only where they are the pod's own.

use super::{Check, Violation};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::baseline(
    "sysctls",
    &[(0, since_0), (27, since_27), (29, since_29), (32, since_32)],
);

/// Those that are safe, in the order in which they were found to be.
const SAFE: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    // Since 1.27.
    "net.ipv4.ip_local_reserved_ports",
    // Since 1.29.
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    // Since 1.32.
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
];

fn since_0(pod: &Pod<'_>) -> Option<Violation> {
    judge(pod, &SAFE[..5])
}

fn since_27(pod: &Pod<'_>) -> Option<Violation> {
    judge(pod, &SAFE[..6])
}

fn since_29(pod: &Pod<'_>) -> Option<Violation> {
    judge(pod, &SAFE[..10])
}

fn since_32(pod: &Pod<'_>) -> Option<Violation> {
    judge(pod, &SAFE)
}

fn judge(pod: &Pod<'_>, safe: &[&str]) -> Option<Violation> {
    let names = pod.security().items("sysctls").iter().map(|one| one.text("name"));
    let bad: Vec<&str> = names.filter(|name| !safe.contains(name)).collect();
    if bad.is_empty() {
        return None;
    }
    Some(Violation::new("forbidden sysctls", bad.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::{since_0, since_27, since_29, since_32};

    #[test]
    fn more_and_more_are_safe() {
        let pod = r#"{"securityContext":{"sysctls":[{"name":"b"},{"name":"net.ipv4.tcp_syncookies"},
            {"name":"net.ipv4.ip_local_reserved_ports"},{"name":"net.ipv4.tcp_keepalive_probes"},{"name":"net.ipv4.tcp_rmem"}]}}"#;
        let words = |names: &str| Some(format!("forbidden sysctls (b{names})"));
        let (ports, probes, memory) = (
            ", net.ipv4.ip_local_reserved_ports",
            ", net.ipv4.tcp_keepalive_probes",
            ", net.ipv4.tcp_rmem",
        );
        assert_eq!(spec(since_0, pod), words(&format!("{ports}{probes}{memory}")));
        assert_eq!(spec(since_27, pod), words(&format!("{probes}{memory}")));
        assert_eq!(spec(since_29, pod), words(memory));
        assert_eq!(spec(since_32, pod), words(""));
        assert_eq!(spec(since_0, "{}"), None);
    }
}
