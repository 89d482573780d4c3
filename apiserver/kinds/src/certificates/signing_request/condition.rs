//! The conditions of a signing request: whether it is approved, denied or failed.

use std::collections::{HashMap, HashSet};

use apiserver_api::go::quote;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;

use super::moment;

const APPROVED: &str = "Approved";
const DENIED: &str = "Denied";
const FAILED: &str = "Failed";

/// What a write may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// Nothing of the status.
    Nothing,
    /// What was issued.
    Certificate,
    /// Whether it is approved.
    Decision,
}

/// What an object of old has that a new one may not have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kept {
    both: bool,
    twice: bool,
    empty: bool,
}

impl Kept {
    /// What this object has.
    pub(super) fn of(old: &Tree) -> Self {
        let kinds: Vec<&str> = conditions(old).iter().map(|one| one.text("type")).collect();
        Self {
            both: kinds.contains(&APPROVED) && kinds.contains(&DENIED),
            twice: kinds.iter().collect::<HashSet<_>>().len() < kinds.len(),
            empty: kinds.contains(&""),
        }
    }
}

fn conditions(object: &Tree) -> &[Tree] {
    object.at("status").items("conditions")
}

/// Checks the conditions.
pub(super) fn validate(object: &Tree, kept: Kept, refusals: &mut Refusals) {
    let path = Path::of("status");
    let path = path.field("conditions");
    let mut seen = HashSet::new();
    for (at, one) in conditions(object).iter().enumerate() {
        let (kind, status, path_of_one) = (one.text("type"), one.text("status"), path.index(at));
        if kind.is_empty() && !kept.empty {
            refusals.required(&path_of_one.field("type"), "");
        }
        let known: &[&str] = if [APPROVED, DENIED, FAILED].contains(&kind) {
            &["True"]
        } else {
            &["False", "True", "Unknown"]
        };
        if status.is_empty() {
            refusals.required(&path_of_one.field("status"), "");
        } else if !known.contains(&status) {
            refusals.not_supported(&path_of_one.field("status"), status, known);
        }
        let other = match kind {
            APPROVED => seen.contains(DENIED),
            DENIED => seen.contains(APPROVED),
            _ => false,
        };
        if other && !kept.both {
            let detail = "Approved and Denied conditions are mutually exclusive";
            refusals.invalid(&path, kind, detail);
        }
        if !seen.insert(kind) && !kept.twice {
            refusals.duplicate(&path_of_one.field("type"), kind);
        }
    }
}

/// Checks that decisions stay, and change only where they may.
pub(super) fn validate_update(object: &Tree, old: &Tree, setting: Setting, refusals: &mut Refusals) {
    let path = Path::of("status");
    let path = path.field("conditions");
    for kind in [APPROVED, DENIED, FAILED] {
        if of(object, kind).len() < of(old, kind).len() {
            let detail = format!("updates may not remove a condition of type {}", quote(kind));
            refusals.forbidden(&path, &detail);
        }
    }
    if setting == Setting::Decision {
        return;
    }
    for kind in [APPROVED, DENIED] {
        let (new, before) = (of(object, kind), of(old, kind));
        if new.len() > before.len() {
            let detail = format!("updates may not add a condition of type {}", quote(kind));
            refusals.forbidden(&path, &detail);
        } else if new.len() == before.len() && new != before {
            let detail = format!("updates may not modify a condition of type {}", quote(kind));
            refusals.forbidden(&path, &detail);
        }
    }
}

fn of<'o>(object: &'o Tree, kind: &str) -> Vec<&'o Tree> {
    let list = conditions(object).iter();
    list.filter(|one| one.text("type") == kind).collect()
}

/// Gives decisions their old values where none was added or taken away.
pub(super) fn keep_decisions(object: &mut Tree, old: &Tree) {
    for kind in [APPROVED, DENIED] {
        let before = of(old, kind);
        if before.len() != of(object, kind).len() {
            continue;
        }
        let list = object.child("status").get_mut("conditions").and_then(Tree::as_list_mut);
        let places = list.into_iter().flatten().filter(|one| one.text("type") == kind);
        for (place, value) in places.zip(before) {
            *place = value.clone();
        }
    }
}

/// Fills in when conditions were written, and since when they are as they are.
pub(super) fn set_times(object: &mut Tree, old: &Tree, now: Time) {
    let mut known = HashMap::new();
    for before in conditions(old).iter().filter(|before| before.has("lastTransitionTime")) {
        let key = (before.text("type"), before.text("status"));
        known.entry(key).or_insert_with(|| before.at("lastTransitionTime"));
    }
    let list = object.child("status").get_mut("conditions").and_then(Tree::as_list_mut);
    for one in list.into_iter().flatten() {
        if !one.has("lastUpdateTime") {
            one.set("lastUpdateTime", moment(now));
        }
        if one.has("lastTransitionTime") {
            continue;
        }
        let since = known.get(&(one.text("type"), one.text("status")));
        let since = since.map_or_else(|| moment(now), |since| Tree::clone(since));
        one.set("lastTransitionTime", since);
    }
}

/// How tables show what became of a request.
pub(super) fn cell(object: &Tree) -> String {
    let has = |kind| !of(object, kind).is_empty();
    let mut shown = match (has(DENIED), has(APPROVED)) {
        (true, _) => DENIED,
        (false, true) => APPROVED,
        (false, false) => "Pending",
    }
    .to_owned();
    if has(FAILED) {
        shown.push_str(",Failed");
    }
    if !object.at("status").text("certificate").is_empty() {
        shown.push_str(",Issued");
    }
    shown
}
