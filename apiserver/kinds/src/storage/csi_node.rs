//! `CSINode`: the drivers of volumes on a node.

use std::collections::{BTreeSet, HashMap, HashSet};

use apiserver_api::labels::validate_name;
use apiserver_api::meta::FIELD_IS_IMMUTABLE;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::check::non_negative;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::internal::shown;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};
use crate::text::{driver_name, nothing_for_none};

/// The most bytes of what a driver calls a node.
const NODE_ID_MAX: usize = 256;

/// A driver as messages show it.
const DRIVER: &str = "io.k8s.api.storage.v1.CSINodeDriver";

/// The entry of the table.
pub(crate) const CSI_NODE: Kind = Kind {
    group: GROUP,
    kind: "CSINode",
    plural: "csinodes",
    singular: "csinode",
    namespaced: false,
    versions: &[Version::stored("v1", "io.k8s.api.storage.v1.CSINode")],
    folder: "csinodes",
    rules: &CsiNode,
    columns: &[
        NAME,
        Column {
            name: "Drivers",
            kind: "integer",
            words: Words::Text("Drivers indicates the number of CSI drivers registered on the node"),
            cell: Cell::Is(count),
            ..AGE
        },
        AGE,
    ],
    ..Kind::PLAIN
};

fn drivers(object: &Tree) -> &[Tree] {
    object.at("spec").items("drivers")
}

fn count(object: &Tree) -> Tree {
    (drivers(object).len() as i64).into()
}

struct CsiNode;

impl Rules for CsiNode {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        let spec = Path::of("spec");
        let path = spec.field("drivers");
        let drivers = drivers(object);
        let mut seen = HashSet::new();
        for (at, driver) in drivers.iter().enumerate() {
            let path = path.index(at);
            validate_driver(&path, driver, refusals);
            let name = driver.text("name");
            if !seen.insert(name) {
                refusals.duplicate(&path.field("name"), name);
            }
        }
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        self.validate(asked, object, refusals);
        let spec = Path::of("spec");
        let path = spec.field("drivers");
        // Only how many volumes there can be may change.
        let fixed = |driver: &Tree| {
            let mut driver = driver.clone();
            driver.remove("allocatable");
            driver
        };
        let mut named: HashMap<&str, Vec<Tree>> = HashMap::new();
        for driver in drivers(object) {
            named.entry(driver.text("name")).or_default().push(fixed(driver));
        }
        for old in drivers(old) {
            let of_name = named.get(old.text("name"));
            let old = fixed(old);
            for new in of_name.into_iter().flatten().filter(|new| **new != old) {
                refusals.invalid(&path, shown(DRIVER, new), FIELD_IS_IMMUTABLE);
            }
        }
    }

    fn canonicalize(&self, object: &mut Tree) {
        let Some(spec) = object.get_mut("spec") else {
            return;
        };
        nothing_for_none(spec, "drivers");
        let drivers = spec.get_mut("drivers").and_then(Tree::as_list_mut);
        for driver in drivers.into_iter().flatten() {
            nothing_for_none(driver, "topologyKeys");
        }
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

fn validate_driver(path: &Path<'_>, driver: &Tree, refusals: &mut Refusals) {
    let name = driver.text("name");
    driver_name(&path.field("name"), name, refusals);
    let (id, id_path) = (driver.text("nodeID"), path.field("nodeID"));
    if id.is_empty() {
        refusals.required(&id_path, "");
    }
    if id.len() > NODE_ID_MAX {
        let detail = format!("must be {NODE_ID_MAX} characters or less");
        refusals.invalid(&id_path, id, &detail);
    }
    let allocatable = path.field("allocatable");
    let volumes = driver.at("allocatable").int("count");
    non_negative(&allocatable.field("count"), volumes, refusals);
    let mut seen = BTreeSet::new();
    for key in driver.items("topologyKeys") {
        let key = key.as_str().unwrap_or_default();
        if key.is_empty() {
            refusals.required(path, "");
        }
        if !seen.insert(key) {
            refusals.duplicate(path, key);
        }
        validate_name(path, key, refusals);
    }
}

#[cfg(test)]
mod tests {
    use super::CSI_NODE;
    use crate::trial::{refused, update};

    fn node(drivers: &str) -> String {
        format!(r#"{{"spec":{{"drivers":[{drivers}]}}}}"#)
    }

    #[test]
    fn a_driver_has_a_name_of_its_own_and_one_for_the_node() {
        let sound = r#"{"name":"d.example.com","nodeID":"n"}"#;
        for (drivers, wrong) in [
            (sound.to_owned(), 0),
            (format!("{sound},{sound}"), 1),
            ("{}".to_owned(), 2),
            (r#"{"name":"d","nodeID":"n","topologyKeys":["a","a"]}"#.to_owned(), 1),
            (r#"{"name":"d","nodeID":"n","allocatable":{"count":-1}}"#.to_owned(), 1),
        ] {
            assert_eq!(refused(&CSI_NODE, &node(&drivers)).len(), wrong, "{drivers}");
        }
    }

    #[test]
    fn what_a_driver_says_stays_but_for_how_much_it_can_hold() {
        let old = node(r#"{"name":"d","nodeID":"n"}"#);
        let held = node(r#"{"name":"d","nodeID":"n","allocatable":{"count":1}}"#);
        assert!(update(&CSI_NODE, &old, &held).is_ok());
        let told = update(&CSI_NODE, &old, &node(r#"{"name":"d","nodeID":"m"}"#)).unwrap_err();
        assert_eq!(
            told,
            [
                r#"spec.drivers: Invalid value: {"Name":"d","NodeID":"m","TopologyKeys":null,"Allocatable":null}: field is immutable"#
            ]
        );
    }

    #[test]
    fn many_drivers_are_held_against_those_of_their_names() {
        let all = |count: &str| {
            let one = |at: usize| format!(r#"{{"name":"d{at}","nodeID":"n"{count}}}"#);
            node(&(0..10_000).map(one).collect::<Vec<_>>().join(","))
        };
        assert!(update(&CSI_NODE, &all(""), &all(r#","allocatable":{"count":1}"#)).is_ok());
    }
}
