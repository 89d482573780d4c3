//! Claims: a node reports how far their growth has come, and nothing else.

use apiserver_api::status::Status;
use apiserver_api::tree::{Map, Tree};

use super::Asker;
use crate::plugin::Operation;

/// What a node may change of a claim's status.
const REPORTED: [&str; 4] = [
    "allocatedResourceStatuses",
    "allocatedResources",
    "capacity",
    "conditions",
];

pub(super) fn check(asker: &Asker<'_>, part: &str) -> Result<(), Status> {
    asker.must(part == "status", || "may only update PVC status".to_owned())?;
    if asker.operation() != Operation::Update {
        return Err(asker.unexpected_operation());
    }
    let mut places = Vec::new();
    differences(
        "",
        &without_report(asker.old()),
        &without_report(asker.object),
        &mut places,
    );
    // Upstream prints a difference of Go's structs after this, which nothing can rely on; these are the fields.
    asker.must(places.is_empty(), || {
        format!(
            "node {} is not allowed to update fields other than status.quantity and status.conditions: {}",
            asker.quoted(),
            places.join(", ")
        )
    })
}

fn without_report(claim: &Tree) -> Tree {
    let mut claim = claim.clone();
    for (part, fields) in [
        ("metadata", ["managedFields", "resourceVersion"].as_slice()),
        ("status", REPORTED.as_slice()),
    ] {
        for field in fields {
            if let Some(part) = claim.get_mut(part) {
                part.remove(field);
            }
        }
    }
    claim
}

/// The paths of what differs; what is empty is as good as absent.
fn differences(path: &str, old: &Tree, new: &Tree, places: &mut Vec<String>) {
    match (old.as_map(), new.as_map()) {
        (None, None) => {
            if old != new && !(old.is_zero() && new.is_zero()) {
                places.push(path.to_owned());
            }
        }
        (one, other) => {
            static NOTHING: Map = Map::new();
            let (one, other) = (one.unwrap_or(&NOTHING), other.unwrap_or(&NOTHING));
            let mut keys: Vec<&str> = one.keys().chain(other.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let path = if path.is_empty() {
                    key.to_owned()
                } else {
                    format!("{path}.{key}")
                };
                let nothing = Tree::Null;
                let (one, other) = (one.get(key).unwrap_or(&nothing), other.get(key).unwrap_or(&nothing));
                differences(&path, one, other, places);
            }
        }
    }
}
