//! `PriorityClass`: a name for how important pods are.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::check::{immutable, one_of};
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};

const TYPE: &str = "io.k8s.api.scheduling.v1.PriorityClass";
/// What names begin with that are not for users.
const SYSTEM: &str = "system-";
const SYSTEM_CLASSES: [(&str, i64); 2] = [
    ("system-cluster-critical", 2_000_000_000),
    ("system-node-critical", 2_000_001_000),
];
const USER_MAX: i64 = 1_000_000_000;

/// The entry of the table.
pub(crate) const PRIORITY_CLASS: Kind = Kind {
    group: GROUP,
    kind: "PriorityClass",
    plural: "priorityclasses",
    singular: "priorityclass",
    short_names: &["pc"],
    namespaced: false,
    versions: &[Version::stored("v1", TYPE)],
    folder: "priorityclasses",
    rules: &PriorityClass,
    columns: &[
        NAME,
        Column {
            name: "Value",
            kind: "integer",
            words: Words::Of(TYPE, "value"),
            cell: Cell::Is(|object| object.int("value").into()),
            ..AGE
        },
        Column {
            name: "Global-Default",
            kind: "boolean",
            words: Words::Of(TYPE, "globalDefault"),
            cell: Cell::Is(|object| object.flag("globalDefault").into()),
            ..AGE
        },
        AGE,
        Column {
            name: "PreemptionPolicy",
            words: Words::Of(TYPE, "preemptionPolicy"),
            cell: Cell::Is(|object| object.text("preemptionPolicy").into()),
            ..AGE
        },
    ],
    ..Kind::PLAIN
};

struct PriorityClass;

impl Rules for PriorityClass {
    fn default(&self, object: &mut Tree) {
        object.set_default("preemptionPolicy", "PreemptLowerPriority");
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        let (name, value) = (meta::name(object), object.int("value"));
        if name.starts_with(SYSTEM) {
            if let Err(error) = check_system_class(object) {
                let path = Path::of("metadata");
                let detail = format!(
                    "priority class names with '{SYSTEM}' prefix are reserved for system use only. error: {error}"
                );
                refusals.forbidden(&path.field("name"), &detail);
            }
        } else if value > USER_MAX {
            let detail = format!("maximum allowed value of a user defined priority is {USER_MAX}");
            refusals.forbidden(&Path::of("value"), &detail);
        }
        if let Some(policy) = object.at("preemptionPolicy").as_str() {
            let known = ["PreemptLowerPriority", "Never"];
            one_of(&Path::of("preemptionPolicy"), policy, &known, true, refusals);
        }
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        if object.int("value") != old.int("value") {
            refusals.forbidden(&Path::of("value"), "may not be changed in an update.");
        }
        let field = "preemptionPolicy";
        immutable(&Path::of(field), object.at(field), old.at(field), refusals);
    }

    fn undeletable(&self, name: &str) -> Option<&'static str> {
        let system = SYSTEM_CLASSES.iter().any(|(known, _)| *known == name);
        system.then_some("this is a system priority class and cannot be deleted")
    }
}

/// Checks that a class is as the system makes it.
fn check_system_class(object: &Tree) -> Result<(), String> {
    let name = meta::name(object);
    let Some((_, value)) = SYSTEM_CLASSES.iter().find(|(known, _)| *known == name) else {
        return Err(format!("{name} is not a known system priority class"));
    };
    if object.int("value") != *value {
        return Err(format!("value of {name} PriorityClass must be {value}"));
    }
    if object.flag("globalDefault") {
        return Err(format!("globalDefault of {name} PriorityClass must be false"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;

    #[test]
    fn system_classes_stay() {
        let rules = super::PRIORITY_CLASS.rules;
        assert!(rules.undeletable("system-node-critical").is_some());
        assert!(rules.undeletable("mine").is_none());
    }

    #[test]
    fn system_classes_are_as_the_system_makes_them() {
        for (name, rest, fine) in [
            ("system-node-critical", r#""value":2000001000"#, true),
            ("system-node-critical", r#""value":1"#, false),
            (
                "system-cluster-critical",
                r#""value":2000000000,"globalDefault":true"#,
                false,
            ),
            ("system-mine", r#""value":1"#, false),
        ] {
            let class = format!(r#"{{"metadata":{{"name":"{name}"}},{rest}}}"#);
            let class = parse(class.as_bytes()).unwrap().tree;
            assert_eq!(super::check_system_class(&class).is_ok(), fine, "{class:?}");
        }
    }
}
