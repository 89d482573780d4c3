//! `ReplicaSet`: so many pods of a template.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::deployment::validate_replicated;
use super::{GROUP, drop_disabled};
use crate::check::count_generation;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep};
use crate::{pod, template_columns, workload};

const TYPE: &str = "io.k8s.api.apps.v1.ReplicaSet";
const SPEC: &str = "io.k8s.api.apps.v1.ReplicaSetSpec";
const STATUS: &str = "io.k8s.api.apps.v1.ReplicaSetStatus";

/// The entry of the table.
pub(crate) const REPLICA_SET: Kind = Kind {
    group: GROUP,
    kind: "ReplicaSet",
    plural: "replicasets",
    singular: "replicaset",
    short_names: &["rs"],
    categories: &["all"],
    versions: &[Version::stored("v1", TYPE)],
    subresources: &[Subresource::SCALE, Subresource::STATUS],
    folder: "replicasets",
    rules: &ReplicaSet,
    columns: &[
        NAME,
        Column {
            name: "Desired",
            kind: "integer",
            words: Words::Of(SPEC, "replicas"),
            cell: Cell::Is(|object| object.at("spec").int("replicas").into()),
            ..AGE
        },
        Column {
            name: "Current",
            kind: "integer",
            words: Words::Of(STATUS, "replicas"),
            cell: Cell::Is(|object| object.at("status").int("replicas").into()),
            ..AGE
        },
        Column {
            name: "Ready",
            kind: "integer",
            words: Words::Of(STATUS, "readyReplicas"),
            cell: Cell::Is(|object| object.at("status").int("readyReplicas").into()),
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

struct ReplicaSet;

impl Rules for ReplicaSet {
    fn default(&self, object: &mut Tree) {
        let spec = object.child("spec");
        spec.set_default("replicas", 1_i64);
        pod::default_template(spec.child("template"));
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        workload::clear_status(object, &["replicas"]);
        meta::set_generation(object, 1);
        drop_disabled(object, None);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        drop_disabled(object, Some(old));
        count_generation(&REPLICA_SET, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        super::validate(self.name(), validate_spec, object, None, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        // Upstream checks the whole object and then the update, which checks the spec once more.
        super::validate(self.name(), validate_spec, object, Some(old), refusals);
        super::validate_change(validate_spec, object, old, refusals);
    }

    fn warnings(&self, object: &Tree, old: Option<&Tree>) -> Vec<String> {
        super::warnings(object, old)
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

fn validate_spec(object: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let (path, spec) = (Path::of("spec"), object.at("spec"));
    workload::validate_counts(&path, spec, &["replicas", "minReadySeconds"], refusals);
    validate_replicated(&path, spec, old, refusals);
}

impl StatusRules for ReplicaSet {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let (path, status) = (Path::of("status"), object.at("status"));
        let counts = [
            "replicas",
            "fullyLabeledReplicas",
            "readyReplicas",
            "availableReplicas",
            "terminatingReplicas",
            "observedGeneration",
        ];
        workload::validate_counts(&path, status, &counts, refusals);
        let parts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
        workload::validate_parts(&path, status, &parts, "readyReplicas", refusals);
    }
}
