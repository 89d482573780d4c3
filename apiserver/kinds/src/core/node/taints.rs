//! What keeps pods off a node.

use std::collections::HashSet;

use apiserver_api::labels::validate_name;
use apiserver_api::meta;
use apiserver_api::names::label_value;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{self, Tree};

use crate::internal::shown;

const EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];
/// Annotations of long ago whose JSON is still read.
const TAINTS: &str = "scheduler.alpha.kubernetes.io/taints";
const AVOID_PODS: &str = "scheduler.alpha.kubernetes.io/preferAvoidPods";

const TAINT: &str = "io.k8s.api.core.v1.Taint";

/// The taints of the spec, of which upstream tells as if they were metadata.
pub(super) fn validate(object: &Tree, refusals: &mut Refusals) {
    let path = Path::of("metadata");
    validate_list(&path.field("taints"), object.at("spec").items("taints"), refusals);
}

fn validate_list(path: &Path<'_>, taints: &[Tree], refusals: &mut Refusals) {
    let mut seen = HashSet::new();
    for (at, taint) in taints.iter().enumerate() {
        let path = path.index(at);
        let (key, value, effect) = (taint.text("key"), taint.text("value"), taint.text("effect"));
        validate_name(&path.field("key"), key, refusals);
        let messages = label_value(value);
        if !messages.is_empty() {
            refusals.invalid(&path.field("value"), value, &messages.join(";"));
        }
        if effect.is_empty() {
            refusals.required(&path.field("effect"), "");
        } else if !EFFECTS.contains(&effect) {
            refusals.not_supported(&path.field("effect"), effect, EFFECTS);
        }
        if !seen.insert((key, effect)) {
            let detail = "taints must be unique by key and effect pair";
            refusals.duplicate_because(&path, shown(TAINT, taint), detail);
        }
    }
}

/// The annotations that once held taints and pods to avoid.
pub(super) fn validate_annotations(object: &Tree, refusals: &mut Refusals) {
    let path = Path::of("metadata");
    let path = path.field("annotations");
    if let Some(text) = meta::annotation(object, TAINTS).filter(|text| !text.is_empty()) {
        match tree::parse(text.as_bytes()) {
            Err(error) => refusals.invalid(&path, TAINTS, &error.to_string()),
            Ok(parsed) => validate_list(&path.field(TAINTS), parsed.tree.as_list().unwrap_or_default(), refusals),
        }
    }
    if let Some(text) = meta::annotation(object, AVOID_PODS).filter(|text| !text.is_empty()) {
        match tree::parse(text.as_bytes()) {
            Err(error) => refusals.invalid(&path.field("AvoidPods"), AVOID_PODS, &error.to_string()),
            Ok(parsed) => {
                let path = path.field(AVOID_PODS);
                for (at, entry) in parsed.tree.items("preferAvoidPods").iter().enumerate() {
                    if !entry.at("podSignature").has("podController") {
                        refusals.required(&path.index(at).field("PodSignature"), "");
                    }
                }
            }
        }
    }
}
