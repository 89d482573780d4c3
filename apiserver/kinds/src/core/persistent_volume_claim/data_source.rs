//! What a new volume begins with, which claims say in two fields: the older knows claims and snapshots only.

use apiserver_api::names::{dns_subdomain, name_is_dns_label};
use apiserver_api::path::Path;
use apiserver_api::refusal::{Refusals, Shown};
use apiserver_api::tree::Tree;

const OLDER: &str = "dataSource";
const NEWER: &str = "dataSourceRef";
const CLAIM: &str = "PersistentVolumeClaim";

fn group(source: &Tree) -> &str {
    source.text("apiGroup")
}

/// Drops what is not known or switched on, and lets both fields say the same.
pub(super) fn settle(spec: &mut Tree, old: &Tree) {
    // Sources of other namespaces stay only where they are in use.
    if !spec.at(NEWER).text("namespace").is_empty() && !old.has(NEWER) {
        spec.remove(NEWER);
    }
    let in_use = old.has(OLDER) || old.has(NEWER);
    let older = spec.at(OLDER);
    let known = match older.text("kind") {
        CLAIM => group(older).is_empty(),
        "VolumeSnapshot" => group(older) == "snapshot.storage.k8s.io",
        _ => false,
    };
    if !in_use && !spec.has(NEWER) && !known {
        spec.remove(OLDER);
    }
    let (from, to) = match (spec.has(OLDER), spec.has(NEWER)) {
        (true, false) => (OLDER, NEWER),
        (false, true) if spec.at(NEWER).text("namespace").is_empty() => (NEWER, OLDER),
        _ => return,
    };
    let mut source = Tree::map();
    for field in ["apiGroup", "kind", "name"] {
        source.set(field, spec.at(from).at(field).clone());
    }
    spec.set(to, source);
}

pub(super) fn validate(path: &Path<'_>, spec: &Tree, old: &Tree, refusals: &mut Refusals) {
    let lenient = old.at(OLDER).has("apiGroup") || old.at(NEWER).has("apiGroup");
    for field in [OLDER, NEWER] {
        if spec.has(field) {
            validate_source(&path.field(field), spec.at(field), lenient, refusals);
        }
    }
    let (older, newer) = (spec.at(OLDER), spec.at(NEWER));
    if older.is_null() || newer.is_null() {
        return;
    }
    let same = |field: &str| older.at(field) == newer.at(field);
    // Upstream shows a path there, which prints as an empty object.
    let shown = Shown::raw("{}");
    if !newer.text("namespace").is_empty() {
        let detail = "may not be specified when dataSourceRef.namespace is specified";
        refusals.invalid(path, shown, detail);
    } else if !(same("apiGroup") && same("kind") && same("name")) {
        refusals.invalid(path, shown, "must match dataSourceRef");
    }
}

fn validate_source(path: &Path<'_>, source: &Tree, lenient: bool, refusals: &mut Refusals) {
    for field in ["name", "kind"] {
        if source.text(field).is_empty() {
            refusals.required(&path.field(field), "");
        }
    }
    let (group, kind) = (group(source), source.text("kind"));
    if group.is_empty() && kind != CLAIM {
        let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        refusals.invalid(path, kind, detail);
    }
    if !group.is_empty() && !lenient {
        for message in dns_subdomain(group) {
            refusals.invalid(&path.field("apiGroup"), group, &message);
        }
    }
    let namespace = source.text("namespace");
    if !namespace.is_empty() {
        for message in name_is_dns_label(namespace, false) {
            refusals.invalid(&path.field("namespace"), namespace, &message);
        }
    }
}
