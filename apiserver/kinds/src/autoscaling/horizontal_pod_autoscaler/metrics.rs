//! What is measured, and what it should be.

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::quantity::Quantity;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::reference::{self, Allowed, check_version};
use crate::pod::resources;

/// The types of metrics and the fields that describe them, in the order in which they are looked at.
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];
const TYPES: &[&str] = &["ContainerResource", "External", "Object", "Pods", "Resource"];

/// The share of the processor time that pods ask for.
pub(super) fn cpu(utilization: i64) -> Tree {
    let mut metric = Tree::map();
    metric.set("type", "Resource");
    let resource = metric.child("resource");
    resource.set("name", "cpu");
    let target = resource.child("target");
    target.set("type", "Utilization");
    target.set("averageUtilization", utilization);
    metric
}

/// Checks the metrics of a spec.
pub(super) fn validate(path: &Path<'_>, spec: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let metrics = spec.items("metrics");
    let is_wrong = |metric: &Tree| {
        let version = metric.at("object").at("describedObject").text("apiVersion");
        metric.text("type") == "Object" && metric.has("object") && check_version(version, true).is_err()
    };
    let allowed = Allowed {
        any_version: old.is_some_and(|old| old.items("metrics").iter().any(is_wrong)),
        core: true,
    };
    for (at, metric) in metrics.iter().enumerate() {
        validate_metric(&path.index(at), metric, allowed, refusals);
    }
    let wakes = metrics
        .iter()
        .any(|metric| matches!(metric.text("type"), "Object" | "External"));
    if spec.at("minReplicas").as_int() == Some(0) && !wakes {
        let detail = "must specify at least one Object or External metric to support scaling to zero replicas";
        refusals.forbidden(path, detail);
    }
}

fn validate_metric(path: &Path<'_>, metric: &Tree, allowed: Allowed, refusals: &mut Refusals) {
    let kind = metric.text("type");
    let kind_path = path.field("type");
    if kind.is_empty() {
        refusals.required(&kind_path, "must specify a metric source type");
    }
    if !TYPES.contains(&kind) {
        refusals.not_supported(&kind_path, kind, TYPES);
    }
    let mut present: Vec<&str> = SOURCES
        .iter()
        .map(|(_, field)| *field)
        .filter(|field| metric.has(field))
        .collect();
    if let Some(first) = present.first() {
        validate_source(&path.field(first), first, metric.at(first), allowed, refusals);
    }
    let expected = SOURCES.iter().find(|(name, _)| *name == kind).map(|(_, field)| *field);
    match expected {
        Some(field) if !metric.has(field) => {
            let detail = "must populate information for the given metric source";
            refusals.required(&path.field(field), detail);
        }
        Some(_) => {}
        None => refusals.not_supported(&kind_path, kind, TYPES),
    }
    if present.len() != 1 {
        present.sort_unstable();
        for field in present.into_iter().filter(|field| Some(*field) != expected) {
            refusals.forbidden(&path.field(field), "must populate the given metric source only");
        }
    }
}

fn validate_source(path: &Path<'_>, field: &str, source: &Tree, allowed: Allowed, refusals: &mut Refusals) {
    let name = source.text("name");
    match field {
        "object" => {
            let described = path.field("describedObject");
            reference::validate(&described, source.at("describedObject"), allowed, refusals);
        }
        "resource" | "containerResource" if name.is_empty() => {
            refusals.required(&path.field("name"), "must specify a resource name");
        }
        "containerResource" => resources::validate_container_name(&path.field("name"), name, refusals),
        _ => {}
    }
    if field == "containerResource" {
        let (path, container) = (path.field("container"), source.text("container"));
        if container.is_empty() {
            refusals.required(&path, "must specify a container");
        } else {
            for message in names::dns_label(container) {
                refusals.invalid(&path, container, &message);
            }
        }
    }
    if matches!(field, "object" | "external" | "pods") {
        validate_name(path, source.at("metric").text("name"), refusals);
    }
    validate_target(path, field, source.at("target"), refusals);
}

fn validate_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    let path = path.field("metric");
    let path = path.field("name");
    if name.is_empty() {
        refusals.required(&path, "must specify a metric name");
    }
    for message in names::path_segment(name) {
        refusals.invalid(&path, name, &message);
    }
}

fn validate_target(path: &Path<'_>, field: &str, target: &Tree, refusals: &mut Refusals) {
    let path = path.field("target");
    let kind = target.text("type");
    if kind.is_empty() {
        refusals.required(&path.field("type"), "must specify a metric target type");
    }
    if !matches!(kind, "Utilization" | "Value" | "AverageValue") {
        let detail = "must be either Utilization, Value, or AverageValue";
        refusals.invalid(&path.field("type"), kind, detail);
    }
    for field in ["value", "averageValue"] {
        let value = target.at(field);
        if !value.is_null() && Quantity::read(value).is_ok_and(|amount| amount.sign().is_le()) {
            refusals.invalid(&path.field(field), value, "must be positive");
        }
    }
    if let Some(share) = target.at("averageUtilization").as_int().filter(|share| *share < 1) {
        refusals.invalid(&path.field("averageUtilization"), share, "must be greater than 0");
    }
    let (value, average) = (target.has("value"), target.has("averageValue"));
    let utilization = target.has("averageUtilization");
    let (average_path, utilization_path) = (path.field("averageValue"), path.field("averageUtilization"));
    match field {
        "object" if !value && !average => {
            refusals.required(&average_path, "must set either a target value or averageValue");
        }
        "external" if !value && !average => {
            let detail = "must set either a target value for metric or a per-pod target";
            refusals.required(&average_path, detail);
        }
        "external" if value && average => {
            let detail = "may not set both a target value for metric and a per-pod target";
            refusals.forbidden(&path.field("value"), detail);
        }
        "pods" if !average => refusals.required(&average_path, "must specify a positive target averageValue"),
        "resource" | "containerResource" if !utilization && !average => {
            let detail = "must set either a target raw value or a target utilization";
            refusals.required(&utilization_path, detail);
        }
        "resource" | "containerResource" if utilization && average => {
            let detail = "may not set both a target raw value and a target utilization";
            refusals.forbidden(&average_path, detail);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    #[test]
    fn a_metric_has_the_one_source_of_its_type() {
        let resource = r#""resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}"#;
        let pods = r#""pods":{"metric":{"name":"m"},"target":{"type":"AverageValue","averageValue":"1"}}"#;
        for (metric, refused) in [
            (format!(r#"{{"type":"Resource",{resource}}}"#), 0),
            (format!(r#"{{"type":"Pods",{pods}}}"#), 0),
            ("{}".to_owned(), 3),
            (format!(r#"{{"type":"Resource",{resource},{pods}}}"#), 1),
            (format!(r#"{{"type":"Pods",{resource}}}"#), 1),
            (r#"{"type":"Pods","pods":{}}"#.to_owned(), 4),
            (r#"{"type":"External","external":{}}"#.to_owned(), 4),
            (r#"{"type":"Object","object":{}}"#.to_owned(), 6),
            (r#"{"type":"Resource","resource":{}}"#.to_owned(), 4),
        ] {
            let spec = parse(format!(r#"{{"metrics":[{metric}]}}"#).as_bytes()).unwrap().tree;
            let mut refusals = Refusals::new();
            super::validate(&Path::of("metrics"), &spec, None, &mut refusals);
            assert_eq!(refusals.len(), refused, "{metric}: {refusals}");
        }
    }
}
