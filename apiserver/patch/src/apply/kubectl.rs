//! What kubectl's own apply left behind: the annotation with what it applied last.
//!
//! Who applied with the client owns nothing as an applier; without the rules here his first server-side apply would
//! conflict with himself.

use apiserver_api::tree::{Tree, parse};

use super::Write;
use super::conflict::Conflicts;
use crate::typed::{compare, leaves, validate};

/// The manager these rules are for; another name opts out.
pub(super) const MANAGER: &str = "kubectl";

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The most bytes of all annotations together.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// The conflicts that are not about what kubectl applied last and nobody changed since. Nothing where that cannot be told.
pub(super) fn remaining(write: &Write<'_>, live: &Tree, conflicts: Conflicts) -> Option<Conflicts> {
    let last = live.below(&["metadata", "annotations"]).text(ANNOTATION);
    let last = parse(last.as_bytes()).ok()?.tree;
    let is_kind = last.text("apiVersion") == write.api_version && last.text("kind") == write.kind_name;
    if !is_kind || validate(write.kind, live).is_err() || validate(write.kind, &last).is_err() {
        return None;
    }
    let changed = compare(write.kind, &last, live).ok()?;
    let fields = leaves(write.kind, &last);
    let fields = fields.difference(&changed.modified).difference(&changed.added);
    Some(conflicts.without(&fields.difference(&changed.removed)))
}

/// Keeps the annotation of an object that has one in step with what was applied, so that the client can take over again.
pub(super) fn note(object: &mut Tree, config: &Tree) {
    let annotations = object
        .get_mut("metadata")
        .and_then(|metadata| metadata.get_mut("annotations"));
    let Some(annotations) = annotations.filter(|annotations| !annotations.text(ANNOTATION).is_empty()) else {
        return;
    };
    let mut applied = config.clone();
    if let Some(own) = applied
        .get_mut("metadata")
        .and_then(|metadata| metadata.get_mut("annotations"))
    {
        own.remove(ANNOTATION);
    }
    let mut text = applied.to_json();
    text.push(b'\n');
    annotations.set(ANNOTATION, String::from_utf8_lossy(&text).into_owned());
    let size: usize = annotations.as_map().map_or(0, |map| {
        map.iter()
            .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
            .sum()
    });
    if size > MAX_ANNOTATIONS {
        annotations.remove(ANNOTATION);
    }
}
