//! `ComponentStatus`: whether parts of the control plane answered when they were asked; nobody writes it.

use apiserver_api::tree::Tree;

use crate::column::{Cell, Column, NAME, Words};
use crate::kind::{Kind, Rules, Verb, Version};

/// The entry of the table.
pub(crate) const COMPONENT_STATUS: Kind = Kind {
    kind: "ComponentStatus",
    plural: "componentstatuses",
    singular: "componentstatus",
    short_names: &["cs"],
    namespaced: false,
    versions: &[Version::stored("v1", "io.k8s.api.core.v1.ComponentStatus")],
    verbs: &[Verb::Get, Verb::List],
    rules: &ComponentStatus,
    columns: &[
        NAME,
        Column {
            name: "Status",
            words: Words::Text("Status of the component conditions"),
            cell: Cell::Is(
                |object| match healthy(object).map(|condition| condition.text("status")) {
                    None => "Unknown".into(),
                    Some("True") => "Healthy".into(),
                    Some(_) => "Unhealthy".into(),
                },
            ),
            ..CONDITION
        },
        Column {
            name: "Message",
            words: Words::Text("Message of the component conditions"),
            cell: Cell::Is(|object| healthy(object).map_or("", |condition| condition.text("message")).into()),
            ..CONDITION
        },
        Column {
            name: "Error",
            words: Words::Text("Error of the component conditions"),
            cell: Cell::Is(|object| healthy(object).map_or("", |condition| condition.text("error")).into()),
            ..CONDITION
        },
    ],
    ..Kind::PLAIN
};

const CONDITION: Column = Column {
    name: "",
    kind: "string",
    format: "",
    words: Words::Text(""),
    priority: 0,
    cell: Cell::Is(|_| Tree::Null),
};

/// The condition that says whether the component is well.
fn healthy(object: &Tree) -> Option<&Tree> {
    let mut conditions = object.items("conditions").iter();
    conditions.find(|condition| condition.text("type") == "Healthy")
}

struct ComponentStatus;

impl Rules for ComponentStatus {
    fn deprecated(&self) -> Option<&'static str> {
        Some("v1 ComponentStatus is deprecated in v1.19+")
    }
}

#[cfg(test)]
mod tests {
    use super::COMPONENT_STATUS;
    use crate::trial::cells;

    #[test]
    fn a_table_shows_the_condition_healthy() {
        let json = r#"{"conditions": [{"type": "Healthy", "status": "False", "message": "m", "error": "e"}]}"#;
        assert_eq!(cells(&COMPONENT_STATUS, json)[1..], ["Unhealthy", "m", "e"]);
        assert_eq!(cells(&COMPONENT_STATUS, "{}")[1..], ["Unknown", "", ""]);
    }
}
