//! The group `apps`.

mod controller_revision;
mod daemon_set;
mod deployment;
mod replica_set;
mod stateful_set;

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::{Refusals, Shown};
use apiserver_api::tree::Tree;

use crate::check::non_negative;
use crate::kind::Kind;
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

/// A strategy as refusals show it, which is upstream's internal type.
fn shown_strategy(strategy: &Tree, of_update: &[&str]) -> Shown {
    let json = |value: &Tree| String::from_utf8_lossy(&value.to_json()).into_owned();
    let update = match strategy.at("rollingUpdate") {
        Tree::Map(update) => {
            let part = |name: &&str| {
                let value = update.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                format!(
                    "\"{name}\":{}",
                    value.map_or_else(|| "0".to_owned(), |(_, value)| json(value))
                )
            };
            format!("{{{}}}", of_update.iter().map(part).collect::<Vec<_>>().join(","))
        }
        _ => "null".to_owned(),
    };
    let kind = json(&strategy.text("type").into());
    Shown::raw(format!("{{\"Type\":{kind},\"RollingUpdate\":{update}}}"))
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

/// Checks an annotation that stands for a number.
fn validate_number(path: &Path<'_>, text: &str, refusals: &mut Refusals) {
    match text.parse::<i64>() {
        Ok(number) => non_negative(path, number, refusals),
        Err(_) => refusals.invalid(path, text, "must be a number"),
    }
}
