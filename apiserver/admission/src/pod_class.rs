//! How well a pod is served when its node runs short (`GetPodQOS`).

use apiserver_api::tree::Tree;
use apiserver_kinds::qos;

/// The class that the status says, or that the spec makes it: `Guaranteed`, `Burstable` or `BestEffort`.
pub(crate) fn class(pod: &Tree) -> &str {
    match pod.at("status").text("qosClass") {
        "" => qos::class(pod.at("spec")),
        known => known,
    }
}

#[cfg(test)]
mod tests {
    use super::class;
    use crate::double::json;

    #[test]
    fn who_asks_for_what_is_guaranteed_is_served_best() {
        let all = r#"{"cpu":"1","memory":"1Gi"}"#;
        for (resources, expected) in [
            ("{}".to_owned(), "BestEffort"),
            (r#"{"requests":{"cpu":"0"}}"#.to_owned(), "BestEffort"),
            (r#"{"requests":{"cpu":"1"}}"#.to_owned(), "Burstable"),
            (format!(r#"{{"limits":{all},"requests":{all}}}"#), "Guaranteed"),
            (format!(r#"{{"limits":{all},"requests":{{"cpu":"1"}}}}"#), "Burstable"),
        ] {
            let pod = json(&format!(r#"{{"spec":{{"containers":[{{"resources":{resources}}}]}}}}"#));
            assert_eq!(class(&pod), expected);
            let pod = json(&format!(
                r#"{{"spec":{{"containers":[{{}}],"resources":{resources}}}}}"#
            ));
            assert_eq!(class(&pod), expected);
        }
        let pod = json(r#"{"spec":{"containers":[{}]},"status":{"qosClass":"Burstable"}}"#);
        assert_eq!(class(&pod), "Burstable");
    }
}
