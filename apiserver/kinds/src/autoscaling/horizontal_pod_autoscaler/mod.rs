//! `HorizontalPodAutoscaler`: how many pods there should be, by what is measured of them.

mod behavior;
mod conversion;
mod metrics;
mod old_metrics;
mod reference;
mod table;

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Conversion, Kind, Rules, StatusRules, Subresource, Version, keep, validate_metadata};
use crate::workload;

use reference::Allowed;

const SPEC: &str = "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec";
const STATUS: &str = "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus";

/// The entry of the table.
pub(crate) const HORIZONTAL_POD_AUTOSCALER: Kind = Kind {
    group: "autoscaling",
    kind: "HorizontalPodAutoscaler",
    plural: "horizontalpodautoscalers",
    singular: "horizontalpodautoscaler",
    short_names: &["hpa"],
    categories: &["all"],
    versions: &[
        Version::stored("v2", "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler"),
        Version {
            name: "v1",
            schema: "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
            conversion: Some(Conversion {
                store: conversion::store,
                serve: conversion::serve,
            }),
        },
    ],
    subresources: &[Subresource::STATUS],
    folder: "horizontalpodautoscalers",
    rules: &HorizontalPodAutoscaler,
    columns: table::COLUMNS,
    ..Kind::PLAIN
};

struct HorizontalPodAutoscaler;

impl Rules for HorizontalPodAutoscaler {
    fn default(&self, object: &mut Tree) {
        let spec = object.child("spec");
        spec.set_default("minReplicas", 1_i64);
        if spec.items("metrics").is_empty() {
            spec.set("metrics", vec![metrics::cpu(80)]);
        }
        if spec.has("behavior") {
            behavior::default(spec.child("behavior"));
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        workload::clear_status(object, &["desiredReplicas"]);
        object.child("status").set("currentMetrics", Tree::Null);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        validate_spec(object.at("spec"), None, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        validate_spec(object.at("spec"), Some(old.at("spec")), refusals);
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

fn validate_spec(spec: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let path = Path::of("spec");
    let (min, max) = (spec.at("minReplicas").as_int(), spec.int("maxReplicas"));
    let max_path = path.field("maxReplicas");
    // None at all is allowed only where it was allowed before.
    let least = i64::from(old.is_none_or(|old| old.at("minReplicas").as_int() != Some(0)));
    if let Some(min) = min.filter(|min| *min < least) {
        let detail = format!("must be greater than or equal to {least}");
        refusals.invalid(&path.field("minReplicas"), min, &detail);
    }
    if max == 0 {
        refusals.required(&max_path, "must be set and greater than 0");
    } else if max < 0 {
        refusals.invalid(&max_path, max, "must be greater than or equal to 1");
    }
    if min.is_some_and(|min| max < min) {
        refusals.invalid(&max_path, max, "must be greater than or equal to `minReplicas`");
    }
    let target = spec.at("scaleTargetRef");
    let same = |old: &Tree| {
        let old = old.at("scaleTargetRef");
        ["apiVersion", "kind"]
            .iter()
            .all(|field| old.text(field) == target.text(field))
    };
    let allowed = Allowed {
        any_version: old.is_some_and(same),
        core: target.text("kind") == "ReplicationController",
    };
    reference::validate(&path.field("scaleTargetRef"), target, allowed, refusals);
    metrics::validate(&path.field("metrics"), spec, old, refusals);
    for direction in ["scaleUp", "scaleDown"] {
        let path = path.field("behavior");
        let rules = spec.at("behavior").at(direction);
        if !rules.is_null() {
            behavior::validate(&path.field(direction), rules, refusals);
        }
    }
}

impl StatusRules for HorizontalPodAutoscaler {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        let status = object.child("status");
        if status.items("currentMetrics").is_empty() {
            status.set("currentMetrics", Tree::Null);
        }
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let counts = ["currentReplicas", "desiredReplicas"];
        workload::validate_counts(&Path::of("status"), object.at("status"), &counts, refusals);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    #[test]
    fn the_bounds_are_in_order_and_the_target_has_a_group() {
        let spec = |min: i64, max: i64, version: &str| {
            let target = format!(r#"{{"apiVersion":"{version}","kind":"K","name":"x"}}"#);
            let json = format!(r#"{{"minReplicas":{min},"maxReplicas":{max},"scaleTargetRef":{target}}}"#);
            parse(json.as_bytes()).unwrap().tree
        };
        for (new, refused) in [
            (spec(1, 3, "apps/v1"), 0),
            (spec(1, 0, "apps/v1"), 2),
            (spec(1, -1, "apps/v1"), 2),
            (spec(4, 3, "apps/v1"), 1),
            (spec(0, 3, "apps/v1"), 2),
            (spec(1, 3, "v1"), 1),
        ] {
            let mut refusals = Refusals::new();
            super::validate_spec(&new, None, &mut refusals);
            assert_eq!(refusals.len(), refused, "{refusals}");
        }
        let mut refusals = Refusals::new();
        super::validate_spec(&spec(1, 3, "v1"), Some(&spec(1, 2, "v1")), &mut refusals);
        assert_eq!(refusals.len(), 0, "{refusals}");
    }
}
