//! What the server itself writes into an object's metadata, and what it holds against the address of a request.

use std::collections::HashSet;

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use base::random::Random;

use crate::catalog::Resource;
use crate::request::Call;

/// The letters of generated names: none that makes words, none that is read for another.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// How many of them.
const GENERATED: usize = 5;
/// The longest name that is generated, in bytes.
const NAME_MAX: usize = 63;

/// A random UUID (version 4).
pub(crate) fn uid(random: &dyn Random) -> String {
    let mut bytes = [0_u8; 16];
    random.fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// A name that begins so.
pub(crate) fn generate_name(base: &str, random: &dyn Random) -> String {
    let mut cut = base.len().min(NAME_MAX - GENERATED);
    while !base.is_char_boundary(cut) {
        cut -= 1;
    }
    let mut bytes = [0_u8; GENERATED];
    random.fill(&mut bytes);
    let letters = bytes
        .iter()
        .map(|byte| LETTERS[usize::from(*byte) % LETTERS.len()] as char);
    base[..cut].chars().chain(letters).collect()
}

/// Takes out of a new object what only the server says (`WipeObjectMetaSystemFields`).
pub(crate) fn wipe(object: &mut Tree) {
    if let Some(metadata) = object.get_mut("metadata") {
        for field in [
            "creationTimestamp",
            "uid",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
        ] {
            metadata.remove(field);
        }
    }
}

/// Says of a new object when it was made and which it is.
pub(crate) fn fill(object: &mut Tree, now: Time, random: &dyn Random) {
    meta::set(object, "creationTimestamp", now.to_string().as_str());
    meta::set_uid(object, &uid(random));
}

/// Gives an object the namespace of its address.
///
/// # Errors
/// 400 where it says another.
pub(crate) fn settle_namespace(resource: &Resource, namespace: &str, object: &mut Tree) -> Result<(), Status> {
    let own = meta::namespace(object);
    let expected = if resource.kind.namespaced { namespace } else { "" };
    if own == expected {
        return Ok(());
    }
    if own.is_empty() {
        meta::set_namespace(object, expected);
        return Ok(());
    }
    if expected.is_empty() {
        if let Some(metadata) = object.get_mut("metadata") {
            metadata.remove("namespace");
        }
        return Ok(());
    }
    let message = "the namespace of the provided object does not match the namespace sent on the request";
    Err(Status::bad_request(message))
}

/// Checks that an object has the name of its address.
///
/// # Errors
/// 400 where it says another, or none.
pub(crate) fn check_name(name: &str, object: &Tree) -> Result<(), Status> {
    let own = meta::name(object);
    if own == name {
        return Ok(());
    }
    if own.is_empty() {
        return Err(nameless(name));
    }
    let message = format!("the name of the object ({own}) does not match the name on the URL ({name})");
    Err(Status::bad_request(message))
}

/// 400: an object says no name where its address does.
pub(crate) fn nameless(name: &str) -> Status {
    let message = format!("the name of the object ({name} based on URL) was undeterminable: name must be provided");
    Status::bad_request(message)
}

/// Takes owners out that stand more than once, and warns of them.
pub(crate) fn dedup_owners(call: &Call, object: &mut Tree, admitted: bool) {
    let owners = meta::owner_references(object);
    if owners.len() < 2 {
        return;
    }
    let mut seen = HashSet::with_capacity(owners.len());
    let (kept, twice): (Vec<&Tree>, Vec<&Tree>) = owners.iter().partition(|owner| seen.insert(owner.to_json()));
    if twice.is_empty() {
        return;
    }
    let twice: Vec<&str> = twice.into_iter().map(|owner| owner.text("uid")).collect();
    let after = if admitted {
        " after mutating admission happens"
    } else {
        ""
    };
    call.warn(format!(
        ".metadata.ownerReferences contains duplicate entries{after}; API server dedups owner references in 1.20+, and may reject \
         such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
        twice.join(", ")
    ));
    let kept: Vec<Tree> = kept.into_iter().cloned().collect();
    meta::set(object, "ownerReferences", kept);
}

/// 409 of a write whose object has another UID than it says.
pub(crate) fn uid_conflict(resource: &Resource, name: &str, key: &str, wanted: &str, found: &str) -> Status {
    Status::conflict(&resource.group_resource, name, unmet(key, "UID", wanted, found))
}

/// What upstream's store says of an object that is not the one that was meant.
pub(super) fn unmet(key: &str, what: &str, wanted: &str, found: &str) -> String {
    format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: {what} in \
         precondition: {wanted}, {what} in object meta: {found}"
    )
}
