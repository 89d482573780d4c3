//! Which containers are started again once they have ended.

use apiserver_api::tree::Tree;

/// Whether some container may make all of a pod start again, be it with its own end.
pub(super) fn may_restart_all(spec: &Tree) -> bool {
    let containers = ["initContainers", "containers"]
        .into_iter()
        .flat_map(|list| spec.items(list));
    let mut rules = containers.flat_map(|container| container.items("restartPolicyRules"));
    rules.any(|rule| rule.text("action") == "RestartAllContainers")
}

/// Whether a container that ended with a code is started again: by the first of its rules that counts, then by its own
/// policy, then by the pod's.
pub(super) fn restarts(container: &Tree, spec: &Tree, code: i64) -> bool {
    let own = container.at("restartPolicy").as_str();
    let rules = container.items("restartPolicyRules").iter();
    let rule = rules.filter(|_| own.is_some()).find(|rule| counts(rule, code));
    if rule.is_some_and(|rule| rule.text("action") == "Restart") {
        return true;
    }
    match own.unwrap_or(spec.text("restartPolicy")) {
        "OnFailure" => code != 0,
        "Never" => false,
        _ => true,
    }
}

/// Whether a rule is for a code.
fn counts(rule: &Tree, code: i64) -> bool {
    let codes = rule.at("exitCodes");
    let named = codes.items("values").iter().any(|value| value.as_int() == Some(code));
    match codes.text("operator") {
        "In" => named,
        "NotIn" => !named && !codes.is_null(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{may_restart_all, restarts};
    use crate::pod::testing::json;

    #[test]
    fn rules_come_before_a_container_s_policy_and_that_before_the_pod_s() {
        let rule = |operator: &str| {
            format!(
                r#""restartPolicyRules":[{{"action":"Restart","exitCodes":{{"operator":"{operator}","values":[3]}}}}]"#
            )
        };
        let never = r#""restartPolicy":"Never""#;
        for (container, pod, code, expected) in [
            (String::new(), "Always", 0, true),
            (String::new(), "Never", 1, false),
            (String::new(), "OnFailure", 0, false),
            (String::new(), "OnFailure", 1, true),
            (never.to_owned(), "Always", 1, false),
            (r#""restartPolicy":"OnFailure""#.to_owned(), "Never", 1, true),
            (r#""restartPolicy":"Always""#.to_owned(), "Never", 0, true),
            (format!("{never},{}", rule("In")), "Never", 3, true),
            (format!("{never},{}", rule("In")), "Never", 4, false),
            (format!("{never},{}", rule("NotIn")), "Never", 4, true),
            (rule("In"), "Never", 3, false),
        ] {
            let spec = json(&format!(r#"{{"restartPolicy":"{pod}"}}"#));
            let container = json(&format!("{{{container}}}"));
            assert_eq!(
                restarts(&container, &spec, code),
                expected,
                "{container:?} {pod} {code}"
            );
        }
    }

    #[test]
    fn one_container_may_make_all_start_again() {
        let spec = |action: &str| {
            json(&format!(
                r#"{{"containers":[{{}}],"initContainers":[{{"restartPolicyRules":[{{"action":"{action}"}}]}}]}}"#
            ))
        };
        assert!(may_restart_all(&spec("RestartAllContainers")));
        assert!(!may_restart_all(&spec("Restart")));
    }
}
