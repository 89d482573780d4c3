//! Who manages which fields: managed fields of writes, worked out in the version of the request.

use apiserver_api::tree::Tree;
use apiserver_patch::apply::{self, Write as Noted};

use super::Write;

/// Notes in the managed fields of a stored object what a write changed in it. Where that cannot be told the object has none,
/// as upstream has it.
pub(crate) fn note(write: &Write<'_>, old: Option<&Tree>, new: &mut Tree) {
    let speech = write.speech;
    let expected = speech.expected();
    let manager = write.call.manager(&write.options.manager);
    let now = write.call.now.to_string();
    let filters = speech.filters(write.subresource);
    let noted = Noted {
        kind: speech.shape(),
        api_version: expected.api_version,
        kind_name: expected.kind,
        manager: &manager,
        subresource: write.subresource,
        now: &now,
        filters: &filters,
        versions: speech.versions(),
    };
    if speech.is_as_stored() {
        // The version's name is all that differs, and no field of anyone.
        drop(apply::update(&noted, old, new));
        return;
    }
    let served = |object: &Tree| {
        let mut object = object.clone();
        speech.to_served(&mut object);
        object
    };
    let mut shown = served(new);
    drop(apply::update(&noted, old.map(served).as_ref(), &mut shown));
    let managed = shown
        .get_mut("metadata")
        .and_then(|metadata| metadata.remove("managedFields"));
    let metadata = new.child("metadata");
    match managed {
        Some(managed) => metadata.set("managedFields", managed),
        None => drop(metadata.remove("managedFields")),
    }
}
