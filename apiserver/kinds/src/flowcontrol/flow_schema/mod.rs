//! `FlowSchema`: which requests belong to which priority level, and what tells their flows apart.

mod rule;

use apiserver_api::go::quote;
use apiserver_api::meta;
use apiserver_api::names::name_is_dns_subdomain;
use apiserver_api::path::Path;
use apiserver_api::refusal::{Refusals, Shown};
use apiserver_api::tree::{self, Tree};

use super::{GROUP, Status, validate_status};
use crate::check::count_generation;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::internal::shown;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, validate_metadata};

const TYPE: &str = "io.k8s.api.flowcontrol.v1.FlowSchema";
const SPEC: &str = "io.k8s.api.flowcontrol.v1.FlowSchemaSpec";

/// The precedence where none is given.
const PRECEDENCE: i64 = 1000;
/// The lowest precedence, which is the largest number.
const PRECEDENCE_MAX: i64 = 10_000;
/// What may tell flows apart.
const METHODS: &[&str] = &["ByNamespace", "ByUser"];

/// The entry of the table.
pub(super) const FLOW_SCHEMA: Kind = Kind {
    group: GROUP,
    kind: "FlowSchema",
    plural: "flowschemas",
    singular: "flowschema",
    namespaced: false,
    versions: &[Version::stored("v1", TYPE)],
    subresources: &[Subresource::STATUS],
    folder: "flowschemas",
    rules: &FlowSchema,
    columns: &[
        NAME,
        Column {
            name: "PriorityLevel",
            format: "",
            words: Words::Of("io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationReference", "name"),
            cell: Cell::Is(|object| {
                object
                    .below(&["spec", "priorityLevelConfiguration"])
                    .text("name")
                    .into()
            }),
            ..NAME
        },
        Column {
            name: "MatchingPrecedence",
            format: "",
            words: Words::Of(SPEC, "matchingPrecedence"),
            cell: Cell::Is(|object| object.at("spec").int("matchingPrecedence").into()),
            ..NAME
        },
        Column {
            name: "DistinguisherMethod",
            format: "",
            words: Words::Of(SPEC, "distinguisherMethod"),
            cell: Cell::Is(|object| match object.below(&["spec", "distinguisherMethod"]) {
                Tree::Null => "<none>".into(),
                method => method.text("type").into(),
            }),
            ..NAME
        },
        AGE,
        Column {
            name: "MissingPL",
            format: "",
            words: Words::Text("references a broken or non-existent PriorityLevelConfiguration"),
            cell: Cell::Is(|object| dangling(object).into()),
            ..NAME
        },
    ],
    ..Kind::PLAIN
};

/// What the condition `Dangling` says.
fn dangling(object: &Tree) -> &str {
    let conditions = object.at("status").items("conditions");
    let found = conditions.iter().find(|one| one.text("type") == "Dangling");
    match found.map(|one| one.text("status")) {
        None => "?",
        Some(status) => status,
    }
}

struct FlowSchema;

impl Rules for FlowSchema {
    fn rank(&self) -> Option<fn(&Tree) -> i64> {
        Some(|object| object.at("spec").int("matchingPrecedence"))
    }

    fn default(&self, object: &mut Tree) {
        let spec = object.child("spec");
        if spec.int("matchingPrecedence") == 0 {
            spec.set("matchingPrecedence", PRECEDENCE);
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        object.set("status", Tree::map());
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        count_generation(&FLOW_SCHEMA, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        let (name, spec, path) = (meta::name(object), object.at("spec"), Path::of("spec"));
        validate_spec(&path, name, spec, refusals);
        if mandatory(name).is_some_and(|mandatory| mandatory != *spec) {
            let detail = format!("spec of '{name}' must equal the fixed value");
            refusals.invalid(&path, shown(SPEC, spec), &detail);
        }
        validate_status(object, refusals);
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, _old: &Tree, refusals: &mut Refusals) {
        self.validate(asked, object, refusals);
    }

    fn canonicalize(&self, object: &mut Tree) {
        let rules = object.child("spec").get_mut("rules").and_then(Tree::as_list_mut);
        let resources = rules
            .into_iter()
            .flatten()
            .filter_map(|rule| rule.get_mut("resourceRules"));
        for rule in resources.filter_map(Tree::as_list_mut).flatten() {
            // What is stored does not tell an empty list from none.
            if rule.items("namespaces").is_empty() {
                rule.set("namespaces", Tree::Null);
            }
        }
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(&Status)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

fn validate_spec(path: &Path<'_>, name: &str, spec: &Tree, refusals: &mut Refusals) {
    let (precedence, precedence_path) = (spec.int("matchingPrecedence"), path.field("matchingPrecedence"));
    if precedence <= 0 {
        refusals.invalid(&precedence_path, precedence, "must be a positive value");
    }
    if precedence > PRECEDENCE_MAX {
        let detail = format!("must not be greater than {PRECEDENCE_MAX}");
        refusals.invalid(&precedence_path, precedence, &detail);
    }
    if precedence == 1 && name != "exempt" {
        let detail = "only the schema named 'exempt' may have matchingPrecedence 1";
        refusals.invalid(&precedence_path, precedence, detail);
    }
    if spec.has("distinguisherMethod") {
        let method = spec.at("distinguisherMethod").text("type");
        if !METHODS.contains(&method) {
            let path = path.field("distinguisherMethod");
            let shown = Shown::raw(format!("{{\"Type\":{}}}", quote(method)));
            refusals.not_supported(&path.field("type"), shown, METHODS);
        }
    }
    let level_path = path.field("priorityLevelConfiguration");
    let level_path = level_path.field("name");
    match spec.at("priorityLevelConfiguration").text("name") {
        "" => refusals.required(&level_path, "must reference a priority level"),
        level => {
            for message in name_is_dns_subdomain(level, false) {
                refusals.invalid(&level_path, level, &message);
            }
        }
    }
    for (at, one) in spec.items("rules").iter().enumerate() {
        rule::validate(&path.field("rules").index(at), one, refusals);
    }
}

/// The spec of a schema without which the server could not be reached.
fn mandatory(name: &str) -> Option<Tree> {
    let groups: &[&str] = match name {
        "exempt" => &["system:masters"],
        "catch-all" => &["system:unauthenticated", "system:authenticated"],
        _ => return None,
    };
    let subjects = groups
        .iter()
        .map(|group| format!(r#"{{"kind":"Group","group":{{"name":"{group}"}}}}"#));
    let subjects: Vec<String> = subjects.collect();
    let rest = if name == "exempt" {
        r#""matchingPrecedence":1"#
    } else {
        r#""matchingPrecedence":10000,"distinguisherMethod":{"type":"ByUser"}"#
    };
    let text = format!(
        r#"{{{rest},"priorityLevelConfiguration":{{"name":"{name}"}},"rules":[{{"subjects":[{}],
        "resourceRules":[{{"verbs":["*"],"apiGroups":["*"],"resources":["*"],"namespaces":["*"],"clusterScope":true}}],
        "nonResourceRules":[{{"verbs":["*"],"nonResourceURLs":["*"]}}]}}]}}"#,
        subjects.join(",")
    );
    Some(tree::parse(text.as_bytes()).ok()?.tree)
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::time::Time;
    use apiserver_api::tree::{self, Tree};

    use super::{FlowSchema, dangling, mandatory, validate_spec};
    use crate::kind::{Asked, Rules};

    #[test]
    fn a_schema_has_a_precedence_and_a_level() {
        for (name, spec, expected) in [
            (
                "a",
                r#"{"matchingPrecedence":2,"priorityLevelConfiguration":{"name":"x"}}"#,
                &[][..],
            ),
            (
                "exempt",
                r#"{"matchingPrecedence":1,"priorityLevelConfiguration":{"name":"x"}}"#,
                &[],
            ),
            (
                "a",
                r#"{"matchingPrecedence":1}"#,
                &[
                    "s.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
                    "s.priorityLevelConfiguration.name: Required value: must reference a priority level",
                ],
            ),
            (
                "a",
                r#"{"matchingPrecedence":10001,"priorityLevelConfiguration":{"name":"x"},"distinguisherMethod":{"type":"x"}}"#,
                &[
                    "s.matchingPrecedence: Invalid value: 10001: must not be greater than 10000",
                    r#"s.distinguisherMethod.type: Unsupported value: {"Type":"x"}: supported values: "ByNamespace", "ByUser""#,
                ],
            ),
            (
                "a",
                r#"{"matchingPrecedence":-1,"priorityLevelConfiguration":{"name":"x"}}"#,
                &["s.matchingPrecedence: Invalid value: -1: must be a positive value"],
            ),
        ] {
            let spec = tree::parse(spec.as_bytes()).unwrap().tree;
            let mut refusals = Refusals::new();
            validate_spec(&Path::of("s"), name, &spec, &mut refusals);
            let said: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn the_mandatory_schemas_stay_as_they_are() {
        let asked = Asked {
            now: Time::from_unix(0),
            user: &Tree::Null,
        };
        for name in ["exempt", "catch-all"] {
            let mut object = Tree::map();
            object.child("metadata").set("name", name);
            object.set("spec", mandatory(name).unwrap());
            let mut refusals = Refusals::new();
            FlowSchema.validate(&asked, &object, &mut refusals);
            assert!(refusals.is_empty(), "{refusals}");
            object.child("spec").set("matchingPrecedence", 2);
            FlowSchema.validate(&asked, &object, &mut refusals);
            assert!(
                refusals
                    .to_string()
                    .ends_with(&format!("spec of '{name}' must equal the fixed value"))
            );
        }
    }

    #[test]
    fn a_table_shows_whether_the_level_is_there() {
        let mut object = Tree::map();
        assert_eq!(dangling(&object), "?");
        object.set(
            "status",
            tree::parse(br#"{"conditions":[{"type":"Dangling","status":"True"}]}"#)
                .unwrap()
                .tree,
        );
        assert_eq!(dangling(&object), "True");
        FlowSchema.default(&mut object);
        assert_eq!(object.at("spec").int("matchingPrecedence"), 1000);
    }
}
