//! `ReplicationController`: a number of equal pods, from before there were replica sets.

use std::borrow::Cow;

use apiserver_api::labels::{Operator, Requirement, Selector};
use apiserver_api::meta;
use apiserver_api::names::{Messages, NameRule, name_is_dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Map, Text, Tree};

use crate::check::{count_generation, non_negative};
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Dependents, Kind, Rules, StatusRules, Subresource, Version, keep, validate_metadata};
use crate::pod;
use crate::pod::warnings::host_name;
use crate::selection::{Selectable, Selection};
use crate::template_columns::{CONTAINERS, IMAGES, SELECTOR, pairs};

const SPEC: &str = "io.k8s.api.core.v1.ReplicationControllerSpec";
const STATUS: &str = "io.k8s.api.core.v1.ReplicationControllerStatus";

const COUNT: Column = Column {
    name: "Desired",
    kind: "integer",
    format: "",
    words: Words::Of(SPEC, "replicas"),
    priority: 0,
    cell: Cell::Is(|object| object.at("spec").int("replicas").into()),
};

/// The entry of the table.
pub(crate) const REPLICATION_CONTROLLER: Kind = Kind {
    kind: "ReplicationController",
    plural: "replicationcontrollers",
    singular: "replicationcontroller",
    short_names: &["rc"],
    categories: &["all"],
    versions: &[Version::stored("v1", "io.k8s.api.core.v1.ReplicationController")],
    subresources: &[Subresource::SCALE, Subresource::STATUS],
    folder: "controllers",
    rules: &ReplicationController,
    columns: &[
        NAME,
        COUNT,
        Column {
            name: "Current",
            words: Words::Of(STATUS, "replicas"),
            cell: Cell::Is(|object| object.at("status").int("replicas").into()),
            ..COUNT
        },
        Column {
            name: "Ready",
            words: Words::Of(STATUS, "readyReplicas"),
            cell: Cell::Is(|object| object.at("status").int("readyReplicas").into()),
            ..COUNT
        },
        AGE,
        CONTAINERS,
        IMAGES,
        Column {
            words: Words::Of(SPEC, "selector"),
            cell: Cell::Is(|object| pairs(object.at("spec").entries("selector"))),
            ..SELECTOR
        },
    ],
    selection: Selection {
        labels: &["metadata.name", "metadata.namespace", "status.replicas"],
        fields: &[Selectable::number("status.replicas")],
        ..Selection::OWN
    },
    ..Kind::PLAIN
};

fn template(object: &Tree) -> &Tree {
    object.at("spec").at("template")
}

struct ReplicationController;

/// Names are checked by the type's own marks, which count bytes and do not look at what a name is made of.
fn name_rule(name: &str, prefix: bool) -> Messages {
    if prefix {
        return Messages::new();
    }
    let bytes = |message: Cow<'static, str>| match message.strip_suffix(" characters") {
        Some(message) => format!("{message} bytes").into(),
        None => message,
    };
    name_is_dns_subdomain(name, false).into_iter().map(bytes).collect()
}

impl Rules for ReplicationController {
    fn name(&self) -> NameRule {
        name_rule
    }

    /// Labels that were not given are those of the template.
    fn default(&self, object: &mut Tree) {
        if let Some(template) = object.get_mut("spec").and_then(|spec| spec.get_mut("template"))
            && !template.is_null()
        {
            pod::default_template(template);
        }
        let labels = meta::labels(template(object)).clone();
        if labels.is_empty() {
            return;
        }
        if object.at("spec").entries("selector").is_empty() {
            object.child("spec").set("selector", labels.clone());
        }
        if meta::labels(object).is_empty() {
            object.child("metadata").set("labels", labels);
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        let mut status = Tree::map();
        status.set("replicas", 0);
        object.set("status", status);
        meta::set_generation(object, 1);
        drop_disabled(object, None);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        drop_disabled(object, Some(old));
        count_generation(&REPLICATION_CONTROLLER, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        validate_spec(object, None, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        validate_spec(object, Some(old), refusals);
        validate_metadata_update(object, old, refusals);
    }

    fn warnings(&self, object: &Tree, old: Option<&Tree>) -> Vec<String> {
        let path = Path::of("spec");
        let path = path.field("template");
        match old {
            None => {
                let name = host_name(meta::name(object), "Pod names and hostnames");
                let mut warnings: Vec<String> = name.into_iter().collect();
                warnings.extend(pod::template_warnings(&path, template(object), None));
                warnings
            }
            Some(old) if meta::generation(old) != meta::generation(object) => {
                pod::template_warnings(&path, template(object), Some(template(old)))
            }
            Some(_) => Vec::new(),
        }
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(&Status)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn dependents(&self) -> Dependents {
        Dependents::Orphaned
    }
}

fn drop_disabled(object: &mut Tree, old: Option<&Tree>) {
    if let Some(template) = object.get_mut("spec").and_then(|spec| spec.get_mut("template")) {
        pod::drop_disabled(template, old.map(self::template));
    }
}

fn validate_spec(object: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let (path, spec) = (Path::of("spec"), object.at("spec"));
    for field in ["minReadySeconds", "replicas"] {
        non_negative(&path.field(field), spec.int(field), refusals);
    }
    let selector = spec.entries("selector");
    if selector.is_empty() {
        refusals.required(&path.field("selector"), "");
    }
    let path = path.field("template");
    let template = template(object);
    if template.is_null() {
        return refusals.required(&path, "");
    }
    if !matches(selector, meta::labels(template)) {
        let path = path.field("metadata");
        let detail = "`selector` does not match template `labels`";
        let labels = template.at("metadata").at("labels");
        refusals.invalid(&path.field("labels"), labels, detail);
    }
    match old {
        None => pod::validate_template(&path, template, refusals),
        Some(old) => pod::validate_template_update(&path, template, self::template(old), refusals),
    }
    let (path, spec) = (path.field("spec"), template.at("spec"));
    let policy = spec.text("restartPolicy");
    if policy != "Always" {
        refusals.not_supported(&path.field("restartPolicy"), policy, &["Always"]);
    }
    if spec.has("activeDeadlineSeconds") {
        let detail = "activeDeadlineSeconds in ReplicationController is not Supported";
        refusals.forbidden(&path.field("activeDeadlineSeconds"), detail);
    }
}

/// Whether labels have all that a selector has. One that no label can have selects nothing.
fn matches(selector: &Map, labels: &Map) -> bool {
    let requirement = |(key, value): (&str, &Tree)| {
        let value = Text::from(value.as_str().unwrap_or_default());
        Requirement::new(key, Operator::Equals, vec![value])
    };
    let requirements: Result<Vec<Requirement>, _> = selector.iter().map(requirement).collect();
    let selector = requirements.map_or_else(|_| Selector::nothing(), Selector::all);
    selector.matches(labels)
}

struct Status;

impl StatusRules for Status {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let (path, status) = (Path::of("status"), object.at("status"));
        for field in [
            "replicas",
            "fullyLabeledReplicas",
            "readyReplicas",
            "availableReplicas",
            "observedGeneration",
        ] {
            non_negative(&path.field(field), status.int(field), refusals);
        }
        let all = status.int("replicas");
        for field in ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] {
            let count = status.int(field);
            if count > all {
                refusals.invalid(&path.field(field), count, "cannot be greater than status.replicas");
            }
        }
        let available = status.int("availableReplicas");
        if available > status.int("readyReplicas") {
            let detail = "cannot be greater than readyReplicas";
            refusals.invalid(&path.field("availableReplicas"), available, detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_api::tree::Tree;

    use super::{REPLICATION_CONTROLLER, ReplicationController};
    use crate::kind::{Asked, Rules};
    use crate::pod::testing::json;

    fn controller(more: &str) -> Tree {
        let mut object = json(&format!(
            r#"{{"metadata":{{"name":"r","namespace":"n","resourceVersion":"1"}},"spec":{{"replicas":1,"template":
                {{"metadata":{{"labels":{{"a":"b"}}}},"spec":{{"containers":[{{"name":"c","image":"i"}}]}}}}{more}}}}}"#
        ));
        ReplicationController.default(&mut object);
        object
    }

    fn told(result: Result<Vec<String>, apiserver_api::status::Status>) -> String {
        result.map_or_else(|status| status.to_tree().text("message").to_owned(), |_| String::new())
    }

    #[test]
    fn a_controller_selects_the_pods_that_it_makes() {
        let user = Tree::Null;
        let now = Time::parse("2026-01-01T00:00:00Z").unwrap();
        let asked = Asked { now, user: &user };
        for (more, detail) in [
            ("", ""),
            (
                r#","selector":{"a":"c"}"#,
                "`selector` does not match template `labels`",
            ),
            (r#","minReadySeconds":-1"#, "must be greater than or equal to 0"),
        ] {
            let mut object = controller(more);
            assert!(told(REPLICATION_CONTROLLER.create(&asked, &mut object)).ends_with(detail));
        }
        assert_eq!(controller("").at("metadata").at("labels"), &json(r#"{"a":"b"}"#));
    }

    #[test]
    fn no_more_pods_are_ready_than_there_are() {
        let user = Tree::Null;
        let now = Time::parse("2026-01-01T00:00:00Z").unwrap();
        let asked = Asked { now, user: &user };
        for (status, detail) in [
            (r#"{"replicas":1,"readyReplicas":1}"#, ""),
            (
                r#"{"replicas":1,"readyReplicas":2}"#,
                "cannot be greater than status.replicas",
            ),
            (
                r#"{"replicas":1,"availableReplicas":1}"#,
                "cannot be greater than readyReplicas",
            ),
        ] {
            let mut object = controller("");
            let old = object.clone();
            object.set("status", json(status));
            assert!(told(REPLICATION_CONTROLLER.update_status(&asked, &mut object, &old)).ends_with(detail));
        }
    }
}
