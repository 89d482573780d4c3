//! `Job`: pods of a template that run until so many of them succeeded.

mod indexes;
mod policies;
mod selector;
mod spec;
mod status;
mod table;

use apiserver_api::go;
use apiserver_api::labels;
use apiserver_api::meta;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::check::count_generation;
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Dependents, Kind, Rules, StatusRules, Subresource, Version, keep, validate_metadata};
use crate::selection::{Selectable, Selection};
use crate::{pod, workload};

pub(super) use spec::{validate_job, warnings as spec_warnings};

const TYPE: &str = "io.k8s.api.batch.v1.Job";
/// The type of its spec.
pub(super) const SPEC: &str = "io.k8s.api.batch.v1.JobSpec";

/// The entry of the table.
pub(crate) const JOB: Kind = Kind {
    group: GROUP,
    kind: "Job",
    plural: "jobs",
    singular: "job",
    categories: &["all"],
    versions: &[Version::stored("v1", TYPE)],
    subresources: &[Subresource::STATUS],
    folder: "jobs",
    rules: &Job,
    columns: table::COLUMNS,
    selection: Selection {
        labels: &["metadata.name", "metadata.namespace", "status.successful"],
        fields: &[Selectable::made("status.successful", |object| {
            object.at("status").int("succeeded").to_string()
        })],
        unknown: |_, name| format!("field label {} not supported for batchv1.Job", go::quote(name)),
        ..Selection::OWN
    },
    ..Kind::PLAIN
};

struct Job;

impl Rules for Job {
    fn default(&self, object: &mut Tree) {
        default_labels(object);
        let spec = object.child("spec");
        if !spec.has("completions") && !spec.has("parallelism") {
            spec.set("completions", 1_i64);
        }
        spec.set_default("parallelism", 1_i64);
        // Where every index has a limit of its own, there is none for all together.
        let limit = if spec.has("backoffLimitPerIndex") {
            i64::from(i32::MAX)
        } else {
            6
        };
        spec.set_default("backoffLimit", limit);
        spec.set_default("completionMode", "NonIndexed");
        spec.set_default("suspend", false);
        let replacement = if spec.has("podFailurePolicy") {
            "Failed"
        } else {
            "TerminatingOrFailed"
        };
        spec.set_default("podReplacementPolicy", replacement);
        spec.set_default("manualSelector", false);
        default_pod_conditions(spec);
        pod::default_template(spec.child("template"));
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        selector::generate(object);
        workload::clear_status(object, &[]);
        meta::set_generation(object, 1);
        pod::drop_disabled(object.child("spec").child("template"), None);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        let template = object.child("spec").child("template");
        pod::drop_disabled(template, Some(old.below(&["spec", "template"])));
        count_generation(&JOB, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_whole(object, None, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        // Upstream checks the whole object and then the update, which checks the spec once more.
        validate_whole(object, Some(old), refusals);
        validate_metadata_update(object, old, refusals);
        validate_spec(object, Some(old), refusals);
        spec::validate_kept(object.at("spec"), old, refusals);
    }

    fn warnings(&self, object: &Tree, old: Option<&Tree>) -> Vec<String> {
        if old.is_some_and(|old| meta::generation(old) == meta::generation(object)) {
            return Vec::new();
        }
        let name = if old.is_none() {
            workload::name_warning(object)
        } else {
            None
        };
        let old = old.map(|old| old.at("spec"));
        let spec = spec_warnings(&Path::of("spec"), object.at("spec"), old);
        name.into_iter().chain(spec).collect()
    }

    fn canonicalize(&self, object: &mut Tree) {
        // The labels that were generated for the template.
        default_labels(object);
        canonicalize_rules(object.child("spec"));
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(&status::JobStatus)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn dependents(&self) -> Dependents {
        Dependents::Orphaned
    }

    fn orphaning(&self) -> Option<&'static str> {
        Some(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set \
             propagationPolicy=Orphan to suppress this warning",
        )
    }
}

/// A job without labels has those of its pods.
fn default_labels(object: &mut Tree) {
    let labels = object.below(&["spec", "template", "metadata", "labels"]).clone();
    if labels.as_map().is_some_and(|labels| !labels.is_empty()) && meta::labels(object).is_empty() {
        object.child("metadata").set("labels", labels);
    }
}

/// A condition that a failure policy names is meant to be true.
pub(super) fn default_pod_conditions(spec: &mut Tree) {
    let rules = spec
        .get_mut("podFailurePolicy")
        .and_then(|policy| policy.get_mut("rules"));
    for rule in rules.and_then(Tree::as_list_mut).into_iter().flatten() {
        let patterns = rule.get_mut("onPodConditions").and_then(Tree::as_list_mut);
        for pattern in patterns.into_iter().flatten() {
            if pattern.text("status").is_empty() {
                pattern.set("status", "True");
            }
        }
    }
}

/// Failure rules of which there are none are stored as `null`.
pub(super) fn canonicalize_rules(spec: &mut Tree) {
    if let Some(policy) = spec
        .get_mut("podFailurePolicy")
        .filter(|policy| policy.items("rules").is_empty())
    {
        policy.set("rules", Tree::Null);
    }
}

fn validate_whole(object: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    validate_metadata(names::name_is_dns_subdomain, true, object, refusals);
    let labelled = |old: &Tree| {
        let labels = workload::template_labels(old.below(&["spec", "template"]));
        selector::LABELS.iter().all(|label| labels.contains(label))
    };
    selector::validate(object, old.is_none_or(labelled), refusals);
    validate_spec(object, old, refusals);
    let (spec, name) = (object.at("spec"), meta::name(object));
    if spec.text("completionMode") == "Indexed" && spec.int("completions") > 0 {
        // The pods have their index at the end of their hostname.
        let longest = format!("{name}-{}", spec.int("completions") - 1);
        if !names::dns_label(&longest).is_empty() {
            let path = Path::of("metadata");
            let detail = format!("will not able to create pod with invalid DNS label: {longest}");
            refusals.invalid(&path.field("name"), name, &detail);
        }
    }
}

fn validate_spec(object: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let (path, spec) = (Path::of("spec"), object.at("spec"));
    validate_job(&path, spec, old.map(|old| old.at("spec")), refusals);
    let (selector_path, selector) = (path.field("selector"), spec.at("selector"));
    if selector.is_null() {
        refusals.required(&selector_path, "");
    } else {
        let leniency = workload::leniency_of(old.map(|old| old.below(&["spec", "selector"])));
        labels::validate(&selector_path, selector, leniency, refusals);
    }
    if let Ok(read) = labels::Selector::from_object(selector) {
        workload::validate_fit(&path.field("template"), &read, spec.at("template"), refusals);
    }
}
