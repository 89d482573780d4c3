//! `Deployment`: pods of a template, replaced step by step when the template changes.

use apiserver_api::go;
use apiserver_api::labels::Selector;
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{GROUP, drop_disabled};
use crate::check::non_negative;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::internal::{LABEL_SELECTOR, shown};
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep};
use crate::{int_or_percent, pod, template_columns, workload};

const TYPE: &str = "io.k8s.api.apps.v1.Deployment";
const SPEC: &str = "io.k8s.api.apps.v1.DeploymentSpec";
const STATUS: &str = "io.k8s.api.apps.v1.DeploymentStatus";
/// A field of a version of old, which the only version that is left keeps as an annotation.
const ROLLBACK: &str = "deprecated.deployment.rollback.to";

/// The entry of the table.
pub(crate) const DEPLOYMENT: Kind = Kind {
    group: GROUP,
    kind: "Deployment",
    plural: "deployments",
    singular: "deployment",
    short_names: &["deploy"],
    categories: &["all"],
    versions: &[Version::stored("v1", TYPE)],
    subresources: &[Subresource::SCALE, Subresource::STATUS],
    folder: "deployments",
    rules: &Deployment,
    columns: &[
        NAME,
        Column {
            name: "Ready",
            words: Words::Text("Number of the pod with ready state"),
            cell: Cell::Is(|object| workload::ready_of(object).into()),
            ..AGE
        },
        Column {
            name: "Up-to-date",
            words: Words::Of(STATUS, "updatedReplicas"),
            cell: Cell::Is(|object| object.at("status").int("updatedReplicas").into()),
            ..AGE
        },
        Column {
            name: "Available",
            words: Words::Of(STATUS, "availableReplicas"),
            cell: Cell::Is(|object| object.at("status").int("availableReplicas").into()),
            ..AGE
        },
        AGE,
        template_columns::CONTAINERS,
        template_columns::IMAGES,
        Column {
            words: Words::Of(SPEC, "selector"),
            ..template_columns::SELECTOR
        },
    ],
    ..Kind::PLAIN
};

struct Deployment;

impl Rules for Deployment {
    fn default(&self, object: &mut Tree) {
        super::normalize_number(object, ROLLBACK);
        let spec = object.child("spec");
        spec.set_default("replicas", 1_i64);
        spec.set_default("revisionHistoryLimit", 10_i64);
        spec.set_default("progressDeadlineSeconds", 600_i64);
        super::default_strategy(spec.child("strategy"), "25%", "25%");
        pod::default_template(spec.child("template"));
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        workload::clear_status(object, &[]);
        meta::set_generation(object, 1);
        drop_disabled(object, None);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        drop_disabled(object, Some(old));
        // Annotations count: they are copied to the replica sets.
        if !DEPLOYMENT.same(&["spec"], object, old) || meta::annotations(object) != meta::annotations(old) {
            meta::set_generation(object, meta::generation(old).wrapping_add(1));
        }
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        super::validate(self.name(), validate_spec, object, None, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        super::validate_change(validate_spec, object, old, refusals);
    }

    fn warnings(&self, object: &Tree, old: Option<&Tree>) -> Vec<String> {
        super::warnings(object, old)
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn field_annotations(&self) -> &'static [&'static str] {
        &[ROLLBACK]
    }

    fn unreadable(&self, object: &Tree) -> Option<String> {
        let revision = meta::annotation(object, ROLLBACK).filter(|revision| !revision.is_empty())?;
        let why = go::parse_int(revision).err()?;
        Some(format!(
            "failed to parse annotation[{ROLLBACK}]={revision} as int64: {why}"
        ))
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

fn validate_spec(object: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let (path, spec) = (Path::of("spec"), object.at("spec"));
    non_negative(&path.field("replicas"), spec.int("replicas"), refusals);
    validate_replicated(&path, spec, old, refusals);
    validate_strategy(&path.field("strategy"), spec.at("strategy"), refusals);
    workload::validate_counts(&path, spec, &["minReadySeconds", "revisionHistoryLimit"], refusals);
    if let Some(Ok(revision)) = meta::annotation(object, ROLLBACK).map(str::parse) {
        let path = path.field("rollback");
        non_negative(&path.field("version"), revision, refusals);
    }
    if let Some(deadline) = spec.at("progressDeadlineSeconds").as_int() {
        let path = path.field("progressDeadlineSeconds");
        non_negative(&path, deadline, refusals);
        if deadline <= spec.int("minReadySeconds") {
            refusals.invalid(&path, deadline, "must be greater than minReadySeconds");
        }
    }
}

/// Checks the selector and the template, as replica sets have them too.
pub(super) fn validate_replicated(path: &Path<'_>, spec: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let (selector_path, selector) = (path.field("selector"), spec.at("selector"));
    let empty = "empty selector is invalid for deployment";
    workload::validate_selector(&selector_path, selector, empty, refusals);
    let Ok(read) = Selector::from_object(selector) else {
        let shown = shown(LABEL_SELECTOR, selector);
        refusals.invalid(&selector_path, shown, "invalid label selector");
        return;
    };
    let (path, template) = (path.field("template"), spec.at("template"));
    workload::validate_fit(&path, &read, template, refusals);
    super::validate_template(&path, template, old, refusals);
    workload::validate_always(&path, template, "ReplicaSet", refusals);
}

fn validate_strategy(path: &Path<'_>, strategy: &Tree, refusals: &mut Refusals) {
    let (update_path, update) = (path.field("rollingUpdate"), strategy.at("rollingUpdate"));
    match strategy.text("type") {
        "Recreate" if update.is_null() => {}
        "Recreate" => {
            refusals.forbidden(&update_path, "may not be specified when strategy `type` is 'Recreate'");
        }
        "RollingUpdate" if update.is_null() => {
            refusals.required(&update_path, "this should be defaulted and never be nil");
        }
        "RollingUpdate" => validate_rolling_update(&update_path, update, refusals),
        _ => {
            let shown = shown("io.k8s.api.apps.v1.DeploymentStrategy", strategy);
            refusals.not_supported(path, shown, &["Recreate", "RollingUpdate"]);
        }
    }
}

fn validate_rolling_update(path: &Path<'_>, update: &Tree, refusals: &mut Refusals) {
    let (unavailable_path, unavailable) = (path.field("maxUnavailable"), update.at("maxUnavailable"));
    let surge = update.at("maxSurge");
    int_or_percent::validate(&unavailable_path, unavailable, refusals);
    int_or_percent::validate(&path.field("maxSurge"), surge, refusals);
    if int_or_percent::number(unavailable) == 0 && int_or_percent::number(surge) == 0 {
        refusals.invalid(&unavailable_path, unavailable, "may not be 0 when `maxSurge` is 0");
    }
    int_or_percent::at_most_all(&unavailable_path, unavailable, refusals);
}

impl StatusRules for Deployment {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        keep(object.child("metadata"), meta::metadata(old), "labels");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let (path, status) = (Path::of("status"), object.at("status"));
        let counts = [
            "observedGeneration",
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
            "terminatingReplicas",
            "collisionCount",
        ];
        workload::validate_counts(&path, status, &counts, refusals);
        let parts = ["updatedReplicas", "readyReplicas", "availableReplicas"];
        workload::validate_parts(&path, status, &parts, "readyReplicas", refusals);
        workload::validate_collisions(object, old, refusals);
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"], &["metadata", "labels"]]
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    use crate::kind::Rules;

    #[test]
    fn a_strategy_lets_something_move() {
        for (strategy, refused) in [
            (r#"{"type":"Recreate"}"#, 0),
            (
                r#"{"type":"RollingUpdate","rollingUpdate":{"maxSurge":"25%","maxUnavailable":0}}"#,
                0,
            ),
            (r#"{"type":"Recreate","rollingUpdate":{}}"#, 1),
            (r#"{"type":"RollingUpdate"}"#, 1),
            (
                r#"{"type":"RollingUpdate","rollingUpdate":{"maxSurge":0,"maxUnavailable":"0%"}}"#,
                1,
            ),
            (
                r#"{"type":"RollingUpdate","rollingUpdate":{"maxSurge":0,"maxUnavailable":"101%"}}"#,
                1,
            ),
            (r#"{"type":"Other"}"#, 1),
        ] {
            let mut refusals = Refusals::new();
            let strategy = parse(strategy.as_bytes()).unwrap().tree;
            super::validate_strategy(&Path::of("strategy"), &strategy, &mut refusals);
            assert_eq!(refusals.len(), refused, "{strategy:?}: {refusals}");
        }
    }

    #[test]
    fn a_revision_to_roll_back_to_is_a_number() {
        let unreadable = |revision: &str| {
            let object = format!(
                r#"{{"metadata":{{"annotations":{{"{}":"{revision}"}}}}}}"#,
                super::ROLLBACK
            );
            super::Deployment.unreadable(&parse(object.as_bytes()).unwrap().tree)
        };
        for fine in ["", "7", "+7", "-7"] {
            assert_eq!(unreadable(fine), None);
        }
        let told = "failed to parse annotation[deprecated.deployment.rollback.to]=zz as int64: strconv.ParseInt: parsing \"zz\": \
                    invalid syntax";
        assert_eq!(unreadable("zz").as_deref(), Some(told));
    }

    #[test]
    fn a_deadline_is_beyond_the_time_to_be_ready_and_an_old_number_is_one() {
        for (metadata, spec, refused) in [
            ("{}", r#"{"progressDeadlineSeconds":600}"#, 0),
            ("{}", r#"{"progressDeadlineSeconds":5,"minReadySeconds":5}"#, 1),
            (r#"{"annotations":{"deprecated.deployment.rollback.to":"-1"}}"#, "{}", 1),
        ] {
            let fine = r#"{"progressDeadlineSeconds":600}"#;
            let count = |metadata: &str, spec: &str| {
                let mut refusals = Refusals::new();
                let object = format!(r#"{{"metadata":{metadata},"spec":{spec}}}"#);
                super::validate_spec(&parse(object.as_bytes()).unwrap().tree, None, &mut refusals);
                refusals.len()
            };
            assert_eq!(count(metadata, spec), count("{}", fine) + refused, "{metadata} {spec}");
        }
    }
}
