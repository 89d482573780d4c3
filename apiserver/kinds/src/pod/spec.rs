//! The spec of a pod as a whole: the order in which its parts are looked at.

use apiserver_api::labels::validate_labels;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::scope::{Options, Scope};
use super::{
    affinity, aggregate, claims, containers, dns, ports, resources, security, spread, tolerations, volumes, windows,
};
use crate::check::one_of;
use crate::text::{tell, tell_number};

const RESTART_POLICIES: &[&str] = &["Always", "OnFailure", "Never"];
const PREEMPTION_POLICIES: &[&str] = &["PreemptLowerPriority", "Never"];

/// Checks the spec of a pod of this name, which is empty for that of a template (`ValidatePodSpec`).
pub(crate) fn validate(path: &Path<'_>, spec: &Tree, pod: &str, options: Options, refusals: &mut Refusals) {
    if !spec.has("terminationGracePeriodSeconds") {
        refusals.required(&path.field("terminationGracePeriodSeconds"), "");
    }
    let list = spec.items("volumes");
    let sound = volumes::validate(&path.field("volumes"), list, pod, options, refusals);
    let scope = Scope::new(spec, options, sound);
    claims::validate(&path.field("resourceClaims"), spec.items("resourceClaims"), refusals);
    containers::validate(path, &scope, refusals);
    if spec.has("resources") {
        let path = path.field("resources");
        if spec.at("resources").has("claims") {
            let detail = "claims may not be set for Resources at pod-level";
            refusals.forbidden(&path.field("claims"), detail);
        }
        resources::validate_pod(&path, spec.at("resources"), &scope, refusals);
        aggregate::validate(&path, &scope, refusals);
    }
    ports::host_network(path, spec, options.is_pod, refusals);
    let policy = spec.text("restartPolicy");
    one_of(&path.field("restartPolicy"), policy, RESTART_POLICIES, true, refusals);
    dns::validate(path, &scope, refusals);
    validate_labels(&path.field("nodeSelector"), spec.entries("nodeSelector"), refusals);
    security::validate_pod(&path.field("securityContext"), &scope, refusals);
    affinity::validate(&path.field("affinity"), &scope, refusals);
    tolerations::validate_readiness(&path.field("readinessGates"), spec.items("readinessGates"), refusals);
    tolerations::validate_gates(&path.field("schedulingGates"), spec.items("schedulingGates"), refusals);
    spread::validate(&path.field("topologySpreadConstraints"), &scope, refusals);
    windows::validate_host_process(path, spec, refusals);
    security::validate_host_users(path, &scope, refusals);
    validate_names(path, spec, refusals);
    dns::validate_hostname(path, spec, refusals);
    tolerations::validate(&path.field("tolerations"), spec.items("tolerations"), refusals);
    if spec.has("overhead") {
        resources::validate_overhead(&path.field("overhead"), spec.entries("overhead"), &scope, refusals);
    }
    windows::validate_system(path, spec, refusals);
}

/// What names other objects, and what is a plain value.
fn validate_names(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    for field in [
        "serviceAccountName",
        "nodeName",
        "priorityClassName",
        "runtimeClassName",
    ] {
        let name = spec.text(field);
        // An empty name is none, but for the class of a runtime.
        if !name.is_empty() || (field == "runtimeClassName" && spec.has(field)) {
            tell(
                &path.field(field),
                name,
                names::name_is_dns_subdomain(name, false),
                refusals,
            );
        }
    }
    if let Some(seconds) = spec.at("activeDeadlineSeconds").as_int() {
        let messages = names::in_range(seconds, 1, i64::from(i32::MAX));
        tell_number(&path.field("activeDeadlineSeconds"), seconds, messages, refusals);
    }
    if let Some(policy) = spec.at("preemptionPolicy").as_str() {
        one_of(
            &path.field("preemptionPolicy"),
            policy,
            PREEMPTION_POLICIES,
            true,
            refusals,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Path, Refusals, Tree, validate};
    use crate::pod::default_spec;
    use crate::pod::testing::{json, words};

    fn spec(more: &str) -> Tree {
        let mut spec = json(&format!(r#"{{"containers":[{{"name":"c","image":"i"}}]{more}}}"#));
        default_spec(&mut spec);
        spec
    }

    #[test]
    fn a_spec_of_one_container_is_enough() {
        let cases = [
            ("", ""),
            (
                r#","activeDeadlineSeconds":0"#,
                "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
            ),
            (
                r#","preemptionPolicy":"x""#,
                r#"spec.preemptionPolicy: Unsupported value: "x": supported values: "PreemptLowerPriority", "Never""#,
            ),
            (
                r#","resources":{"claims":[]}"#,
                "spec.resources.claims: Forbidden: claims may not be set for Resources at pod-level",
            ),
        ];
        for (more, told) in cases {
            let mut refusals = Refusals::new();
            validate(&Path::of("spec"), &spec(more), "", Options::default(), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }
}
