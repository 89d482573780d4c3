//! Version 1 and back: what it has no fields for it keeps in annotations.

use apiserver_api::meta;
use apiserver_api::tree::{self, Tree};
use apiserver_schema::built_in;

use super::behavior::BEHAVIOR;
use super::{metrics, old_metrics};
use crate::internal;

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR_RULES: &str = "autoscaling.alpha.kubernetes.io/behavior";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const ALL: [&str; 4] = [METRICS, BEHAVIOR_RULES, CURRENT_METRICS, CONDITIONS];

/// Makes version 2 of version 1. An annotation that does not fit is dropped.
pub(super) fn store(object: &mut Tree) {
    let annotation = |key: &str| {
        let text = meta::annotation(object, key)?;
        Some(tree::parse(text.as_bytes()).ok()?.tree)
    };
    let [others, rules, current, conditions] = ALL.map(annotation);
    drop_annotations(object);
    let spec = object.child("spec");
    let cpu = spec
        .remove("targetCPUUtilizationPercentage")
        .and_then(|share| share.as_int());
    let others = others.and_then(|others| read_metrics(&others, "target", "MetricSpec"));
    let mut all = others.unwrap_or_default();
    all.extend(cpu.map(metrics::cpu));
    if all.is_empty() {
        all.push(metrics::cpu(80));
    }
    spec.set("metrics", all);
    let rules = rules.and_then(|rules| fitting(read_behavior(&rules), "HorizontalPodAutoscalerBehavior"));
    if let Some(mut rules) = rules.filter(|rules| rules.has("scaleUp") || rules.has("scaleDown")) {
        for direction in ["scaleUp", "scaleDown"] {
            if rules.has(direction) {
                // Who says it in version 1 says its policies, too: they have a default in version 2 only.
                rules.child(direction).set_default("policies", Vec::<Tree>::new());
            }
        }
        spec.set("behavior", rules);
    }
    store_status(object.child("status"), current.as_ref(), conditions);
}

fn store_status(status: &mut Tree, current: Option<&Tree>, conditions: Option<Tree>) {
    if status.int("currentReplicas") == 0 {
        status.remove("currentReplicas");
    }
    let cpu = status
        .remove("currentCPUUtilizationPercentage")
        .filter(|share| !share.is_null());
    let cpu = cpu.map(|share| {
        let mut metric = Tree::map();
        metric.set("type", "Resource");
        let resource = metric.child("resource");
        resource.set("name", "cpu");
        resource.child("current").set("averageUtilization", share);
        vec![metric]
    });
    let current = current.and_then(|current| read_metrics(current, "current", "MetricStatus"));
    match current.or(cpu) {
        Some(metrics) => status.set("currentMetrics", metrics),
        None => status.set("currentMetrics", Tree::Null),
    }
    let conditions = conditions.as_ref().and_then(Tree::as_list).and_then(|conditions| {
        let read = conditions.iter().cloned();
        let read: Option<Vec<Tree>> = read
            .map(|one| fitting(one, "HorizontalPodAutoscalerCondition"))
            .collect();
        read.filter(|read| !read.is_empty())
    });
    if let Some(conditions) = conditions {
        status.set("conditions", conditions);
    }
}

/// Makes version 1 of version 2.
pub(super) fn serve(object: &mut Tree) {
    drop_annotations(object);
    let spec = object.at("spec");
    let (rules, metrics) = (spec.at("behavior"), spec.items("metrics"));
    let others: Vec<&Tree> = metrics
        .iter()
        .filter(|metric| share(metric, "target").is_none())
        .collect();
    let status = object.at("status");
    let (current, conditions) = (status.items("currentMetrics"), status.items("conditions"));
    let mut kept = Vec::new();
    if !others.is_empty() {
        kept.push((METRICS, old_metrics::write(&others, "target")));
    }
    if !current.is_empty() {
        let current: Vec<&Tree> = current.iter().collect();
        kept.push((CURRENT_METRICS, old_metrics::write(&current, "current")));
    }
    if !rules.is_null() {
        kept.push((BEHAVIOR_RULES, internal::line(BEHAVIOR, rules)));
    }
    if !conditions.is_empty() {
        kept.push((CONDITIONS, write_conditions(conditions)));
    }
    let cpu = metrics
        .iter()
        .find(|metric| is_cpu(metric))
        .and_then(|metric| share(metric, "target"));
    let current_cpu = current.iter().rev().find_map(|metric| share(metric, "current"));
    for (key, text) in kept {
        meta::set_annotation(object, key, &text);
    }
    let spec = object.child("spec");
    spec.remove("metrics");
    spec.remove("behavior");
    if let Some(share) = cpu {
        spec.set("targetCPUUtilizationPercentage", share);
    }
    let status = object.child("status");
    status.remove("currentMetrics");
    status.remove("conditions");
    status.set_default("currentReplicas", 0_i64);
    if let Some(share) = current_cpu {
        status.set("currentCPUUtilizationPercentage", share);
    }
}

fn drop_annotations(object: &mut Tree) {
    let Some(metadata) = object.get_mut("metadata") else {
        return;
    };
    if metadata.has("annotations") {
        let annotations = metadata.child("annotations");
        for key in ALL {
            annotations.remove(key);
        }
        if metadata.entries("annotations").is_empty() {
            metadata.remove("annotations");
        }
    }
}

fn is_cpu(metric: &Tree) -> bool {
    metric.text("type") == "Resource" && metric.at("resource").text("name") == "cpu"
}

/// The share of a metric that version 1 has a field for.
fn share(metric: &Tree, part: &str) -> Option<i64> {
    let values = metric.at("resource").at(part);
    values.at("averageUtilization").as_int().filter(|_| is_cpu(metric))
}

/// A value as its type has it, if it fits.
fn fitting(mut value: Tree, name: &str) -> Option<Tree> {
    let schema = built_in();
    let id = schema.named(&format!("io.k8s.api.autoscaling.v2.{name}"))?;
    let document = value.to_json();
    let findings = schema.read(id, &mut value);
    findings.mistake(&document).is_none().then_some(value)
}

fn read_metrics(old: &Tree, part: &str, name: &str) -> Option<Vec<Tree>> {
    let old = old.as_list()?;
    old.iter()
        .map(|metric| fitting(old_metrics::read(metric, part), name))
        .collect()
}

/// A behavior by the names of this version; Go finds fields whatever the case of their names.
fn read_behavior(of: &Tree) -> Tree {
    match of {
        Tree::Map(fields) => {
            let lower = |key: &str| {
                let mut letters = key.chars();
                let first = letters.next().map(|letter| letter.to_ascii_lowercase());
                first.into_iter().chain(letters).collect::<String>()
            };
            let read = fields.iter().filter(|(_, value)| !value.is_null());
            Tree::Map(read.map(|(key, value)| (lower(key), read_behavior(value))).collect())
        }
        Tree::List(items) => items.iter().map(read_behavior).collect(),
        other => other.clone(),
    }
}

fn write_conditions(conditions: &[Tree]) -> String {
    let json = |value: &Tree| String::from_utf8_lossy(&value.to_json()).into_owned();
    let one = |condition: &Tree| {
        let fields = ["type", "status", "lastTransitionTime", "reason", "message"].iter();
        let fields = fields.filter(|field| **field == "lastTransitionTime" || condition.has(field));
        let fields: Vec<String> = fields
            .map(|field| format!("\"{field}\":{}", json(condition.at(field))))
            .collect();
        format!("{{{}}}", fields.join(","))
    };
    let shown: Vec<String> = conditions.iter().map(one).collect();
    format!("[{}]", shown.join(","))
}

#[cfg(test)]
mod tests {
    use apiserver_api::meta;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{Tree, parse};

    use super::super::{HORIZONTAL_POD_AUTOSCALER, validate_spec};

    fn tree(json: &str) -> Tree {
        parse(json.as_bytes()).unwrap().tree
    }

    #[test]
    fn version_1_becomes_version_2_and_comes_back() {
        for (spec, metrics) in [
            (r#"{"maxReplicas":3,"targetCPUUtilizationPercentage":50}"#, 1),
            (r#"{"maxReplicas":3}"#, 1),
        ] {
            let mut object = tree(&format!(r#"{{"metadata":{{"name":"x"}},"spec":{spec}}}"#));
            super::store(&mut object);
            assert_eq!(object.at("spec").items("metrics").len(), metrics);
            super::serve(&mut object);
            let share = object.at("spec").int("targetCPUUtilizationPercentage");
            assert_eq!(share, if spec.contains("50") { 50 } else { 80 });
            assert!(meta::annotations(&object).is_empty());
        }
    }

    #[test]
    fn what_version_1_has_no_fields_for_is_kept() {
        let memory =
            r#"{"type":"Resource","resource":{"name":"memory","target":{"type":"AverageValue","averageValue":"1Gi"}}}"#;
        let policy = r#"{"type":"Pods","value":1,"periodSeconds":1}"#;
        let spec =
            format!(r#"{{"behavior":{{"scaleUp":{{"policies":[{policy}]}}}},"maxReplicas":3,"metrics":[{memory}]}}"#);
        let condition = r#"{"lastTransitionTime":null,"status":"True","type":"AbleToScale"}"#;
        let status = format!(r#"{{"conditions":[{condition}],"currentMetrics":null,"desiredReplicas":0}}"#);
        let stored = tree(&format!(
            r#"{{"metadata":{{"name":"x"}},"spec":{spec},"status":{status}}}"#
        ));
        let mut object = stored.clone();
        super::serve(&mut object);
        assert_eq!(meta::annotations(&object).len(), 3);
        super::store(&mut object);
        assert_eq!(object, stored);
    }

    #[test]
    fn a_behavior_in_an_annotation_says_its_policies() {
        let hpa = |behavior: &str| {
            let spec = r#"{"maxReplicas":3,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"K","name":"x"}}"#;
            let mut object = tree(&format!(r#"{{"spec":{spec}}}"#));
            meta::set_annotation(&mut object, super::BEHAVIOR_RULES, behavior);
            super::store(&mut object);
            HORIZONTAL_POD_AUTOSCALER.rules.default(&mut object);
            let mut refusals = Refusals::new();
            validate_spec(object.at("spec"), None, &mut refusals);
            refusals.iter().map(ToString::to_string).collect::<Vec<String>>()
        };
        let required = "spec.behavior.scaleUp.policies: Required value: must specify at least one Policy";
        assert_eq!(hpa(r#"{"ScaleUp":{"StabilizationWindowSeconds":3}}"#), [required]);
        let policies = r#"[{"Type":"Pods","Value":1,"PeriodSeconds":1}]"#;
        // The other direction has its default.
        assert!(hpa(&format!(r#"{{"ScaleUp":{{"Policies":{policies}}}}}"#)).is_empty());
    }

    #[test]
    fn annotations_that_do_not_fit_are_dropped() {
        let annotations = r#"{"autoscaling.alpha.kubernetes.io/metrics":"[{\"type\":1}","autoscaling.alpha.kubernetes.io/behavior":"7"}"#;
        let mut object = tree(&format!(
            r#"{{"metadata":{{"annotations":{annotations}}},"spec":{{}}}}"#
        ));
        super::store(&mut object);
        assert!(meta::annotations(&object).is_empty());
        assert_eq!(object.at("spec").items("metrics").len(), 1);
    }
}
