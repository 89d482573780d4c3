//! Who manages which fields: managed fields of writes, worked out in the version of the request.

use apiserver_api::tree::Tree;
use apiserver_patch::apply::{self, Write as Noted};
use apiserver_patch::fields::{Filter, Set};

use super::Write;
use crate::catalog::Resource;

/// The fields that a write to this part of an object never changes, for each version.
pub(super) fn filters<'r>(resource: &'r Resource, subresource: &str) -> Vec<(&'r str, Filter)> {
    let rules = resource.kind.rules;
    let reset = if subresource.is_empty() {
        rules.reset()
    } else {
        rules.part(subresource).map_or(&[][..], |part| part.reset())
    };
    if reset.is_empty() {
        return Vec::new();
    }
    vec![(&resource.api_version, Filter::Without(Set::of(reset)))]
}

/// Notes in the managed fields of a stored object what a write changed in it. Where that cannot be told the object has none,
/// as upstream has it.
pub(super) fn note(write: &Write<'_>, old: Option<&Tree>, new: &mut Tree) {
    let resource = write.resource;
    let manager = write.call.manager(&write.options.manager);
    let now = write.call.now.to_string();
    let filters = filters(resource, write.subresource);
    let noted = Noted {
        kind: resource.shape(),
        api_version: &resource.api_version,
        kind_name: resource.kind.kind,
        manager: &manager,
        subresource: write.subresource,
        now: &now,
        filters: &filters,
        versions: resource,
    };
    if resource.is_as_stored() {
        // The version's name is all that differs, and no field of anyone.
        drop(apply::update(&noted, old, new));
        return;
    }
    let served = |object: &Tree| {
        let mut object = object.clone();
        resource.to_served(&mut object);
        object
    };
    let mut shown = served(new);
    drop(apply::update(&noted, old.map(served).as_ref(), &mut shown));
    let managed = shown.get_mut("metadata").and_then(|metadata| metadata.remove("managedFields"));
    let metadata = new.child("metadata");
    match managed {
        Some(managed) => metadata.set("managedFields", managed),
        None => drop(metadata.remove("managedFields")),
    }
}
