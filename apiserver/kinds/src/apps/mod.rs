//! The group `apps`.

mod controller_revision;
mod daemon_set;
mod deployment;
mod replica_set;
mod stateful_set;

use apiserver_api::meta;
use apiserver_api::names::NameRule;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::check::immutable_struct;
use crate::core::metadata::validate_metadata_update;
use crate::internal::LABEL_SELECTOR;
use crate::kind::{Kind, validate_metadata};
use crate::{pod, workload};

/// Its name.
const GROUP: &str = "apps";

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[
    controller_revision::CONTROLLER_REVISION,
    daemon_set::DAEMON_SET,
    deployment::DEPLOYMENT,
    replica_set::REPLICA_SET,
    stateful_set::STATEFUL_SET,
];

/// Warns of a name that pods could not have and of a template.
fn warnings(object: &Tree, old: Option<&Tree>) -> Vec<String> {
    let name = if old.is_none() {
        workload::name_warning(object)
    } else {
        None
    };
    name.into_iter().chain(template_warnings(object, old)).collect()
}

/// Warns of a template, when what is wanted has changed.
fn template_warnings(object: &Tree, old: Option<&Tree>) -> Vec<String> {
    if old.is_some_and(|old| meta::generation(old) == meta::generation(object)) {
        return Vec::new();
    }
    let path = Path::of("spec");
    let old = old.map(|old| old.below(&["spec", "template"]));
    pod::template_warnings(&path.field("template"), object.below(&["spec", "template"]), old)
}

/// Fills in how pods are replaced by others: one after another where nothing else was said.
fn default_strategy(strategy: &mut Tree, unavailable: impl Into<Tree>, surge: impl Into<Tree>) {
    strategy.set_default("type", "RollingUpdate");
    if strategy.text("type") == "RollingUpdate" {
        let update = strategy.child("rollingUpdate");
        update.set_default("maxUnavailable", unavailable);
        update.set_default("maxSurge", surge);
    }
}

/// Clears what this version does not do yet of the template, unless the old object has it.
fn drop_disabled(object: &mut Tree, old: Option<&Tree>) {
    let old = old.map(|old| old.below(&["spec", "template"]));
    pod::drop_disabled(object.child("spec").child("template"), old);
}

/// Checks an object by itself; `spec` checks its spec.
fn validate(name: NameRule, spec: SpecRule, object: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    validate_metadata(name, true, object, refusals);
    spec(object, old, refusals);
}

/// Checks a spec; that of an object that replaces another may keep some of its mistakes.
type SpecRule = fn(&Tree, Option<&Tree>, &mut Refusals);

/// Checks what an object changes of another: the selector stays.
fn validate_change(spec: SpecRule, object: &Tree, old: &Tree, refusals: &mut Refusals) {
    validate_metadata_update(object, old, refusals);
    spec(object, Some(old), refusals);
    let path = Path::of("spec");
    let (new, kept) = (object.at("spec").at("selector"), old.at("spec").at("selector"));
    immutable_struct(&path.field("selector"), LABEL_SELECTOR, new, kept, refusals);
}

/// Checks a template, of which that of an object that replaces another may keep some mistakes.
fn validate_template(path: &Path<'_>, template: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    match old {
        Some(old) => pod::validate_template_update(path, template, old.below(&["spec", "template"]), refusals),
        None => pod::validate_template(path, template, refusals),
    }
}

/// Brings an annotation that stands for a number into the form in which upstream writes it; an empty one is gone.
fn normalize_number(object: &mut Tree, key: &str) {
    let Some(text) = meta::annotation(object, key) else {
        return;
    };
    if let Ok(number) = text.parse::<i64>() {
        meta::set_annotation(object, key, &number.to_string());
    } else if text.is_empty() {
        let metadata = object.child("metadata");
        metadata.child("annotations").remove(key);
        if metadata.entries("annotations").is_empty() {
            metadata.remove("annotations");
        }
    }
}
