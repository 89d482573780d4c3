//! `DaemonSet`: a pod of a template on every node.

use apiserver_api::go;
use apiserver_api::labels::{self, Selector};
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{GROUP, drop_disabled};
use crate::check::count_generation;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::internal::shown;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep};
use crate::template_columns::pairs;
use crate::{int_or_percent, pod, template_columns, workload};

const TYPE: &str = "io.k8s.api.apps.v1.DaemonSet";
const SPEC: &str = "io.k8s.api.apps.v1.DaemonSetSpec";
const STATUS: &str = "io.k8s.api.apps.v1.DaemonSetStatus";
/// How often the template has changed: a field of versions of old, which the only version that is left keeps as an
/// annotation.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// The entry of the table.
pub(crate) const DAEMON_SET: Kind = Kind {
    group: GROUP,
    kind: "DaemonSet",
    plural: "daemonsets",
    singular: "daemonset",
    short_names: &["ds"],
    categories: &["all"],
    versions: &[Version::stored("v1", TYPE)],
    subresources: &[Subresource::STATUS],
    folder: "daemonsets",
    rules: &DaemonSet,
    columns: &[
        NAME,
        Column {
            name: "Desired",
            words: Words::Of(STATUS, "desiredNumberScheduled"),
            cell: Cell::Is(|object| object.at("status").int("desiredNumberScheduled").into()),
            ..COUNT
        },
        Column {
            name: "Current",
            words: Words::Of(STATUS, "currentNumberScheduled"),
            cell: Cell::Is(|object| object.at("status").int("currentNumberScheduled").into()),
            ..COUNT
        },
        Column {
            name: "Ready",
            words: Words::Of(STATUS, "numberReady"),
            cell: Cell::Is(|object| object.at("status").int("numberReady").into()),
            ..COUNT
        },
        Column {
            name: "Up-to-date",
            words: Words::Of(STATUS, "updatedNumberScheduled"),
            cell: Cell::Is(|object| object.at("status").int("updatedNumberScheduled").into()),
            ..COUNT
        },
        Column {
            name: "Available",
            words: Words::Of(STATUS, "numberAvailable"),
            cell: Cell::Is(|object| object.at("status").int("numberAvailable").into()),
            ..COUNT
        },
        Column {
            name: "Node Selector",
            words: Words::Of("io.k8s.api.core.v1.PodSpec", "nodeSelector"),
            cell: Cell::Is(|object| pairs(object.below(&["spec", "template", "spec"]).entries("nodeSelector"))),
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

const COUNT: Column = Column { kind: "integer", ..AGE };

struct DaemonSet;

impl Rules for DaemonSet {
    fn default(&self, object: &mut Tree) {
        super::normalize_number(object, TEMPLATE_GENERATION);
        if meta::annotation(object, TEMPLATE_GENERATION).is_none() {
            // As a field it is never absent, so whoever writes the object writes it too.
            set_template_generation(object, 0);
        }
        let spec = object.child("spec");
        spec.set_default("revisionHistoryLimit", 10_i64);
        super::default_strategy(spec.child("updateStrategy"), 1_i64, 0_i64);
        pod::default_template(spec.child("template"));
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        let counts = [
            "currentNumberScheduled",
            "desiredNumberScheduled",
            "numberMisscheduled",
            "numberReady",
        ];
        workload::clear_status(object, &counts);
        meta::set_generation(object, 1);
        let generation = template_generation(object).max(1);
        set_template_generation(object, generation);
        drop_disabled(object, None);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        drop_disabled(object, Some(old));
        keep(object, old, "status");
        let changed = !DAEMON_SET.same(&["spec", "template"], object, old);
        set_template_generation(object, template_generation(old) + i64::from(changed));
        count_generation(&DAEMON_SET, object, old, "spec");
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
        super::template_warnings(object, old)
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn field_annotations(&self) -> &'static [&'static str] {
        &[TEMPLATE_GENERATION]
    }

    fn unreadable(&self, object: &Tree) -> Option<String> {
        go::parse_int(meta::annotation(object, TEMPLATE_GENERATION)?).err()
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

fn template_generation(object: &Tree) -> i64 {
    let said = meta::annotation(object, TEMPLATE_GENERATION);
    said.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn set_template_generation(object: &mut Tree, generation: i64) {
    meta::set_annotation(object, TEMPLATE_GENERATION, &generation.to_string());
}

fn validate_spec(object: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let (path, spec) = (Path::of("spec"), object.at("spec"));
    let (selector_path, selector) = (path.field("selector"), spec.at("selector"));
    let leniency = workload::leniency_of(old.map(|old| old.below(&["spec", "selector"])));
    labels::validate(&selector_path, selector, leniency, refusals);
    let (template_path, template) = (path.field("template"), spec.at("template"));
    if let Ok(read) = Selector::from_object(selector) {
        workload::validate_fit(&template_path, &read, template, refusals);
    }
    let empty = "empty selector is invalid for daemonset";
    workload::refuse_empty_selector(&selector_path, selector, empty, refusals);
    super::validate_template(&template_path, template, old, refusals);
    workload::validate_always(&template_path, template, "DaemonSet", refusals);
    workload::validate_counts(&path, spec, &["minReadySeconds"], refusals);
    validate_strategy(&path.field("updateStrategy"), spec.at("updateStrategy"), refusals);
    workload::validate_counts(&path, spec, &["revisionHistoryLimit"], refusals);
}

fn validate_strategy(path: &Path<'_>, strategy: &Tree, refusals: &mut Refusals) {
    match strategy.text("type") {
        "OnDelete" => {}
        "RollingUpdate" if !strategy.has("rollingUpdate") => refusals.required(&path.field("rollingUpdate"), ""),
        "RollingUpdate" => {
            validate_rolling_update(&path.field("rollingUpdate"), strategy.at("rollingUpdate"), refusals);
        }
        _ => {
            let shown = shown("io.k8s.api.apps.v1.DaemonSetUpdateStrategy", strategy);
            refusals.not_supported(path, shown, &["RollingUpdate", "OnDelete"]);
        }
    }
}

fn validate_rolling_update(path: &Path<'_>, update: &Tree, refusals: &mut Refusals) {
    let (unavailable, surge) = (update.at("maxUnavailable"), update.at("maxSurge"));
    let (unavailable_path, surge_path) = (path.field("maxUnavailable"), path.field("maxSurge"));
    int_or_percent::validate(&unavailable_path, unavailable, refusals);
    int_or_percent::validate(&surge_path, surge, refusals);
    int_or_percent::at_most_all(&unavailable_path, unavailable, refusals);
    int_or_percent::at_most_all(&surge_path, surge, refusals);
    match (
        int_or_percent::number(unavailable) != 0,
        int_or_percent::number(surge) != 0,
    ) {
        (true, true) => refusals.invalid(&surge_path, surge, "may not be set when maxUnavailable is non-zero"),
        (false, false) => refusals.required(&unavailable_path, "cannot be 0 when maxSurge is 0"),
        _ => {}
    }
}

impl StatusRules for DaemonSet {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        set_template_generation(object, template_generation(old));
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let counts = [
            "currentNumberScheduled",
            "numberMisscheduled",
            "desiredNumberScheduled",
            "numberReady",
            "observedGeneration",
            "updatedNumberScheduled",
            "numberAvailable",
            "numberUnavailable",
            "collisionCount",
        ];
        workload::validate_counts(&Path::of("status"), object.at("status"), &counts, refusals);
        workload::validate_collisions(object, old, refusals);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::meta;
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{Tree, parse};

    use crate::kind::Rules;

    fn tree(json: &str) -> Tree {
        parse(json.as_bytes()).unwrap().tree
    }

    #[test]
    fn whoever_writes_it_writes_the_generation_of_its_template() {
        for (annotations, generation) in [
            ("null", "0"),
            (r#"{"a":"b"}"#, "0"),
            (&said("3"), "3"),
            (&said("03"), "3"),
        ] {
            let mut object = tree(&format!(r#"{{"metadata":{{"annotations":{annotations}}}}}"#));
            super::DaemonSet.default(&mut object);
            let said = meta::annotation(&object, super::TEMPLATE_GENERATION);
            assert_eq!(said, Some(generation), "{annotations}");
        }
    }

    #[test]
    fn the_generation_of_a_template_is_a_number() {
        let unreadable = |annotations: &str| {
            super::DaemonSet.unreadable(&tree(&format!(r#"{{"metadata":{{"annotations":{annotations}}}}}"#)))
        };
        assert_eq!((unreadable("{}"), unreadable(&said("03"))), (None, None));
        for (generation, why) in [
            ("x", r#"parsing "x": invalid syntax"#),
            ("", r#"parsing "": invalid syntax"#),
            ("1_0", r#"parsing "1_0": invalid syntax"#),
            (
                "9223372036854775808",
                r#"parsing "9223372036854775808": value out of range"#,
            ),
        ] {
            assert_eq!(unreadable(&said(generation)), Some(format!("strconv.ParseInt: {why}")));
        }
    }

    fn said(generation: &str) -> String {
        format!(r#"{{"{}":"{generation}"}}"#, super::TEMPLATE_GENERATION)
    }

    #[test]
    fn an_update_moves_on_one_side_only() {
        for (strategy, refused) in [
            (r#"{"type":"OnDelete"}"#, 0),
            (
                r#"{"type":"RollingUpdate","rollingUpdate":{"maxSurge":0,"maxUnavailable":1}}"#,
                0,
            ),
            (
                r#"{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1,"maxUnavailable":1}}"#,
                1,
            ),
            (
                r#"{"type":"RollingUpdate","rollingUpdate":{"maxSurge":0,"maxUnavailable":0}}"#,
                1,
            ),
            (r#"{"type":"RollingUpdate"}"#, 1),
            ("{}", 1),
        ] {
            let mut refusals = Refusals::new();
            super::validate_strategy(&Path::of("updateStrategy"), &tree(strategy), &mut refusals);
            assert_eq!(refusals.len(), refused, "{strategy}: {refusals}");
        }
    }
}
