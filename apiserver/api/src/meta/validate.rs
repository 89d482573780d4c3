//! The rules for `metadata` that all kinds share, in upstream's order.

use std::collections::BTreeSet;

use super::{FOREGROUND_DELETION, ORPHAN, strings};
use crate::go::{is_print, quote};
use crate::gvk::GroupVersionKind;
use crate::labels::validate_labels;
use crate::names::{self, Messages};
use crate::path::Path;
use crate::refusal::{Refusals, Shown};
use crate::tree::{Map, Tree, quoted};

/// Why a field may not change.
pub const FIELD_IS_IMMUTABLE: &str = "field is immutable";
/// The most bytes that all annotations may have together, keys and values.
pub const ANNOTATIONS_SIZE_MAX: usize = 256 << 10;
/// The most bytes of a field manager's name.
const FIELD_MANAGER_MAX: usize = 128;
/// The most bytes of a subresource's name in managed fields.
const SUBRESOURCE_MAX: usize = 256;
/// Finalizers that may be without a domain.
const KNOWN_FINALIZERS: [&str; 3] = ["kubernetes", ORPHAN, FOREGROUND_DELETION];

/// Checks the `metadata` of a new object, whose name was generated before (`ValidateObjectMeta`). `name` is the kind's rule
/// for names: see [`names::NameRule`].
pub fn validate(
    path: &Path<'_>,
    metadata: &Tree,
    namespaced: bool,
    name: impl Fn(&str, bool) -> Messages,
    refusals: &mut Refusals,
) {
    let generate_name = metadata.text("generateName");
    if !generate_name.is_empty() {
        let messages = name(generate_name, true);
        tell(&path.field("generateName"), generate_name, messages, refusals);
    }
    match metadata.text("name") {
        "" => refusals.required(&path.field("name"), "name or generateName is required"),
        given => tell(&path.field("name"), given, name(given, false), refusals),
    }
    let namespace_path = path.field("namespace");
    match (namespaced, metadata.text("namespace")) {
        (true, "") => refusals.required(&namespace_path, ""),
        (true, given) => tell(&namespace_path, given, names::dns_label(given), refusals),
        (false, "") => {}
        (false, _) => refusals.forbidden(&namespace_path, "not allowed on this type"),
    }
    let generation = metadata.int("generation");
    if generation < 0 {
        let detail = "must be greater than or equal to 0";
        refusals.invalid(&path.field("generation"), generation, detail);
    }
    validate_labels(&path.field("labels"), metadata.entries("labels"), refusals);
    validate_annotations(&path.field("annotations"), metadata.entries("annotations"), refusals);
    validate_owner_references(
        &path.field("ownerReferences"),
        metadata.items("ownerReferences"),
        refusals,
    );
    validate_finalizers(&path.field("finalizers"), metadata.items("finalizers"), refusals);
    validate_managed_fields(&path.field("managedFields"), metadata.items("managedFields"), refusals);
}

/// Checks the `metadata` of an object that replaces another (`ValidateObjectMetaUpdate`).
pub fn validate_update(path: &Path<'_>, metadata: &Tree, old: &Tree, refusals: &mut Refusals) {
    if old.has("deletionTimestamp") {
        let (new, old) = (metadata.items("finalizers"), old.items("finalizers"));
        validate_no_new_finalizers(&path.field("finalizers"), new, old, refusals);
    }
    if metadata.text("resourceVersion").is_empty() {
        // Upstream shows the version as a number here.
        let detail = "must be specified for an update";
        refusals.invalid(&path.field("resourceVersion"), 0_i64, detail);
    }
    let generation = metadata.int("generation");
    if generation < old.int("generation") {
        refusals.invalid(&path.field("generation"), generation, "must not be decremented");
    }
    for field in ["name", "namespace", "uid"] {
        let (new, old) = (metadata.text(field), old.text(field));
        if new != old {
            refusals.invalid(&path.field(field), new, FIELD_IS_IMMUTABLE);
        }
    }
    for field in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        validate_immutable(&path.field(field), metadata.at(field), old.at(field), refusals);
    }
    validate_labels(&path.field("labels"), metadata.entries("labels"), refusals);
    validate_annotations(&path.field("annotations"), metadata.entries("annotations"), refusals);
    validate_owner_references(
        &path.field("ownerReferences"),
        metadata.items("ownerReferences"),
        refusals,
    );
    validate_managed_fields(&path.field("managedFields"), metadata.items("managedFields"), refusals);
}

fn tell(path: &Path<'_>, value: &str, messages: Messages, refusals: &mut Refusals) {
    for message in messages {
        refusals.invalid(path, value, &message);
    }
}

/// Refuses a value that is not the old one.
pub fn validate_immutable(path: &Path<'_>, new: &Tree, old: &Tree, refusals: &mut Refusals) {
    if new != old {
        refusals.invalid(path, new, FIELD_IS_IMMUTABLE);
    }
}

/// Checks annotations: their keys, capitals aside, and how large they are together.
pub fn validate_annotations(path: &Path<'_>, annotations: &Map, refusals: &mut Refusals) {
    let mut size = 0;
    for (key, value) in annotations.iter() {
        size += key.len() + value.as_str().map_or(0, str::len);
        let messages = if key.bytes().any(|byte| byte.is_ascii_uppercase()) || !key.is_ascii() {
            names::qualified_name(&key.to_lowercase())
        } else {
            names::qualified_name(key)
        };
        tell(path, key, messages, refusals);
    }
    if size > ANNOTATIONS_SIZE_MAX {
        refusals.too_long(path, ANNOTATIONS_SIZE_MAX);
    }
}

/// Checks the owners of an object.
pub fn validate_owner_references(path: &Path<'_>, owners: &[Tree], refusals: &mut Refusals) {
    let mut controller: Option<&Tree> = None;
    for owner in owners {
        validate_owner(path, owner, refusals);
        if !owner.flag("controller") {
            continue;
        }
        let Some(first) = controller else {
            controller = Some(owner);
            continue;
        };
        refusals.invalid_made(path, || {
            let name = |owner: &Tree| format!("{}/{}", owner.text("kind"), owner.text("name"));
            let detail = "Only one reference can have Controller set to true. Found \"true\" in references for";
            let shown: Vec<String> = owners.iter().map(owner_json).collect();
            let shown = Shown::raw(format!("[{}]", shown.join(",")));
            (shown, format!("{detail} {} and {}", name(first), name(owner)))
        });
    }
}

fn validate_owner(path: &Path<'_>, owner: &Tree, refusals: &mut Refusals) {
    let id = GroupVersionKind::of(owner.text("apiVersion"), owner.text("kind"));
    let empty = "must not be empty";
    if id.version.is_empty() {
        let detail = "version must not be empty";
        refusals.invalid(&path.field("apiVersion"), owner.text("apiVersion"), detail);
    }
    for field in ["kind", "name", "uid"] {
        if owner.text(field).is_empty() {
            refusals.invalid(&path.field(field), "", empty);
        }
    }
    if (id.group.as_str(), id.version.as_str(), id.kind.as_str()) == ("", "v1", "Event") {
        let detail = format!("{id} is disallowed from being an owner");
        refusals.invalid(path, Shown::raw(owner_json(owner)), &detail);
    }
}

/// An owner as Go writes it: its fields in the order of its type.
fn owner_json(owner: &Tree) -> String {
    let mut json = Vec::from(*b"{");
    for field in ["apiVersion", "kind", "name", "uid"] {
        if json.len() > 1 {
            json.push(b',');
        }
        quoted(field, &mut json);
        json.push(b':');
        quoted(owner.text(field), &mut json);
    }
    for field in ["controller", "blockOwnerDeletion"] {
        if let Some(flag) = owner.at(field).as_bool() {
            json.extend_from_slice(format!(",\"{field}\":{flag}").as_bytes());
        }
    }
    json.push(b'}');
    String::from_utf8_lossy(&json).into_owned()
}

/// Checks finalizers: their names, and that the two for dependents are not there together.
pub fn validate_finalizers(path: &Path<'_>, finalizers: &[Tree], refusals: &mut Refusals) {
    for finalizer in strings(finalizers) {
        tell(path, finalizer, names::qualified_name(finalizer), refusals);
    }
    let has = |name: &str| strings(finalizers).any(|one| one == name);
    if has(ORPHAN) && has(FOREGROUND_DELETION) {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        refusals.invalid(path, finalizers, detail);
    }
}

/// Checks that finalizers without a domain are known, which most kinds ask for besides (core's `ValidateObjectMeta`).
pub fn validate_known_finalizers(path: &Path<'_>, finalizers: &[Tree], refusals: &mut Refusals) {
    for (at, finalizer) in strings(finalizers).enumerate() {
        if !finalizer.contains('/') && !KNOWN_FINALIZERS.contains(&finalizer) {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            refusals.invalid(&path.index(at), finalizer, detail);
        }
    }
}

/// Refuses finalizers that an object on its way out did not have.
pub fn validate_no_new_finalizers(path: &Path<'_>, new: &[Tree], old: &[Tree], refusals: &mut Refusals) {
    let old: BTreeSet<&str> = strings(old).collect();
    let extra: BTreeSet<&str> = strings(new).filter(|one| !old.contains(one)).collect();
    if extra.is_empty() {
        return;
    }
    let extra: Vec<String> = extra.into_iter().map(quote).collect();
    let head = "no new finalizers can be added if the object is being deleted, found new finalizers";
    refusals.forbidden(path, &format!("{head} []string{{{}}}", extra.join(", ")));
}

/// Checks what is written of managed fields.
pub fn validate_managed_fields(path: &Path<'_>, entries: &[Tree], refusals: &mut Refusals) {
    for (at, entry) in entries.iter().enumerate() {
        let path = path.index(at);
        let operation = entry.text("operation");
        if !matches!(operation, "Apply" | "Update") {
            refusals.invalid(&path.field("operation"), operation, "must be `Apply` or `Update`");
        }
        let fields = entry.text("fieldsType");
        if !matches!(fields, "" | "FieldsV1") {
            refusals.invalid(&path.field("fieldsType"), fields, "must be `FieldsV1`");
        }
        validate_field_manager(&path.field("manager"), entry.text("manager"), refusals);
        if entry.text("subresource").len() > SUBRESOURCE_MAX {
            refusals.too_long(&path.field("subresource"), SUBRESOURCE_MAX);
        }
    }
}

/// Checks the name of a field manager: not too long, and nothing in it that does not print.
pub fn validate_field_manager(path: &Path<'_>, manager: &str, refusals: &mut Refusals) {
    if manager.len() > FIELD_MANAGER_MAX {
        refusals.too_long(path, FIELD_MANAGER_MAX);
    }
    for (at, letter) in manager.char_indices().filter(|(_, letter)| !is_print(*letter)) {
        let detail = format!("invalid character U+{:04X} (at position {at})", u32::from(letter));
        refusals.invalid(path, manager, &detail);
    }
}
