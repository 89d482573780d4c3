//! What of a claim may change: little, so that nobody gets by a change what they would not get by a new claim.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::super::access_modes::CLASS_ANNOTATION;
use super::data_source;
use crate::amounts::amount;
use crate::check::{immutable, same};
use crate::diff::unified;
use crate::internal::lines;

const CLASS: &str = "storageClassName";
const ATTRIBUTES: &str = "volumeAttributesClassName";
const CURRENT_ATTRIBUTES: &str = "currentVolumeAttributesClassName";
const SPEC: &str = "io.k8s.api.core.v1.PersistentVolumeClaimSpec";

pub(super) fn validate(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    let (new, mut before) = (object.at("spec"), old.at("spec").clone());
    data_source::settle(&mut before, old.at("spec"));
    let mut after = new.clone();
    // The volume is said once.
    if before.text("volumeName").is_empty() {
        copy(&mut before, &after, "volumeName");
    }
    allow_class(object, old, &mut after, &before, refusals);
    if object.at("status").text("phase") == "Bound" {
        allow_growth(&mut after, &before);
    }
    let path = Path::of("spec");
    if !same(SPEC, &after, &before) {
        let changes = unified(&lines(SPEC, &before), &lines(SPEC, &after));
        let words =
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        refusals.forbidden(&path, &format!("{words}\n{changes}"));
    }
    let size = |spec: &Tree| amount(spec.at("resources").at("requests").at("storage"));
    let capacity = amount(old.at("status").at("capacity").at("storage"));
    if size(new) < size(old.at("spec")) && size(new) <= capacity {
        let path = path.field("resources");
        let path = path.field("requests");
        refusals.forbidden(&path.field("storage"), "field can not be less than status.capacity");
    }
    let mode = "volumeMode";
    immutable(&Path::of(mode), new.at(mode), old.at("spec").at(mode), refusals);
    // What a volume has already cannot be taken back; what it never became can be.
    if new.at(ATTRIBUTES) != old.at("spec").at(ATTRIBUTES) && old.at("status").has(CURRENT_ATTRIBUTES) {
        let value = match new.at(ATTRIBUTES).as_str() {
            None => "nil",
            Some("") => "empty string",
            Some(_) => return,
        };
        let detail = format!("update to {value} is forbidden when status.{CURRENT_ATTRIBUTES} is not nil");
        refusals.forbidden(&path.field(ATTRIBUTES), &detail);
    }
}

fn copy(to: &mut Tree, from: &Tree, field: &str) {
    match from.get(field) {
        Some(value) => to.set(field, value.clone()),
        None => drop(to.remove(field)),
    }
}

/// A class may move from the annotation to the field, or come where there was none.
fn allow_class(object: &Tree, old: &Tree, after: &mut Tree, before: &Tree, refusals: &mut Refusals) {
    let annotation = |object: &Tree| meta::annotation(object, CLASS_ANNOTATION).map(str::to_owned);
    let (now, was) = (annotation(object), annotation(old));
    let class = after.at(CLASS).as_str().map(str::to_owned);
    let none = !before.has(CLASS);
    if was.is_some() && none && class == was && (now.is_none() || now == was) {
        after.remove(CLASS);
        return;
    }
    let (now, was_text) = (now.unwrap_or_default(), was.clone().unwrap_or_default());
    if now != was_text {
        let path = Path::of("metadata");
        let path = path.field("annotations");
        refusals.invalid(&path.field(CLASS_ANNOTATION), &now, meta::FIELD_IS_IMMUTABLE);
    }
    if class.is_some() && none && (was.is_none() || was == class) {
        after.remove(CLASS);
    }
}

/// A bound claim may ask for more, and for other attributes or none.
fn allow_growth(after: &mut Tree, before: &Tree) {
    if after.at("resources").has("requests") {
        let size = before.at("resources").at("requests").at("storage").clone();
        after.child("resources").child("requests").set("storage", size);
    }
    copy(after, before, ATTRIBUTES);
}
