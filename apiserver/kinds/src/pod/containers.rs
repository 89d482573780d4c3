//! Containers of the three sorts: regular, init and ephemeral.

use std::collections::BTreeSet;

use apiserver_api::names::dns_label;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::scope::Scope;
use super::{env, handlers, mounts, ports, resources, security};
use crate::check::one_of;
use crate::text::required;

pub(super) const PULL_POLICIES: &[&str] = &["Always", "IfNotPresent", "Never"];
const TERMINATION_POLICIES: &[&str] = &["File", "FallbackToLogsOnError"];
const RESTART_POLICIES: &[&str] = &["Always", "Never", "OnFailure"];
const RULE_ACTIONS: &[&str] = &["Restart", "RestartAllContainers"];
const RULE_OPERATORS: &[&str] = &["In", "NotIn"];
const NO_POLICY: &str = "must specify restartPolicy when restart rules are used";
const RULES_MAX: usize = 20;
const EXIT_CODES_MAX: usize = 255;
/// What containers may have and ephemeral ones may not.
const NOT_EPHEMERAL: &[&str] = &[
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];
/// The fields of a spec that hold containers, in the order in which upstream visits them.
pub(crate) const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// All containers of a spec.
pub(crate) fn all(spec: &Tree) -> impl Iterator<Item = &Tree> {
    LISTS.into_iter().flat_map(|list| spec.items(list))
}

/// Looks at all containers of a spec with their paths.
pub(crate) fn visit<'t>(path: &Path<'_>, spec: &'t Tree, mut look: impl FnMut(&Path<'_>, &'t Tree)) {
    for list in LISTS {
        let path = path.field(list);
        for (at, container) in spec.items(list).iter().enumerate() {
            look(&path.index(at), container);
        }
    }
}

/// Whether an init container goes on beside the regular ones.
pub(crate) fn is_sidecar(container: &Tree) -> bool {
    container.text("restartPolicy") == "Always"
}

/// The containers of a spec.
pub(super) fn validate(path: &Path<'_>, scope: &Scope<'_>, refusals: &mut Refusals) {
    validate_regular(&path.field("containers"), scope, refusals);
    validate_init(&path.field("initContainers"), scope, refusals);
    validate_ephemeral(&path.field("ephemeralContainers"), scope, refusals);
}

fn validate_regular(path: &Path<'_>, scope: &Scope<'_>, refusals: &mut Refusals) {
    let containers = scope.spec.items("containers");
    if containers.is_empty() {
        return refusals.required(path, "");
    }
    let mut seen = BTreeSet::new();
    for (at, container) in containers.iter().enumerate() {
        let path = path.index(at);
        validate_common(&path, container, scope, refusals);
        if !seen.insert(container.text("name")) {
            refusals.duplicate(&path.field("name"), container.text("name"));
        }
        handlers::validate(&path, container, scope.grace(), refusals);
        validate_restarts(&path, container, refusals);
    }
    ports::no_conflicts(path, containers.iter().enumerate(), refusals);
}

fn validate_init(path: &Path<'_>, scope: &Scope<'_>, refusals: &mut Refusals) {
    let regular = scope.spec.items("containers").iter();
    let mut seen: BTreeSet<&str> = regular.map(|container| container.text("name")).collect();
    for (at, container) in scope.spec.items("initContainers").iter().enumerate() {
        let item = path.index(at);
        validate_common(&item, container, scope, refusals);
        if container.has("restartPolicy") {
            validate_restarts(&item, container, refusals);
        } else if !container.items("restartPolicyRules").is_empty() {
            refusals.required(&item.field("restartPolicy"), NO_POLICY);
        }
        let name = container.text("name");
        if seen.contains(name) {
            refusals.duplicate(&item.field("name"), name);
        } else if !name.is_empty() {
            seen.insert(name);
        }
        // Init containers run one by one, so each is looked at alone. Upstream tells of it at the first's place.
        ports::no_conflicts(path, std::iter::once((0, container)), refusals);
        if is_sidecar(container) {
            handlers::validate(&item, container, scope.grace(), refusals);
            continue;
        }
        for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if container.has(field) {
                let detail = "may not be set for init containers without restartPolicy=Always";
                refusals.forbidden(&item.field(field), detail);
            }
        }
    }
}

fn validate_ephemeral(path: &Path<'_>, scope: &Scope<'_>, refusals: &mut Refusals) {
    let others = || {
        ["containers", "initContainers"]
            .into_iter()
            .flat_map(|list| scope.spec.items(list))
    };
    let others: BTreeSet<&str> = others().map(|container| container.text("name")).collect();
    let mut seen = others.clone();
    let detail = "cannot be set for an Ephemeral Container";
    for (at, container) in scope.spec.items("ephemeralContainers").iter().enumerate() {
        let path = path.index(at);
        validate_common(&path, container, scope, refusals);
        validate_image_edges(&path, container, refusals);
        let name = container.text("name");
        if !seen.insert(name) {
            refusals.duplicate(&path.field("name"), name);
        }
        let target = container.text("targetContainerName");
        if !target.is_empty() && !others.contains(target) {
            refusals.not_found(&path.field("targetContainerName"), target);
        }
        for field in NOT_EPHEMERAL
            .iter()
            .filter(|field| !container.at(field).is_zero() || is_set(container, field))
        {
            refusals.forbidden(&path.field(field), detail);
        }
        let path = path.field("volumeMounts");
        for (at, mount) in container.items("volumeMounts").iter().enumerate() {
            for field in ["subPath", "subPathExpr"] {
                if !mount.text(field).is_empty() {
                    refusals.forbidden(&path.index(at).field(field), detail);
                }
            }
        }
    }
}

/// Whether a pointer is there, be it to an empty value; `resources` is no pointer.
fn is_set(container: &Tree, field: &str) -> bool {
    field != "resources" && container.has(field)
}

/// What all containers have in common.
fn validate_common(path: &Path<'_>, container: &Tree, scope: &Scope<'_>, refusals: &mut Refusals) {
    required(&path.field("name"), container.text("name"), dns_label, refusals);
    if container.text("image").is_empty() {
        refusals.required(&path.field("image"), "");
    }
    let policy = container.text("terminationMessagePolicy");
    let policy_path = path.field("terminationMessagePolicy");
    one_of(&policy_path, policy, TERMINATION_POLICIES, true, refusals);
    ports::validate(&path.field("ports"), container.items("ports"), refusals);
    env::validate(&path.field("env"), container.items("env"), scope, refusals);
    env::validate_from(&path.field("envFrom"), container.items("envFrom"), refusals);
    mounts::validate(path, container, scope, refusals);
    let policy = container.text("imagePullPolicy");
    one_of(&path.field("imagePullPolicy"), policy, PULL_POLICIES, true, refusals);
    resources::validate(&path.field("resources"), container.at("resources"), scope, refusals);
    validate_resizes(
        &path.field("resizePolicy"),
        container.items("resizePolicy"),
        scope,
        refusals,
    );
    security::validate(
        &path.field("securityContext"),
        container.at("securityContext"),
        scope.host_users(),
        refusals,
    );
}

/// What happens to a container when its resources change. Upstream tells of it at the list.
fn validate_resizes(path: &Path<'_>, policies: &[Tree], scope: &Scope<'_>, refusals: &mut Refusals) {
    let mut seen = BTreeSet::new();
    for (at, policy) in policies.iter().enumerate() {
        let (resource, restart) = (policy.text("resourceName"), policy.text("restartPolicy"));
        if !seen.insert(resource) {
            refusals.duplicate(&path.index(at), resource);
        }
        one_of(path, resource, &["cpu", "memory"], true, refusals);
        one_of(path, restart, &["NotRequired", "RestartContainer"], true, refusals);
        if scope.spec.text("restartPolicy") == "Never" && restart != "NotRequired" {
            let detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            refusals.invalid(path, restart, detail);
        }
    }
}

/// When a container of its own is started again.
fn validate_restarts(path: &Path<'_>, container: &Tree, refusals: &mut Refusals) {
    let policy_path = path.field("restartPolicy");
    let rules = container.items("restartPolicyRules");
    match container.at("restartPolicy").as_str() {
        None if !rules.is_empty() => {
            refusals.required(&policy_path, NO_POLICY);
        }
        Some(policy) if !RESTART_POLICIES.contains(&policy) => {
            refusals.not_supported(&policy_path, policy, RESTART_POLICIES);
        }
        _ => {}
    }
    let path = path.field("restartPolicyRules");
    if rules.len() > RULES_MAX {
        refusals.too_many(&path, rules.len(), RULES_MAX);
    }
    for (at, rule) in rules.iter().enumerate() {
        let path = path.index(at);
        let action = rule.text("action");
        if !RULE_ACTIONS.contains(&action) {
            refusals.not_supported(&path.field("action"), action, RULE_ACTIONS);
        }
        let (path, codes) = (path.field("exitCodes"), rule.at("exitCodes"));
        if codes.is_null() {
            refusals.required(&path, "must be specified");
            continue;
        }
        let operator = codes.text("operator");
        if !RULE_OPERATORS.contains(&operator) {
            refusals.not_supported(&path.field("operator"), operator, RULE_OPERATORS);
        }
        let count = codes.items("values").len();
        if count > EXIT_CODES_MAX {
            refusals.too_many(&path.field("values"), count, EXIT_CODES_MAX);
        }
    }
}

/// Pods, other than templates, have no white space around the names of images.
pub(crate) fn validate_image_edges(path: &Path<'_>, container: &Tree, refusals: &mut Refusals) {
    let image = container.text("image");
    if image.trim() != image {
        let detail = "must not have leading or trailing whitespace";
        refusals.invalid(&path.field("image"), image, detail);
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate};
    use crate::pod::scope::Scope;
    use crate::pod::testing::{json, words};

    const FINE: &str = r#""image":"i","imagePullPolicy":"Always","terminationMessagePolicy":"File""#;

    #[test]
    fn containers_have_an_image_and_a_name_of_their_own() {
        let fine = format!(r#"{{"name":"c",{FINE}}}"#);
        let cases = [
            (format!(r#"{{"containers":[{fine}]}}"#), ""),
            ("{}".to_owned(), "s.containers: Required value"),
            (
                format!(r#"{{"containers":[{fine}],"initContainers":[{fine}]}}"#),
                r#"s.initContainers[0].name: Duplicate value: "c""#,
            ),
            (
                format!(r#"{{"containers":[{fine}],"initContainers":[{{"name":"i",{FINE},"lifecycle":{{}}}}]}}"#),
                "s.initContainers[0].lifecycle: Forbidden: may not be set for init containers without \
                 restartPolicy=Always",
            ),
            (
                format!(r#"{{"containers":[{fine}],"ephemeralContainers":[{{"name":"e",{FINE},"lifecycle":{{}}}}]}}"#),
                "s.ephemeralContainers[0].lifecycle: Forbidden: cannot be set for an Ephemeral Container",
            ),
            (
                format!(r#"{{"containers":[{{"name":"c",{FINE},"restartPolicy":"x"}}]}}"#),
                "s.containers[0].restartPolicy: Unsupported value: \"x\": supported values: \"Always\", \"Never\", \
                 \"OnFailure\"",
            ),
            (
                format!(
                    r#"{{"containers":[{{"name":"c",{FINE},"resizePolicy":[{{"resourceName":"cpu","restartPolicy":"x"}}]}}]}}"#
                ),
                "s.containers[0].resizePolicy: Unsupported value: \"x\": supported values: \"NotRequired\", \
                 \"RestartContainer\"",
            ),
        ];
        for (spec, told) in cases {
            let spec = json(&spec);
            let mut refusals = Refusals::new();
            validate(&Path::of("s"), &Scope::for_tests(&spec), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }
}
