//! `PodDisruptionBudget`: how many of some pods may be away at once because somebody wants so.

use apiserver_api::labels::{self, Leniency};
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::conditions;
use crate::check::count_generation;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::internal;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep};
use crate::{int_or_percent, workload};

const TYPE: &str = "io.k8s.api.policy.v1.PodDisruptionBudget";
/// What the status always tells.
const COUNTS: &[&str] = &["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];

/// The entry of the table.
pub(crate) const POD_DISRUPTION_BUDGET: Kind = Kind {
    group: "policy",
    kind: "PodDisruptionBudget",
    plural: "poddisruptionbudgets",
    singular: "poddisruptionbudget",
    short_names: &["pdb"],
    versions: &[Version::stored("v1", TYPE)],
    subresources: &[Subresource::STATUS],
    folder: "poddisruptionbudgets",
    rules: &PodDisruptionBudget,
    columns: &[
        NAME,
        Column {
            name: "Min Available",
            words: Words::Text("The minimum number of pods that must be available."),
            cell: Cell::Is(|object| shown(object.at("spec").at("minAvailable")).into()),
            ..AGE
        },
        Column {
            name: "Max Unavailable",
            words: Words::Text("The maximum number of pods that may be unavailable."),
            cell: Cell::Is(|object| shown(object.at("spec").at("maxUnavailable")).into()),
            ..AGE
        },
        Column {
            name: "Allowed Disruptions",
            kind: "integer",
            words: Words::Text("Calculated number of pods that may be disrupted at this time."),
            cell: Cell::Is(|object| object.at("status").int("disruptionsAllowed").into()),
            ..AGE
        },
        AGE,
    ],
    ..Kind::PLAIN
};

fn shown(count: &Tree) -> String {
    match count {
        Tree::Int(count) => count.to_string(),
        Tree::Text(share) => share.to_string(),
        _ => "N/A".to_owned(),
    }
}

/// The spec as refusals show it.
const SPEC: &str = "io.k8s.api.policy.v1.PodDisruptionBudgetSpec";

struct PodDisruptionBudget;

impl Rules for PodDisruptionBudget {
    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        workload::clear_status(object, COUNTS);
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        count_generation(&POD_DISRUPTION_BUDGET, object, old, "spec");
    }

    // The metadata is checked only as that of every object is.
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_spec(object.at("spec"), Leniency::default(), refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let mut of_old = Refusals::new();
        let selector = old.below(&["spec", "selector"]);
        labels::validate(&Path::root(), selector, Leniency::default(), &mut of_old);
        let leniency = Leniency {
            values: !of_old.is_empty(),
            operators: false,
        };
        validate_spec(object.at("spec"), leniency, refusals);
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

fn validate_spec(spec: &Tree, leniency: Leniency, refusals: &mut Refusals) {
    let path = Path::of("spec");
    if spec.has("minAvailable") && spec.has("maxUnavailable") {
        let detail = "minAvailable and maxUnavailable cannot be both set";
        refusals.invalid(&path, internal::shown(SPEC, spec), detail);
    }
    for field in ["minAvailable", "maxUnavailable"] {
        let (path, count) = (path.field(field), spec.at(field));
        if !count.is_null() {
            int_or_percent::validate(&path, count, refusals);
            int_or_percent::at_most_all(&path, count, refusals);
        }
    }
    labels::validate(&path.field("selector"), spec.at("selector"), leniency, refusals);
    let (field, known) = ("unhealthyPodEvictionPolicy", ["AlwaysAllow", "IfHealthyBudget"]);
    if let Some(policy) = spec.at(field).as_str().filter(|policy| !known.contains(policy)) {
        refusals.not_supported(&path.field(field), policy, &known);
    }
}

impl StatusRules for PodDisruptionBudget {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, _old: &Tree, refusals: &mut Refusals) {
        let (path, status) = (Path::of("status"), object.at("status"));
        conditions::validate(&path.field("conditions"), status.items("conditions"), refusals);
        workload::validate_counts(&path, status, COUNTS, refusals);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::labels::Leniency;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    #[test]
    fn a_budget_limits_one_side() {
        for (spec, refused) in [
            (r#"{"minAvailable":1}"#, 0),
            (r#"{"maxUnavailable":"50%"}"#, 0),
            (r#"{"minAvailable":1,"maxUnavailable":1}"#, 1),
            (r#"{"minAvailable":"150%"}"#, 1),
            (r#"{"unhealthyPodEvictionPolicy":"x"}"#, 1),
            (r#"{"selector":{"matchLabels":{"a b":""}}}"#, 1),
        ] {
            let mut refusals = Refusals::new();
            super::validate_spec(
                &parse(spec.as_bytes()).unwrap().tree,
                Leniency::default(),
                &mut refusals,
            );
            assert_eq!(refusals.len(), refused, "{spec}: {refusals}");
        }
    }
}
