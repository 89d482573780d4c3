//! Pods do not see the node's files.

use super::{Check, Violation, plural, quoted};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::baseline("hostPathVolumes", &[(0, since_0)]);

fn since_0(pod: &Pod<'_>) -> Option<Violation> {
    let volumes = pod.spec.items("volumes").iter();
    let bad: Vec<&str> = volumes
        .filter(|volume| volume.has("hostPath"))
        .map(|volume| volume.text("name"))
        .collect();
    if bad.is_empty() {
        return None;
    }
    let word = plural(bad.len(), "volume", "volumes");
    Some(Violation::new("hostPath volumes", format!("{word} {}", quoted(bad))))
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::since_0;

    #[test]
    fn the_node_s_files_stay_its_own() {
        let pod = r#"{"volumes":[{"name":"a","hostPath":{}},{"name":"b","emptyDir":{}},{"name":"c","hostPath":{}}]}"#;
        assert_eq!(
            spec(since_0, pod).as_deref(),
            Some(r#"hostPath volumes (volumes "a", "c")"#)
        );
        assert_eq!(spec(since_0, r#"{"volumes":[{"name":"b","emptyDir":{}}]}"#), None);
    }
}
