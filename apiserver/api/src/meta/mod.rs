//! What every object says of itself: its type and its `metadata`, read from the tree and written into it.
//!
//! What is missing reads as empty. [`validate`] and [`validate_update`] are the rules that all kinds share.

mod validate;

use crate::tree::{Map, Tree};
pub use validate::{
    ANNOTATIONS_SIZE_MAX, FIELD_IS_IMMUTABLE, validate, validate_annotations, validate_field_manager,
    validate_finalizers, validate_immutable, validate_known_finalizers, validate_managed_fields,
    validate_no_new_finalizers, validate_owner_references, validate_update,
};

/// Finalizer: what belongs to the object goes before it does.
pub const FOREGROUND_DELETION: &str = "foregroundDeletion";
/// Finalizer: what belongs to the object stays when it goes.
pub const ORPHAN: &str = "orphan";

/// The group and version, as written.
pub fn api_version(object: &Tree) -> &str {
    object.text("apiVersion")
}

/// The kind.
pub fn kind(object: &Tree) -> &str {
    object.text("kind")
}

/// The whole `metadata`.
pub fn metadata(object: &Tree) -> &Tree {
    object.at("metadata")
}

/// The name.
pub fn name(object: &Tree) -> &str {
    metadata(object).text("name")
}

/// What a name is made of where none is given.
pub fn generate_name(object: &Tree) -> &str {
    metadata(object).text("generateName")
}

/// The namespace, empty for objects of the cluster.
pub fn namespace(object: &Tree) -> &str {
    metadata(object).text("namespace")
}

/// The UID.
pub fn uid(object: &Tree) -> &str {
    metadata(object).text("uid")
}

/// The version, as written.
pub fn resource_version(object: &Tree) -> &str {
    metadata(object).text("resourceVersion")
}

/// How often what is wanted has changed.
pub fn generation(object: &Tree) -> i64 {
    metadata(object).int("generation")
}

/// The labels.
pub fn labels(object: &Tree) -> &Map {
    metadata(object).entries("labels")
}

/// A label's value.
pub fn label<'o>(object: &'o Tree, key: &str) -> Option<&'o str> {
    labels(object).get(key)?.as_str()
}

/// The annotations.
pub fn annotations(object: &Tree) -> &Map {
    metadata(object).entries("annotations")
}

/// An annotation's value.
pub fn annotation<'o>(object: &'o Tree, key: &str) -> Option<&'o str> {
    annotations(object).get(key)?.as_str()
}

/// The objects that it belongs to.
pub fn owner_references(object: &Tree) -> &[Tree] {
    metadata(object).items("ownerReferences")
}

/// The owner that controls it.
pub fn controller(object: &Tree) -> Option<&Tree> {
    owner_references(object).iter().find(|owner| owner.flag("controller"))
}

/// What must happen before it may go.
pub fn finalizers(object: &Tree) -> impl ExactSizeIterator<Item = &str> {
    strings(metadata(object).items("finalizers"))
}

fn strings(items: &[Tree]) -> impl ExactSizeIterator<Item = &str> {
    items.iter().map(|item| item.as_str().unwrap_or_default())
}

/// Whether it has a finalizer.
pub fn has_finalizer(object: &Tree, finalizer: &str) -> bool {
    finalizers(object).any(|one| one == finalizer)
}

/// When it was made, as written.
pub fn creation_timestamp(object: &Tree) -> Option<&str> {
    metadata(object).at("creationTimestamp").as_str()
}

/// When it should go, as written; `None` where nobody asked.
pub fn deletion_timestamp(object: &Tree) -> Option<&str> {
    metadata(object).at("deletionTimestamp").as_str()
}

/// Whether it is on its way out.
pub fn is_deleting(object: &Tree) -> bool {
    metadata(object).has("deletionTimestamp")
}

/// How many seconds it has to go.
pub fn deletion_grace_period_seconds(object: &Tree) -> Option<i64> {
    metadata(object).at("deletionGracePeriodSeconds").as_int()
}

/// Who wrote which of its fields.
pub fn managed_fields(object: &Tree) -> &[Tree] {
    metadata(object).items("managedFields")
}

/// Writes the type.
pub fn set_type(object: &mut Tree, api_version: &str, kind: &str) {
    object.set("apiVersion", api_version);
    object.set("kind", kind);
}

/// Writes a field of `metadata`; what Go would leave out is taken away.
pub fn set(object: &mut Tree, field: &str, value: impl Into<Tree>) {
    let value = value.into();
    let metadata = object.child("metadata");
    if value.is_zero() {
        metadata.remove(field);
    } else {
        metadata.set(field, value);
    }
}

/// Writes the name.
pub fn set_name(object: &mut Tree, name: &str) {
    set(object, "name", name);
}

/// Writes the namespace.
pub fn set_namespace(object: &mut Tree, namespace: &str) {
    set(object, "namespace", namespace);
}

/// Writes the UID.
pub fn set_uid(object: &mut Tree, uid: &str) {
    set(object, "uid", uid);
}

/// Writes the version; empty takes it away.
pub fn set_resource_version(object: &mut Tree, version: &str) {
    set(object, "resourceVersion", version);
}

/// Writes the generation.
pub fn set_generation(object: &mut Tree, generation: i64) {
    set(object, "generation", generation);
}

/// Writes a label.
pub fn set_label(object: &mut Tree, key: &str, value: &str) {
    object.child("metadata").child("labels").set(key, value);
}

/// Writes an annotation.
pub fn set_annotation(object: &mut Tree, key: &str, value: &str) {
    object.child("metadata").child("annotations").set(key, value);
}

/// Adds a finalizer where it is not there.
pub fn add_finalizer(object: &mut Tree, finalizer: &str) {
    if has_finalizer(object, finalizer) {
        return;
    }
    let mut items = metadata(object).items("finalizers").to_vec();
    items.push(finalizer.into());
    set(object, "finalizers", items);
}

/// Takes a finalizer away; says whether it was there.
pub fn remove_finalizer(object: &mut Tree, finalizer: &str) -> bool {
    let mut items = metadata(object).items("finalizers").to_vec();
    let before = items.len();
    items.retain(|item| item.as_str() != Some(finalizer));
    let removed = items.len() < before;
    if removed {
        set(object, "finalizers", items);
    }
    removed
}

#[cfg(test)]
mod tests;
