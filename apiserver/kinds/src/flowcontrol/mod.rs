//! The group `flowcontrol.apiserver.k8s.io`: how requests share the server.

mod flow_schema;
mod priority_level;

use std::collections::HashSet;

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::kind::{Asked, Kind, StatusRules, keep};

const GROUP: &str = "flowcontrol.apiserver.k8s.io";

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[flow_schema::FLOW_SCHEMA, priority_level::PRIORITY_LEVEL];

/// The status of both: nothing but conditions.
struct Status;

impl StatusRules for Status {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        // Of the metadata only the managed fields are the writer's.
        let managed = object.child("metadata").remove("managedFields");
        keep(object, old, "metadata");
        let metadata = object.child("metadata");
        match managed {
            Some(managed) => metadata.set("managedFields", managed),
            None => drop(metadata.remove("managedFields")),
        }
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, _old: &Tree, refusals: &mut Refusals) {
        validate_status(object, refusals);
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["metadata"], &["spec"]]
    }
}

/// Checks that conditions have types of their own.
fn validate_status(object: &Tree, refusals: &mut Refusals) {
    let path = Path::of("status");
    let path = path.field("conditions");
    let conditions = object.at("status").items("conditions");
    let mut seen = HashSet::new();
    for (at, condition) in conditions.iter().enumerate() {
        let path = path.index(at);
        let kind = condition.text("type");
        if !seen.insert(kind) {
            refusals.duplicate(&path.field("type"), kind);
        }
        if kind.is_empty() {
            refusals.required(&path.field("type"), "");
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::time::Time;
    use apiserver_api::tree::{self, Tree};

    use super::{Status, validate_status};
    use crate::kind::{Asked, StatusRules};

    #[test]
    fn conditions_have_types_of_their_own() {
        let object = tree::parse(br#"{"status":{"conditions":[{"type":"A"},{"type":"A"},{}]}}"#)
            .unwrap()
            .tree;
        let mut refusals = Refusals::new();
        validate_status(&object, &mut refusals);
        let expected =
            r#"[status.conditions[1].type: Duplicate value: "A", status.conditions[2].type: Required value]"#;
        assert_eq!(refusals.to_string(), expected);
    }

    #[test]
    fn a_write_of_the_status_changes_nothing_else() {
        let read = |text: &str| tree::parse(text.as_bytes()).unwrap().tree;
        let old = read(r#"{"metadata":{"labels":{"a":"b"},"managedFields":[1]},"spec":{"a":1},"status":{}}"#);
        let mut object = read(r#"{"metadata":{"managedFields":[2]},"spec":{"a":2},"status":{"conditions":[]}}"#);
        let asked = Asked {
            now: Time::from_unix(0),
            user: &Tree::Null,
        };
        Status.prepare(&asked, &mut object, &old);
        let expected =
            r#"{"metadata":{"labels":{"a":"b"},"managedFields":[2]},"spec":{"a":1},"status":{"conditions":[]}}"#;
        assert_eq!(object, read(expected));
    }
}
