//! `ResourceQuota`: how much a namespace may use.

use std::collections::{BTreeSet, HashMap};

use apiserver_api::meta::FIELD_IS_IMMUTABLE;
use apiserver_api::path::Path;
use apiserver_api::refusal::{Refusals, Shown};
use apiserver_api::tree::{Map, Tree};

use super::metadata::validate_metadata_update;
use super::resources::{self, is_of_quota};
use crate::amounts::amount;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::internal::shown;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, validate_metadata};

/// Which pods a quota can be for.
const SCOPES: &[&str] = &[
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
];
/// Scopes that exclude each other.
const OPPOSITES: [[&str; 2]; 2] = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]];
/// What a quota of pods can limit.
const COMPUTE: &[&str] = &[
    "cpu",
    "memory",
    "limits.cpu",
    "limits.memory",
    "requests.cpu",
    "requests.memory",
];

/// The entry of the table.
pub(crate) const RESOURCE_QUOTA: Kind = Kind {
    kind: "ResourceQuota",
    plural: "resourcequotas",
    singular: "resourcequota",
    short_names: &["quota"],
    versions: &[Version::stored("v1", "io.k8s.api.core.v1.ResourceQuota")],
    subresources: &[Subresource::STATUS],
    folder: "resourcequotas",
    rules: &ResourceQuota,
    columns: &[
        NAME,
        Column {
            name: "Request",
            kind: "string",
            format: "",
            words: Words::Text("Request represents a minimum amount of cpu/memory that a container may consume."),
            priority: 0,
            cell: Cell::Is(|object| used(object, false).into()),
        },
        Column {
            name: "Limit",
            kind: "string",
            format: "",
            words: Words::Text(
                "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.",
            ),
            priority: 0,
            cell: Cell::Is(|object| used(object, true).into()),
        },
        AGE,
    ],
    ..Kind::PLAIN
};

/// What is used of what there is, of limits or of all else.
fn used(object: &Tree, limits: bool) -> String {
    let status = object.at("status");
    let hard = status.entries("hard").iter();
    let cells: Vec<String> = hard
        .filter(|(name, _)| name.starts_with("limits.") == limits)
        .map(|(name, hard)| {
            let used = amount(status.at("used").at(name));
            format!("{name}: {used}/{}", amount(hard))
        })
        .collect();
    cells.join(", ")
}

struct ResourceQuota;

impl Rules for ResourceQuota {
    fn default(&self, object: &mut Tree) {
        for (half, lists) in [("spec", &["hard"][..]), ("status", &["hard", "used"])] {
            for list in lists {
                resources::round(object.get_mut(half).and_then(|half| half.get_mut(list)));
            }
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        object.set("status", Tree::map());
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        validate_spec(object.at("spec"), refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let (spec, old) = (object.at("spec"), old.at("spec"));
        validate_spec(spec, refusals);
        if scopes(spec) != scopes(old) {
            let path = Path::of("spec");
            refusals.invalid(&path.field("scopes"), spec.at("scopes"), FIELD_IS_IMMUTABLE);
        }
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(&Status)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

fn scopes(spec: &Tree) -> BTreeSet<&str> {
    spec.items("scopes").iter().filter_map(Tree::as_str).collect()
}

fn validate_list(path: &Path<'_>, list: &Tree, refusals: &mut Refusals) {
    for (name, value) in list.as_map().into_iter().flat_map(Map::iter) {
        resources::validate_quota_name(&path.key(name), name, refusals);
        resources::validate_amount(&path.key(name), name, value, refusals);
    }
}

fn validate_spec(spec: &Tree, refusals: &mut Refusals) {
    let path = Path::of("spec");
    validate_list(&path.field("hard"), spec.at("hard"), refusals);
    let given: Vec<&str> = spec.items("scopes").iter().filter_map(Tree::as_str).collect();
    let scopes = path.field("scopes");
    let mut unfit = Unfit::default();
    for scope in &given {
        if !SCOPES.contains(scope) {
            refusals.invalid(&scopes, spec.at("scopes"), "unsupported scope");
        }
        for _ in 0..unfit.count(spec, scope) {
            if refusals.is_full() {
                break;
            }
            let detail = "unsupported scope applied to resource";
            refusals.invalid(&scopes, spec.at("scopes"), detail);
        }
    }
    validate_opposites(&scopes, &given, spec, refusals);
    if spec.has("scopeSelector") {
        validate_selector(&path.field("scopeSelector"), spec, refusals);
    }
}

/// How many limited resources a scope does not go with, counted once.
#[derive(Default)]
struct Unfit<'s>(HashMap<&'s str, usize>);

impl<'s> Unfit<'s> {
    fn count(&mut self, spec: &Tree, scope: &'s str) -> usize {
        if !SCOPES.contains(&scope) {
            // Those that nobody knows go with all.
            return 0;
        }
        *self.0.entry(scope).or_insert_with(|| unfit(spec, scope).count())
    }
}

/// The limited resources that a scope does not go with.
fn unfit<'s>(spec: &'s Tree, scope: &str) -> impl Iterator<Item = &'s str> {
    let fits = match scope {
        "Terminating" | "NotTerminating" | "NotBestEffort" | "PriorityClass" | "CrossNamespacePodAffinity" => {
            |name: &str| name == "pods" || COMPUTE.contains(&name)
        }
        "BestEffort" => |name: &str| name == "pods",
        "VolumeAttributesClass" => |name: &str| matches!(name, "persistentvolumeclaims" | "requests.storage"),
        _ => |_: &str| true,
    };
    let names = spec.entries("hard").keys();
    names.filter(move |name| is_of_quota(name) && !fits(name))
}

fn validate_opposites(path: &Path<'_>, given: &[&str], spec: &Tree, refusals: &mut Refusals) {
    for pair in OPPOSITES {
        if pair.iter().all(|scope| given.contains(scope)) {
            refusals.invalid(path, spec.at("scopes"), "conflicting scopes");
        }
    }
}

fn validate_selector(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let selector = spec.at("scopeSelector");
    let path = path.field("matchExpressions");
    let (mut given, mut unfit) = (Vec::new(), Unfit::default());
    for expression in selector.items("matchExpressions") {
        let (scope, operator) = (expression.text("scopeName"), expression.text("operator"));
        if !SCOPES.contains(&scope) {
            refusals.invalid(&path.field("scopeName"), scope, "unsupported scope");
        }
        for _ in 0..unfit.count(spec, scope) {
            if refusals.is_full() {
                break;
            }
            let detail = "unsupported scope applied to resource";
            refusals.invalid(&path, shown_selector(selector), detail);
        }
        let any = SCOPES[..4].contains(&scope) || scope == "CrossNamespacePodAffinity";
        if any && operator != "Exists" {
            let detail = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, \
                ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or \
                ResourceQuotaScopeCrossNamespacePodAffinity";
            refusals.invalid(&path.field("operator"), operator, detail);
        }
        let values = expression.items("values");
        match operator {
            "In" | "NotIn" if values.is_empty() => {
                let detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                refusals.required(&path.field("values"), detail);
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                refusals.invalid(&path.field("values"), values, detail);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => refusals.invalid(&path.field("operator"), operator, "not a valid selector operator"),
        }
        given.push(scope);
    }
    validate_opposites(&path, &given, spec, refusals);
}

const SELECTOR: &str = "io.k8s.api.core.v1.ScopeSelector";

fn shown_selector(selector: &Tree) -> impl Into<Shown> {
    shown(SELECTOR, selector)
}

struct Status;

impl StatusRules for Status {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let (path, status) = (Path::of("status"), object.at("status"));
        for list in ["hard", "used"] {
            validate_list(&path.field(list), status.at(list), refusals);
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;

    use super::{RESOURCE_QUOTA, validate_spec};
    use crate::trial::{cells, create, refused, tree, update, update_status};

    fn with(spec: &str) -> String {
        format!(r#"{{"spec": {{{spec}}}}}"#)
    }

    #[test]
    fn only_known_resources_are_limited() {
        let told = refused(
            &RESOURCE_QUOTA,
            &with(r#""hard": {"pods": "1", "x": "1", "services": "100m"}"#),
        );
        assert_eq!(told.len(), 3);
        assert!(told[2].starts_with("spec.hard[x]: ") || told[0].starts_with("spec.hard[services]: "));
    }

    #[test]
    fn scopes_are_known_and_go_with_the_resources() {
        for (spec, count) in [
            (r#""hard": {"pods": "1"}, "scopes": ["BestEffort"]"#, 0),
            (r#""hard": {"cpu": "1"}, "scopes": ["BestEffort"]"#, 1),
            (r#""hard": {"services": "1"}, "scopes": ["Terminating"]"#, 1),
            (r#""scopes": ["Terminating", "NotTerminating"]"#, 1),
            (r#""scopes": ["x"]"#, 1),
        ] {
            assert_eq!(refused(&RESOURCE_QUOTA, &with(spec)).len(), count, "{spec}");
        }
    }

    #[test]
    fn selectors_have_values_where_their_operator_takes_them() {
        let selector = |expression: &str| {
            with(&format!(
                r#""scopeSelector": {{"matchExpressions": [{{{expression}}}]}}"#
            ))
        };
        for (expression, count) in [
            (r#""scopeName": "PriorityClass", "operator": "In", "values": ["a"]"#, 0),
            (r#""scopeName": "PriorityClass", "operator": "In""#, 1),
            (
                r#""scopeName": "PriorityClass", "operator": "Exists", "values": ["a"]"#,
                1,
            ),
            (r#""scopeName": "BestEffort", "operator": "In", "values": ["a"]"#, 1),
            (r#""scopeName": "x", "operator": "y""#, 2),
        ] {
            assert_eq!(
                refused(&RESOURCE_QUOTA, &selector(expression)).len(),
                count,
                "{expression}"
            );
        }
    }

    #[test]
    fn scopes_stay() {
        let told = update(&RESOURCE_QUOTA, "{}", &with(r#""scopes": ["BestEffort"]"#));
        assert_eq!(
            told.unwrap_err(),
            [r#"spec.scopes: Invalid value: ["BestEffort"]: field is immutable"#]
        );
    }

    #[test]
    fn the_status_says_what_is_used() {
        let json = r#"{"status": {"hard": {"limits.cpu": "2", "pods": "3"}, "used": {"pods": "1"}}}"#;
        assert_eq!(cells(&RESOURCE_QUOTA, json)[1..3], ["pods: 1/3", "limits.cpu: 0/2"]);
        assert!(
            create(&RESOURCE_QUOTA, json)
                .unwrap()
                .at("status")
                .entries("hard")
                .is_empty()
        );
        assert!(update_status(&RESOURCE_QUOTA, "{}", json).is_ok());
        assert!(update_status(&RESOURCE_QUOTA, "{}", r#"{"status": {"used": {"x": "1"}}}"#).is_err());
    }

    #[test]
    fn scopes_that_nobody_knows_are_not_held_against_resources() {
        let scopes = (0..30_000).map(|at| format!(r#""scope-{at}""#)).collect::<Vec<_>>();
        let hard = (0..30_000).map(|at| format!(r#""requests.hugepages-{at}": "1""#));
        let hard = hard.collect::<Vec<_>>().join(",");
        let spec = tree(&format!(r#"{{"hard": {{{hard}}}, "scopes": [{}]}}"#, scopes.join(",")));
        let mut refusals = Refusals::new();
        validate_spec(&spec, &mut refusals);
        assert_eq!(refusals.len(), 30_000);
    }
}
