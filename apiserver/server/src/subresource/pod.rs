//! What the server itself writes into the status of pods.

use apiserver_api::time::Time;
use apiserver_api::tree::Tree;

/// Whether a pod says that it is ready.
pub(super) fn is_ready(pod: &Tree) -> bool {
    let conditions = pod.at("status").items("conditions");
    let ready = conditions.iter().find(|one| one.text("type") == "Ready");
    ready.is_some_and(|ready| ready.text("status") == "True")
}

/// Says of a pod that a condition is true from now on, or still is (`UpdatePodCondition`). Reason and message may be empty.
pub(super) fn set_condition(pod: &mut Tree, now: Time, kind: &str, reason: &str, message: &str) {
    let mut conditions = pod.at("status").items("conditions").to_vec();
    let before = conditions.iter().position(|one| one.text("type") == kind);
    let mut condition = Tree::map();
    condition.set("type", kind);
    condition.set("status", "True");
    for (field, text) in [("reason", reason), ("message", message)] {
        if !text.is_empty() {
            condition.set(field, text);
        }
    }
    let was = before.map_or(&Tree::Null, |at| &conditions[at]);
    let since = if was.text("status") == "True" {
        was.at("lastTransitionTime").clone()
    } else {
        now.to_string().into()
    };
    condition.set("lastTransitionTime", since);
    match before {
        Some(at) => conditions[at] = condition,
        None => conditions.push(condition),
    }
    pod.child("status").set("conditions", conditions);
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_api::tree::{Tree, parse};

    use super::{is_ready, set_condition};

    fn tree(json: &str) -> Tree {
        parse(json.as_bytes()).unwrap().tree
    }

    #[test]
    fn a_condition_that_was_true_keeps_its_time() {
        let mut pod = tree(
            r#"{"status":{"conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"},
            {"type":"PodScheduled","status":"False","reason":"SchedulingGated","message":"m"}]}}"#,
        );
        assert!(is_ready(&pod));
        set_condition(&mut pod, Time::from_unix(0), "PodScheduled", "", "");
        set_condition(&mut pod, Time::from_unix(0), "Ready", "R", "");
        let expected = r#"[{"lastTransitionTime":"2026-01-01T00:00:00Z","reason":"R","status":"True","type":"Ready"},
            {"lastTransitionTime":"1970-01-01T00:00:00Z","status":"True","type":"PodScheduled"}]"#;
        assert_eq!(pod.at("status").at("conditions"), &tree(expected));
    }

    #[test]
    fn a_pod_without_conditions_gets_its_first() {
        let mut pod = Tree::map();
        assert!(!is_ready(&pod));
        set_condition(&mut pod, Time::from_unix(0), "Ready", "", "");
        assert!(is_ready(&pod));
    }
}
