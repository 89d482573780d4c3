//! `Role` and `ClusterRole`: what may be done, in a namespace or everywhere.

use apiserver_api::labels::{self, Leniency, Selector};
use apiserver_api::names::{NameRule, name_is_path_segment};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};
use crate::text::nothing_for_none;

/// The entry of the table.
pub(crate) const ROLE: Kind = Kind {
    group: GROUP,
    kind: "Role",
    plural: "roles",
    singular: "role",
    versions: &[Version::stored("v1", "io.k8s.api.rbac.v1.Role")],
    folder: "roles",
    rules: &Role { namespaced: true },
    ..Kind::PLAIN
};

/// The entry of the table.
pub(crate) const CLUSTER_ROLE: Kind = Kind {
    group: GROUP,
    kind: "ClusterRole",
    plural: "clusterroles",
    singular: "clusterrole",
    namespaced: false,
    versions: &[Version::stored("v1", "io.k8s.api.rbac.v1.ClusterRole")],
    folder: "clusterroles",
    rules: &Role { namespaced: false },
    ..Kind::PLAIN
};

struct Role {
    namespaced: bool,
}

impl Rules for Role {
    fn name(&self) -> NameRule {
        name_is_path_segment
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        self.validate_role(object, Leniency::default(), refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let mut before = Refusals::new();
        validate_aggregation(old, Leniency::default(), &mut before);
        let leniency = Leniency {
            values: !before.is_empty(),
            ..Leniency::default()
        };
        self.validate_role(object, leniency, refusals);
        validate_metadata_update(object, old, refusals);
    }

    fn canonicalize(&self, object: &mut Tree) {
        nothing_for_none(object, "rules");
    }

    fn creates_on_update(&self) -> bool {
        true
    }
}

impl Role {
    fn validate_role(&self, object: &Tree, leniency: Leniency, refusals: &mut Refusals) {
        validate_metadata(name_is_path_segment, self.namespaced, object, refusals);
        let path = Path::of("rules");
        for (at, rule) in object.items("rules").iter().enumerate() {
            validate_rule(&path.index(at), rule, self.namespaced, refusals);
        }
        validate_aggregation(object, leniency, refusals);
    }
}

/// Verbs on resources of groups, or on paths that are no resources.
fn validate_rule(path: &Path<'_>, rule: &Tree, namespaced: bool, refusals: &mut Refusals) {
    let empty = |field: &str| rule.items(field).is_empty();
    if empty("verbs") {
        refusals.required(&path.field("verbs"), "verbs must contain at least one value");
    }
    let urls = rule.items("nonResourceURLs");
    if !urls.is_empty() {
        let path = path.field("nonResourceURLs");
        if namespaced {
            refusals.invalid(&path, urls, "namespaced rules cannot apply to non-resource URLs");
        }
        if !["apiGroups", "resources", "resourceNames"].into_iter().all(empty) {
            let detail = "rules cannot apply to both regular resources and non-resource URLs";
            refusals.invalid(&path, urls, detail);
        }
        return;
    }
    if empty("apiGroups") {
        let detail = "resource rules must supply at least one api group";
        refusals.required(&path.field("apiGroups"), detail);
    }
    if empty("resources") {
        let detail = "resource rules must supply at least one resource";
        refusals.required(&path.field("resources"), detail);
    }
}

/// The labels of the roles whose rules are gathered.
fn validate_aggregation(object: &Tree, leniency: Leniency, refusals: &mut Refusals) {
    let rule = object.at("aggregationRule");
    if rule.is_null() {
        return;
    }
    let path = Path::of("aggregationRule");
    let path = path.field("clusterRoleSelectors");
    let selectors = rule.items("clusterRoleSelectors");
    if selectors.is_empty() {
        let detail = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        refusals.required(&path, detail);
    }
    for (at, selector) in selectors.iter().enumerate() {
        let path = path.index(at);
        labels::validate(&path, selector, leniency, refusals);
        if Selector::from_object(selector).is_err() {
            refusals.invalid(&path, &Tree::Null, "invalid label selector.");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CLUSTER_ROLE, ROLE};
    use crate::trial::{refused, update};

    #[test]
    fn a_rule_is_for_resources_or_for_paths() {
        for (rule, role, cluster_role) in [
            (r#"{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}"#, 0, 0),
            (r#"{"apiGroups":[""],"resources":["pods"]}"#, 1, 1),
            (r#"{"verbs":["get"]}"#, 2, 2),
            (r#"{"verbs":["get"],"nonResourceURLs":["/a"]}"#, 1, 0),
            (
                r#"{"verbs":["get"],"nonResourceURLs":["/a"],"resources":["pods"]}"#,
                2,
                1,
            ),
            (
                r#"{"verbs":["get"],"apiGroups":[""],"resources":["a","b"],"resourceNames":["c"]}"#,
                0,
                0,
            ),
        ] {
            let object = format!(r#"{{"rules":[{rule}]}}"#);
            assert_eq!(refused(&ROLE, &object).len(), role, "{rule}");
            assert_eq!(refused(&CLUSTER_ROLE, &object).len(), cluster_role, "{rule}");
        }
    }

    #[test]
    fn roles_are_gathered_by_labels_that_can_be() {
        let object = |selectors: &str| format!(r#"{{"aggregationRule":{{"clusterRoleSelectors":[{selectors}]}}}}"#);
        assert_eq!(refused(&CLUSTER_ROLE, &object("")).len(), 1);
        assert_eq!(refused(&CLUSTER_ROLE, &object(r#"{"matchLabels":{"a":"b"}}"#)).len(), 0);
        let wrong = object(r#"{"matchExpressions":[{"key":"a","operator":"x"}]}"#);
        assert_eq!(refused(&CLUSTER_ROLE, &wrong).len(), 2);
        let ok = r#"{"metadata":{"name":"system:a"},"rules":[]}"#;
        assert!(update(&CLUSTER_ROLE, ok, ok).unwrap().at("rules").is_null());
    }
}
