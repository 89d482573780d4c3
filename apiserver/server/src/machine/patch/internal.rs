//! The result of a JSON or merge patch that says no version.
//!
//! Upstream then takes the kind as it has it inside the server, whose fields are named as Go names them: whatever a
//! client wrote is unknown there, and the object has no name.

use apiserver_api::go;
use apiserver_api::gvk::{GroupVersion, GroupVersionKind};
use apiserver_api::tree::{MAX_DUPLICATES, Map, Tree};
use apiserver_schema::built_in;

use crate::decode::{self, Expected};

/// What strict decoding says of a result that says no version, in the order of its keys; nothing where it says one, or
/// is refused before that is asked.
///
/// # Errors
/// It is of another kind.
pub(super) fn unversioned(result: &Tree, expected: Expected<'_>) -> Result<Option<Vec<String>>, String> {
    let is_text = |key: &str| matches!(result.at(key), Tree::Null | Tree::Text(_));
    if !matches!(result, Tree::Null | Tree::Map(_)) || !is_text("apiVersion") || !is_text("kind") {
        return Ok(None);
    }
    let wanted = GroupVersionKind::of(expected.api_version, expected.kind);
    match GroupVersion::parse(result.text("apiVersion")) {
        Ok(given) if given.version.is_empty() && (given.group.is_empty() || given.group == wanted.group) => {}
        _ => return Ok(None),
    }
    let kind = result.text("kind");
    if !kind.is_empty() && kind != expected.kind {
        return Err(other(kind, &wanted));
    }
    let common = built_in().named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
    let common = common.map(|id| built_in().get(id));
    let is_known = |key: &str| {
        matches!(key, "apiVersion" | "kind") || common.is_some_and(|metadata| metadata.field(key).is_some())
    };
    let keys = result.as_map().into_iter().flat_map(Map::keys);
    let unknown = keys.filter(|key| !is_known(key)).take(MAX_DUPLICATES);
    Ok(Some(
        unknown.map(|key| format!("unknown field {}", go::quote(key))).collect(),
    ))
}

/// What is said of another kind of the group.
fn other(kind: &str, wanted: &GroupVersionKind) -> String {
    let is_kind = apiserver_kinds::all().any(|known| known.group == wanted.group && known.kind == kind);
    if is_kind {
        let package = decode::package(&wanted.group);
        return format!(
            "converting ({package}.{kind}) to ({package}.{}): unknown conversion",
            wanted.kind
        );
    }
    format!(
        "no kind {} is registered for the internal version of group {} in scheme {}",
        go::quote(kind),
        go::quote(&wanted.group),
        go::quote(decode::scheme(&wanted.group))
    )
}
