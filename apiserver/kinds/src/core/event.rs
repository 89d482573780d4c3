//! `Event`: what happened to an object. The group `events.k8s.io` serves the same objects in another form, by more rules.

use apiserver_api::meta;
use apiserver_api::names::{dns_subdomain, qualified_name};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::column::{Ago, Cell, Column, NAME, Words};
use crate::kind::{Asked, Dependents, Kind, Rules, Version};
use crate::selection::{Selectable, Selection};

const TYPE: &str = "io.k8s.api.core.v1.Event";
/// The most bytes of names and of a reason.
const MAX_WORD: usize = 128;
/// The most bytes of a message.
const MAX_MESSAGE: usize = 1024;

/// The entry of the table.
pub(crate) const EVENT: Kind = Kind {
    kind: "Event",
    plural: "events",
    singular: "event",
    short_names: &["ev"],
    versions: &[Version::stored("v1", TYPE)],
    folder: "events",
    rules: &Event,
    columns: COLUMNS,
    selection: Selection {
        labels: &[
            "metadata.name",
            "metadata.namespace",
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        fields: FIELDS,
        ..Selection::OWN
    },
    ..Kind::PLAIN
};

/// A column of text that shows a field of events, be it in its own way.
const fn column(name: &'static str, field: &'static str, priority: i64, cell: Cell) -> Column {
    Column {
        name,
        kind: "string",
        format: "",
        words: Words::Of(TYPE, field),
        priority,
        cell,
    }
}

/// What tables of events show, in both groups.
pub(crate) const COLUMNS: &[Column] = &[
    column("Last Seen", "lastTimestamp", 0, Cell::Ages(last_seen)),
    column("Type", "type", 0, Cell::Is(|object| object.text("type").into())),
    column("Reason", "reason", 0, Cell::Is(|object| object.text("reason").into())),
    column("Object", "involvedObject", 0, Cell::Is(|object| target(object).into())),
    Column {
        words: Words::Of("io.k8s.api.core.v1.ObjectReference", "fieldPath"),
        ..column(
            "Subobject",
            "",
            1,
            Cell::Is(|object| object.at("involvedObject").text("fieldPath").into()),
        )
    },
    column("Source", "source", 1, Cell::Is(|object| source(object).into())),
    column(
        "Message",
        "message",
        0,
        Cell::Is(|object| object.text("message").trim().into()),
    ),
    column("First Seen", "firstTimestamp", 1, Cell::Ages(first_seen)),
    column("Count", "count", 1, Cell::Is(|object| count(object).into())),
    Column { priority: 1, ..NAME },
];

fn first_seen(object: &Tree) -> Ago {
    let first = object.at("firstTimestamp").as_str();
    Ago::of(first.or_else(|| object.at("eventTime").as_str()))
}

fn last_seen(object: &Tree) -> Ago {
    if object.has("series") {
        return Ago::of(object.at("series").at("lastObservedTime").as_str());
    }
    match object.at("lastTimestamp").as_str() {
        Some(last) => Ago::of(Some(last)),
        None => first_seen(object),
    }
}

fn count(object: &Tree) -> i64 {
    if object.has("series") {
        return object.at("series").int("count");
    }
    // An event that stands alone does not say how often it happened.
    object.int("count").max(i64::from(object.int("count") == 0))
}

fn target(object: &Tree) -> String {
    let about = object.at("involvedObject");
    let (kind, name) = (about.text("kind").to_lowercase(), about.text("name"));
    if name.is_empty() {
        kind
    } else {
        format!("{kind}/{name}")
    }
}

/// What the old field says of who saw it, or else the new one.
fn first<'o>(object: &'o Tree, old: &str, new: &str) -> &'o str {
    let text = object.at("source").text(old);
    if text.is_empty() { object.text(new) } else { text }
}

fn source(object: &Tree) -> String {
    let component = first(object, "component", "reportingComponent");
    let instance = first(object, "host", "reportingInstance");
    if instance.is_empty() {
        component.to_owned()
    } else {
        format!("{component}, {instance}")
    }
}

/// What is kept of events to select by, for both groups.
pub(crate) const FIELDS: &[Selectable] = &[
    Selectable::text("involvedObject.kind"),
    Selectable::text("involvedObject.namespace"),
    Selectable::text("involvedObject.name"),
    Selectable::text("involvedObject.uid"),
    Selectable::text("involvedObject.apiVersion"),
    Selectable::text("involvedObject.resourceVersion"),
    Selectable::text("involvedObject.fieldPath"),
    Selectable::text("reason"),
    Selectable::text("reportingComponent"),
    Selectable::made("source", |object| {
        first(object, "component", "reportingComponent").to_owned()
    }),
    Selectable::text("type"),
];

struct Event;

impl Rules for Event {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate(object, "reportingComponent", refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, _old: &Tree, refusals: &mut Refusals) {
        validate(object, "reportingComponent", refusals);
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn dependents(&self) -> Dependents {
        Dependents::Untracked
    }
}

/// Checks an event by the rules of both groups; `reporter` is what the group calls the field that says who saw it.
pub(crate) fn validate(object: &Tree, reporter: &str, refusals: &mut Refusals) {
    let namespace = meta::namespace(object);
    let about = object.at("involvedObject").text("namespace");
    // An event about an object of the cluster lives in one of the cluster's namespaces.
    let fine = match (about, object.has("eventTime")) {
        ("", false) => matches!(namespace, "" | "default"),
        ("", true) => matches!(namespace, "default" | "kube-system"),
        (about, false) => about == namespace,
        (_, true) => true,
    };
    if !fine {
        let path = Path::of("involvedObject");
        refusals.invalid(&path.field("namespace"), about, "does not match event.namespace");
    }
    if object.has("eventTime") {
        validate_words(object, reporter, refusals);
    }
    for message in dns_subdomain(namespace) {
        refusals.invalid(&Path::of("namespace"), namespace, &message);
    }
}

/// Who saw what, which newer events must say.
fn validate_words(object: &Tree, reporter: &str, refusals: &mut Refusals) {
    let who = object.text("reportingComponent");
    if who.is_empty() {
        refusals.required(&Path::of(reporter), "");
    }
    for message in qualified_name(who) {
        refusals.invalid(&Path::of(reporter), who, &message);
    }
    for field in ["reportingInstance", "action", "reason"] {
        let (path, text) = (Path::of(field), object.text(field));
        if text.is_empty() {
            refusals.required(&path, "");
        }
        limit(&path, text, MAX_WORD, refusals);
    }
    limit(&Path::of("message"), object.text("message"), MAX_MESSAGE, refusals);
}

fn limit(path: &Path<'_>, text: &str, most: usize, refusals: &mut Refusals) {
    if text.len() > most {
        refusals.invalid(path, "", &format!("can have at most {most} characters"));
    }
}

#[cfg(test)]
mod tests {
    use super::EVENT;
    use crate::trial::{cells, refused};

    #[test]
    fn an_event_lives_where_its_object_does() {
        for (json, count) in [
            (r#"{"involvedObject": {"namespace": "t"}}"#, 0),
            (r#"{"involvedObject": {"namespace": "other"}}"#, 1),
            (r#"{"involvedObject": {}}"#, 1),
            (r#"{"metadata": {"namespace": "default"}, "involvedObject": {}}"#, 0),
        ] {
            assert_eq!(refused(&EVENT, json).len(), count, "{json}");
        }
    }

    #[test]
    fn newer_events_say_who_saw_what() {
        let time = r#""eventTime": "2026-01-01T00:00:00.000000Z", "involvedObject": {"namespace": "t"}"#;
        let told = refused(&EVENT, &format!("{{{time}}}"));
        assert_eq!(told.len(), 6);
        let words = r#""reportingComponent": "a", "reportingInstance": "b", "action": "c", "reason": "d""#;
        assert_eq!(refused(&EVENT, &format!("{{{time}, {words}}}")), [""; 0]);
        let long = "x".repeat(1025);
        assert_eq!(
            refused(&EVENT, &format!(r#"{{{time}, {words}, "message": "{long}"}}"#)).len(),
            1
        );
    }

    #[test]
    fn a_table_shows_when_and_what() {
        let json = r#"{"involvedObject": {"kind": "Pod", "name": "p"}, "reportingComponent": "c", "reportingInstance": "i",
            "eventTime": "1969-12-31T23:59:00.000000Z", "message": " m "}"#;
        let shown = cells(&EVENT, json);
        assert_eq!(shown, ["60s", "", "", "pod/p", "", "c, i", "m", "60s", "1", "x"]);
        let series = r#"{"series": {"count": 5, "lastObservedTime": "1969-12-31T23:59:00.000000Z"}}"#;
        assert_eq!(cells(&EVENT, series)[8], "5");
    }
}
