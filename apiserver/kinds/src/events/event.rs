//! `Event` in its newer form. It is stored in the form of the core group.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::core::event::{COLUMNS, FIELDS, validate};
use crate::core::metadata::validate_metadata_update;
use crate::internal::shown_field;
use crate::kind::{Asked, Conversion, Dependents, Kind, Rules, Version, validate_metadata};
use crate::selection::Selection;

/// The type that is stored.
const TYPE: &str = "io.k8s.api.core.v1.Event";
/// What fields are called here and where they are stored.
const RENAMED: [(&str, &str); 7] = [
    ("deprecatedCount", "count"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedSource", "source"),
    ("note", "message"),
    ("regarding", "involvedObject"),
    ("reportingController", "reportingComponent"),
];

/// The entry of the table.
pub(crate) const EVENT: Kind = Kind {
    group: "events.k8s.io",
    known_in: Some(""),
    kind: "Event",
    plural: "events",
    singular: "event",
    short_names: &["ev"],
    versions: &[Version {
        name: "v1",
        schema: "io.k8s.api.events.v1.Event",
        conversion: Some(Conversion { store, serve }),
    }],
    folder: "events",
    rules: &Event,
    columns: COLUMNS,
    selection: Selection {
        labels: &["metadata.name", "metadata.namespace", "reason", "source", "type"],
        aliases: &[
            ("regarding.kind", "involvedObject.kind"),
            ("regarding.namespace", "involvedObject.namespace"),
            ("regarding.name", "involvedObject.name"),
            ("regarding.uid", "involvedObject.uid"),
            ("regarding.apiVersion", "involvedObject.apiVersion"),
            ("regarding.resourceVersion", "involvedObject.resourceVersion"),
            ("regarding.fieldPath", "involvedObject.fieldPath"),
            ("reportingController", "reportingComponent"),
        ],
        fields: FIELDS,
        ..Selection::OWN
    },
    ..Kind::PLAIN
};

/// What is stored of an event. Who saw it is written even where nobody did.
fn store(object: &mut Tree) {
    for (here, stored) in RENAMED {
        if let Some(value) = object.remove(here) {
            object.set(stored, value);
        }
    }
    for field in ["reportingComponent", "reportingInstance"] {
        object.set_default(field, "");
    }
    if let Some(series) = object.get_mut("series").filter(|series| series.int("count") == 0) {
        series.remove("count");
    }
}

/// An event as it is served.
fn serve(object: &mut Tree) {
    for (here, stored) in RENAMED {
        if let Some(value) = object.remove(stored) {
            object.set(here, value);
        }
    }
    for field in ["reportingController", "reportingInstance"] {
        if object.text(field).is_empty() {
            object.remove(field);
        }
    }
    if let Some(series) = object.get_mut("series").filter(|series| !series.is_null()) {
        series.set_default("count", 0);
    }
}

struct Event;

impl Rules for Event {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate(object, "reportingController", refusals);
        validate_metadata(self.name(), true, object, refusals);
        validate_series(object, refusals);
        if !object.has("eventTime") {
            refusals.required(&Path::of("eventTime"), "");
        }
        let of = object.text("type");
        if !matches!(of, "Normal" | "Warning") {
            refusals.invalid(&Path::of("type"), "", &format!("has invalid value: {of}"));
        }
        let unset = "needs to be unset";
        for field in ["firstTimestamp", "lastTimestamp"] {
            if object.has(field) {
                refusals.invalid(&Path::of(field), "", unset);
            }
        }
        if object.int("count") != 0 {
            refusals.invalid(&Path::of("count"), "", unset);
        }
        let source = object.at("source");
        if !source.text("component").is_empty() || !source.text("host").is_empty() {
            refusals.invalid(&Path::of("source"), "", unset);
        }
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate(object, "reportingController", refusals);
        validate_metadata_update(object, old, refusals);
        if object.at("series") != old.at("series") {
            validate_series(object, refusals);
        }
        // The reason stands twice, as upstream checks it twice.
        for field in [
            "involvedObject",
            "reason",
            "message",
            "source",
            "firstTimestamp",
            "lastTimestamp",
            "count",
            "reason",
            "type",
            "eventTime",
            "action",
            "related",
            "reportingComponent",
            "reportingInstance",
        ] {
            if !EVENT.same(&[field], object, old) {
                let renamed = field == "reportingComponent";
                let path = Path::of(if renamed { "reportingController" } else { field });
                refusals.invalid(&path, shown_field(TYPE, field, object), meta::FIELD_IS_IMMUTABLE);
            }
        }
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn dependents(&self) -> Dependents {
        Dependents::Untracked
    }
}

fn validate_series(object: &Tree, refusals: &mut Refusals) {
    let series = object.at("series");
    if series.is_null() {
        return;
    }
    if series.int("count") < 2 {
        refusals.invalid(&Path::of("series.count"), "", "should be at least 2");
    }
    if !series.has("lastObservedTime") {
        refusals.required(&Path::of("series.lastObservedTime"), "");
    }
}

#[cfg(test)]
mod tests {
    use super::{EVENT, serve, store};
    use crate::trial::{refused, tree, update};

    const FINE: &str = r#"{"action": "A", "eventTime": "2026-01-01T00:00:00.000000Z", "note": "n", "reason": "R",
        "regarding": {"namespace": "t"}, "reportingController": "e.com/c", "reportingInstance": "i", "type": "Normal"}"#;

    #[test]
    fn both_forms_say_the_same() {
        let json = r#"{"note": "n", "regarding": {"name": "p"}, "deprecatedCount": 2, "series": {"count": 0}}"#;
        let mut event = tree(json);
        store(&mut event);
        assert_eq!(event.text("message"), "n");
        assert_eq!(event.at("reportingComponent").as_str(), Some(""));
        assert!(!event.at("series").has("count"));
        serve(&mut event);
        assert_eq!(event, tree(json));
    }

    #[test]
    fn a_refusal_names_the_group_in_which_events_were_known_first() {
        assert_eq!(EVENT.group_kind().to_string(), "Event");
    }

    #[test]
    fn only_the_newer_fields_may_be_said() {
        assert_eq!(refused(&EVENT, FINE), [""; 0]);
        for (old, new, field) in [
            (r#""note""#, r#""deprecatedCount": 1, "note""#, "count: "),
            (r#""note""#, r#""deprecatedSource": {"host": "h"}, "note""#, "source: "),
            (
                r#""note""#,
                r#""series": {"count": 1, "lastObservedTime": "2026-01-01T00:00:00.000000Z"}, "note""#,
                "series.count: ",
            ),
            ("Normal", "Odd", "type: "),
        ] {
            let told = refused(&EVENT, &FINE.replace(old, new));
            assert!(told.len() == 1 && told[0].starts_with(field), "{told:?}");
        }
    }

    #[test]
    fn only_the_series_moves() {
        let series = FINE.replace(
            r#""note""#,
            r#""series": {"count": 2, "lastObservedTime": "2026-01-01T00:00:00.000000Z"}, "note""#,
        );
        assert!(update(&EVENT, FINE, &series).is_ok());
        let told = update(&EVENT, FINE, &FINE.replace(r#""R""#, r#""S""#)).unwrap_err();
        assert_eq!(told.len(), 2);
    }
}
